"""Checks of storage: where the model store lies, what carries it, and whether there is room."""

import re
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import file_text, output
from hybridctl.parsers.block_devices import Mount, read_findmnt, read_lsblk
from hybridctl.parsers.mdraid import Array, read_mdstat
from hybridctl.refusals import Unreadable

__all__ = ["CHECKS", "nvme_disks"]

# A namespace of an NVMe drive, or a part of one.
_NVME = re.compile(r"(nvme\d+n\d+)(p\d+)?", re.ASCII)
# What a path of /dev may stand for: an array of a controller, a volume over several drives.
_OPAQUE = "what lies under {0} cannot be seen from here: lsblk --inverse /dev/{0}"


def nvme_disks(host: Any) -> tuple[str, ...]:
    """Return the names of the NVMe namespaces, such as `nvme0n1`.

    Raises:
        CannotTell: lsblk cannot be read, or lists no device at all.
    """
    found = read_lsblk(output(host, "env LC_ALL=C lsblk --nodeps --pairs --bytes --output NAME,TYPE,SIZE"))
    return tuple(sorted(one.name for one in found if one.type == "disk" and _NVME.fullmatch(one.name)))


def nvme_devices(host: Any, want: Want) -> Result:
    """How many NVMe drives the kernel has found."""
    found = nvme_disks(host)
    return want.judge(len(found), reason=f"found: {', '.join(found) or 'none'}")


def raid_level(host: Any, want: Want) -> Result:
    """The level of the software array that carries the model store."""
    device = _device(_model_mount(host, want))
    array = next((one for one in _arrays(host) if one.name == device), None)
    if array is None:
        if not _NVME.fullmatch(device):
            raise CannotTell(_OPAQUE.format(device))
        return want.result(Verdict.FAIL, "none", reason=f"the model store lies on {device} alone")
    return want.judge(array.level or "none", reason=f"the model store lies on {device}")


def raid_arrays(host: Any, want: Want) -> Result:
    """How many software arrays have lost a device or do not run."""
    bad = [one.name for one in _arrays(host) if one.is_degraded or not one.is_active]
    return want.judge(len(bad), reason=f"degraded or inactive: {', '.join(bad)}")


def model_cache(host: Any, want: Want) -> Result:
    """What kind of drive the model store lies on."""
    mount = _model_mount(host, want)
    if not mount.source.startswith("/dev/"):
        return want.judge(mount.fstype, reason=f"{mount.target} is a file system without a drive of this host")
    device = _device(mount)
    array = None if _NVME.fullmatch(device) else next((one for one in _arrays(host) if one.name == device), None)
    parts = [*array.members, *array.spares] if array else [device]
    if all(map(_NVME.fullmatch, parts)):
        return want.judge("NVMe")
    if any(not re.fullmatch(r"(nvme\d+n\d+(p\d+)?|[svh]d[a-z]+\d*)", part, re.ASCII) for part in parts):
        raise CannotTell(_OPAQUE.format(device))
    slow = [part for part in parts if not _NVME.fullmatch(part)]
    return want.judge("SATA or SAS", reason=f"{mount.target} lies on {', '.join(slow)}")


def model_filesystem(host: Any, want: Want) -> Result:
    """The file system of the model store."""
    return want.judge(_model_mount(host, want).fstype)


def model_options(host: Any, want: Want) -> Any:
    """Each mount option of the model store that is asked for is set."""
    mount = _model_mount(host, want)
    for option in want.expectation.wanted:
        has = option in mount.options
        reason = "" if has else f"{mount.target} is mounted with {','.join(mount.options)}"
        verdict = Verdict.PASS if has else Verdict.FAIL
        yield want.result(verdict, "set" if has else "not set", subject=option, expected="set", reason=reason)


def model_free(host: Any, want: Want) -> Result:
    """Room that is left for models."""
    mount = _model_mount(host, want)
    if mount.available is None:
        raise CannotTell("findmnt does not say what is available")
    return want.judge(round(mount.available / 2**30, 1), reason=f"on {mount.target}, which holds the model store")


def root_used(host: Any, want: Want) -> Result:
    """How full the root file system is, in percent of what is there."""
    mount = _mount(host, "/")
    if mount.available is None or not mount.size:
        raise CannotTell("findmnt does not say what is available")
    return want.judge(round(100 * (1 - mount.available / mount.size), 1))


def root_inodes(host: Any, want: Want) -> Result:
    """How many of the root file system's inodes are used, in percent."""
    text = output(host, "stat --file-system --format %s -- /", "%c %d").strip()
    words = text.split()
    if len(words) != 2 or not all(re.fullmatch(r"\d{1,20}", word, re.ASCII) for word in words):
        raise Unreadable("stat", text, "two numbers were expected")
    total, free = map(int, words)
    if not 0 <= free <= total or not total:
        raise CannotTell(f"the root file system counts no inodes ({text})")
    return want.judge(round(100 * (1 - free / total), 1))


