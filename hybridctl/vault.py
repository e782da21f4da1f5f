"""Encrypting a file for Ansible Vault."""

import os
import subprocess
import sys
from pathlib import Path

from hybridctl.errors import HybridctlError

__all__ = ["encrypt"]


def encrypt(text: str, password: Path, output: Path) -> None:
    """Write `text` to `output`, encrypted with the password in the file `password`; mode 0600.

    Raises:
        HybridctlError: ansible-vault failed.
    """
    argv = [Path(sys.executable).with_name("ansible-vault"), "encrypt", "--vault-password-file", password]
    # The user's own vault password and ansible.cfg must not join in.
    env = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    done = subprocess.run(
        [*argv, "--output", output],
        input=text,
        text=True,
        capture_output=True,
        check=False,
        env=env | {"ANSIBLE_CONFIG": os.devnull},
    )
    if done.returncode != 0:
        raise HybridctlError(f"ansible-vault failed: {done.stderr.strip()}", "hybridctl doctor")
    output.chmod(0o600)
