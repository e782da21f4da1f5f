"""What a lab shows on this machine: processes, mounts, links, control groups, tables, settings."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from hybridctl.lab.cgroup import cgroup_mount
from hybridctl.lab.fleet import Lab

__all__ = ["Traces", "assert_gone", "nspawn_locks", "traces"]

_NSPAWN = Path("/run/systemd/nspawn")
_COUNTERS = ("nf_conntrack_count",)  # moves with every connection of this machine
_LAB_LINKS = ("hyb", "vb-")

Traces = Mapping[str, Sequence[str]]


def traces(lab: Lab) -> Traces:
    """Return everything of this lab that this machine shows, and the settings no lab may touch."""
    mine = (lab.id, f"{lab.folder}/")
    mounts = Path("/proc/mounts").read_text().splitlines()
    return {
        "links": [line for line in _lines("ip", "-o", "-details", "link") if lab.id in line],
        "routes": [line for line in _lines("ip", "route") if lab.id in line],
        "mounts": [line for line in mounts if any(m in line for m in mine)],
        "processes": [line for line in _lines("ps", "-eo", "args") if any(m in line for m in mine)],
        "inside": _inside(lab),
        "nspawn": [str(path) for path in _NSPAWN.glob(f"*/{lab.id}-*")],
        "groups": [str(path) for path in cgroup_mount().glob(f"{lab.id}*")],
        "tables": _lines("nft", "list", "tables"),
        "settings": _settings(),
        "folder": [str(lab.folder)] if lab.folder.exists() else [],
    }


def assert_gone(lab: Lab, before: Traces) -> None:
    """Nothing of the lab is left; the kernel may take a moment to free a link."""
    deadline = time.monotonic() + 5
    while (now := traces(lab)) != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert now == before


def nspawn_locks(lab: Lab) -> list[Path]:
    """Return nspawn's lock files of the lab's hosts; they are named by their mounted roots, so ask while those are."""
    stats = [path.stat() for path in lab.folder.glob("hosts/*/root")]
    locks = [_NSPAWN / "locks" / f"inode-{stat.st_dev}:{stat.st_ino}" for stat in stats]
    return [path for path in locks if path.exists()]


def _inside(lab: Lab) -> list[str]:
    """Return the processes on the lab's hosts: they carry no name of the lab, the overlay they stand on does."""
    found = []
    for path in Path("/proc").glob("[0-9]*/mountinfo"):
        text = _read(path)
        if f"hybridctl-{lab.id}-" not in text:
            continue
        root = next((line for line in text.splitlines() if line.split()[4] == "/"), "")
        if " - overlay hybridctl-" in root:
            found.append(path.parent.name)
    return found


def _settings(root: Path = Path("/proc/sys/net")) -> list[str]:
    """Return every network setting of this machine, those of links apart that come and go with other labs."""
    found = []
    # Other labs' links come and go meanwhile: os.walk passes over what vanished, Path.rglob raises.
    for base, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(_LAB_LINKS))
        for name in sorted(set(names) - set(_COUNTERS)):
            # Some can only be written, some have no value yet.
            with suppress(OSError):
                found.append(f"{base}/{name} {Path(base, name).read_text().strip()}")
    return found


def _lines(*argv: str) -> list[str]:
    # A tool that is missing is an error: a machine on which nobody looked has not been left clean.
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process ended meanwhile
        return ""
