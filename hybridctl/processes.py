"""Find and end the processes of a play by the private folder that stands in their environment or arguments."""

import os
import signal
import time
from pathlib import Path

__all__ = ["end_processes", "processes_with", "started"]


def processes_with(marker: str) -> list[int]:
    """Return the processes, other than this one, whose environment or arguments name `marker`.

    Arguments count, because the master of an SSH connection overwrites its environment with its new title.

    Those of other users cannot be read and are left out. Without /proc (no Linux) the list is empty.
    """
    needle = os.fsencode(marker)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if pid == os.getpid():
            continue
        try:
            if any(needle in (folder / name).read_bytes() for name in ("environ", "cmdline")) and not _zombie(folder):
                found.append(pid)
        except OSError:
            continue
    return found


def end_processes(marker: str, grace: float = 1.0) -> None:
    """End those processes: asked first, killed after `grace` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in processes_with(marker):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + grace
        while processes_with(marker):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return


def started(pid: int) -> int | None:
    """Return when a process was started, in clock ticks after boot; None when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _zombie(folder: Path) -> bool:
    return (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] == "Z"
