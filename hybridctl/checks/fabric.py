"""Checks of the InfiniBand ports, and of the ConnectX adapters on the PCI bus."""

from collections.abc import Iterator
from typing import Any

from hybridctl.checks.kernel_events import counts
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Want
from hybridctl.checks.reading import output
from hybridctl.checks.subjects import each
from hybridctl.parsers.ibstat import Adapter, Port, read_ibstat
from hybridctl.parsers.ibv_devinfo import UNPROVEN as VERBS_UNPROVEN
from hybridctl.parsers.ibv_devinfo import read_devinfo
from hybridctl.parsers.infiniband_sysfs import read_rates
from hybridctl.parsers.lspci import PciDevice, read_lspci

__all__ = ["CHECKS", "adapters_of", "ports_of"]

_MELLANOX = "15b3"  # the vendor on the PCI bus
_NETWORK = "02"  # the PCI classes that begin so are network controllers, InfiniBand among them
_NO_CARD = "lspci lists no ConnectX adapter"
_NO_PORT = "no port of the host is InfiniBand: fabric.ports says how many there should be"


def adapters_of(host: Any) -> tuple[Adapter, ...]:
    """Return every RDMA adapter; raises `CannotTell` where one of them cannot be asked."""
    return read_ibstat(output(host, "env LC_ALL=C ibstat")).all_adapters()


def ports_of(host: Any, layer: str) -> dict[str, Port]:
    """Return the ports of a link layer (`InfiniBand`, `Ethernet`), by names such as `mlx5_0/1`."""
    return {
        f"{adapter.name}/{port.number}": port
        for adapter in adapters_of(host)
        for port in adapter.ports
        if port.layer == layer
    }


def _infiniband(host: Any) -> dict[str, Port]:
    return ports_of(host, "InfiniBand")


def _cards(host: Any) -> dict[str, PciDevice]:
    listed = read_lspci(output(host, f"env LC_ALL=C lspci -D -nn -vvv -d {_MELLANOX}:"))
    return {device.address: device for device in listed if device.kind_id.startswith(_NETWORK)}


def adapters(host: Any, want: Want) -> Result:
    """ConnectX functions on the PCI bus, whether or not a driver has them."""
    listed = read_lspci(output(host, "env LC_ALL=C lspci -D -nn"))
    if not all(device.vendor and device.kind_id for device in listed):
        raise CannotTell("lspci printed devices without their ids")
    return want.judge(sum(d.vendor == _MELLANOX and d.kind_id.startswith(_NETWORK) for d in listed))


def driver(host: Any, want: Want) -> Iterator[Result]:
    """The kernel's driver of each ConnectX function."""
    cards = _cards(host)
    return each(want, cards, lambda name: cards[name].driver, "another driver has it", _NO_CARD)


def pcie_speed(host: Any, want: Want) -> Iterator[Result]:
    """GT/s a lane at which each adapter's PCIe link came up."""
    cards = _cards(host)
    reason = "its PCIe link runs at another speed than the port needs"
    return each(want, cards, lambda name: cards[name].link.speed, reason, _NO_CARD)


def pcie_lanes(host: Any, want: Want) -> Iterator[Result]:
    """Lanes of each adapter's PCIe link."""
    cards = _cards(host)
    reason = "its PCIe link has another width than the port needs"
    return each(want, cards, lambda name: cards[name].link.width, reason, _NO_CARD)


def pcie_link(host: Any, want: Want) -> Iterator[Result]:
    """Whether each adapter's PCIe link is all that the adapter can: `full`, or `downgraded`."""
    cards = _cards(host)

    def state(name: str) -> str:
        return "downgraded" if cards[name].is_downgraded else "full"

    return each(want, cards, state, "slower or narrower than the adapter can", _NO_CARD)


def ports(host: Any, want: Want) -> Result:
    """Ports whose link layer is InfiniBand, up or down."""
    return want.judge(len(_infiniband(host)), reason="ports are missing, or are set to Ethernet")


def state(host: Any, want: Want) -> Iterator[Result]:
    """The logical state of each InfiniBand port."""
    found = _infiniband(host)
    reason = "the port carries no traffic"
    return each(want, found, lambda name: found[name].state, reason, _NO_PORT)


def physical_state(host: Any, want: Want) -> Iterator[Result]:
    """The physical state of each InfiniBand port."""
    found = _infiniband(host)
    return each(want, found, lambda name: found[name].physical, "the port has no link", _NO_PORT)


def rate(host: Any, want: Want) -> Iterator[Result]:
    """The rate of each InfiniBand port; one that is down has none, whatever it prints."""
    found = _infiniband(host)
    return each(want, found, lambda name: found[name].rate or 0, "the port is down or slower", _NO_PORT)


def subnet_manager(host: Any, want: Want) -> Iterator[Result]:
    """The local id of the subnet manager each InfiniBand port follows; 0 is none."""
    found = _infiniband(host)
    return each(want, found, lambda name: found[name].sm_lid, "it follows no subnet manager", _NO_PORT)


def firmware_versions(host: Any, want: Want) -> Iterator[Result]:
    """How many versions of firmware the adapters of each type have."""
    by_type: dict[str, set[str]] = {}
    for adapter in adapters_of(host):
        by_type.setdefault(adapter.type, set()).add(adapter.firmware)
    reason = "adapters of one type have different firmware: " + "; ".join(
        f"{kind}: {', '.join(sorted(versions))}" for kind, versions in by_type.items()
    )
    return each(want, by_type, lambda kind: len(by_type[kind]), reason, "there is no adapter")


