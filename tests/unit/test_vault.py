"""A program that says the vault's password: run once for the two processes of Ansible's that `verify` starts."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hybridctl import vault
from hybridctl.errors import InvalidInput
from hybridctl.redaction import MASK
from hybridctl.site import Site, open_site
from hybridctl.vault import encrypt, vault_opened
from hybridctl.verification import HostState, verify


def site_with(root: Path, script: str, name: str = "password") -> Site:
    """Return a site whose vault password a program says."""
    program = root / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return Site(root, root / "hosts.yml", "test", vault_password_file=program)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("password", ""), ("our-client", "--vault-id default"), ("our-client.sh", "--vault-id default")],
)
def test_what_a_program_says_is_in_a_file(tmp_path: Path, name: str, arguments: str) -> None:
    """Ours alone, and gone at the end; the program is run in the site's folder, as Ansible runs it, with no stdin."""
    site = site_with(tmp_path, 'cat; echo "$PWD $*" >> called; echo s3cret', name)
    with vault_opened(site) as (opened, password):
        answer = opened.vault_answer
        assert answer is not None
        assert opened.vault_source == password == answer
        assert opened.vault_password_file == site.vault_password_file
        assert (answer.read_text(), stat.S_IMODE(answer.stat().st_mode)) == ("s3cret\n", 0o600)
        assert stat.S_IMODE(answer.parent.stat().st_mode) == 0o700
    assert not answer.parent.exists()
    assert (tmp_path / "called").read_text().rstrip() == f"{tmp_path} {arguments}".rstrip()


def test_a_file_is_left_to_ansible(tmp_path: Path) -> None:
    """So is a site without a password."""
    file = tmp_path / "password"
    file.write_text("s3cret")
    file.chmod(0o600)
    for site in (Site(tmp_path, tmp_path, "test", vault_password_file=file), Site(tmp_path, tmp_path, "test")):
        with vault_opened(site) as (opened, password):
            assert opened is site
            assert password == site.vault_password_file


def test_a_password_with_blanks_at_its_ends_is_left_to_ansible(tmp_path: Path) -> None:
    """Which would take them off a file's; the redactor has what the program said, not the program's text."""
    with vault_opened(site_with(tmp_path, "echo ' s3cret'")) as (opened, password):
        assert opened.vault_source == tmp_path / "password"
        assert password is not None
        assert password.read_text() == " s3cret\n"
    assert not password.parent.exists()


def test_a_killed_run_leaves_its_password_until_the_next_one(tmp_path: Path) -> None:
    """Whatever that opens; nobody can clean up behind a SIGKILL or the kernel's want of memory."""
    site = site_with(tmp_path, "echo s3cret")
    killed = f"""
import os, pathlib
from hybridctl.site import Site
from hybridctl.vault import vault_opened
root = pathlib.Path({str(tmp_path)!r})
with vault_opened(Site(root, root, "test", vault_password_file=root / "password")) as (_, password):
    print(password, flush=True)
    os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", killed], capture_output=True, text=True, check=False)
    left = Path(done.stdout.strip())
    assert (done.returncode, left.read_text()) == (-9, "s3cret\n"), done.stderr
    with vault_opened(site) as (_, password), vault_opened(Site(tmp_path, tmp_path, "test")):
        assert not left.parent.exists()
        assert password is not None
        assert password.exists()


@pytest.mark.parametrize(
    ("script", "trouble"),
    [("echo half; exit 7", "it ended with status 7"), ("echo", "it said nothing"), ("exec sleep 9", "within 0.1 s")],
)
def test_a_program_that_gives_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, trouble: str) -> None:
    """Refused with its name, what it did, and how to see more; what it said is not told."""
    monkeypatch.setattr(vault, "TIMEOUT", 0.1 if "sleep" in script else 60)
    with pytest.raises(InvalidInput, match=trouble) as refused, vault_opened(site_with(tmp_path, script)):
        pass
    assert "password: the vault password program gave no password" in refused.value.message
    assert "half" not in refused.value.message
    assert refused.value.hint == f"run it by hand: {tmp_path}/password"


def test_a_password_that_is_executable_by_mistake(tmp_path: Path) -> None:
    """It is not run as a shell script, nor shown."""
    site = site_with(tmp_path, "")
    (tmp_path / "password").write_text("s3cret")
    with pytest.raises(InvalidInput, match="a file that is no program must not be executable"), vault_opened(site):
        pass


def test_verify_asks_the_program_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by Ansible's own variable, too; both processes open the vault by its answer, which is masked in reports."""
    program = site_with(tmp_path, "echo called >> calls; echo pass-of-the-vault").vault_password_file
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(program))
    variables = tmp_path / "inventory" / "group_vars"
    variables.mkdir(parents=True)
    (tmp_path / "plain").write_text("pass-of-the-vault")
    encrypt("ansible_connection: local\n", tmp_path / "plain", variables / "all.yml")
    (tmp_path / "inventory" / "hosts.yml").write_text("monitoring:\n  hosts:\n    h1:\n")
    (tmp_path / "hybridctl.yml").write_text("name: bank\n")
    (tmp_path / "waivers.yml").write_text(
        "- {check: os.release, hosts: all, reason: it is pass-of-the-vault, owner: me, expires: 2099-01-01}\n"
    )
    done = verify(open_site(start=tmp_path))
    assert [(host.name, host.state) for host in done.hosts] == [("h1", HostState.NO_PROFILE)]
    assert (tmp_path / "calls").read_text() == "called\n"
    assert done.waivers[0].waiver.reason == f"it is {MASK}"


def test_a_password_with_blanks_is_masked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible asks the program itself then, and the program's text is no secret."""
    program = site_with(tmp_path, "echo ' pass-of-the-vault'").vault_password_file
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(program))
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory" / "hosts.yml").write_text("monitoring:\n  hosts:\n    h1: {ansible_connection: local}\n")
    (tmp_path / "hybridctl.yml").write_text("name: bank\n")
    (tmp_path / "waivers.yml").write_text(
        "- {check: os.release, hosts: all, reason: it is pass-of-the-vault, owner: me, expires: 2099-01-01}\n"
    )
    assert verify(open_site(start=tmp_path)).waivers[0].waiver.reason == f"it is {MASK}"
