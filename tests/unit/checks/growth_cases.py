"""Cases of growth: two hours ago the same boot had counted `earlier`."""

from check_cases import DENIED, Answers, Cases
from fabric_cases import counters as port_counters
from gpu_evidence import ADDRESSES, SILENT, smi, tag
from gpu_links_cases import counters as nvlink_counters
from roce_cases import DOWN, host

from hybridctl.checks.counts import Count

READS = ("cat -- /proc/sys/kernel/random/boot_id /proc/uptime", "ethtool -S ens1f0np0")

BOOT = "00000000-1111-2222-3333-444444444444"
_BEFORE, _NOW = 3600.0, 10800.0


def moment(uptime: float = _NOW, boot: str = BOOT) -> str:
    """What a host says of its boot."""
    return f"{boot}\n{uptime:.2f} 86400.21\n"


def earlier(**counts: int) -> Count:
    """What was counted two hours before."""
    return Count(BOOT, _BEFORE, {name.replace("__", "/"): count for name, count in counts.items()})


def at(answers: Answers) -> Answers:
    """A host with the moment."""
    return {"/proc/uptime": moment(), **answers}


def _timeless(answers: Answers) -> list[Answers]:
    """The same host that does not say when."""
    return [{**answers, "/proc/uptime": said} for said in (f"{BOOT}\n", moment()[:-1], f"x{moment()[1:]}")]


def _port(name: str, folder: str = "counters") -> Cases:
    """5 an hour are allowed, so 10 in two hours."""
    key = f"/{folder}/*"

    def counted(second: int) -> Answers:
        return at({key: port_counters(name, second, folder)})

    return Cases(
        {"at_most": 5},
        # The last one was set back meanwhile, and counts from 0.
        [counted(4), counted(14), counted(3)],
        [counted(15)],
        [
            *_timeless(counted(4)),
            at({key: port_counters(name, 4, folder).replace("mlx5_1", "mlx5_7")}),
            at({key: port_counters("another", 0, folder)}),
            at({key: DENIED}),
        ],
        earlier=earlier(mlx5_0__1=0, mlx5_1__1=4),
    )


def _interface(name: str) -> Cases:
    def values(count: int | str) -> Answers:
        listed = (("ens1f0np0", count), ("ens1f1np1", 999), ("lo", 0))
        text = "".join(f"/sys/class/net/{interface}/{name}:{value}\n" for interface, value in listed)
        return at(host(f"/{name}", text))

    return Cases(
        {"at_most": 5},
        [values(4), values(14), values(2)],
        [values(15)],
        [values("many"), at(DOWN), at(host(f"/{name}", DENIED)), *_timeless(values(4))],
        earlier=earlier(ens1f0np0=4),
    )


def _pauses(way: str) -> Cases:
    """Each priority by itself, as those without flow control are not listed; the other way's do not count."""
    other = "tx" if way == "rx" else "rx"

    def said(**counts: int | str) -> Answers:
        lines: dict[str, int | str] = {
            "rx_packets": 9,
            f"{other}_prio3_pause": 9999,
            f"{way}_prio3_pause_duration": 9999,
            **{f"{way}_{name}_pause": count for name, count in counts.items()},
        }
        text = "".join(f"     {name}: {value}\n" for name, value in lines.items())
        return at(host("ethtool -S", f"NIC statistics:\n{text}"))

    bond = {key: str(said_).replace("mlx5_0", "mlx5_bond_0") for key, said_ in said(prio3=7).items()}
    return Cases(
        {"at_most": 5},
        # The last one has flow control for priority 3 alone now.
        [said(prio3=7, prio4=100), said(prio3=17, prio4=110), said(**{"global": 13}), said(prio3=7)],
        [said(prio3=18, prio4=100), said(prio3=7, prio4=111), said(**{"global": 14})],
        [
            said(prio3="many"),
            said(),
            said(prio3=7, prio4=100, prio5=9999),  # switched on since
            bond,
            at(DOWN),
            at(host("ethtool -S", DENIED)),
            *_timeless(said(prio3=7)),
        ],
        earlier=earlier(**{"ens1f0np0 prio3": 7, "ens1f0np0 prio4": 100, "ens1f0np0 global": 3}),
    )


def _gpu(name: str, before: int) -> Cases:
    text = str(before)
    first, second = (address[4:].lower() for address in ADDRESSES)
    return Cases(
        {"at_most": 5},
        [at(smi()), at(smi(tag(name, text, str(before + 10))))],
        [at(smi(tag(name, text, str(before + 11))))],
        [*map(at, SILENT), at(smi(tag(name, text, "N/A"))), *_timeless(smi())],
        earlier=earlier(**{first: before, second: before}),
    )


def _edac(count: int | str) -> Answers:
    folder = "/sys/devices/system/edac/mc"
    return at({"/ce_count": f"{folder}/mc0/ce_count:0\n{folder}/mc1/ce_count:{count}\n"})


CASES: dict[str, Cases] = {
    "growth.symbol_errors": _port("symbol_error"),
    "growth.link_downed": _port("link_downed"),
    "growth.receive_errors": _port("port_rcv_errors"),
    "growth.local_integrity": _port("local_link_integrity_errors"),
    "growth.transmit_discards": _port("port_xmit_discards"),
    "growth.sequence_errors": _port("packet_seq_err", "hw_counters"),
    "growth.carrier_losses": _interface("carrier_down_count"),
    "growth.checksum_errors": _interface("statistics/rx_crc_errors"),
    "growth.missed_frames": _interface("statistics/rx_missed_errors"),
    "growth.pauses_received": _pauses("rx"),
    "growth.pauses_sent": _pauses("tx"),
    "growth.pcie_replays": _gpu("replay_counter", 3),
    "growth.gpu_corrected": _gpu("dram_correctable", 2),
    "growth.nvlink_errors": Cases(
        {"at_most": 5},
        [at(nvlink_counters()), at(nvlink_counters(crc=5))],
        [at(nvlink_counters(crc=6))],
        [at({"nvidia-smi nvlink -e": nvlink_counters()["nvidia-smi nvlink -e"][:-4]}), *_timeless(nvlink_counters())],
        earlier=earlier(**{"GPU 0": 0}),
    ),
    "growth.memory_corrected": Cases(
        {"at_most": 5},
        [_edac(7), _edac(17), _edac(0)],
        [_edac(18)],
        [_edac("none"), at({"/ce_count": DENIED}), *_timeless(_edac(7))],
        earlier=earlier(mc0=0, mc1=7),
    ),
}
