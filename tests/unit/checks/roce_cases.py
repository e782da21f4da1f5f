"""Cases of RoCE: Ethernet ports with RDMA and their interfaces."""

from check_cases import DENIED, NOT_THERE, TOO_SLOW, Answers, Cases
from fabric_cases import NO_IB, UNREADABLE, adapter, devinfo, port

from hybridctl.checks.fake import Answered

ACTIVE = adapter(0, port(rate=25, layer="Ethernet", sm_lid=0))
# Beside the active port: one without a cable, and one that is InfiniBand.
IBSTAT = (
    ACTIVE + adapter(1, port("Down", "Disabled", 40, "Ethernet", 0)) + adapter(3, port()).replace("mlx5_3", "ibp65s0")
)
INTERFACES = (
    "/sys/class/infiniband/ibp65s0/device/net/ib0\n/sys/class/infiniband/mlx5_0/device/net/ens1f0np0\n"
    "/sys/class/infiniband/mlx5_1/device/net/ens1f1np1\n"
)
DOWN: Answers = {"ibstat": adapter(1, port("Down", "Disabled", 40, "Ethernet", 0))}


def host(part: str, answer: Answered | str) -> Answers:
    """A host with one active port, whose interface is ens1f0np0, and another answer."""
    return {"ibstat": IBSTAT, "/device/net/*": INTERFACES, part: answer}


def unread(part: str, *rubbish: str) -> list[Answers]:
    """Hosts that cannot be read."""
    return [
        *UNREADABLE,
        DOWN,
        {"ibstat": IBSTAT, "/device/net/*": INTERFACES.replace("mlx5_0", "mlx5_7"), part: "x\n"},
        {"ibstat": IBSTAT, "/device/net/*": Answered(2, "", "ls: cannot access")},
        host(part, NOT_THERE),
        *(host(part, text) for text in rubbish),
    ]


def ethtool(speed: str = "25000Mb/s", link: str = "yes") -> str:
    """Plain ethtool."""
    return (
        "Settings for ens1f0np0:\n\tSupported ports: [ FIBRE ]\n\tSupported link modes:   25000baseCR/Full\n"
        f"\tSpeed: {speed}\n\tDuplex: Full\n\tAuto-negotiation: on\n\tPort: Direct Attach Copper\n"
        f"\tLink detected: {link}\n"
    )


def gids(*types: tuple[str, str]) -> str:
    """What ibv_devinfo -v lists of a port's addresses."""
    lines = "".join(f"\t\t\tGID[{n:3}]:\t\t{address}, {kind}\n" for n, (address, kind) in enumerate(types))
    return devinfo(4096, "Ethernet", lines)


LOCAL = "fe80::ac0:ebff:fe00:1"
V2 = (("fe80:0000:0000:0000:0ac0:ebff:fe00:0001", "RoCE v1"), (LOCAL, "RoCE v2"))
IPV4 = ((LOCAL, "RoCE v2"), ("::ffff:10.2.0.7", "RoCE v1"), ("::ffff:10.2.0.7", "RoCE v2"))
# The addresses of the port that is InfiniBand have no type.
IB_GIDS = devinfo(4096, "InfiniBand", "\t\t\tGID[  0]:\t\tfe80:0000:0000:0000:0ac0:ebff:fe00:0003\n").replace(
    "mlx5_0", "ibp65s0"
)
GIDS_UNREAD: list[Answers] = [
    {"ibstat": IBSTAT, "ibv_devinfo": IB_GIDS + gids((LOCAL, "RoCE v2")).replace(", RoCE v2", "")},
    DOWN,
    {"ibstat": IBSTAT, "ibv_devinfo": devinfo(4096, "Ethernet")},
    {"ibstat": IBSTAT, "ibv_devinfo": gids((LOCAL, "RoCE v2")).replace(", RoCE v2", "")},
    {"ibstat": IBSTAT, "ibv_devinfo": gids(("no address", "RoCE v2"))},
    {"ibstat": IBSTAT, "ibv_devinfo": NOT_THERE},
]


def qos(trust: str = "dscp", enabled: str = "0   0   0   1   0   0   0   0") -> str:
    """What mlnx_qos shows."""
    return (
        f"DCBX mode: OS controlled\nPriority trust state: {trust}\nPFC configuration:\n"
        f"\tpriority    0   1   2   3   4   5   6   7\n\tenabled     {enabled}   \n"
    )


def ecn(point: str, third: str) -> str:
    """The switches of a congestion point, priority by priority."""
    folder = f"/sys/class/net/ens1f0np0/ecn/{point}/enable"
    return "".join(f"{folder}/{n}:{third if n == 3 else 0}\n" for n in range(8))


def congestion(point: str) -> Cases:
    """The cases of one congestion point."""
    part = f"/{point}/enable/*"
    return Cases(
        {"value": ["3"]},
        [host(part, ecn(point, "1"))],
        [host(part, ecn(point, "0"))],
        unread(part, ecn(point, "on"), ecn(point, "1").replace("enable/3:1\n", "enable/9:1\n")),
    )