def mtu(host: Any, want: Want) -> Iterator[Result]:
    """The MTU in use on each InfiniBand port."""
    listed = read_devinfo(output(host, "env LC_ALL=C ibv_devinfo -v"))
    found = {f"{port.adapter}/{port.number}": port for port in listed if port.layer == "InfiniBand"}
    return each(want, found, lambda name: found[name].active_mtu, "the subnet runs with another one", _NO_PORT)


def lanes(host: Any, want: Want) -> Iterator[Result]:
    """Lanes on which the link of each InfiniBand port came up."""
    found = _rates(host)
    return each(want, found, lambda name: found[name][0], "lanes of the cable do not work", _NO_PORT)


def speed(host: Any, want: Want) -> Iterator[Result]:
    """The speed of a lane of each InfiniBand port: HDR, EDR ..."""
    found = _rates(host)
    return each(want, found, lambda name: found[name][1], "the lanes came up at another speed", _NO_PORT)


def _rates(host: Any) -> dict[str, tuple[int, str]]:
    rates = read_rates(output(host, "grep -H . /sys/class/infiniband/*/ports/*/rate"))
    names = list(_infiniband(host))
    missing = [name for name in names if name not in rates]
    if missing:
        raise CannotTell(f"/sys shows no rate of {', '.join(missing)}")
    return {name: rates[name] for name in names}


CHECKS = (
    Check(
        "fabric.adapters",
        "ConnectX functions on the PCI bus",
        Kind.NUMBER,
        adapters,
        "reseat the adapter and see that its slot is on in the firmware's settings: lspci -nn -d 15b3:",
        unit="functions",
    ),
    Check(
        "fabric.driver",
        "driver of the ConnectX adapters",
        Kind.TEXT,
        driver,
        "modprobe mlx5_core; if it will not bind: dmesg | grep {subject}",
        unproven="lspci -vvv of a ConnectX adapter",
    ),
    Check(
        "fabric.pcie_speed",
        "PCIe speed of the ConnectX adapters",
        Kind.NUMBER,
        pcie_speed,
        "set the slot's speed to Auto in the firmware's settings; compare LnkCap of the port above: lspci -tv",
        unit="GT/s",
        unproven="lspci -vvv of a ConnectX adapter",
    ),
    Check(
        "fabric.pcie_lanes",
        "PCIe lanes of the ConnectX adapters",
        Kind.NUMBER,
        pcie_lanes,
        "move {subject} to a slot with that many lanes, or switch off the slot's bifurcation; dmidecode -t slot",
        unit="lanes",
        unproven="lspci -vvv of a ConnectX adapter",
    ),
    Check(
        "fabric.pcie_link",
        "PCIe links of the ConnectX adapters at their best",
        Kind.TEXT,
        pcie_link,
        "reseat the adapter or its riser, then compare LnkCap and LnkSta: lspci -vvv -s {subject}",
        unproven="lspci -vvv of a ConnectX adapter",
    ),
    Check(
        "fabric.ports",
        "InfiniBand ports",
        Kind.NUMBER,
        ports,
        "see each port's link layer: ibstat; an adapter for both is set to InfiniBand by: mlxconfig -d DEVICE set "
        "LINK_TYPE_P1=1, and a reboot",
        unit="ports",
    ),
    Check(
        "fabric.state",
        "InfiniBand ports active",
        Kind.TEXT,
        state,
        "Initializing waits for a subnet manager, Down for a link; ask the port: ibportstate -D 0 PORT query",
    ),
    Check(
        "fabric.physical_state",
        "InfiniBand links up",
        Kind.TEXT,
        physical_state,
        "plug in the cable of {subject}, and see that the switch's port is enabled: ibstat",
    ),
    Check(
        "fabric.rate",
        "rate of the InfiniBand ports",
        Kind.NUMBER,
        rate,
        "compare what both ends are set to: iblinkinfo; take a cable that is made for the rate",
        unit="Gb/s",
    ),
    Check(
        "fabric.lanes",
        "lanes of the InfiniBand links",
        Kind.NUMBER,
        lanes,
        "a splitter cable or a bad connector leaves lanes out: swap the cable of {subject}; mlxlink -d DEVICE -m",
        unit="lanes",
    ),
    Check(
        "fabric.speed",
        "speed of the InfiniBand lanes",
        Kind.TEXT,
        speed,
        "see which speeds the switch's port allows: ibportstate LID PORT query, LinkSpeedEnabled",
    ),
    Check(
        "fabric.subnet_manager",
        "subnet manager of the InfiniBand ports",
        Kind.NUMBER,
        subnet_manager,
        "start the subnet manager on the switch or on a host: systemctl start opensm; then: sminfo",
        unit="local id",
        varies="the subnet manager may run elsewhere tomorrow: ask at_least 1",
    ),
    Check(
        "fabric.mtu",
        "MTU of the InfiniBand ports",
        Kind.NUMBER,
        mtu,
        "give the partition that MTU on the subnet manager: mtu=5 is 4096 bytes in opensm's partitions.conf",
        unit="bytes",
        unproven=VERBS_UNPROVEN,
    ),
    Check(
        "fabric.firmware_versions",
        "one firmware for all adapters of a type",
        Kind.NUMBER,
        firmware_versions,
        "bring the adapters to one firmware: mlxfwmanager --query, then mlxfwmanager -u in a change window",
        unit="versions",
    ),
    Check(
        "fabric.log_errors",
        "errors of ConnectX adapters in the kernel's log",
        Kind.NUMBER,
        counts("mlx5"),
        "read them: journalctl -k -g mlx5; for power: the slot's limit, for temperature: the transceiver's cooling",
        unit="messages",
        varies="what the kernel has said until now",
    ),
)
