"""Checks of RoCE: the RDMA ports that are Ethernet, and their network interfaces."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from hybridctl.checks.fabric import ports_of
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import output
from hybridctl.checks.subjects import each, judged, stated
from hybridctl.parsers.ethtool import UNPROVEN as ETHTOOL_UNPROVEN
from hybridctl.parsers.ethtool import read_driver, read_pause, read_settings
from hybridctl.parsers.ibv_devinfo import UNPROVEN as VERBS_UNPROVEN
from hybridctl.parsers.ibv_devinfo import Gid, read_devinfo, read_gids
from hybridctl.parsers.infiniband_sysfs import read_interfaces
from hybridctl.parsers.mlnx_qos import UNPROVEN as QOS_UNPROVEN
from hybridctl.parsers.mlnx_qos import Qos, read_qos
from hybridctl.parsers.sysfs import read_values

__all__ = ["CHECKS", "NO_PORT", "NO_RECORDING", "active_adapters", "active_ports", "interfaces_of", "statistic_of"]

NO_PORT = "no Ethernet port with RDMA is active: network.ports says how many there should be"
NO_RECORDING = "/sys/class/net of a ConnectX adapter"
_VARIES = "it grows for as long as the interface is there: decide how many are too many"


def active_ports(host: Any) -> list[str]:
    """Return the ports that carry traffic, as `mlx5_0/1`; those that are down are counted by network.ports."""
    return [name for name, port in ports_of(host, "Ethernet").items() if port.rate is not None]


def active_adapters(host: Any) -> list[str]:
    """Return the adapters of the active ports; raises `CannotTell` where there is none."""
    adapters = list(dict.fromkeys(name.partition("/")[0] for name in active_ports(host)))
    if not adapters:
        raise CannotTell(NO_PORT)
    return adapters


def interfaces_of(host: Any) -> list[str]:
    """Return the network interfaces of the active ports; raises `CannotTell` where there is none."""
    adapters = active_adapters(host)
    found = read_interfaces(output(host, "ls -d /sys/class/infiniband/*/device/net/*"))
    missing = [name for name in adapters if name not in found]
    if missing:
        raise CannotTell(f"/sys shows no network interface of {', '.join(missing)}")
    return [interface for name in adapters for interface in found[name]]


def ports(host: Any, want: Want) -> Result:
    """Ethernet ports with RDMA whose link is up."""
    return want.judge(len(active_ports(host)), reason="ports are missing or have no link")


def rate(host: Any, want: Want) -> Iterator[Result]:
    """The rate of the interface of each active port, in Gb/s."""

    def of(interface: str) -> float:
        settings = read_settings(output(host, "env LC_ALL=C ethtool %s", interface))
        if settings.speed is None:
            raise CannotTell(f"ethtool tells no speed of {interface}")
        return settings.speed / 1000

    return each(want, interfaces_of(host), of, "the link runs at another rate", NO_PORT)


def driver(host: Any, want: Want) -> Iterator[Result]:
    """The driver of each active port's interface."""

    def of(interface: str) -> str:
        return read_driver(output(host, "env LC_ALL=C ethtool -i %s", interface)).driver

    return each(want, interfaces_of(host), of, "another driver has it", NO_PORT)


def pause(host: Any, want: Want) -> Iterator[Result]:
    """Whether pause frames stop all traffic of an interface: `on` when either direction does."""

    def of(interface: str) -> str:
        return "on" if any(read_pause(output(host, "env LC_ALL=C ethtool -a %s", interface))) else "off"

    return each(want, interfaces_of(host), of, "they stop every class of traffic alike", NO_PORT)


def _gids(host: Any) -> dict[str, list[Gid]]:
    listed = read_gids(output(host, "env LC_ALL=C ibv_devinfo -v"))
    return {
        name: [gid for gid in listed if f"{gid.adapter}/{gid.port}" == name and gid.type == "RoCE v2"]
        for name in active_ports(host)
    }


def transport(host: Any, want: Want) -> Iterator[Result]:
    """The newest transport each active port has an address for: `RoCEv2` or `RoCEv1`."""
    found = _gids(host)
    reason = "the port has no address for the transport"
    return each(want, found, lambda name: "RoCEv2" if found[name] else "RoCEv1", reason, NO_PORT)


