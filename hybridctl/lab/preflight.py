"""What `lab up` needs from this machine, asked before anything is created."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hybridctl.errors import HybridctlError
from hybridctl.lab import commands
from hybridctl.lab.spec import LabHost

__all__ = [
    "check_bridged_traffic",
    "check_disk",
    "check_inotify",
    "check_memory",
    "check_modules",
    "check_overlay",
    "check_paths",
    "check_root",
    "check_tools",
]

# command -> Debian package
_TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "mount": "mount",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
# The extra `lab` makes the tiny model; pip fetches the wheels, and not every virtual environment has it.
_MODULES = ("numpy", "safetensors", "tokenizers", "pip")
_BASE_DISK = 3 * 1024  # MiB: root file system, mirror and wheelhouse (1.1 GiB measured), with room to build them
_WORKER_DISK = 3 * 1024  # MiB: a vLLM environment takes 2.4 GiB (measured)
_INOTIFY = 7  # instances of inotify that root holds for a host: systemd 5, logind 1 (counted), and one for a login


def check_root(command: str) -> None:
    """Raise unless we may make bridges and mounts; `command` is what to type again as root."""
    if os.geteuid() != 0:
        raise HybridctlError("the lab makes network bridges, mounts and containers: it needs root", f"sudo {command}")


def check_tools() -> None:
    """Raise when a command is missing, with the package that has it."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        packages = sorted({_TOOLS[tool] for tool in missing})
        raise HybridctlError(f"not installed: {', '.join(missing)}", f"apt-get install -y {' '.join(packages)}")


def check_modules(hosts: Sequence[LabHost]) -> None:
    """Raise when the fleet has workers and this Python cannot make their model or fetch their wheels."""
    if not any(host.is_worker for host in hosts):
        return
    missing = [name for name in _MODULES if importlib.util.find_spec(name) is None]
    if missing:
        raise HybridctlError(
            f"the lab's vLLM workers want Python modules that {sys.executable} lacks: {', '.join(missing)}",
            f"pipx install --force 'hybridctl[lab]', or: pip --python {sys.executable} install {' '.join(missing)}",
        )


def check_memory(hosts: Sequence[LabHost], command: str, meminfo: Path = Path("/proc/meminfo")) -> None:
    """Raise when the fleet's memory (MiB) is not available; `command` takes a smaller fleet."""
    lines = dict(line.split(":") for line in meminfo.read_text().splitlines())
    available = int(lines["MemAvailable"].split()[0]) // 1024
    needed = sum(host.memory for host in hosts)
    if needed > available:
        raise HybridctlError(
            f"the fleet wants {needed} MiB of memory, {available} MiB are available",
            f"end other programs, or give a smaller fleet: {command} --hosts FILE",
        )


def check_inotify(hosts: Sequence[LabHost], command: str, proc: Path = Path("/proc")) -> None:
    """Raise when root may not open the inotify instances of so many hosts: systemd in them would hang at boot."""
    limit = int((proc / "sys/fs/inotify/max_user_instances").read_text())
    opened = 0
    for link in proc.glob("[0-9]*/fd/*"):
        with suppress(OSError):  # a process that ended meanwhile
            ours = link.parent.parent.stat().st_uid == os.geteuid()
            opened += ours and str(link.readlink()) == "anon_inode:inotify"
    needed = opened + _INOTIFY * len(hosts)
    if needed > limit:
        raise HybridctlError(
            f"{len(hosts)} more hosts need about {needed} instances of inotify with those now open, and"
            f" fs.inotify.max_user_instances is {limit}: they would hang at boot",
            f"sysctl fs.inotify.max_user_instances={max(512, 2 * needed)} && {command}",
        )


def check_disk(hosts: Sequence[LabHost], lab: Path, cache: Path, command: str) -> None:
    """Raise when the lab's or the cache's folder lies on a file system with too little room."""
    needed = _BASE_DISK + _WORKER_DISK * sum(host.is_worker for host in hosts)
    moves = {
        lab: f"raise it from a folder with more room: cd /big && {command}",
        cache: f"put the cache elsewhere: XDG_CACHE_HOME=/big {command}",
    }
    for folder, move in moves.items():
        existing = next(p for p in (folder, *folder.parents) if p.exists())
        free = shutil.disk_usage(existing).free // 2**20
        if free < needed:
            raise HybridctlError(
                f"{folder} has {free} MiB of disk free, the lab wants {needed} MiB",
                f"make room, or {move}",
            )


def check_paths(lab: Path, cache: Path, command: str) -> None:
    """Raise when a path holds what the options of an overlay mount or of ssh would read as something else."""
    moves = {lab: f"cd /plain && {command}", cache: f"XDG_CACHE_HOME=/plain {command}"}
    for folder, move in moves.items():
        bad = sorted(set(re.findall(r"[^\w/.@+=~-]", str(folder))))
        if bad:
            raise HybridctlError(
                f"{folder}: {' '.join(map(repr, bad))} cannot stand in the path of a lab or its cache: overlay mounts"
                " and ssh give it a meaning of their own",
                f"use a folder named with letters, digits and . _ - only: {move}",
            )


# The shell cleans up, so that nothing stays when this program is killed meanwhile.
_TRY_OVERLAY = """
place=$(mktemp -d "$1/.hybridctl-XXXXXXXX")
trap 'umount "$place/root" 2>/dev/null; rm -rf "$place"' EXIT
mkdir "$place/lower" "$place/upper" "$place/work" "$place/root"
mount -t overlay overlay -o "lowerdir=$place/lower,upperdir=$place/upper,workdir=$place/work" "$place/root"
"""


def check_overlay(lab: Path, command: str) -> None:
    """Raise when the file system of the lab's folder cannot hold a host's changes: an overlay itself, or NFS."""
    existing = next(p for p in (lab, *lab.parents) if p.exists())
    commands.run(
        ["unshare", "--mount", "--", "sh", "-ec", _TRY_OVERLAY, "sh", str(existing)],
        f"an overlay cannot be mounted below {existing}, and lab hosts stand on overlays",
        f"raise the lab on a plain file system such as ext4 or xfs, not on an overlay or a share: cd /srv && {command}",
    )


def check_bridged_traffic(switch: Path = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")) -> None:
    """Raise when this machine's packet filter drops what one lab host sends to another over the bridge."""
    if not switch.exists() or switch.read_text().strip() != "1" or shutil.which("iptables") is None:
        return
    rules = subprocess.run(["iptables", "-S", "FORWARD"], capture_output=True, text=True, check=False).stdout
    if "-P FORWARD DROP" in rules and "--physdev-is-bridged -j ACCEPT" not in rules:
        raise HybridctlError(
            "this machine sends bridged traffic through iptables, whose FORWARD policy is DROP: lab hosts would not"
            " reach each other",
            "iptables -I FORWARD -m physdev --physdev-is-bridged -j ACCEPT",
        )