def statistic(name: str) -> Cases:
    """The cases of a counter of the interfaces; others' do not count."""

    def values(count: int | str) -> str:
        listed = (("ens1f0np0", count), ("ens1f1np1", 999), ("lo", 0))
        return "".join(f"/sys/class/net/{interface}/{name}:{value}\n" for interface, value in listed)

    return Cases(
        {"at_most": 3},
        [host(f"/{name}", values(3))],
        [host(f"/{name}", values(4))],
        unread(f"/{name}", values("-1"), values(0).replace("ens1f0np0", "eth0"), values(0).rstrip("\n"), "lo\n"),
    )


READS = ("ls -d /sys/", "ethtool -a", "ethtool -i", "ethtool ens", "mlnx_qos -i ens1f0np0", "grep -H . /sys/")

CASES: dict[str, Cases] = {
    "network.ports": Cases(
        {"value": 1}, [{"ibstat": IBSTAT}], [DOWN, {"ibstat": adapter(0, port())}], [*UNREADABLE, {"ibstat": TOO_SLOW}]
    ),
    "network.rate": Cases(
        {"value": 25},
        [host("ethtool ens1f0np0", ethtool())],
        [host("ethtool ens1f0np0", ethtool("10000Mb/s"))],
        unread("ethtool ens1f0np0", ethtool("Unknown!", "no"), ethtool().replace("\tLink detected: yes\n", "")),
    ),
    "network.driver": Cases(
        {"value": "mlx5_core"},
        [host("ethtool -i", "driver: mlx5_core\nversion: 5.10.0\nfirmware-version: 14.32.1010\n")],
        [host("ethtool -i", "driver: hns3\nversion: 5.10.0\nfirmware-version: 1.9.38\n")],
        unread("ethtool -i", "driver: \n", "Cannot get driver information: Operation not supported\n"),
    ),
    "network.transport": Cases(
        {"value": "RoCEv2"},
        [{"ibstat": IBSTAT, "ibv_devinfo": gids(*V2)}, {"ibstat": IBSTAT, "ibv_devinfo": IB_GIDS + gids(*IPV4)}],
        [{"ibstat": IBSTAT, "ibv_devinfo": gids((LOCAL, "RoCE v1")) + IB_GIDS}],
        GIDS_UNREAD,
    ),
    "network.ipv4_addresses": Cases(
        {"at_least": 1},
        [{"ibstat": IBSTAT, "ibv_devinfo": gids(*IPV4)}, {"ibstat": IBSTAT, "ibv_devinfo": gids(*IPV4) + IB_GIDS}],
        [{"ibstat": IBSTAT, "ibv_devinfo": gids(*V2)}],
        GIDS_UNREAD,
    ),
    "network.mtu": Cases(
        {"value": 4096},
        [{"ibstat": IBSTAT, "ibv_devinfo": devinfo(4096, "Ethernet")}],
        [{"ibstat": IBSTAT, "ibv_devinfo": devinfo(1024, "Ethernet")}],
        [
            DOWN,
            NO_IB,
            {"ibstat": IBSTAT, "ibv_devinfo": devinfo(4096).replace("mlx5_0", "mlx5_1")},
            {"ibstat": IBSTAT, "ibv_devinfo": DENIED},
        ],
    ),
    "network.pause": Cases(
        {"value": "off"},
        [host("ethtool -a", "Pause parameters for ens1f0np0:\nAutonegotiate:\toff\nRX:\t\toff\nTX:\t\toff\n")],
        [
            host("ethtool -a", "Pause parameters for ens1f0np0:\nAutonegotiate:\toff\nRX:\t\ton\nTX:\t\ton\n"),
            host("ethtool -a", "Pause parameters for ens1f0np0:\nAutonegotiate:\toff\nRX:\t\toff\nTX:\t\ton\n"),
        ],
        unread("ethtool -a", "Pause parameters for ens1f0np0:\nRX:\t\toff\n", "RX: maybe\nTX: off\n"),
    ),
    "network.trust": Cases(
        {"value": "dscp"},
        [host("mlnx_qos", qos())],
        [host("mlnx_qos", qos("pcp"))],
        unread("mlnx_qos", qos("tos"), "Interface does not exist\n"),
    ),
    "network.flow_control": Cases(
        {"value": "3"},
        [host("mlnx_qos", qos())],
        [
            host("mlnx_qos", qos(enabled="0   0   0   0   0   0   0   0")),
            host("mlnx_qos", qos(enabled="0   0   0   1   1   0   0   0")),
        ],
        unread("mlnx_qos", qos(enabled="0   0   0   1"), qos(enabled="0   0   0   7   0   0   0   0")),
    ),
    "network.congestion_notified": congestion("roce_np"),
    "network.congestion_heeded": congestion("roce_rp"),
    "network.carrier_losses": statistic("carrier_down_count"),
    "network.checksum_errors": statistic("statistics/rx_crc_errors"),
    "network.missed_frames": statistic("statistics/rx_missed_errors"),
}
