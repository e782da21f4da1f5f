"""RDMA adapters, PCI devices and interfaces: what a person reads off the recordings, and forms that mislead."""

import pytest
from forms import DETAILS, DEVINFO, QOS
from recordings import folder, text_of

from hybridctl.parsers import Unreadable
from hybridctl.parsers.ethtool import pause_frames, read_driver, read_features, read_settings, read_statistics
from hybridctl.parsers.ibstat import read_ibstat, read_ibstatus
from hybridctl.parsers.ibv_devinfo import VerbsPort, read_devinfo
from hybridctl.parsers.infiniband_sysfs import read_listing, read_tree
from hybridctl.parsers.lspci import Link, read_lspci
from hybridctl.parsers.mlnx_qos import read_qos


def test_ibstat_by_tabs_and_by_blanks() -> None:
    """Firmware, layer and rate of adapters that are well."""
    adapters = read_ibstat(text_of("infiniband/ibstat-a100-9hca-active.txt")).all_adapters()
    assert [one.name for one in adapters] == [f"mlx5_{i}" for i in range(9)]
    assert (adapters[0].type, adapters[0].firmware, adapters[0].ports[0].layer) == ("MT4126", "22.35.2302", "Ethernet")
    (port,) = adapters[8].ports
    assert (port.state, port.physical, port.rate, port.base_lid, port.sm_lid) == ("Active", "LinkUp", 200, 1396, 83)
    blanks = read_ibstat(text_of("infiniband/ibstat-h100-9hca-space-indent.txt")).all_adapters()
    assert (len(blanks), blanks[1].firmware, blanks[1].ports[0].base_lid) == (9, "28.41.1000", 534)
    twelve = read_ibstat(text_of("infiniband/ibstat-h100-12hca-active.txt")).all_adapters()
    assert (len(twelve), {port.state for one in twelve for port in one.ports}) == (12, {"Active"})


def test_a_port_that_is_down_has_no_rate() -> None:
    """It still prints `Rate: 40`."""
    adapters = read_ibstat(text_of("infiniband/ibstat-h100-3down.txt")).all_adapters()
    down = [port for one in adapters for port in one.ports if port.state == "Down"]
    assert len(down) == 3
    assert {(port.physical, port.rate) for port in down} == {("Disabled", None)}


def test_ibpanic_after_good_adapters() -> None:
    """Eight adapters are well, the ninth could not be asked: they are not all."""
    text = text_of("infiniband/ibstat-h100-9hca-space-indent.txt")
    panic = "ibpanic: [2345] main: stat of IB device 'mlx5_9' failed: No such device\n"
    fabric = read_ibstat(text + panic)
    assert len(fabric.adapters) == 9
    with pytest.raises(Unreadable, match="mlx5_9"):
        fabric.all_adapters()
    with pytest.raises(Unreadable, match="mlx5_9"):
        read_ibstat(panic)


def test_an_adapter_without_its_port_is_refused() -> None:
    """`Number of ports: 1` and none below."""
    text = text_of("infiniband/ibstat-h100-9hca-space-indent.txt")
    with pytest.raises(Unreadable, match="0 of mlx5_0 are described: 'Number of ports: 1'"):
        read_ibstat(text[: text.index("        Port 1:")])


def test_ibstatus() -> None:
    """The same by another tool; LIDs are hexadecimal there."""
    adapters = read_ibstatus(text_of("infiniband/ibstatus-a100-9dev.txt")).all_adapters()
    assert (len(adapters), adapters[0].name, adapters[8].ports[0].layer) == (9, "mlx5_0", "Ethernet")
    (port,) = adapters[0].ports
    assert (port.state, port.physical, port.rate, port.base_lid) == ("Active", "LinkUp", 200, 0x33BF)


