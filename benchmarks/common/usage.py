"""What a command and all its descendants use: `python -m benchmarks.common.usage NOTE COMMAND...` writes it to NOTE.

ssh leaves masters of connections behind, whose parent ends before them. This process adopts them, so that none of their
processor time is lost.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["measured"]

_ADOPT = 36  # PR_SET_CHILD_SUBREAPER
_LOOK, _LOOK_AT_ALL = 0.05, 0.5  # seconds between two looks at the memory of the command, and of all others


def measured(argv: list[str]) -> dict[str, float]:
    """Run a command and return `seconds`, `cpu` seconds of all, `peak_mib` of its process, `others_mib` of the rest.

    Memory of the others is what they have for themselves and their share of what they share, the highest sum seen.
    """
    ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)
    own = others = looked = 0.0
    began = time.perf_counter()
    with subprocess.Popen(argv) as process:
        while process.poll() is None:
            own = max(own, _kib(process.pid, "status", "VmHWM:"))
            if (now := time.perf_counter()) - looked > _LOOK_AT_ALL:
                looked = now
                others = max(others, sum(_kib(pid, "smaps_rollup", "Pss:") for pid in _below(process.pid)))
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK)
        seconds = time.perf_counter() - began
    with suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "status": process.returncode,
        "seconds": round(seconds, 3),
        "cpu": round(used.ru_utime + used.ru_stime, 3),
        "peak_mib": round(own / 1024, 1),
        "others_mib": round(others / 1024, 1),
    }


def _kib(pid: int, file: str, name: str) -> float:
    """Return a number of KiB out of /proc, 0 of a process that is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8").splitlines():
            if line.startswith(name):
                return float(line.split()[1])
    return 0.0


def _below(command: int) -> Iterator[int]:
    """Yield all our descendants but the command itself."""
    waiting = [os.getpid()]
    while waiting:
        pid = waiting.pop()
        if pid not in (command, os.getpid()):
            yield pid
        with suppress(OSError):
            for file in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += map(int, file.read_text(encoding="utf-8").split())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(measured(sys.argv[2:])), encoding="utf-8")
