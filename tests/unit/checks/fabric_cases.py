"""Cases of the fabric: InfiniBand ports, their counters, and the adapters on the PCI bus."""

from check_cases import DENIED, NOT_THERE, TOO_SLOW, Answers, Cases

from hybridctl.checks.fake import Answered


def port(
    state: str = "Active", physical: str = "LinkUp", rate: int = 200, layer: str = "InfiniBand", sm_lid: int = 1
) -> str:
    """A port in ibstat's form, indented by tabs."""
    return (
        f"\tPort 1:\n\t\tState: {state}\n\t\tPhysical state: {physical}\n\t\tRate: {rate}\n\t\tBase lid: 7\n"
        f"\t\tLMC: 0\n\t\tSM lid: {sm_lid}\n\t\tCapability mask: 0xa651e848\n"
        f"\t\tPort GUID: 0x08c0eb0300000001\n\t\tLink layer: {layer}\n"
    )


def adapter(number: int, ports: str, firmware: str = "20.31.1014", kind: str = "MT4123") -> str:
    """An adapter in ibstat's form."""
    return (
        f"CA 'mlx5_{number}'\n\tCA type: {kind}\n\tNumber of ports: 1\n\tFirmware version: {firmware}\n"
        f"\tHardware version: 0\n\tNode GUID: 0x08c0eb030000000{number}\n"
        f"\tSystem image GUID: 0x08c0eb030000000{number}\n{ports}"
    )


ROCE = adapter(2, port(rate=25, layer="Ethernet", sm_lid=0), "14.32.1010", "MT4117")
GOOD = adapter(0, port()) + adapter(1, port()) + ROCE
COMPLAINT = Answered(255, GOOD, "ibpanic: [1] main: stat of IB device 'mlx5_3' failed: Invalid argument\n")


def two(second: str) -> Answers:
    """A host whose first port is good."""
    return {"ibstat": adapter(0, port()) + adapter(1, second) + ROCE}


NO_IB = {"ibstat": ROCE}
UNREADABLE: list[Answers] = [
    {"ibstat": COMPLAINT},
    {"ibstat": GOOD + "ibwarn: [7] mad_rpc: _do_madrpc failed\n"},
    {"ibstat": GOOD[:-30]},
    {"ibstat": NOT_THERE},
]


def card(address: str = "0000:41:00.0", *, came_up: str = "Speed 16GT/s, Width x16", driver: str = "mlx5_core") -> str:
    """A ConnectX adapter in the form of lspci -D -nn -vvv."""
    return (
        f"{address} Infiniband controller [0207]: Mellanox Technologies MT28908 Family [ConnectX-6] [15b3:101b]\n"
        "\tControl: I/O- Mem+ BusMaster+\n\tNUMA node: 0\n\tCapabilities: [60] Express (v2) Endpoint, MSI 00\n"
        "\t\tLnkCap:\tPort #0, Speed 16GT/s, Width x16, ASPM not supported\n"
        f"\t\tLnkSta:\t{came_up}\n\tKernel driver in use: {driver}\n\n"
    )


BRIDGE = "0000:40:00.0 PCI bridge [0604]: Mellanox Technologies MT43244 [15b3:197b] (rev 01)\n\n"
CARD = card() + card("0000:81:00.0") + BRIDGE
LISTED = (
    "0000:00:00.0 PCI bridge [0604]: Huawei Technologies Co., Ltd. HiSilicon PCIe Root Port [19e5:a120] (rev 21)\n"
    "0000:41:00.0 Infiniband controller [0207]: Mellanox Technologies MT28908 [15b3:101b]\n"
    "0000:81:00.0 Ethernet controller [0200]: Mellanox Technologies MT27800 [15b3:1017]\n"
    "0000:c0:00.0 PCI bridge [0604]: Mellanox Technologies MT43244 [15b3:197b] (rev 01)\n"
)
HIDDEN = CARD.replace("\tCapabilities: [60] Express (v2) Endpoint, MSI 00\n", "\tCapabilities: <access denied>\n")
HIDDEN = "\n".join(line for line in HIDDEN.split("\n") if "Lnk" not in line)
NO_CARD: list[Answers] = [{"lspci": Answered(0, "")}, {"lspci": BRIDGE}, {"lspci": NOT_THERE}]
NO_LINK: list[Answers] = [
    *NO_CARD,
    {"lspci": HIDDEN},
    {"lspci": CARD.replace("Speed 16GT/s, Width x16\n", "unknown\n")},
]
SLOW = {"lspci": card() + card("0000:81:00.0", came_up="Speed 8GT/s (downgraded), Width x16 (ok)")}
NARROW = {"lspci": card(came_up="Speed 16GT/s (ok), Width x8 (downgraded)")}


