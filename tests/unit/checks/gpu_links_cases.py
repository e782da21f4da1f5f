"""Hosts whose GPUs are linked less than they should be."""

from check_cases import Answers, Cases
from gpu_evidence import SILENT, smi, tag

READS = ("nvidia-smi topo -m", "nvidia-smi topo -p2p r", "nvidia-smi nvlink -s", "nvidia-smi nvlink -e")

_TOPO = "nvidia-smi topo -m"
_P2P = "nvidia-smi topo -p2p"
_LINKS = "nvidia-smi nvlink -s"
_ERRORS = "nvidia-smi nvlink -e"
_LSPCI = "env LC_ALL=C lspci"
_NAMES = ("NVIDIA A100 80GB PCIe", "GPU-00000000-1111-2222-3333-444444444444")


def topo(link: str = "NV12", near: str = "PXB", far: str = "SYS", back: str = "") -> Answers:
    """Two GPUs, each with an adapter of its own; the other one's is far."""
    return {
        _TOPO: (
            "\t\x1b[4mGPU0\tGPU1\tNIC0\tNIC1\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\x1b[0m\n"
            f"GPU0\t X \t{link}\t{near}\t{far}\t0-31\t0\t\tN/A\n"
            f"GPU1\t{back or link}\t X \t{far}\t{near}\t32-63\t1\t\tN/A\n"
            f"NIC0\t{near}\t{far}\t X \tSYS\t\t\t\t\n"
            f"NIC1\t{far}\t{near}\tSYS\t X \t\t\t\t\n"
            "\nLegend:\n\n  X    = Self\n\nNIC Legend:\n\n  NIC0: mlx5_0\n  NIC1: mlx5_1\n\n"
        )
    }


_ALONE = "\tGPU0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\nGPU0\t X \t0-31\t0\t\tN/A\n"


def p2p(cell: str = "OK") -> Answers:
    """Two GPUs that may read each other's memory or not."""
    return {_P2P: f"\tGPU0\tGPU1\t\n GPU0\tX\t{cell}\t\n GPU1\t{cell}\tX\t\n\nLegend:\n\n  X    = Self\n"}


def nvlink(links: int = 12, speed: str = "25 GB/s", last: str = "") -> Answers:
    """Links of two GPUs; `last` is what stands for the second one's last."""
    gpus = []
    for index in (0, 1):
        lines = [f"\t Link {link}: {speed}\n" for link in range(links)]
        if last and index:
            lines[-1] = f"\t Link {links - 1}: {last}\n"
        gpus.append(f"GPU {index}: {_NAMES[0]} (UUID: {_NAMES[1]})\n" + "".join(lines))
    return {_LINKS: "".join(gpus)}


_NONE = {
    _LINKS: f"GPU 0: {_NAMES[0]} (UUID: {_NAMES[1]})\nUnable to retrieve NVLink information as all links are inActive\n"
}


def counters(crc: int = 0) -> Answers:
    """Error counters of one GPU with two links."""
    lines = "".join(
        f"\t Link {link}: Replay Errors: 0\n\t Link {link}: Recovery Errors: 0\n\t Link {link}: CRC Errors: {crc}\n"
        for link in (0, 1)
    )
    return {_ERRORS: f"GPU 0: {_NAMES[0]} (UUID: {_NAMES[1]})\n{lines}\n"}


def _switches(number: int) -> Answers:
    lines = [
        f"0000:c{n}:00.0 Bridge [0680]: NVIDIA Corporation GA100 [A100 NVSwitch] [10de:1af1] (rev a1)\n"
        for n in range(number)
    ]
    return {
        _LSPCI: "0000:00:00.0 Host bridge [0600]: Advanced Micro Devices, Inc. [AMD] Root Complex [1022:1480]\n"
        "0000:3b:00.0 3D controller [0302]: NVIDIA Corporation GA100 [A100 SXM4 80GB] [10de:20b2] (rev a1)\n"
        + "".join(lines)
    }


