"""Ansible Vault: encrypting a file, and asking a program for the password."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hybridctl.ansible_view import TIMEOUT, environment
from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.problems import shown_path
from hybridctl.site import Site
from hybridctl.temporary import in_memory, private_folder, sweep

__all__ = ["encrypt", "vault_opened"]


def encrypt(text: str, password: Path, output: Path) -> None:
    """Write `text` to `output`, encrypted with the password in the file `password`; mode 0600.

    Raises:
        HybridctlError: ansible-vault failed.
    """
    argv = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt", "--vault-password-file", str(password)]
    with tempfile.TemporaryDirectory(prefix="hybridctl-") as folder:
        # The user's own vault password must not join in.
        env = {key: value for key, value in environment(Path(folder)).items() if not key.startswith("ANSIBLE_VAULT")}
        done = subprocess.run(
            [*argv, "--output", str(output)], input=text, text=True, env=env, capture_output=True, check=False
        )
    if done.returncode != 0:
        raise HybridctlError(f"ansible-vault failed: {done.stderr.strip()}", "hybridctl doctor")
    output.chmod(0o600)


@contextmanager
def vault_opened(site: Site) -> Iterator[tuple[Site, Path | None]]:
    """Yield the site with the vault's password, where a program says it, in a file of ours; and the password's file.

    Each process of Ansible's would run the program, and a person would be asked by two at a time on one terminal. What
    a killed run left of this is removed first.

    Raises:
        InvalidInput: the program says no password.
    """
    sweep()
    program = site.vault_password_file
    if program is None or not program.stat().st_mode & 0o111:  # what Ansible takes for one
        yield site, program
        return
    said = _ask(program, site.root)
    # Ansible takes the blanks off what it reads from a file, and leaves those that a program said: then it asks itself.
    is_for_ansible = said.strip() == said.strip(b"\r\n")
    folder = private_folder(in_memory())
    try:
        answer = folder / "password"
        answer.touch(mode=0o600)
        answer.write_bytes(said)
        yield (replace(site, vault_answer=answer) if is_for_ansible else site), answer
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ask(program: Path, root: Path) -> bytes:
    """Run the program as Ansible does: `NAME-client` is told whose password is wanted."""
    argv = [str(program)]
    if program.stem.endswith("-client"):
        argv += ["--vault-id", os.environ.get("ANSIBLE_VAULT_IDENTITY") or "default"]
    try:
        # It may ask a person: on the terminal, or by stderr, which is left to it.
        done = subprocess.run(
            argv, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        trouble = f"it did not end within {TIMEOUT} s"
    except OSError as error:
        trouble = f"{error.strerror}; a file that is no program must not be executable"
    else:
        if not done.returncode and done.stdout.strip():
            return done.stdout
        trouble = f"it ended with status {done.returncode}" if done.returncode else "it said nothing"
    raise InvalidInput(
        f"{shown_path(program)}: the vault password program gave no password: {trouble}; nothing was contacted",
        f"run it by hand: {program}",
    )