def test_sysfs() -> None:
    """A counter of eight bits that is full tells nothing of its growth."""
    adapters = {one.name: one for one in read_listing(text_of("infiniband/sysfs-h100"))}
    assert list(adapters) == ["mlx5_0", "mlx5_1", "mlx5_bond_0"]
    first, second, bond = adapters.values()
    assert (first.type, first.firmware, first.board) == ("MT4129", "28.41.1000", "MT_0000000838")
    (port,) = first.ports
    assert (port.state, port.physical, port.rate, port.speed) == ("ACTIVE", "LinkUp", 400, "4X NDR")
    assert (port.counters["port_xmit_wait"], port.counters["link_downed"]) == (2489603687, 0)
    assert (second.ports[0].counters["link_downed"], second.ports[0].is_saturated("link_downed")) == (255, True)
    assert (bond.ports[0].layer, bond.ports[0].rate, bond.firmware) == ("Ethernet", 200, "32.38.3056")
    assert port.growth("link_downed", port) == 0
    with pytest.raises(Unreadable, match="its growth cannot be told"):
        second.ports[0].growth("link_downed", port)
    with pytest.raises(Unreadable, match="no counter"):
        port.growth("nosuch", port)


def test_sysfs_as_files() -> None:
    """A tree of files says the same as its listing."""
    text = text_of("infiniband/sysfs-h100")
    samples = folder()
    assert samples is not None
    root = samples / "infiniband/sysfs-h100"
    files = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}
    assert read_tree(files) == read_listing(text)
    del files["mlx5_0/ports/1/rate"]
    with pytest.raises(Unreadable, match="there is no rate: 'mlx5_0/ports/1'"):
        read_tree(files)


def test_devinfo() -> None:
    """The MTU that is used and the one that could be."""
    port = VerbsPort("mlx5_0", "20.31.1014", 1, "PORT_ACTIVE", 4096, 1024, "InfiniBand")
    assert read_devinfo(DEVINFO) == (port,)
    for text in ("No IB devices found\n", DEVINFO.replace("phys_port_cnt:\t\t\t1", "phys_port_cnt:\t\t\t2")):
        with pytest.raises(Unreadable):
            read_devinfo(text)
    for end in range(len(DEVINFO) - 2):
        try:
            assert read_devinfo(DEVINFO[:end]) == (port,)
        except Unreadable:
            continue


def test_qos() -> None:
    """Trust and the priorities with flow control."""
    qos = read_qos(QOS)
    assert (qos.trust, qos.pfc) == ("dscp", {3})
    for bad in (
        "Netlink error: Operation not supported\n",
        QOS.replace("dscp", "?"),
        QOS.replace("1   0   0", "1   0"),
    ):
        with pytest.raises(Unreadable):
            read_qos(bad)


def test_lspci() -> None:
    """Devices of several domains, with and without numbers."""
    grace = read_lspci(text_of("lspci/lspci-gb200-grace-arm.txt"))
    assert len(grace) == 87
    assert [one.address for one in grace if one.kind == "3D controller"] == [
        "0008:01:00.0",
        "0009:01:00.0",
        "0018:01:00.0",
        "0019:01:00.0",
    ]
    assert sum(one.kind == "Infiniband controller" for one in grace) == 4
    numbered = read_lspci(text_of("lspci/lspci-nn-a10.txt"))
    (a10,) = [one for one in numbered if one.vendor == "10de"]
    assert (a10.address, a10.kind_id, a10.device) == ("0000:06:00.0", "0302", "2236")
    assert a10.name == "NVIDIA Corporation GA102GL [A10]"
    (sata,) = [one for one in numbered if one.kind == "SATA controller"]
    assert sata.name.endswith("6 port SATA Controller [AHCI mode]")


def test_a_pcie_link() -> None:
    """`Speed 32GT/s (ok)` is a speed; the capability has no such word."""
    (gpu,) = read_lspci(text_of("lspci/lspci-vvv-h100-gpu0.txt"))
    assert (gpu.capable, gpu.link, gpu.is_downgraded) == (Link(32.0, 16), Link(32.0, 16), False)
    assert (gpu.numa_node, gpu.driver, gpu.has_acs) == (0, "nvidia", False)


