"""Logs: of the kernel in all its forms, of the fabric manager, of NCCL."""

from collections import Counter

import pytest
from forms import TABLE
from recordings import text_of

from hybridctl.parsers import Unreadable
from hybridctl.parsers.fabric_manager import read_fabric_log
from hybridctl.parsers.kernel_log import Record, of_kind, read_kernel_log, xids
from hybridctl.parsers.nccl_log import channels_of, networks_of, version_of
from hybridctl.parsers.nccl_tests import read_nccl_tests
from hybridctl.parsers.perftest import read_bandwidth

KINDS = {
    "kmsg-raw-nvswitch.log": (47, {}),
    "mlx5-kmsg-errors.log": (3, {"mlx5": 3}),
    "nccl-segfault.log": (2, {"crash": 2}),
    "pcie-bandwidth-limited.log": (3, {"bandwidth": 2}),
    "peermem-time-iso.log": (41, {"nvidia": 30, "xid": 11}),
    "pstore-erst-crash.txt": (39, {"crash": 2}),
    "short-iso-a800-docker.log": (11, {}),
    "xid13-dmesg-decode-iso.log": (24, {"xid": 17, "memory": 7}),
    "xid63-row-remap.log": (1, {"xid": 1}),
}


@pytest.mark.parametrize("name", KINDS)
def test_messages_by_kind(name: str) -> None:
    """How many lines, and what they are about."""
    records = read_kernel_log(text_of(f"dmesg/{name}"))
    kinds = Counter(record.kind for record in records)
    del kinds[""]
    assert (len(records), dict(kinds)) == KINDS[name]


def test_xids() -> None:
    """With and without a process; the same one many times."""
    found = xids(read_kernel_log(text_of("dmesg/peermem-time-iso.log")))
    assert Counter(one.code for one in found) == {94: 9, 48: 1, 63: 1}
    assert {one.address for one in found} == {"0000:19:00"}
    assert [(one.pid, one.process) for one in found[2:4]] == [(None, ""), (1248209, "python3.10")]
    found = xids(read_kernel_log(text_of("dmesg/xid13-dmesg-decode-iso.log")))
    assert (Counter(one.code for one in found), found[-1].pid) == ({13: 16, 43: 1}, 2924364)
    (remap,) = xids(read_kernel_log(text_of("dmesg/xid63-row-remap.log")))
    assert (remap.address, remap.code, remap.pid) == ("0000:10:1c", 63, 1896)


def test_an_xid_that_is_cut_is_not_shortened() -> None:
    """`Xid ...: 7` may be 7, 74 or 79."""
    with pytest.raises(Unreadable, match="an Xid of another form"):
        xids(read_kernel_log("[   12.345678] NVRM: Xid (PCI:0000:10:00): 7"))
    assert xids(read_kernel_log("NVRM: GPU 0000:10:00.0: GPU has fallen off the bus.\n")) == ()


@pytest.mark.parametrize(
    ("line", "stamp", "level"),
    [
        ("[   12.345678] mce: [Hardware Error]: boom", "12.345678", None),
        ("[   12,345678] mce: [Hardware Error]: boom", "12,345678", None),
        ("[Tue Jan 21 04:41:44 2025] mce: [Hardware Error]: boom", "Tue Jan 21 04:41:44 2025", None),
        ("2025-01-21T04:41:44,285060+00:00 mce: [Hardware Error]: boom", "2025-01-21T04:41:44,285060+00:00", None),
        ("kern  :err   : [   12.345678] mce: [Hardware Error]: boom", "12.345678", 3),
        ("<3>[   12.345678] mce: [Hardware Error]: boom", "12.345678", 3),
        ("3,1234,12345678,-;mce: [Hardware Error]: boom", "12345678", 3),
        ("30,1234,12345678,-;mce: [Hardware Error]: boom", "12345678", 6),
        ("Jan 21 04:41:44 n1 kernel: mce: [Hardware Error]: boom", "Jan 21 04:41:44", None),
        ("2025-01-02T15:20:12+0800 n1 kernel: mce: [Hardware Error]: boom", "2025-01-02T15:20:12+0800", None),
        ("mce: [Hardware Error]: boom", "", None),
    ],
)
def test_every_form_of_a_line(line: str, stamp: str, level: int | None) -> None:
    """The message is the same behind every stamp."""
    (record,) = read_kernel_log(line + "\n")
    assert record == Record(stamp, level, "mce: [Hardware Error]: boom")
    assert record.kind == "mce"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 20034, Fatal, Link 30 LTSSM Fault Up", "sxid"),
        ("EDAC MC0: 1 CE memory read error on CPU_SrcID#0_Ha#0_Chan#1_DIMM#0", "edac"),
        ("{1}[Hardware Error]: event severity: corrected", "ras"),
        ("nvme nvme0: I/O 12 QID 3 timeout, aborting", "nvme"),
        ("pcieport 0000:80:03.0: AER: Corrected error received: 0000:81:00.0", "aer"),
        ("hisi_sec2 0000:76:00.0: qm reset failed", "uacce"),
        ("mlx5_core 0000:81:00.0 eth2: Link up", ""),
        ("EDAC MC: Ver: 3.0.0", ""),
    ],
)
def test_what_a_message_is_about(message: str, kind: str) -> None:
    """Drivers that only say they are there are no errors."""
    (record,) = read_kernel_log(message + "\n")
    assert record.kind == kind
    with pytest.raises(ValueError, match="none of xid"):
        of_kind([record], "nosuch")


