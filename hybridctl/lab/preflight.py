"""What `lab up` needs from this machine, asked before anything is created."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hybridctl.errors import HybridctlError
from hybridctl.lab.spec import LabHost

__all__ = ["check_bridged_traffic", "check_disk", "check_memory", "check_root", "check_tools"]

# command -> Debian package
_TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
_BASE_DISK = 3 * 1024  # MiB: root file system, mirror and wheelhouse (1.1 GiB measured), with room to build them
_WORKER_DISK = 3 * 1024  # MiB: a vLLM environment takes 2.4 GiB (measured)


def check_root() -> None:
    """Raise unless we may make bridges and mounts."""
    if os.geteuid() != 0:
        raise HybridctlError(
            "the lab makes network bridges, mounts and containers: it needs root", "sudo hybridctl lab up"
        )


def check_tools() -> None:
    """Raise when a command is missing, with the package that has it."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        packages = sorted({_TOOLS[tool] for tool in missing})
        raise HybridctlError(f"not installed: {', '.join(missing)}", f"apt-get install -y {' '.join(packages)}")


def check_memory(hosts: Sequence[LabHost], meminfo: Path = Path("/proc/meminfo")) -> None:
    """Raise when the fleet's memory (MiB) is not available."""
    lines = dict(line.split(":") for line in meminfo.read_text().splitlines())
    available = int(lines["MemAvailable"].split()[0]) // 1024
    needed = sum(host.memory for host in hosts)
    if needed > available:
        raise HybridctlError(
            f"the fleet wants {needed} MiB of memory, {available} MiB are available",
            "end other programs, or give a smaller fleet: hybridctl lab up --hosts FILE",
        )


def check_disk(hosts: Sequence[LabHost], folders: Sequence[Path]) -> None:
    """Raise when one of the folders lies on a file system with too little room."""
    needed = _BASE_DISK + _WORKER_DISK * sum(host.is_worker for host in hosts)
    for folder in folders:
        existing = next(p for p in (folder, *folder.parents) if p.exists())
        free = shutil.disk_usage(existing).free // 2**20
        if free < needed:
            raise HybridctlError(
                f"{folder} has {free} MiB of disk free, the lab wants {needed} MiB",
                "make room, or put the cache elsewhere: XDG_CACHE_HOME=/big hybridctl lab up",
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
