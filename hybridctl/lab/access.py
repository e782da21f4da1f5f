"""How a lab's hosts are reached: keys made beforehand, host key checking on, ssh that asks nothing."""

import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from hybridctl.errors import HybridctlError
from hybridctl.lab import commands

__all__ = ["answers", "make_keys", "ssh_argv", "wait_for_ssh"]

_BOOT_PATIENCE = 60  # seconds; SSH answers within 3 on an idle 2-core machine


def make_keys(keys: Path, lab: str, addresses: Mapping[str, str]) -> None:
    """Make the key we log in with and every host's own, where missing, and a known_hosts of the latter."""
    keys.mkdir(mode=0o700, exist_ok=True)
    lines = []
    for name in ("id_ed25519", *(f"host_{host}" for host in addresses)):
        public = keys / f"{name}.pub"
        # The public half is written last: without it an interrupted run left half a pair.
        if not public.exists():
            (keys / name).unlink(missing_ok=True)
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {lab}", "-f", str(keys / name)]
            commands.run(argv, f"lab {lab}: no SSH key could be made in {keys}", f"make room there: df {keys}")
    for host, address in addresses.items():
        kind, public_key = (keys / f"host_{host}.pub").read_text().split()[:2]
        lines.append(f"{address},{host} {kind} {public_key}\n")
    (keys / "known_hosts").write_text("".join(lines))


def ssh_argv(keys: Path, address: str) -> list[str]:
    """Return the ssh command that reaches a host; a command for it may follow."""
    return [
        *("ssh", "-F", "none", "-i", str(keys / "id_ed25519"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"),
        *("-o", f"UserKnownHostsFile={keys / 'known_hosts'}", "-o", "StrictHostKeyChecking=yes"),
        *("-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10", f"root@{address}"),
    ]


def answers(address: str) -> bool:
    """Return whether an SSH server greets on the address."""
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def wait_for_ssh(lab: str, host: str, address: str, runs: Callable[[], bool], console: Path) -> None:
    """Wait until the host of the lab answers.

    Raises:
        HybridctlError: it ended, or does not answer in time; with the last lines of its console.
    """
    deadline = time.monotonic() + _BOOT_PATIENCE
    while not answers(address):
        if not runs() or time.monotonic() > deadline:
            last = console.read_text(errors="replace")[-1500:] if console.exists() else ""
            raise HybridctlError(
                f"host {host} of lab {lab} did not come up:\n{last}",
                f"hybridctl lab down --name {lab}; then raise it again",
            )
        time.sleep(0.1)