def test_a_downgraded_link_and_access_control() -> None:
    """The words in brackets are not needed to see it."""
    (gpu,) = read_lspci(DETAILS)
    assert (gpu.link, gpu.is_downgraded) == (Link(8.0, 8), True)
    plain = DETAILS.replace(" (downgraded)", "")
    for text in (plain, plain.replace("8GT/s", "16GT/s"), plain.replace("Width x8", "Width x16")):
        assert read_lspci(text)[0].is_downgraded
    assert not read_lspci(plain.replace("8GT/s", "16GT/s").replace("Width x8", "Width x16"))[0].is_downgraded
    with pytest.raises(Unreadable, match=r"no ACSCtl of 0000:3b:00.0"):
        assert gpu.has_acs  # the text may go on
    assert not read_lspci(DETAILS + "\n")[0].has_acs
    assert read_lspci(DETAILS + "\t\tACSCtl:\tSrcValid+ TransBlk- ReqRedir+\n")[0].has_acs


def test_lspci_without_root() -> None:
    """Nothing of the link is known: no answer, with the line that says why."""
    (gpu,) = read_lspci("3b:00.0 3D controller: NVIDIA Corporation GA100\n\tCapabilities: <access denied>\n\n")
    for ask in ("link", "capable", "is_downgraded", "has_acs"):
        with pytest.raises(Unreadable, match="<access denied>"):
            getattr(gpu, ask)
    for text in ("lspci: Cannot open /proc/bus/pci\n", "pcilib: nothing\n"):
        with pytest.raises(Unreadable):
            read_lspci(text)
    (numeric,) = read_lspci("0000:75:00.0 1200: 19e5:a255 (rev 21)\n")
    assert (numeric.kind_id, numeric.vendor, numeric.device) == ("1200", "19e5", "a255")


def test_ethtool() -> None:
    """Link modes go on below the first ones."""
    settings = read_settings(text_of("ethtool/ethtool-vm-default.txt"))
    assert (settings.interface, settings.speed, settings.duplex) == ("enp0s3", 1000, "Full")
    assert (settings.has_link, settings.autonegotiation, settings.port) == (True, True, "Twisted Pair")
    assert settings.supported == ("10baseT/Half", "10baseT/Full", "100baseT/Half", "100baseT/Full", "1000baseT/Full")


def test_ethtool_without_a_link() -> None:
    """No speed, and the newer way to say why."""
    text = "Settings for eth0:\n\tSpeed: Unknown!\n\tDuplex: Unknown! (255)\n\tLink detected: no (No cable)\n"
    settings = read_settings(text)
    assert (settings.speed, settings.has_link) == (None, False)
    for bad in (
        "netlink error: No such device\n",
        "Settings for eth9:\nNo data available\n",
        text.replace("Unknown!\n", "fast\n"),
    ):
        with pytest.raises(Unreadable):
            read_settings(bad)


def test_ethtool_by_its_other_options() -> None:
    """Driver, statistics and features."""
    text = "driver: mlx5_core\nversion: 5.15.0\nfirmware-version: 20.31.1014 (MT_0000000224)\nbus-info: 0000:81:00.0\n"
    driver = read_driver(text)
    assert (driver.driver, driver.firmware, driver.bus) == (
        "mlx5_core",
        "20.31.1014 (MT_0000000224)",
        "0000:81:00.0",
    )
    statistics = "NIC statistics:\n     rx_prio3_pause: 12\n     rx_discards_phy: 0\n"
    assert read_statistics(statistics) == {"rx_prio3_pause": 12, "rx_discards_phy": 0}
    assert pause_frames({"rx_prio3_pause": 12, "rx_global_pause": 3, "rx_prio3_pause_duration": 9}, "rx") == {
        "prio3": 12,
        "global": 3,
    }
    assert pause_frames({"rx_prio3_pause": 12}, "tx") == {}
    assert read_features("Features for eth0:\nrx-gro-hw: off [fixed]\nlarge-receive-offload: on\n") == {
        "rx-gro-hw": False,
        "large-receive-offload": True,
    }
    for read, bad in (
        (read_driver, "Cannot get driver information: Operation not supported\n"),
        (read_statistics, "no stats available\n"),
        (read_statistics, statistics.replace("12", "twelve")),
        (read_features, "Features for eth0:\nrx-gro-hw: perhaps\n"),
    ):
        with pytest.raises(Unreadable):
            read(bad)