def read_only(host: Any, want: Want) -> Result:
    """How many file systems of drives may not be written: a kernel that meets an error of one stops writing."""
    lines = [line.split(" ") for line in file_text(host, "/proc/mounts").splitlines() if line.strip()]
    odd = next((words for words in lines if len(words) != 6 or not words[1].startswith("/")), None)
    if odd is not None:
        raise Unreadable("/proc/mounts", " ".join(odd), "six words were expected")
    # These cannot be written anywhere.
    sealed = {"squashfs", "iso9660", "erofs"}
    bad = sorted({w[1] for w in lines if w[0].startswith("/dev/") and w[2] not in sealed and "ro" in w[3].split(",")})
    return want.judge(len(bad), reason=f"read-only: {', '.join(bad)}")


def scheduler(host: Any, want: Want) -> Any:
    """How the kernel orders requests to each NVMe drive; such a drive orders them itself."""
    for disk in _some_nvme(host):
        path = f"/sys/block/{disk}/queue/scheduler"
        found = re.fullmatch(r"(?:[\w-]+ )*\[([\w-]+)\](?: [\w-]+)*\s*", file_text(host, path), re.ASCII)
        if found is None:
            yield want.result(Verdict.UNKNOWN, None, subject=disk, reason=f"{path} marks none as chosen")
        else:
            yield want.judge(found[1], subject=disk)


def _some_nvme(host: Any) -> tuple[str, ...]:
    disks = nvme_disks(host)
    if not disks:
        raise CannotTell("there is no NVMe drive")
    return disks


def _model_mount(host: Any, want: Want) -> Mount:
    return _mount(host, str(want.variable("model_store_root")))


def _mount(host: Any, path: str) -> Mount:
    columns = "TARGET,SOURCE,FSTYPE,OPTIONS,SIZE,AVAIL"
    found = read_findmnt(output(host, f"env LC_ALL=C findmnt --json --bytes --output {columns} --target %s", path))
    if not found or not found[0].fstype:
        raise CannotTell(f"findmnt does not say where {path} lies")
    return found[0]


def _device(mount: Mount) -> str:
    """Return the name in /dev of what is mounted, without the subvolume or folder in brackets."""
    return mount.source.partition("[")[0].removeprefix("/dev/")


def _arrays(host: Any) -> tuple[Array, ...]:
    return read_mdstat(file_text(host, "/proc/mdstat"))


_ROOT = ("model_store_root",)

CHECKS = (
    Check(
        "storage.nvme_devices",
        "NVMe drives found",
        Kind.NUMBER,
        nvme_devices,
        "look for one that fell off the bus: journalctl -k -b --grep nvme; lspci -d ::0108; seat it again",
        unit="devices",
    ),
    Check(
        "storage.raid_level",
        "array that carries the model store",
        Kind.TEXT,
        raid_level,
        "make the array before models are stored: mdadm --create /dev/md0 --level=0 --raid-devices=N DRIVES",
        variables=_ROOT,
    ),
    Check(
        "storage.raid_arrays",
        "software arrays whole and running",
        Kind.NUMBER,
        raid_arrays,
        "see which device is out: mdadm --detail /dev/mdN; bring a new one in: mdadm --manage /dev/mdN --add DRIVE",
        unit="arrays",
        varies="what has happened to one host's drives",
    ),
    Check(
        "storage.model_cache",
        "drive of the model store",
        Kind.TEXT,
        model_cache,
        "mount a file system of the NVMe drives at model_store_root; see findmnt --target on that folder",
        variables=_ROOT,
    ),
    Check(
        "storage.model_filesystem",
        "file system of the model store",
        Kind.TEXT,
        model_filesystem,
        "move the models away, make the file system anew (mkfs.xfs), mount it and provision the layer serving",
        variables=_ROOT,
    ),
    Check(
        "storage.model_options",
        "mount options of the model store",
        Kind.NAMES,
        model_options,
        "add {subject} to its line in /etc/fstab; then: mount -o remount on its mount point",
        variables=_ROOT,
    ),
    Check(
        "storage.model_free",
        "room left for models",
        Kind.NUMBER,
        model_free,
        "see what takes it: du -xh --max-depth=1 on model_store_root; remove models that model_store_models lacks",
        unit="GiB",
        variables=_ROOT,
        varies="how many models a host holds",
    ),
    Check(
        "storage.root_used",
        "root file system used",
        Kind.NUMBER,
        root_used,
        "see what takes it: du -xh --max-depth=2 / ; journals: journalctl --vacuum-size=1G",
        unit="%",
        varies="what lies on one host at this moment",
    ),
    Check(
        "storage.root_inodes",
        "inodes of the root file system used",
        Kind.NUMBER,
        root_inodes,
        "find the folder of many small files: du --inodes -xS / with its largest at the end by sort -n",
        unit="%",
        varies="what lies on one host at this moment",
    ),
    Check(
        "storage.read_only",
        "file systems that may not be written",
        Kind.NUMBER,
        read_only,
        "find the error that stopped it: journalctl -k --grep 'remount|I/O error'; check the drive, then fsck",
        unit="file systems",
        varies="what has happened to one host's drives",
    ),
    Check(
        "storage.scheduler",
        "request order of the NVMe drives",
        Kind.TEXT,
        scheduler,
        "write none into /sys/block/{subject}/queue/scheduler, and a udev rule that keeps it",
        unproven="/sys/block/*/queue/scheduler",
    ),
)
