"""What fabric, board and accelerators print: values that a person reads off, and forms that mislead."""

import pytest
from recordings import text_of

from hybridctl.parsers import Unreadable
from hybridctl.parsers.cpu_sysfs import read_governors, read_vulnerabilities
from hybridctl.parsers.ethtool import read_pause
from hybridctl.parsers.ibv_devinfo import Gid, read_gids
from hybridctl.parsers.infiniband_sysfs import read_counters, read_interfaces, read_rates
from hybridctl.parsers.ipmi_mc import read_firmware
from hybridctl.parsers.kernel_log import Record, of_kind
from hybridctl.parsers.openssl_engine import read_engines
from hybridctl.parsers.sysfs import read_choice, read_values

ROOT = "/sys/class/infiniband"


def listed(part: str) -> str:
    """The recorded tree of /sys/class/infiniband, the files with a part in their path, as `grep -H .` lists them."""
    lines = text_of("infiniband/sysfs-h100").split("\n")
    return "".join(f"{ROOT}/{line}\n" for line in lines if part in line.partition(":")[0])


def test_recorded_counters() -> None:
    """One port lost its link as often as its counter can count; the adapter's own counters are read alike."""
    counters = read_counters(listed("/counters/"))
    assert {port: said["link_downed"] for port, said in counters.items()} == {
        "mlx5_0/1": 0,
        "mlx5_1/1": 255,
        "mlx5_bond_0/1": 0,
    }
    assert counters["mlx5_0/1"]["excessive_buffer_overrun_errors"] == 15
    assert read_counters(listed("/hw_counters/"))["mlx5_1/1"]["roce_adp_retrans"] == 3
    with pytest.raises(Unreadable, match="no counter of a port"):
        read_counters(listed("/state"))


def test_recorded_rates() -> None:
    """Lanes and speed of ports that are well."""
    assert read_rates(listed("/rate")) == {
        "mlx5_0/1": (4, "NDR"),
        "mlx5_1/1": (4, "NDR"),
        "mlx5_bond_0/1": (2, "NDR"),
    }
    with pytest.raises(Unreadable, match="no rate of a port"):
        read_rates(f"{ROOT}/mlx5_0/ports/1/rate:200 Gb/sec\n")


def test_values() -> None:
    """A path has one value; a colon in the value belongs to it."""
    assert read_values("/sys/a:4: ACTIVE\n/sys/b:x \n") == {"/sys/a": "4: ACTIVE", "/sys/b": "x"}
    for bad in ("/sys/a:1\n/sys/a:2\n", "grep: /sys/a: Permission denied\n", "/sys/a:1\n/sys/b", "/sys/a:\n"):
        with pytest.raises(Unreadable):
            read_values(bad)


def test_choice() -> None:
    """The word in brackets, of a list that is whole."""
    assert read_choice("always defer defer+madvise [madvise] never\n") == "madvise"
    for bad in ("always madvise\n", "[always] [never]\n", "[always\n", "error [madvise]: 5\n"):
        with pytest.raises(Unreadable):
            read_choice(bad)


def test_interfaces() -> None:
    """An adapter may have several."""
    text = f"{ROOT}/mlx5_0/device/net/ens1f0np0\n{ROOT}/mlx5_0/device/net/ens1f0r1\n"
    assert read_interfaces(text) == {"mlx5_0": ("ens1f0np0", "ens1f0r1")}
    with pytest.raises(Unreadable, match="no interface"):
        read_interfaces("total 0\n")


def test_gids() -> None:
    """Each has an adapter, a port and a type; addresses of IPv4 are told in either way of writing."""
    text = (
        "hca_id:\tmlx5_0\n\t\tport:\t1\n\t\t\tGID[  2]:\t\t0000:0000:0000:0000:0000:ffff:0a02:0007, RoCE v1\n"
        "\t\t\tGID[  3]:\t\t::ffff:10.2.0.7, RoCE v2\n"
        "hca_id:\tmlx5_1\n\t\tport:\t1\n\t\t\tGID[  0]:\t\tfe80::1, RoCE v2\n"
    )
    assert read_gids(text) == (
        Gid("mlx5_0", 1, 2, "RoCE v1", True),
        Gid("mlx5_0", 1, 3, "RoCE v2", True),
        Gid("mlx5_1", 1, 0, "RoCE v2", False),
    )
    # Older versions name no type, and a GID before its port belongs to nobody.
    for bad in (text.replace(", RoCE v2", ""), text.replace("\t\tport:\t1\n", ""), "hca_id:\tmlx5_0\n"):
        with pytest.raises(Unreadable):
            read_gids(bad)


def test_pause() -> None:
    """Received and sent."""
    assert read_pause("Pause parameters for e:\nAutonegotiate:\toff\nRX:\t\toff\nTX:\t\ton\n") == (False, True)
    with pytest.raises(Unreadable):
        read_pause("Pause parameters for e:\nCannot get device pause settings: Operation not supported\n")


def test_engines() -> None:
    """An engine without a state is no answer."""
    assert read_engines("(kae) Kunpeng Accelerator Engine\n     [ unavailable ]\n") == {"kae": False}
    for bad in ("(kae) Kunpeng\n", "(kae) A\n(dynamic) B\n     [ available ]\n", "     [ available ]\n"):
        with pytest.raises(Unreadable):
            read_engines(bad)


def test_bmc() -> None:
    """The revision is a number with two parts."""
    assert read_firmware("Device ID : 1\nFirmware Revision         : 3.65\n") == 3.65
    for bad in ("Firmware Revision : 3\n", "Firmware Revision : 3.65\nFirmware Revision : 3.64\n", "Device ID : 1\n"):
        with pytest.raises(Unreadable):
            read_firmware(bad)


def test_cores() -> None:
    """Which are open, and what sets the frequency."""
    folder_ = "/sys/devices/system/cpu"
    assert read_governors(f"{folder_}/cpu12/cpufreq/scaling_governor:performance\n") == {12: "performance"}
    states = ("Not affected", "Mitigation: PTI", "Vulnerable: no microcode", "Processor vulnerable", "KVM: Vulnerable")
    text = "".join(f"{folder_}/vulnerabilities/v{n}:{state}\n" for n, state in enumerate(states))
    assert list(read_vulnerabilities(text).values()) == [False, False, True, True, True]
    for bad in (f"{folder_}/vulnerabilities/v:Unknown: No mitigations\n", "/sys/x:Vulnerable\n"):
        with pytest.raises(Unreadable):
            read_vulnerabilities(bad)


def test_aer_that_was_switched_on_is_no_error() -> None:
    """Each root port says so at every boot."""
    said = ("pcieport 0000:80:00.0: AER: enabled with IRQ 45", "pcieport 0000:80:00.0: AER: Corrected error received")
    assert [one.message for one in of_kind((Record("", None, text) for text in said), "aer")] == [said[1]]
