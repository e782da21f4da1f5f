"""What a lab remembers between commands, written before anything it names is created."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hybridctl.errors import HybridctlError
from hybridctl.lab.spec import LabHost

__all__ = ["State", "locked", "read_state", "remove", "write_state"]


@dataclass(frozen=True)
class State:
    """A lab that is up, or was interrupted on its way.

    Attributes:
        subnet: the bridge's network, as `10.231.0.0/24`.
        addresses: of each host by name.
    """

    subnet: str
    hosts: tuple[LabHost, ...]
    addresses: dict[str, str] = field(default_factory=dict)


def read_state(folder: Path) -> State | None:
    """Return the state of the lab in the folder, None when there is none."""
    path = folder / "state.json"
    if not path.exists():
        return None
    data = json.loads(path.read_text(encoding="utf-8"))
    hosts = tuple(LabHost(**{**host, "groups": tuple(host["groups"])}) for host in data["hosts"])
    return State(data["subnet"], hosts, data["addresses"])


def write_state(folder: Path, state: State) -> None:
    """Write the state, whole or not at all."""
    partial = folder / "state.partial"
    partial.write_text(json.dumps(asdict(state), indent=2), encoding="utf-8")
    partial.rename(folder / "state.json")


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lab's lock, which the kernel frees when its holder dies.

    Raises:
        HybridctlError: another command holds it, and `wait` is off.
    """
    path = folder / "lock"
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = path.open("w")
        except FileNotFoundError:
            continue  # `down` removed the folder between the two lines above
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise HybridctlError(
                    f"another command is at work on the lab in {folder}", "wait for it, or end it; then try again"
                ) from None
            # `down` removes the folder with the file we waited for: then the lock is to be had anew.
            if _inode(path) == os.fstat(handle.fileno()).st_ino:
                yield
                return


def remove(folder: Path) -> None:
    """Remove the lab's folder, whose lock the caller holds.

    The lock goes last: once its file is gone, another `up` makes a new one and may fill the folder, which then stays.
    """
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()
    (folder / "lock").unlink()
    with suppress(OSError):
        folder.rmdir()


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None