def ipv4_addresses(host: Any, want: Want) -> Iterator[Result]:
    """RoCE v2 addresses of each active port that come from an IPv4 address: NCCL takes one of these."""
    found = _gids(host)
    reason = "its interface has no IPv4 address"
    return each(want, found, lambda name: sum(gid.is_ipv4 for gid in found[name]), reason, NO_PORT)


def mtu(host: Any, want: Want) -> Iterator[Result]:
    """The MTU of RDMA on each active port; it follows the interface's own, less the headers."""
    listed = read_devinfo(output(host, "env LC_ALL=C ibv_devinfo -v"))
    sizes = {f"{port.adapter}/{port.number}": port.active_mtu for port in listed}
    names = active_ports(host)
    if missing := [name for name in names if name not in sizes]:
        raise CannotTell(f"ibv_devinfo says nothing of {', '.join(missing)}")
    return each(want, names, lambda name: sizes[name], "the interface's MTU is too small", NO_PORT)


def _qos(host: Any, interface: str) -> Qos:
    return read_qos(output(host, "env LC_ALL=C mlnx_qos -i %s", interface))


def trust(host: Any, want: Want) -> Iterator[Result]:
    """What each interface sorts traffic by: `dscp` or `pcp`."""
    return each(want, interfaces_of(host), lambda i: _qos(host, i).trust, "traffic is sorted by another field", NO_PORT)


def flow_control(host: Any, want: Want) -> Iterator[Result]:
    """The priorities whose flow is controlled on each interface, such as `3` or `3 4`; `none`."""

    def of(interface: str) -> str:
        return " ".join(map(str, sorted(_qos(host, interface).pfc))) or "none"

    return each(want, interfaces_of(host), of, "other priorities are lossless than the switch's", NO_PORT)


def _ecn(point: str) -> Callable[[Any, Want], Iterator[Result]]:
    def enabled(host: Any, want: Want) -> Iterator[Result]:
        for interface in interfaces_of(host):
            folder = f"/sys/class/net/{interface}/ecn/{point}/enable"
            listed = read_values(output(host, f"grep -H . {folder}/*"))
            for priority in want.expectation.wanted:
                yield _priority(want, f"{interface} priority {priority}", listed.get(f"{folder}/{priority}", ""))

    enabled.__doc__ = f"Whether {point} is on for each of the priorities, on each active port's interface."
    return enabled


def _priority(want: Want, subject: str, said: str) -> Result:
    if said not in ("0", "1"):
        return want.result(Verdict.UNKNOWN, None, subject=subject, expected="on", reason=f"/sys says {said[:40]!r}")
    measured = "on" if said == "1" else "off"
    return stated(want, subject, is_good=said == "1", measured=measured, expected="on", reason="it is off")


def statistic_of(host: Any, name: str) -> dict[str, int | None]:
    """Return a counter below /sys/class/net/IFACE for each active port's interface; None where it is no number."""
    interfaces = interfaces_of(host)
    values = read_values(output(host, f"grep -H . /sys/class/net/*/{name}"))
    said = {interface: values.get(f"/sys/class/net/{interface}/{name}", "") for interface in interfaces}
    return {one: int(text) if re.fullmatch(r"\d{1,20}", text, re.ASCII) else None for one, text in said.items()}


def _statistic(name: str, reason: str) -> Callable[[Any, Want], Iterator[Result]]:
    def counted(host: Any, want: Want) -> Iterator[Result]:
        for interface, count in statistic_of(host, name).items():
            if count is not None:
                yield judged(want, interface, count, reason)
            else:
                yield want.result(Verdict.UNKNOWN, None, subject=interface, reason=f"/sys tells no number in {name}")

    counted.__doc__ = f"Read {name} of each active port's interface."
    return counted