def rates(second: str = "200 Gb/sec (4X HDR)") -> Answers:
    """Rates in /sys beside what ibstat says."""
    values = ("200 Gb/sec (4X HDR)", second, "25 Gb/sec (1X EDR)")
    lines = [f"/sys/class/infiniband/mlx5_{n}/ports/1/rate:{value}\n" for n, value in enumerate(values)]
    return {"ibstat": GOOD, "/ports/*/rate": "".join(lines)}


RATES_UNREAD: list[Answers] = [
    rates("unknown"),
    {**rates(), "ibstat": adapter(3, port())},
    {**rates(), "ibstat": ROCE},
    {"ibstat": GOOD, "/ports/*/rate": DENIED},
]


def devinfo(mtu: int, layer: str = "InfiniBand", gids: str = "") -> str:
    """A port in the form of ibv_devinfo -v."""
    return (
        "hca_id:\tmlx5_0\n\ttransport:\t\t\tInfiniBand (0)\n\tfw_ver:\t\t\t\t20.31.1014\n\tmax_qp:\t\t\t\t131072\n"
        "\tphys_port_cnt:\t\t\t1\n\t\tport:\t1\n\t\t\tstate:\t\t\tPORT_ACTIVE (4)\n\t\t\tmax_mtu:\t\t4096 (5)\n"
        f"\t\t\tactive_mtu:\t\t{mtu} (5)\n\t\t\tsm_lid:\t\t\t1\n\t\t\tlink_layer:\t\t{layer}\n{gids}\n"
    )


def counters(name: str, second: int | str, folder: str = "counters", other: str = "port_xmit_data") -> str:
    """Counters of two ports, as grep lists them."""
    return "".join(
        f"/sys/class/infiniband/{port}/ports/1/{folder}/{other}:93410\n"
        f"/sys/class/infiniband/{port}/ports/1/{folder}/{name}:{value}\n"
        for port, value in (("mlx5_0", 0), ("mlx5_1", second))
    )


def counted(name: str, folder: str = "counters", limit: int = 20, full: int | None = None) -> Cases:
    """The cases of a counter; `full` is where one stops that must not pass there: as many or more there were."""
    key = f"/{folder}/*"
    stopped: list[Answers] = [] if full is None else [{key: counters(name, full, folder)}]
    return Cases(
        {"at_most": limit},
        [{key: counters(name, 2, folder)}],
        [{key: counters(name, limit + 1, folder)}],
        [
            *stopped,
            {key: counters("another", 0, folder)},
            {key: counters(name, "N/A (no PMA)", folder)},
            {key: counters(name, 3, folder).rstrip("\n")},
            {key: DENIED},
            {key: Answered(2, counters(name, 0, folder), "grep: Input/output error")},
        ],
    )


READS = ("ibstat", "ibv_devinfo -v", "lspci -D -nn", "grep -H . /sys/")

