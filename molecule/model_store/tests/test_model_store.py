"""Model files are what their manifest says, and are made so again when they are not."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from testinfra.host import Host

ROOT = Path(__file__).resolve().parents[3]
FOLDER = "/data/models/tiny"
Play = Callable[..., subprocess.CompletedProcess[str]]


def converge() -> str:
    """Run the role again; return Ansible's recap."""
    site = ROOT / ".hybridctl" / "lab" / f"molecule-{os.environ['MOLECULE_SCENARIO_NAME']}" / "site"
    playbook = Path(sys.executable).with_name("ansible-playbook")
    argv = [playbook, "-i", site / "inventory", ROOT / ".config" / "molecule" / "converge.yml"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_file_matches_its_manifest(host: Host) -> None:
    """sha256sum itself finds nothing wrong, from a URL and from the control node."""
    for folder in (FOLDER, "/data/models/from-control-node"):
        assert "FAILED" not in host.check_output("sh -c %s", f"cd {folder} && sha256sum -c SHA256SUMS")


def test_the_weights_can_be_read_by_the_service_user(host: Host) -> None:
    """Another user than root reads them; nobody but root writes them."""
    weights = host.file(f"{FOLDER}/model.safetensors")
    assert (weights.user, weights.mode) == ("root", 0o644)


def test_a_changed_byte_is_repaired(host: Host) -> None:
    """A file with a wrong byte of the same length is fetched anew; the next run changes nothing."""
    host.check_output("sh -c %s", f"printf X | dd of={FOLDER}/model.safetensors bs=1 seek=100 conv=notrunc status=none")
    assert host.run("sh -c %s", f"cd {FOLDER} && sha256sum -c --quiet SHA256SUMS").rc == 1
    assert "changed=1" in converge()
    assert host.run("sh -c %s", f"cd {FOLDER} && sha256sum -c --quiet SHA256SUMS").rc == 0
    assert "changed=0" in converge()


def manifest(folder: Path, **files: str) -> dict[str, str]:
    """Write files and their manifest; return the model, which the role is to take from this folder."""
    lines = []
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        lines.append(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines))
    return {"name": "made-here", "source": str(folder)}


def test_files_in_subfolders_and_hidden_ones_arrive(host: Host, converged: Play, tmp_path: Path) -> None:
    """They come the first time, the second run changes nothing, and check mode on a fresh folder names them."""
    model = manifest(tmp_path, **{"a/b/weights.bin": "w", "a/config.json": "c", ".hidden": "h"})
    variables = json.dumps({"model_store_models": [model]})
    planned = converged("--check", "-e", variables)
    assert planned.returncode == 0, planned.stdout
    assert "a/b/weights.bin" in planned.stdout
    assert not host.file("/data/models/made-here").exists
    try:
        done = converged("-e", variables)
        assert done.returncode == 0, done.stdout
        assert host.run("sh -c %s", "cd /data/models/made-here && sha256sum -c --quiet SHA256SUMS").rc == 0
        assert "changed=0" in converged("-e", variables).stdout
    finally:
        host.check_output("rm -rf /data/models/made-here")


def test_a_source_with_a_spoilt_file_is_refused(host: Host, converged: Play, tmp_path: Path) -> None:
    """The file is named, and does not come to lie under its name."""
    model = manifest(tmp_path, **{"good.bin": "g", "bad.bin": "b"})
    (tmp_path / "bad.bin").write_text("spoilt")
    try:
        done = converged("-e", json.dumps({"model_store_models": [model]}))
        assert done.returncode == 2
        assert f"{tmp_path}: bad.bin is missing or not what SHA256SUMS says" in " ".join(done.stdout.split())
        assert not host.file("/data/models/made-here/bad.bin").exists
    finally:
        host.check_output("rm -rf /data/models/made-here")


def test_drift_of_files_from_the_control_node_can_be_planned(host: Host, converged: Play) -> None:
    """Check mode names the file that would be copied anew, and does not take the host's copy for the source's."""
    host.check_output("sh -c %s", "echo spoilt > /data/models/from-control-node/weights.txt")
    planned = converged("--check")
    assert planned.returncode == 0, planned.stdout
    assert "(item=weights.txt)" in planned.stdout
    assert "changed=1" in converged().stdout


def test_files_the_manifest_does_not_name_are_left_alone(
    host: Host, converged: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody may want them: they are named and stay."""
    monkeypatch.setenv("ANSIBLE_DISPLAY_OK_HOSTS", "true")
    host.check_output("touch %s/notes.txt", FOLDER)
    try:
        done = converged()
        assert "changed=0" in done.stdout
        assert f"{FOLDER} of store1 has notes.txt, of which the manifest says nothing" in " ".join(done.stdout.split())
        assert host.file(f"{FOLDER}/notes.txt").exists
    finally:
        host.check_output("rm %s/notes.txt", FOLDER)


@pytest.mark.parametrize("name", ["../../../etc/planted", "/etc/planted", "a/../../planted", ".."])
def test_a_manifest_that_names_files_elsewhere_is_refused(
    refused: Callable[..., str], tmp_path: Path, name: str
) -> None:
    """Whoever writes a manifest must not write any file of the host."""
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")
    said = refused(json.dumps({"model_store_models": [{"name": "oops", "source": str(tmp_path)}]}))
    assert f"SHA256SUMS has {name}; its lines are those of sha256sum" in said


def test_a_manifest_line_that_cannot_be_read_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    """A file whose line was not understood would be neither fetched nor compared."""
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  good\nSHA256 (weights.bin) = {'0' * 64}\n")
    said = refused(json.dumps({"model_store_models": [{"name": "oops", "source": str(tmp_path)}]}))
    assert "SHA256SUMS has SHA256 (weights.bin)" in said


def test_a_model_larger_than_the_room_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    """What is missing counts, not only what is to stay free."""
    model = manifest(tmp_path, huge="h")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(1 << 43)
    said = refused(json.dumps({"model_store_models": [model], "model_store_root": "/var"}))
    assert "the missing files of made-here take 8388608 MiB" in said


def test_a_source_that_is_not_the_pinned_one_is_refused(refused: Callable[..., str]) -> None:
    """A manifest with another checksum than the inventory pins names the source and both checksums."""
    model = {"name": "tiny", "source": str(ROOT / "molecule/model_store/files"), "sha256": "0" * 64}
    said = refused(json.dumps({"model_store_models": [model]}))
    assert "SHA256SUMS" in said
    assert "0" * 64 in said


def test_a_relative_source_is_refused(refused: Callable[..., str]) -> None:
    """A source that is neither URL nor absolute path is refused by name."""
    said = refused(json.dumps({"model_store_models": [{"name": "oops", "source": "models/oops"}]}))
    assert "model_store_models: oops wants" in said