CHECKS = (
    Check(
        "network.ports",
        "Ethernet ports with RDMA and a link",
        Kind.NUMBER,
        ports,
        "see which is down: rdma link show; bring it up: ip link set dev IFACE up",
        unit="ports",
    ),
    Check(
        "network.rate",
        "rate of the RoCE interfaces",
        Kind.NUMBER,
        rate,
        "compare with the switch's port and the cable: ethtool {subject}; ethtool -m {subject}",
        unit="Gb/s",
    ),
    Check(
        "network.driver",
        "driver of the RoCE interfaces",
        Kind.TEXT,
        driver,
        "see which drivers know the adapter: lspci -nnk; and what the kernel said of it: dmesg | grep {subject}",
        unproven=ETHTOOL_UNPROVEN,
    ),
    Check(
        "network.transport",
        "RDMA transport of the Ethernet ports",
        Kind.TEXT,
        transport,
        "show the addresses with their types: ibv_devinfo -v; for connection managers: cma_roce_mode -m 2",
        unproven=VERBS_UNPROVEN,
    ),
    Check(
        "network.ipv4_addresses",
        "RoCE v2 addresses over IPv4",
        Kind.NUMBER,
        ipv4_addresses,
        "give the interface its IPv4 address: ip -4 addr show; then: nmcli or netplan, as the system has it",
        unit="addresses",
        unproven=VERBS_UNPROVEN,
    ),
    Check(
        "network.mtu",
        "RDMA's MTU on Ethernet",
        Kind.NUMBER,
        mtu,
        "4096 bytes need an interface and a switch of 4200 or more: ip link set dev IFACE mtu 9000",
        unit="bytes",
        unproven=VERBS_UNPROVEN,
    ),
    Check(
        "network.pause",
        "pause frames of all traffic",
        Kind.TEXT,
        pause,
        "leave flow control to the priorities: ethtool -A {subject} autoneg off rx off tx off",
        unproven=ETHTOOL_UNPROVEN,
    ),
    Check(
        "network.trust",
        "field that traffic is sorted by",
        Kind.TEXT,
        trust,
        "mlnx_qos -i {subject} --trust dscp; the switch must do the same",
        unproven=QOS_UNPROVEN,
    ),
    Check(
        "network.flow_control",
        "priorities with flow control",
        Kind.TEXT,
        flow_control,
        "for priority 3 alone: mlnx_qos -i {subject} --pfc 0,0,0,1,0,0,0,0; a unit must set it at each boot",
        unproven=QOS_UNPROVEN,
    ),
    Check(
        "network.congestion_notified",
        "congestion told to the sender",
        Kind.NAMES,
        _ecn("roce_np"),
        "switch on the notification point: echo 1 > /sys/class/net/IFACE/ecn/roce_np/enable/PRIORITY",
        unproven="ecn/ in /sys/class/net, which the vendor's drivers have",
    ),
    Check(
        "network.congestion_heeded",
        "congestion heeded by the sender",
        Kind.NAMES,
        _ecn("roce_rp"),
        "switch on the reaction point: echo 1 > /sys/class/net/IFACE/ecn/roce_rp/enable/PRIORITY",
        unproven="ecn/ in /sys/class/net, which the vendor's drivers have",
    ),
    Check(
        "network.carrier_losses",
        "times the RoCE links were lost",
        Kind.NUMBER,
        _statistic("carrier_down_count", "the link was lost since the interface is there"),
        "see when: journalctl -k -g {subject}; compare with the switch's log, then swap the cable",
        unit="losses",
        varies=_VARIES,
        unproven=NO_RECORDING,
    ),
    Check(
        "network.checksum_errors",
        "frames with a wrong checksum",
        Kind.NUMBER,
        _statistic("statistics/rx_crc_errors", "frames arrive damaged"),
        "clean or swap cable and transceiver of {subject}; see FEC: ethtool --show-fec {subject}",
        unit="frames",
        varies=_VARIES,
        unproven=NO_RECORDING,
    ),
    Check(
        "network.missed_frames",
        "frames the adapter had no room for",
        Kind.NUMBER,
        _statistic("statistics/rx_missed_errors", "the host takes them off too slowly"),
        "enlarge the ring: ethtool -g {subject}, then ethtool -G {subject} rx MAXIMUM; see where its interrupts go",
        unit="frames",
        varies=_VARIES,
        unproven=NO_RECORDING,
    ),
)