CASES: dict[str, Cases] = {
    "fabric.adapters": Cases(
        {"value": 2},
        [{"lspci -D -nn": LISTED}],
        [{"lspci -D -nn": LISTED.replace("[15b3:1017]", "[8086:1572]")}],
        [{"lspci -D -nn": "00:00.0 PCI bridge: Huawei (rev 21)\n"}, {"lspci": TOO_SLOW}, {"lspci": NOT_THERE}],
    ),
    "fabric.driver": Cases(
        {"value": "mlx5_core"},
        [{"lspci": CARD}],
        [{"lspci": card(driver="vfio-pci")}],
        [*NO_CARD, {"lspci": CARD.replace("\tKernel driver in use: mlx5_core\n", "")}],
    ),
    "fabric.pcie_speed": Cases({"value": 16}, [{"lspci": CARD}], [SLOW], NO_LINK),
    "fabric.pcie_lanes": Cases({"value": 16}, [{"lspci": CARD}, SLOW], [NARROW], NO_LINK),
    "fabric.pcie_link": Cases({"value": "full"}, [{"lspci": CARD}], [SLOW, NARROW], NO_LINK),
    "fabric.ports": Cases(
        {"value": 2},
        [{"ibstat": GOOD}, two(port("Down", "Disabled", 40))],
        [{"ibstat": adapter(0, port()) + ROCE}, two(port(layer="Ethernet")), NO_IB],
        UNREADABLE,
    ),
    "fabric.state": Cases(
        {"value": "Active"},
        [{"ibstat": GOOD}],
        [two(port("Initializing")), two(port("Down", "Polling"))],
        [NO_IB, *UNREADABLE],
    ),
    "fabric.physical_state": Cases(
        {"value": "LinkUp"},
        [{"ibstat": GOOD}, two(port("Initializing"))],
        [two(port("Down", "Disabled", 40)), two(port("Down", "Polling"))],
        [NO_IB, *UNREADABLE],
    ),
    "fabric.rate": Cases(
        {"value": 200},
        [{"ibstat": GOOD}],
        # A port that is down still prints the rate it had.
        [two(port(rate=100)), two(port("Down", "Polling", 200))],
        [NO_IB, *UNREADABLE],
    ),
    "fabric.lanes": Cases({"value": 4}, [rates()], [rates("100 Gb/sec (2X HDR)")], RATES_UNREAD),
    "fabric.speed": Cases(
        {"value": "HDR"}, [rates()], [rates("100 Gb/sec (4X EDR)"), rates("10 Gb/sec (4X SDR)")], RATES_UNREAD
    ),
    "fabric.subnet_manager": Cases(
        {"at_least": 1}, [{"ibstat": GOOD}], [two(port("Initializing", sm_lid=0))], [NO_IB, *UNREADABLE]
    ),
    "fabric.mtu": Cases(
        {"value": 4096},
        [{"ibv_devinfo -v": devinfo(4096)}],
        [{"ibv_devinfo -v": devinfo(2048)}],
        [
            {"ibv_devinfo -v": devinfo(1024, "Ethernet")},
            {"ibv_devinfo -v": "No IB devices found\n"},
            {"ibv_devinfo -v": NOT_THERE},
        ],
    ),
    "fabric.firmware_versions": Cases(
        {"value": 1},
        [{"ibstat": GOOD}],
        [{"ibstat": adapter(0, port()) + adapter(1, port(), "20.28.2006")}],
        UNREADABLE,
    ),
    "fabric.symbol_errors": counted("symbol_error"),
    "fabric.link_downed": counted("link_downed", limit=300, full=255),
    "fabric.link_recoveries": counted("link_error_recovery"),
    "fabric.receive_errors": counted("port_rcv_errors"),
    "fabric.remote_errors": counted("port_rcv_remote_physical_errors"),
    "fabric.local_integrity": counted("local_link_integrity_errors", limit=15, full=15),
    "fabric.buffer_overruns": counted("excessive_buffer_overrun_errors", limit=14),
    "fabric.transmit_discards": counted("port_xmit_discards"),
    "fabric.sequence_errors": counted("packet_seq_err", "hw_counters"),
    "fabric.ack_timeouts": counted("local_ack_timeout_err", "hw_counters"),
    "fabric.receiver_not_ready": counted("rnr_nak_retry_err", "hw_counters"),
    "fabric.completion_errors": counted("req_cqe_error", "hw_counters"),
}
