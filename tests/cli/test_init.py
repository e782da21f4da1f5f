"""`hybridctl init`: a whole site or nothing."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from hybridctl import site_template
from hybridctl.cli import cli
from hybridctl.inventory import load_inventory
from hybridctl.site import open_site


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*args: str) -> Any:
    """Run `hybridctl init ARGS`."""
    return CliRunner().invoke(cli, ["init", *args])


def everything(root: Path) -> set[str]:
    """Return every path below a folder."""
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_a_new_site_is_made_and_says_what_comes_next(tmp_path: Path) -> None:
    """stdout lists the files, stderr the next commands; the site loads with the name of its folder."""
    result = run("rack7")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == ["rack7/.gitignore", "rack7/.vault-password"]
    assert [line for line in result.stderr.splitlines() if line.startswith("next: ")] == [
        "next: cd rack7",
        "next: vi inventory/hosts.yml",
        "next: hybridctl doctor",
        "next: hybridctl plan",
    ]
    site = open_site(Path("rack7"))
    assert site.name == "rack7"
    assert len(load_inventory(site).hosts) == 6
    assert everything(tmp_path) - everything(tmp_path / "rack7") >= {"rack7"}
    assert [path.name for path in tmp_path.iterdir()] == ["rack7"]


@pytest.mark.parametrize("name", ["Rack 7: Frankfurt", "'quoted'", "yes", "7", "\\1 #x"])
def test_any_name_comes_back_as_it_was_given(name: str) -> None:
    """The name is text, whatever YAML would make of it."""
    assert run("site", "--name", name).exit_code == 0
    assert open_site(Path("site")).name == name


def test_secrets_are_random_encrypted_and_for_the_owner_only() -> None:
    """Two sites share no key; password and vault have mode 0600; git ignores the password."""
    run("a")
    run("b")
    passwords = {Path(site, ".vault-password").read_text() for site in "ab"}
    assert len(passwords) == 2
    keys = set()
    for site in "ab":
        password, vault = (Path(site, file) for file in site_template.SECRET_FILES)
        assert {stat.S_IMODE(path.stat().st_mode) for path in (password, vault)} == {0o600}
        assert vault.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")
        argv = [str(Path(sys.executable).with_name("ansible-vault")), "view", "--vault-password-file", str(password)]
        opened = subprocess.run([*argv, str(vault)], capture_output=True, text=True, check=True).stdout
        values = yaml.safe_load(opened)
        assert set(values) == set(site_template.vault_names())
        keys |= set(values.values())
        assert ".vault-password" in Path(site, ".gitignore").read_text().splitlines()
        plain = "".join(path.read_text() for path in Path(site).rglob("*") if path.is_file() and path != password)
        assert password.read_text().strip() not in plain
        assert not [key for key in values.values() if key in plain]
    assert len(keys) == 2 * len(site_template.vault_names())


def test_a_folder_that_is_not_empty_is_refused_untouched(tmp_path: Path) -> None:
    """Nothing is written into somebody's folder."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    before = everything(tmp_path)
    result = run("mine")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == "Error: mine is not empty (notes.txt); nothing was written"
    assert everything(tmp_path) == before


@pytest.mark.parametrize(("target", "told"), [("file", "is not a folder"), ("no/parent", "there is no such folder")])
def test_other_places_that_cannot_be(tmp_path: Path, target: str, told: str) -> None:
    """A file, and a folder without a parent, are refused with the remedy."""
    (tmp_path / "file").write_text("x")
    result = run(target)
    assert result.exit_code == 2
    assert told in result.stderr
    assert everything(tmp_path) == {"file"}


def test_an_empty_folder_is_filled_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the current one: `mkdir x; cd x; hybridctl init .`"""
    (tmp_path / "x").mkdir()
    inode = (tmp_path / "x").stat().st_ino
    monkeypatch.chdir(tmp_path / "x")
    assert run(".").exit_code == 0
    assert (tmp_path / "x").stat().st_ino == inode
    assert open_site().name == "x"
    assert len(load_inventory(open_site()).hosts) == 6


@pytest.mark.parametrize("existing", [False, True])
def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existing: bool) -> None:
    """A full disk in the middle: no half site, no temporary folder."""
    if existing:
        (tmp_path / "x").mkdir()
    calls: list[Path] = []
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == (2 if existing else 1):
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    result = run("x")
    assert result.exit_code == 1
    assert "x: No space left on device; nothing was made" in result.stderr
    assert everything(tmp_path) == ({"x"} if existing else set())


def test_check_writes_nothing_and_names_the_same_files(tmp_path: Path) -> None:
    """--check names exactly what is made afterwards, and refuses what would be refused."""
    checked = run("x", "--check")
    assert checked.exit_code == 0
    assert everything(tmp_path) == set()
    assert "files would be written; next: hybridctl init x" in checked.stderr
    assert run("x").stdout == checked.stdout
    assert run("x", "--check").exit_code == 2


def test_json() -> None:
    """One document with the site, its name, and its files."""
    document = json.loads(run("x", "--name", "N", "--json").stdout)
    assert (document["site"], document["name"], document["written"]) == ("x", "N", True)
    assert set(document["files"]) == {str(p.relative_to("x")) for p in Path("x").rglob("*") if p.is_file()}


def test_a_vault_password_in_the_environment_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new vault is opened by the new password, not by the user's other one."""
    (tmp_path / "other").write_text("other")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "other"))
    assert run("x").exit_code == 0
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE")
    assert "vault_vllm_api_key" in load_inventory(open_site(Path("x"))).hosts["gateway1"].variables


def test_help_shows_an_example_and_the_exit_codes() -> None:
    """The help can be used without anything else."""
    text = run("--help").stdout
    assert "hybridctl init rack7" in text
    assert "Exit codes" in text