@pytest.mark.parametrize("said", ["", "\n", "dmesg: read kernel buffer failed: Operation not permitted\n"])
def test_no_log_is_no_clean_log(said: str) -> None:
    """A kernel has always said something."""
    with pytest.raises(Unreadable):
        read_kernel_log(said)


def test_fabric_manager() -> None:
    """Entries of several lines, and the errors of the switches."""
    entries = read_fabric_log(text_of("dmesg/fabricmanager-498-lines.log"))
    assert Counter(entry.level for entry in entries) == {"INFO": 274, "ERROR": 18}
    errors = [entry.switch_error for entry in entries if entry.switch_error]
    assert (len(errors), {(one.code, one.is_fatal) for one in errors}) == (18, {(12028, False)})
    assert (errors[0].address, errors[0].port) == ("00000000:83:00.0", 34)
    assert "Team setup request: Allocation Size:60000000" in entries[0].message


def test_networks_of_nccl() -> None:
    """Verbs, sockets and a plugin; a rank's prefix before the words."""
    (network,) = networks_of(text_of("nccl/nccl-info-net-ib-8hca.log"))
    assert (network.kind, network.has_relaxed_ordering, network.bootstrap) == ("IB", True, "eno1:101.262.0.9")
    assert [(one.name, one.port, one.layer) for one in network.devices] == [(f"mlx5_{i}", 1, "IB") for i in range(8)]
    (mixed,) = networks_of(text_of("nccl/nccl-ib-error12.log"))
    assert [(one.name, one.layer) for one in mixed.devices] == [("ibP111p0s0", "IB"), ("rdmaP1111p0s2", "RoCE")]
    (socket,) = networks_of(text_of("nccl/nccl-info-net-socket.log"))
    assert (socket.kind, socket.devices[0].name, socket.devices[0].address) == ("Socket", "eth0", "10.0.0.23")
    (ranked,) = networks_of(text_of("nccl/nccl-info-socket-with-rank-prefix.log"))
    assert (ranked.devices[0].name, ranked.devices[0].address) == ("enp67s0", "192.168.50.21")
    (plugin,) = networks_of(text_of("nccl/nccl-info-net-fastsocket.log"))
    assert (plugin.kind, len(plugin.devices), plugin.devices[7].address) == ("FastSocket", 8, "10.0.19.19")


def test_channels_and_version_of_nccl() -> None:
    """How ranks reach each other; two versions in one job are no version."""
    text = (
        "n1:1:2 [0] NCCL INFO NCCL version 2.21.5+cuda12.2\n"
        "n1:1:2 [0] NCCL INFO Channel 00/24 : 0[0] -> 1[1] via P2P/IPC\n"
        "n1:1:2 [0] NCCL INFO Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/0/GDRDMA\n"
    )
    assert channels_of(text) == {(0, 1): {"P2P/IPC"}, (0, 8): {"NET/IB/0/GDRDMA"}}
    assert version_of(text) == "2.21.5"
    for bad in ("nothing\n", text + "NCCL version 2.18.1+cuda12.1\n"):
        with pytest.raises(Unreadable):
            version_of(bad)
    with pytest.raises(Unreadable):
        networks_of("NCCL INFO NET/IB : Using [0]mlx5_0:1/IB [2]mlx5_2:1/IB [RO]; OOB eth0:10.0.0.1<0>\n")


def test_nccl_tests() -> None:
    """A line of another rank begins with a digit, too."""
    report = read_nccl_tests(TABLE)
    assert [(row.size, row.out_busbw, row.in_busbw) for row in report.rows] == [
        (1048576, 26.15, 26.28),
        (1073741824, 214.74, 215.17),
    ]
    assert (report.average_busbw, report.out_of_bounds, report.rows[1].in_wrong) == (120.587, 0, None)
    for end in range(len(TABLE) - 4):
        with pytest.raises(Unreadable):
            read_nccl_tests(TABLE[:end])
    with pytest.raises(Unreadable, match="do not grow"):
        read_nccl_tests(TABLE + TABLE)


def test_perftest() -> None:
    """A warning between header and row; a peak that was not measured."""
    head = " #bytes     #iterations    BW peak[Gb/sec]    BW average[Gb/sec]   MsgRate[Mpps]\n"
    warning = "Conflicting CPU frequency values detected: 2600.000000 != 800.000000. CPU Frequency is not max.\n"
    (row,) = read_bandwidth(
        head + warning + " 65536      5000             196.56             196.54 \t\t     0.374877\n"
    )
    assert (row.size, row.iterations, row.peak, row.average) == (65536, 5000, 196.56, 196.54)
    (soft,) = read_bandwidth(head.replace("Gb/sec", "MB/sec") + " 65536      1000   0.00   1000.00   0.01\n")
    assert (soft.peak, soft.average) == (None, 8.0)
    for text in (head, "Couldn't connect to 10.0.0.1:18515\n", head + " 65536  1000  10.00  20.00  0.01\n"):
        with pytest.raises(Unreadable):
            read_bandwidth(text)
