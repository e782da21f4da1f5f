"""RAID, block devices, mounts and drives."""

import pytest
from forms import SMART
from recordings import text_of

from hybridctl.parsers import Unreadable
from hybridctl.parsers.block_devices import read_findmnt, read_lsblk
from hybridctl.parsers.drives import Drive, read_nvme_log, read_scan, read_smart
from hybridctl.parsers.mdraid import read_detail, read_examine, read_mdstat


def test_mdstat() -> None:
    """Seventeen arrays of every kind."""
    arrays = {array.name: array for array in read_mdstat(text_of("storage/proc-mdstat-node-exporter.txt"))}
    assert len(arrays) == 17
    raid0 = arrays["md12"]
    assert (raid0.level, raid0.members, raid0.blocks, raid0.is_degraded) == (
        "raid0",
        ("sdc2", "sdd2"),
        3886394368,
        False,
    )
    broken = arrays["md6"]
    assert (broken.failed, broken.spares, broken.wanted, broken.working) == (("sdb2",), ("sdc",), 2, 1)
    assert (broken.action, broken.progress, broken.is_degraded) == ("recovery", 8.5, True)
    assert (arrays["md9"].action, arrays["md9"].progress, arrays["md11"].is_read_only) == ("resync", None, True)
    assert (arrays["md4"].is_active, arrays["md219"].level) == (False, "")
    # All its places are filled, and still a device has failed.
    assert (arrays["md9"].working, arrays["md9"].is_degraded) == (4, True)


def test_mdstat_without_arrays() -> None:
    """No array is an answer; a text that is cut is none."""
    assert read_mdstat("Personalities : \nunused devices: <none>\n") == ()
    with pytest.raises(Unreadable, match="it is cut"):
        read_mdstat("Personalities : [raid0]\nmd0 : active raid0 sda1[0] sdb1[1]\n      100 blocks 64k chunks\n\n")


def test_mdadm() -> None:
    """RAID0 says `Layout : -unknown-` and is well; RAID1 lacks a device."""
    good = read_detail(text_of("storage/mdadm-detail-raid0-ok.txt"))
    assert (good.device, good.level, good.state, good.size, good.chunk) == ("/dev/md0", "raid0", {"clean"}, 200704, 512)
    assert [(slot.place, slot.device) for slot in good.slots] == [(0, "/dev/vda1"), (1, "/dev/vda2")]
    assert good.is_sound
    bad = read_detail(text_of("storage/mdadm-detail-raid1-faulty-removed.txt"))
    assert (bad.state, bad.raid_devices, bad.counts["Active Devices"]) == ({"clean", "degraded"}, 2, 1)
    assert (bad.slots[1].state, bad.is_sound) == (("removed",), False)
    member = read_examine(text_of("storage/mdadm-examine-raid0-ok.txt"))
    assert (member.array_uuid, member.role, member.array_state) == (good.uuid, "Active device 0", "AA")
    assert member.is_checksum_correct


def test_clean_with_a_faulty_device() -> None:
    """The state says `clean`; the list of devices does not."""
    text = (
        text_of("storage/mdadm-detail-raid0-ok.txt") + "\n       2     254        3        -      faulty   /dev/vda3\n"
    )
    detail = read_detail(text)
    assert (detail.state, detail.is_sound) == ({"clean"}, False)
    for bad in (
        "mdadm: cannot open /dev/md9: No such file or directory\n",
        text.replace("Raid Devices : 2", "Raid Devices : 3"),
    ):
        with pytest.raises(Unreadable):
            read_detail(bad)


def test_lsblk() -> None:
    """Sizes in bytes; blanks at the end of a model are of the column, not of the name."""
    devices = {one.name: one for one in read_lsblk(text_of("storage/lsblk-3.txt"))}
    assert len(devices) == 8
    nvme = devices["/dev/nvme0n1"]
    assert (nvme.type, nvme.size, nvme.is_rotational) == ("disk", 3200631791616, False)
    assert (nvme.said["MODEL"], nvme.said["SERIAL"]) == ("INTEL SSDPE2KE032T8", "PHLN231204BN3P2FGN")
    assert devices["/dev/sda2"].said["MOUNTPOINT"] == "/boot"
    for bad in (
        'NAME="sda" TYPE="disk" SIZE="894G"\n',
        'NAME="sda" TYPE="disk" SIZE="1" SER',
        "lsblk: unknown column\n",
    ):
        with pytest.raises(Unreadable):
            read_lsblk(bad)


def test_findmnt() -> None:
    """Units of 1024; mounts below mounts."""
    (root,) = read_findmnt(text_of("storage/findmnt.json"))
    assert (root.target, root.fstype, root.size) == ("/", "ext4", 1.7 * 2**40)
    nested = '{"filesystems": [{"target": "/", "children": [{"target": "/models", "options": "rw,noatime"}]}]}'
    assert [(one.target, one.options) for one in read_findmnt(nested)] == [("/", ()), ("/models", ("rw", "noatime"))]
    for bad in (
        '{"filesystems": [{"source": "x"}]}',
        '{"filesystems": 3}',
        "findmnt: bad usage\n",
        '{"filesystems": [',
    ):
        with pytest.raises(Unreadable):
            read_findmnt(bad)


def test_smartctl() -> None:
    """Low bits of the status mean that smartctl failed, high ones that the drive does."""
    assert read_scan(text_of("storage/smartctl-scan.json")) == (
        Drive("/dev/sda", "sat", "ATA"),
        Drive("/dev/nvme0", "nvme", "NVMe"),
        Drive("/dev/nvme1", "nvme", "NVMe"),
    )
    health = read_smart(SMART)
    assert (health.device, health.has_passed, health.temperature, health.percentage_used) == ("/dev/nvme0", True, 35, 2)
    assert not read_smart(SMART.replace('"exit_status": 0', '"exit_status": 8').replace("true", "false")).has_passed
    failed = '{"smartctl": {"exit_status": 2, "messages": [{"string": "Permission denied"}]}}'
    with pytest.raises(Unreadable, match="status 2: 'Permission denied'"):
        read_smart(failed)
    with pytest.raises(Unreadable, match="does not say whether it is well"):
        read_smart(SMART.replace('{"passed": true}', "{}"))


def test_nvme() -> None:
    """Kelvins, and the newer form of the warning."""
    text = (
        '{"critical_warning": {"value": 4}, "temperature": 308, "avail_spare": 100, "spare_thresh": 10,'
        ' "percent_used": 1, "media_errors": "0"}'
    )
    log = read_nvme_log(text)
    assert (log.critical_warning, log.temperature, log.spare, log.percentage_used) == (4, 35, 100, 1)
    for bad in (text.replace("308", "35"), text.replace('"avail_spare": 100, ', ""), "Not an NVMe device\n"):
        with pytest.raises(Unreadable):
            read_nvme_log(bad)