CASES: dict[str, Cases] = {
    "gpu.pcie_generation": Cases(
        {"value": 4},
        [smi()],
        [smi(tag("max_link_gen", "4", "3"))],
        [*SILENT, smi(tag("max_link_gen", "4", "N/A"))],
    ),
    "gpu.pcie_width": Cases(
        {"value": 16},
        [smi(), smi(tag("current_link_width", "16x", "8x"))],
        [smi(tag("max_link_width", "16x", "8x"))],
        [*SILENT, smi(tag("max_link_width", "16x", "16"))],
    ),
    "gpu.pcie_lanes_lost": Cases(
        {"value": 0},
        [smi(), smi(tag("max_link_width", "16x", "8x"), tag("current_link_width", "16x", "8x"))],
        [smi(tag("current_link_width", "16x", "8x"))],
        [*SILENT, smi(tag("current_link_width", "16x", "N/A"))],
    ),
    "gpu.pcie_replays": Cases(
        {"at_most": 1000},
        [smi()],
        [smi(tag("replay_counter", "3", "1204"))],
        [*SILENT, smi(tag("replay_counter", "3", "N/A"))],
    ),
    "gpu.link": Cases(
        {"value": "NVLink"},
        [topo(), topo("NV4")],
        [topo("SYS"), topo("PHB")],
        [topo("NV12", back="SYS"), {_TOPO: _ALONE}, {_TOPO: "GPU0\n"}, topo("NV12X0-31")],
    ),
    "gpu.pair_links": Cases(
        {"at_least": 12},
        [topo(), topo("NV18")],
        [topo("NV8"), topo("PIX")],
        [{_TOPO: _ALONE}, topo("NV?"), topo("NV12", back="NV8")],
    ),
    "gpu.adapter_distance": Cases(
        {"any_of": ["PIX", "PXB"]},
        [topo(), topo(near="PIX")],
        [topo(near="SYS"), topo(near="NODE")],
        [{_TOPO: _ALONE}, topo(near="PX"), {_TOPO: _TOPO}],
    ),
    "gpu.peers_refused": Cases(
        {"value": 0},
        [p2p()],
        [p2p("CNS"), p2p("U")],
        [p2p("maybe"), {_P2P: " GPU0\nGPU0 X\n"}, {_P2P: "Failed to query\n"}],
    ),
    "nvlink.active": Cases(
        {"value": 12},
        [nvlink()],
        [nvlink(last="<inactive>"), nvlink(8), _NONE],
        [nvlink(last="slow"), {_LINKS: "GPU 0: x\n"}, {_LINKS: nvlink()[_LINKS][:-4]}],
    ),
    "nvlink.speed": Cases(
        {"at_least": 25},
        [nvlink(), nvlink(last="26.562 GB/s"), nvlink(last="<inactive>")],
        [nvlink(speed="20 GB/s"), nvlink(last="12.500 GB/s")],
        [_NONE, nvlink(last="fast")],
    ),
    "nvlink.errors": Cases(
        {"value": 0},
        [counters()],
        [counters(crc=3)],
        [{_ERRORS: counters()[_ERRORS][:-4]}, _NONE, {_ERRORS: f"GPU 0: {_NAMES[0]} (UUID: {_NAMES[1]})\n"}],
    ),
    "nvswitch.fabric_state": Cases(
        {"value": "Completed, Success"},
        [smi()],
        [smi(tag("state", "Completed", "In Progress")), smi(tag("status", "Success", "Insufficient Resources"))],
        [*SILENT, smi(tag("state", "Completed", "N/A"))],
    ),
    "nvswitch.on_bus": Cases(
        {"value": 6},
        [_switches(6)],
        [_switches(5), _switches(0)],
        [{_LSPCI: _switches(6)[_LSPCI].replace(" [0680]", "")}],
    ),
}
