"""What travels in the wheel: the package, and the collection by an allow-list."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = {"galaxy.yml", "lock.yml", "README.md", "LICENSE", "CHANGELOG.md"}
SITE = "hybridctl/_content/ansible_collections/hybridctl/site/"


def tracked(*folders: str) -> set[str]:
    """Return the files that git tracks below `folders`, relative to the root."""
    done = subprocess.run(["git", "ls-files", "-z", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in done.stdout.split("\0") if name}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel once, from a copy of what git tracks: nothing else may slip in."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked("."):
        origin, target = ROOT / name, source / name
        if origin.is_file() and not origin.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(origin.read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


def test_the_collection_in_the_wheel_is_what_git_tracks(wheel: Path) -> None:
    """Every role, playbook and plugin file travels, and nothing that is not one of them."""
    inside = {n.removeprefix(SITE) for n in zipfile.ZipFile(wheel).namelist() if n.startswith(SITE)}
    expected = tracked("roles", "playbooks", "plugins", "meta") | {
        "galaxy.yml",
        "lock.yml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
    }
    assert inside == expected


def test_the_collection_holds_only_allowed_kinds_of_file() -> None:
    """The manifest of galaxy.yml names every kind of file that travels."""
    allowed = {".yml", ".j2", ".md", ".py"}
    assert {Path(n).suffix for n in tracked("roles", "playbooks", "plugins", "meta")} <= allowed


def test_the_package_in_the_wheel_is_complete(wheel: Path) -> None:
    """Every tracked file of the package travels, data included; the lock lies in the collection."""
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert tracked("hybridctl") - {"hybridctl/data/lock.yml"} <= inside
    assert {f"hybridctl/_content/{n}" for n in tracked("inventories")} <= inside


def test_ansible_galaxy_builds_the_collection(wheel: Path, tmp_path: Path) -> None:
    """Ansible's own tool packs the collection by its manifest, with the same roles inside."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "content")
    galaxy = Path(sys.executable).parent / "ansible-galaxy"
    out, collection = tmp_path / "out", tmp_path / "content" / SITE
    argv = [galaxy, "collection", "build", "--output-path", str(out), str(collection)]
    subprocess.run(argv, check=True, capture_output=True)
    with tarfile.open(next(out.glob("*.tar.gz"))) as archive:
        names = {member.name for member in archive.getmembers() if member.isfile()}
    assert tracked("roles", "playbooks", "plugins", "meta") | {"lock.yml"} <= names
