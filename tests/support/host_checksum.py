"""A checksum of a lab host's whole root file system, entry by entry, to hold `plan` to its promise.

The host's root is an overlay over a folder that nobody writes: what lies in the overlay's upper part is everything in
which the host differs from it, whiteouts for what was removed included. It is read from outside, so that looking
leaves no trace.
"""

import hashlib
import re
import stat
from fnmatch import fnmatch, translate
from pathlib import Path

__all__ = ["VOLATILE", "checksums", "differences"]

# Pattern of a path -> why it changes without anybody's doing. Everything else counts.
VOLATILE = {
    "/var/log/*": "logs: journald, apt and wtmp write whenever anything happens, a login included",
    "/var/cache/apt/*.bin": "apt's cache of its own index, rebuilt by any apt command that reads",
    "/var/lib/systemd/*": "systemd's own clock, timers and random seed",
    "/var/lib/chrony/*": "chrony's estimate of the clock's drift",
    "/var/lib/prometheus/*": "what exporters' own timers write (smartmon, apt, nvme)",
    "/root/.ansible*": "Ansible's working folder; each task empties its own",
    "/var/lib/vllm/*": "vLLM's home: compiled kernels and caches of the running service",
    "/srv/vllm/*/__pycache__/*": "byte code that a running vLLM writes beside its modules",
    "/tmp/*": "temporary files of running services (PrivateTmp)",
    "/var/tmp/*": "temporary files of running services (PrivateTmp)",
}

_VOLATILE = re.compile("|".join(map(translate, VOLATILE)))


def checksums(lab_host: Path, unread: str = "") -> dict[str, str]:
    """Return path -> what the entry is: kind, mode, owner, and for a file a hash of its content.

    Args:
        lab_host: the host's folder in the lab's.
        unread: pattern of files that are too many to be read: their size and the time of their last change stand for
            the content, so that the answer can be compared with one of the same host only.
    """
    upper, lower = lab_host / "upper", Path((lab_host / "lower").read_text())
    found = {}
    for path in sorted(upper.rglob("*")):
        inside = path.relative_to(upper)
        name = f"/{inside}"
        if _VOLATILE.match(name):
            continue
        # A folder comes up when anything in it does, volatile or not; it counts where it is another than below.
        below = lower / inside
        if path.is_dir() and not path.is_symlink() and below.exists() and _entry(path) == _entry(below):
            continue
        found[name] = _entry(path, read=not fnmatch(name, unread))
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return a line for each path that came, went or is another."""
    return [
        f"{name}: {before.get(name, 'absent')} -> {after.get(name, 'absent')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _entry(path: Path, read: bool = True) -> str:
    try:
        status = path.lstat()
        kind = stat.filemode(status.st_mode)
        if stat.S_ISREG(status.st_mode) and not read:
            # Nobody can set the ctime of a file.
            content = f"{status.st_size} {status.st_ctime_ns}"
        elif stat.S_ISREG(status.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        elif stat.S_ISLNK(status.st_mode):
            content = str(path.readlink())
        else:
            content = ""
    except FileNotFoundError:
        return "vanished"
    return f"{kind} {status.st_uid}:{status.st_gid} {content}".strip()
