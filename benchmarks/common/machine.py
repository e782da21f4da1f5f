"""The machine that was measured on, and how quiet it was."""

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

__all__ = ["busy", "describe"]

_SAMPLE = 0.4  # seconds


def describe(**versions: str) -> dict[str, object]:
    """Return cores, memory, kernel and versions; `versions` are those of what was compared with."""
    model = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "").partition(":")[2]
    memory = next(line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": model.strip(),
        "memory_gib": round(int(memory) / 2**20, 1),
        "kernel": platform.release().partition("-")[0],  # the rest is the distribution's name for it
        "python": platform.python_version(),
        "ansible_core": version("ansible-core"),
        **versions,
    }


def busy() -> float:
    """Return the share of all cores, in percent, that is busy just now: what others take before a timed run."""
    before = _jiffies()
    time.sleep(_SAMPLE)
    after = _jiffies()
    total = sum(after) - sum(before)
    idle = after[3] + after[4] - before[3] - before[4]
    return round(100 * (1 - idle / total), 1) if total else 0.0


def _jiffies() -> list[int]:
    return [int(word) for word in _lines("/proc/stat")[0].split()[1:9]]


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()
