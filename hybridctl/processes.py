"""Find and end the processes of a play by the private folder that stands in their environment."""

import os
import signal
import time
from pathlib import Path

__all__ = ["end_processes", "processes_with"]


def processes_with(marker: str) -> list[int]:
    """Return the processes, other than this one, whose environment names `marker`.

    Those of other users cannot be read and are left out. Without /proc (no Linux) the list is empty.
    """
    needle = os.fsencode(marker)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if pid == os.getpid():
            continue
        try:
            if needle in (folder / "environ").read_bytes() and not _is_zombie(folder):
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


def _is_zombie(folder: Path) -> bool:
    return (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] == "Z"
