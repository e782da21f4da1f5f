"""Control groups of lab hosts: each host has a tree of its own, so that its systemd sees only its own processes.

Without one, nspawn puts every host into the same group: `systemctl stop` in one would meet the processes of another.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hybridctl.errors import HybridctlError

__all__ = ["cgroup_mount", "kill_all", "members", "remove_tree"]


def cgroup_mount(mounts: Path = Path("/proc/mounts")) -> Path:
    """Return where the unified control groups are mounted.

    Raises:
        HybridctlError: nowhere.
    """
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, point, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(point)
    raise HybridctlError(
        "no unified control group hierarchy (cgroup2) is mounted", "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified"
    )


def members(tree: Path) -> list[int]:
    """Return the processes in a group and all below it."""
    found: set[int] = set()
    # A host's systemd makes and removes groups all the time: os.walk passes over what vanished, Path.rglob raises.
    for base, _, _ in os.walk(tree):
        with suppress(OSError):
            found |= {int(pid) for pid in Path(base, "cgroup.procs").read_text().split()}
    # 0 stands for a process of another pid namespace; to a signal it would mean our own process group.
    return sorted(found - {0})


def kill_all(find: Callable[[], list[int]], what: str, patience: float = 20) -> None:
    """Kill what `find` returns until it returns nothing.

    Raises:
        HybridctlError: some are still there after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while pids := find():
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise HybridctlError(f"processes {pids} of {what} do not end", "look at them: ps -fp PID; then try again")
        time.sleep(0.05)


def remove_tree(tree: Path, patience: float = 5) -> None:
    """Remove empty groups, deepest first; the kernel lets go of one some time after its last process.

    Raises:
        HybridctlError: a group is still in use after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while tree.exists():
        for base, _, _ in os.walk(tree, topdown=False):
            with suppress(OSError):
                os.rmdir(base)  # noqa: PTH106 - os.walk speaks strings
        if tree.exists():
            if time.monotonic() > deadline:
                raise HybridctlError(
                    f"control group {tree} is still in use",
                    f"see who is in it, then try again: systemd-cgls {tree}",
                )
            time.sleep(0.05)
