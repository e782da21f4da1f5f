"""The lab's file server: packages, wheels and model on the bridge's address, as a site's own mirror would be."""

import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from hybridctl.errors import HybridctlError
from hybridctl.lab.cgroup import kill_all
from hybridctl.lab.container import processes

__all__ = ["MIRROR_PORT", "check_port", "serve", "servers", "stop"]

MIRROR_PORT = 8900
_PATIENCE = 10  # seconds; Python's own server listens within half of one
_LISTEN = "0A"


def check_port(tables: Mapping[str, Path] | None = None) -> None:
    """Raise when a program of this machine listens on the mirror's port on every address, the bridge's included.

    A listener on one address, such as another lab's mirror, is not in our way.
    """
    tables = tables or {"0" * 8: Path("/proc/net/tcp"), "0" * 32: Path("/proc/net/tcp6")}
    for any_address, path in tables.items():
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            _, local, _, state, *_ = line.split()
            if local == f"{any_address}:{MIRROR_PORT:04X}" and state == _LISTEN:
                raise HybridctlError(
                    f"port {MIRROR_PORT} is taken on every address; the lab's mirror wants it on its bridge",
                    f"see which program listens, and end it or bind it to 127.0.0.1: ss -ltnp 'sport = {MIRROR_PORT}'",
                )


def servers(www: Path) -> list[int]:
    """Return the processes that serve the folder."""
    return processes(f"--directory {www} ")


def serve(lab: str, www: Path, address: str, content: Mapping[str, Path], log_file: Path) -> None:
    """Serve each folder of `content` to the lab under its name; does nothing but renew the names when it runs.

    Raises:
        HybridctlError: the server does not answer.
    """
    for name, target in content.items():
        link = www / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    if not servers(www):
        with log_file.open("ab") as log:
            subprocess.Popen(
                [
                    *(sys.executable, "-m", "http.server", str(MIRROR_PORT)),
                    *("--bind", address, "--directory", str(www)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
    deadline = time.monotonic() + _PATIENCE
    while not _listens(address):
        if time.monotonic() > deadline:
            raise HybridctlError(
                f"the mirror of lab {lab} does not answer on {address}:{MIRROR_PORT}:\n{log_file.read_text()[-800:]}",
                f"hybridctl lab down --name {lab}; then raise it again",
            )
        time.sleep(0.05)


def stop(www: Path) -> None:
    """End the server."""
    kill_all(lambda: servers(www), "the lab's mirror")


def _listens(address: str) -> bool:
    try:
        with socket.create_connection((address, MIRROR_PORT), timeout=1):
            return True
    except OSError:
        return False
