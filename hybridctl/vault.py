"""Encrypting a file for Ansible Vault."""

import subprocess
import sys
import tempfile
from pathlib import Path

from hybridctl.ansible_view import environment
from hybridctl.errors import HybridctlError

__all__ = ["encrypt"]


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
