"""The rack of the end-to-end tests, and the commands a user types at it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
NAME = "e2e"


@dataclass(frozen=True)
class Rack:
    """The lab of this test run and what the demo printed while it raised it."""

    demo: str
    site: Path = ROOT / ".hybridctl" / "lab" / NAME / "site"

    @property
    def inventory(self) -> Path:
        """What every command takes after `-i`."""
        return self.site / "inventory"

    def hybridctl(self, *args: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run `hybridctl ARGS -i INVENTORY` as a user would; never raises on a bad exit."""
        return subprocess.run(
            [BIN / "hybridctl", *args, "-i", str(self.inventory)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def playbook(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a plain `ansible-playbook` from the checkout."""
        vault = ("--vault-password-file", str(self.site / ".vault-password"))
        return subprocess.run(
            [BIN / "ansible-playbook", "-i", self.inventory, *vault, *args],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        )

    def address(self, host: str) -> str:
        """Return a host's address."""
        hosts = json.loads(lab("status", "--name", NAME, "--json").stdout)["hosts"]
        return next(str(entry["address"]) for entry in hosts if entry["name"] == host)

    def on(self, host: str, *argv: str) -> str:
        """Run a command on a host; raises when it fails."""
        return lab("exec", "--name", NAME, host, "--", *argv).stdout


def lab(*args: str) -> subprocess.CompletedProcess[str]:
    """Run `hybridctl lab ARGS`; raises when it fails."""
    return subprocess.run(
        [BIN / "hybridctl", "lab", *args], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
    )


def document(done: subprocess.CompletedProcess[str]) -> Any:
    """Return the JSON document a command printed on stdout."""
    assert done.stdout.startswith("{"), done.stderr[-3000:]
    return json.loads(done.stdout)
