"""Cases of storage."""

import json
from typing import Any

from check_cases import DENIED, NOT_THERE, TOO_SLOW, Cases

READS = (
    "lsblk --nodeps",
    "findmnt --json",
    "stat --file-system --format %c",
    "nvme smart-log",
    "smartctl --json --scan",
    "smartctl --json --all",
)


def disks(*names: str) -> str:
    """What lsblk prints of whole devices."""
    return "".join(f'NAME="{name}" TYPE="disk" SIZE="3840755982336"\n' for name in ("sda", *names))


def mount(source: str = "/dev/md0", **changed: Any) -> str:
    """What findmnt prints of one mount."""
    one = {"target": "/srv/models", "source": source, "fstype": "xfs", "options": "rw,noatime,attr2"}
    return json.dumps({"filesystems": [{**one, "size": 7680000000000, "avail": 2000 * 2**30, **changed}]})


def mdstat(level: str = "raid0", first: str = "nvme0n1", marks: str = "", active: str = "active") -> str:
    """/proc/mdstat with one array of two drives."""
    words = f"{active} {level}" if active == "active" else active
    return (
        f"Personalities : [raid0] [raid1] \nmd0 : {words} nvme1n1[1] {first}[0]{marks}\n"
        "      7501209600 blocks super 1.2 512k chunks\n      \nunused devices: <none>\n"
    )


_RAID1 = (
    "Personalities : [raid1] \nmd127 : active raid1 sdb1[1] sda1[0]\n      976630464 blocks super 1.2 [2/2] [UU]\n"
    "      bitmap: 0/8 pages [0KB], 65536KB chunk\n\nunused devices: <none>\n"
)
_NO_ARRAY = "Personalities : \nunused devices: <none>\n"
_TWO = disks("nvme0n1", "nvme1n1")
_MOUNTS = (
    "proc /proc proc rw,nosuid 0 0\n/dev/sda2 / ext4 rw,relatime,errors=remount-ro 0 0\n"
    "/dev/loop0 /snap/core/1 squashfs ro,nodev 0 0\n/dev/md0 /srv/models xfs rw,noatime 0 0\n"
)
_QUEUE = "[none] mq-deadline kyber bfq \n"

CASES: dict[str, Cases] = {
    "storage.nvme_devices": Cases(
        {"value": 2},
        [{"lsblk": _TWO}],
        [{"lsblk": disks("nvme0n1")}, {"lsblk": disks()}],
        [{"lsblk": "NAME SIZE\nsda 1\n"}, {"lsblk": NOT_THERE}, {"lsblk": _TWO.replace("3840755982336", "3.5T")}],
    ),
    "storage.raid_level": Cases(
        {"value": "raid0"},
        [{"findmnt": mount(), "/proc/mdstat": mdstat()}],
        [
            {"findmnt": mount(), "/proc/mdstat": mdstat("raid1")},
            {"findmnt": mount("/dev/nvme0n1p1"), "/proc/mdstat": mdstat()},
        ],
        [
            {"findmnt": mount("/dev/mapper/vg-models"), "/proc/mdstat": mdstat()},
            {"findmnt": mount("/dev/sda3"), "/proc/mdstat": _NO_ARRAY},
            {"findmnt": mount(), "/proc/mdstat": "Personalities : [raid0]\n"},
            {"findmnt": "{}\n", "/proc/mdstat": mdstat()},
        ],
    ),
    "storage.raid_arrays": Cases(
        {"value": 0},
        [{"/proc/mdstat": mdstat()}, {"/proc/mdstat": _RAID1}, {"/proc/mdstat": _NO_ARRAY}],
        [
            {"/proc/mdstat": _RAID1.replace("[2/2] [UU]", "[2/1] [_U]")},
            {"/proc/mdstat": _RAID1.replace("sda1[0]", "sda1[0](F)")},
            {"/proc/mdstat": mdstat(active="inactive")},
        ],
        [{"/proc/mdstat": _RAID1.replace("unused devices: <none>\n", "")}, {"/proc/mdstat": DENIED}],
    ),
    "storage.model_cache": Cases(
        {"value": "NVMe"},
        [
            {"findmnt": mount(), "/proc/mdstat": mdstat()},
            {"findmnt": mount("/dev/nvme0n1p1[/models]")},
        ],
        [
            {"findmnt": mount("/dev/sda3"), "/proc/mdstat": _NO_ARRAY},
            {"findmnt": mount(), "/proc/mdstat": mdstat(first="sdb1")},
            {"findmnt": mount("10.0.0.9:/models", fstype="nfs4")},
        ],
        [
            {"findmnt": mount("/dev/mapper/vg-models"), "/proc/mdstat": mdstat()},
            {"findmnt": mount("/dev/md5"), "/proc/mdstat": mdstat()},
            {"findmnt": TOO_SLOW},
        ],
    ),
    "storage.model_filesystem": Cases(
        {"any_of": ["xfs", "ext4"]},
        [{"findmnt": mount()}, {"findmnt": mount(fstype="ext4")}],
        [{"findmnt": mount(fstype="tmpfs")}],
        [{"findmnt": mount(fstype="")}, {"findmnt": '{"filesystems": []}\n'}],
    ),
    "storage.model_options": Cases(
        {"value": ["noatime"]},
        [{"findmnt": mount()}],
        [{"findmnt": mount(options="rw,relatime")}, {"findmnt": mount(options="rw,nodiratime")}],
        [{"findmnt": "noatime\n"}, {"findmnt": NOT_THERE}],
    ),
    "storage.model_free": Cases(
        {"at_least": 200},
        [{"findmnt": mount()}],
        [{"findmnt": mount(avail=199 * 2**30)}],
        [{"findmnt": mount(avail=None)}, {"findmnt": mount(avail="much")}],
    ),
    "storage.root_used": Cases(
        {"at_most": 85},
        [{"findmnt": mount("/dev/sda2", size=100000, avail=15000)}],
        [{"findmnt": mount("/dev/sda2", size=100000, avail=14000)}, {"findmnt": mount("/dev/sda2", avail=0)}],
        [{"findmnt": mount("/dev/sda2", size=0)}, {"findmnt": mount("/dev/sda2", avail=None)}],
    ),
    "storage.root_inodes": Cases(
        {"at_most": 85},
        [{"stat": "1000000 150000\n"}],
        [{"stat": "1000000 149000\n"}, {"stat": "1000000 0\n"}],
        [{"stat": "0 0\n"}, {"stat": "1000 2000\n"}, {"stat": "1000000\n"}, {"stat": DENIED}],
    ),
    "storage.read_only": Cases(
        {"value": 0},
        [{"/proc/mounts": _MOUNTS}],
        [
            {"/proc/mounts": _MOUNTS.replace("ext4 rw,", "ext4 ro,")},
            {"/proc/mounts": _MOUNTS.replace("xfs rw,noatime", "xfs noatime,ro")},
        ],
        [{"/proc/mounts": "/dev/sda2 on / type ext4 (rw)\n"}, {"/proc/mounts": NOT_THERE}],
    ),
    "storage.scheduler": Cases(
        {"value": "none"},
        [{"lsblk": _TWO, "scheduler": _QUEUE}, {"lsblk": _TWO, "scheduler": "[none]\n"}],
        [{"lsblk": _TWO, "scheduler": "none [mq-deadline] kyber\n"}],
        [{"lsblk": _TWO, "scheduler": "none mq-deadline\n"}, {"lsblk": disks(), "scheduler": _QUEUE}],
    ),
}
