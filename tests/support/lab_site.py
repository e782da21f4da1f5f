"""A lab and the commands that a test gives it: on its hosts, and hybridctl's over them."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
from host_checksum import checksums

from hybridctl import content
from hybridctl.lab.fleet import Lab

__all__ = ["BIN", "LabSite", "raised"]

BIN = Path(sys.executable).parent


class LabSite:
    """A lab whose hosts are provisioned.

    Args:
        hosts: those that the commands are for.
    """

    def __init__(self, lab: Lab, hosts: Iterable[str]) -> None:
        self.lab, self.hosts = lab, tuple(hosts)

    def on(self, host: str, command: str) -> str:
        """Run a command on a host; raises when it fails."""
        argv = [*self.lab.ssh_argv(host), command]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def argv(self, command: str, *args: str) -> list[str]:
        """Return the command line of `plan` or `provision` for the hosts."""
        return [str(BIN / "hybridctl"), command, "-i", str(self.lab.inventory), "-l", ",".join(self.hosts), *args]

    def run(self, command: str, *args: str) -> dict[str, Any]:
        """Run `plan` or `provision` on the hosts, which must end well; return its JSON document, held to its schema."""
        done = subprocess.run(self.argv(command, "--json", *args), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        document: dict[str, Any] = json.loads(done.stdout)
        jsonschema.validate(document, content.schema("plan" if command == "plan" else "run-result"))
        return document

    def checksums(self, *hosts: str) -> dict[str, str]:
        """Return the checksums of everything on these hosts, all when none is named."""
        folders = self.lab.folder / "hosts"
        return {f"{h}:{path}": entry for h in hosts or self.hosts for path, entry in checksums(folders / h).items()}


@contextmanager
def raised(name: str, base: Path, fleet: str) -> Iterator[Lab]:
    """Give a lab of fresh hosts, and take it down.

    Args:
        fleet: text of the fleet file.
    """
    (base / "fleet.yml").write_text(fleet)
    lab = Lab(name, base)
    try:
        subprocess.run([BIN / "hybridctl", "lab", "up", "--name", name, "--hosts", "fleet.yml"], cwd=base, check=True)
        yield lab
    finally:
        lab.down()
