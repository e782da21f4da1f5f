"""Private folders for a run: where they go, and how the next run removes those of a killed one."""

import os
import shutil
import tempfile
from pathlib import Path

from hybridctl.processes import end_processes, processes_with, started

__all__ = ["in_memory", "private_folder", "short_temporary", "sweep"]

# A socket's path ends at 107 characters. Behind the folder come `/hybridctl-XXXXXXXX/`, 40 of ssh's hash (%C; Ansible's
# has 10), and 17 that ssh adds while it opens.
_LONGEST = 107 - 20 - 40 - 17
# Names of a private folder and of the file in it that tells whose it is.
_PREFIX, _OWNER = "hybridctl-", "owner"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


def short_temporary() -> Path:
    """Return the folder for temporary files; /tmp where its own name is too long for sockets in it."""
    base = tempfile.gettempdir()
    return Path(base if len(base) <= _LONGEST else "/tmp")  # noqa: S108 - a folder of our own is made in it


def in_memory() -> Path:
    """Return a folder for temporary files that no disk keeps, where this machine has one."""
    return _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else short_temporary()


def private_folder(base: Path) -> Path:
    """Make a folder that only we can read, with a name short enough for ssh's sockets."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    (folder / _OWNER).write_text(f"{os.getpid()} {started(os.getpid())}", encoding="ascii")
    return folder


def sweep() -> None:
    """Remove the private folders of runs that were killed, once nothing they started is left."""
    for folder in (folder for base in {short_temporary(), in_memory()} for folder in base.glob(f"{_PREFIX}*")):
        try:
            if folder.lstat().st_uid != os.getuid():
                continue
            pid, _, at = (folder / _OWNER).read_text(encoding="ascii").partition(" ")
            if str(started(int(pid))) != at and all(map(_is_master, processes_with(str(folder)))):
                end_processes(str(folder))
                shutil.rmtree(folder, ignore_errors=True)
        except (OSError, ValueError):
            continue  # somebody else's, or being made just now


def _is_master(pid: int) -> bool:
    """Tell whether a process only keeps an SSH connection open; nobody uses that any more."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ssh: ")
