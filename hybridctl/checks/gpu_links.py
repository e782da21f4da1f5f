"""Checks of how the GPUs are connected: PCIe, NVLink, NVSwitch, and the adapters near them."""

from itertools import combinations
from typing import Any

from hybridctl.checks.gpu import nvidia_devices
from hybridctl.checks.gpus import gpus_of, how_many, judge_each
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Want
from hybridctl.checks.reading import output
from hybridctl.parsers.nvidia_smi_nvlink import UNPROVEN, LinkedGpu, read_nvlink, read_nvlink_errors
from hybridctl.parsers.nvidia_smi_topo import Topology, read_p2p, read_topology

__all__ = ["CHECKS"]

_SWITCH_KINDS = {"0680"}  # NVSwitches call themselves bridges of another kind
_NEAREST_FIRST = ("PIX", "PXB", "PHB", "NODE", "SYS")


def pcie_generation(host: Any, want: Want) -> Result:
    """The PCIe generation that each GPU and its slot can do together; what runs now may be lower at rest."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.pcie_generation_max)


def pcie_width(host: Any, want: Want) -> Result:
    """Lanes that each GPU and its slot can do together."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.pcie_width_max)


def pcie_lanes_lost(host: Any, want: Want) -> Result:
    """GPUs whose link came up with fewer lanes than it can; lanes, unlike the generation, stay at rest."""
    return how_many(want, gpus_of(host), lambda gpu: gpu.pcie_width < gpu.pcie_width_max)


def pcie_replays(host: Any, want: Want) -> Result:
    """Packets that each GPU's PCIe link sent again since its last reset."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.pcie_replays)


def _topology(host: Any) -> Topology:
    return read_topology(output(host, "nvidia-smi topo -m"))


def _pairs(topology: Topology) -> tuple[tuple[str, str], ...]:
    pairs = tuple(combinations(topology.gpus, 2))
    if not pairs:
        raise CannotTell("there is one GPU, and no other to be linked with")
    return pairs


def link(host: Any, want: Want) -> Result:
    """NVLink when every pair of GPUs has it, else PCIe."""
    topology = _topology(host)
    pairs = {pair: topology.link(*pair) for pair in _pairs(topology)}
    bare = [f"{one}-{other} {found}" for (one, other), found in pairs.items() if not found.startswith("NV")]
    return want.judge("PCIe" if bare else "NVLink", reason=", ".join(bare[:8]))


def pair_links(host: Any, want: Want) -> Result:
    """NVLinks between the two GPUs that have fewest."""
    topology = _topology(host)
    bonded = {
        pair: int(found[2:]) if (found := topology.link(*pair)).startswith("NV") else 0 for pair in _pairs(topology)
    }
    fewest = min(bonded.values())
    weak = [f"{one}-{other}" for (one, other), count in bonded.items() if count == fewest]
    return want.judge(fewest, reason=f"{', '.join(weak[:8])}: {fewest}")


def adapter_distance(host: Any, want: Want) -> Result:
    """What lies between a GPU and the network adapter nearest to it, for the GPU that has it worst."""
    topology = _topology(host)
    adapters = [name for name in topology.devices if name not in topology.gpus]
    if not topology.gpus or not adapters:
        raise CannotTell("nvidia-smi topo -m names no network adapter")
    nearest = {gpu: min((topology.link(gpu, adapter) for adapter in adapters), key=_distance) for gpu in topology.gpus}
    worst = max(nearest.values(), key=_distance)
    return want.judge(worst, reason=", ".join(f"{gpu} {found}" for gpu, found in nearest.items() if found == worst))


def _distance(found: str) -> int:
    if found not in _NEAREST_FIRST:
        raise CannotTell(f"nvidia-smi topo -m says {found} between GPU and adapter")
    return _NEAREST_FIRST.index(found)


def peers_refused(host: Any, want: Want) -> Result:
    """Pairs of GPUs that cannot read each other's memory."""
    topology = read_p2p(output(host, "nvidia-smi topo -p2p r"))
    refused = [pair for pair in _pairs(topology) if topology.link(*pair) != "OK"]
    return want.judge(len(refused), reason=", ".join(f"{one}-{other}" for one, other in refused[:8]))


def _linked(host: Any) -> tuple[LinkedGpu, ...]:
    return read_nvlink(output(host, "nvidia-smi nvlink -s"))


def nvlinks(host: Any, want: Want) -> Result:
    """Active NVLinks of the GPU that has fewest."""
    active = {gpu.index: sum(speed is not None for speed in gpu.links.values()) for gpu in _linked(host)}
    fewest = min(active.values())
    return want.judge(fewest, reason=", ".join(f"GPU {index}" for index, count in active.items() if count == fewest))


def nvlink_speed(host: Any, want: Want) -> Result:
    """Speed of the slowest active NVLink, in one direction."""
    speeds = [speed for gpu in _linked(host) for speed in gpu.links.values() if speed is not None]
    if not speeds:
        raise CannotTell("no NVLink is active")
    return want.judge(min(speeds))


def nvlink_errors(host: Any, want: Want) -> Result:
    """Replays, recoveries and checksum errors of all NVLinks."""
    kinds: dict[str, int] = {}
    for gpu in read_nvlink_errors(output(host, "nvidia-smi nvlink -e")):
        for link_kinds in gpu.counted.values():
            for kind, number in link_kinds.items():
                kinds[kind] = kinds.get(kind, 0) + number
    return want.judge(sum(kinds.values()), reason=", ".join(f"{kind} {number}" for kind, number in kinds.items()))


def fabric_state(host: Any, want: Want) -> Result:
    """How far each GPU got in joining the fabric of its NVSwitches, and with what success."""
    return judge_each(want, gpus_of(host), lambda gpu: ", ".join(gpu.fabric))


def switches(host: Any, want: Want) -> Result:
    """NVSwitches on the PCI bus."""
    return want.judge(len(nvidia_devices(host, _SWITCH_KINDS)))


CHECKS = (
    Check(
        "gpu.pcie_generation",
        "PCIe generation of GPU and slot",
        Kind.NUMBER,
        pcie_generation,
        "set the slot's link speed to auto or to the card's in the firmware; see nvidia-smi -i {subject} -q -d PCIE",
    ),
    Check(
        "gpu.pcie_width",
        "PCIe lanes of GPU and slot",
        Kind.NUMBER,
        pcie_width,
        "move the card to a slot with all lanes, or undo the slot's bifurcation: lspci -vv -s {subject}",
        unit="lanes",
    ),
    Check(
        "gpu.pcie_lanes_lost",
        "GPUs whose PCIe link lost lanes",
        Kind.NUMBER,
        pcie_lanes_lost,
        "power off, clean and reseat the card or its riser; then: lspci -vv -s {subject} | grep LnkSta",
        unit="GPUs",
    ),
    Check(
        "gpu.pcie_replays",
        "PCIe packets of a GPU sent again",
        Kind.NUMBER,
        pcie_replays,
        "watch whether it grows: nvidia-smi -i {subject} -q | grep Replay; when it does, change riser or retimer",
        unit="packets",
        varies="it grows with the time since the last reset",
    ),
    Check(
        "gpu.link",
        "link between the GPUs",
        Kind.TEXT,
        link,
        "see which pair lacks it: nvidia-smi topo -m; fit the bridges, or with NVSwitch look at the fabric manager",
    ),
    Check(
        "gpu.pair_links",
        "NVLinks between two GPUs",
        Kind.NUMBER,
        pair_links,
        "count the bridges between the pair, three for two A100 cards: nvidia-smi topo -m; nvidia-smi nvlink -s",
        unit="links",
    ),
    Check(
        "gpu.adapter_distance",
        "way from a GPU to its nearest network adapter",
        Kind.TEXT,
        adapter_distance,
        "move the adapter under the GPU's PCIe switch, as the board's manual has it: nvidia-smi topo -m; lspci -tv",
    ),
    Check(
        "gpu.peers_refused",
        "GPU pairs that cannot reach each other's memory",
        Kind.NUMBER,
        peers_refused,
        "switch off ACS in the firmware or boot with iommu=pt; then: nvidia-smi topo -p2p r",
        unit="pairs",
    ),
    Check(
        "nvlink.active",
        "active NVLinks of a GPU",
        Kind.NUMBER,
        nvlinks,
        "see which is inactive: nvidia-smi nvlink -s; reset all GPUs together: nvidia-smi --gpu-reset",
        unit="links",
    ),
    Check(
        "nvlink.speed",
        "speed of an NVLink",
        Kind.NUMBER,
        nvlink_speed,
        "compare card and bridge generation: nvidia-smi nvlink -s; nvidia-smi nvlink -c",
        unit="GB/s",
    ),
    Check(
        "nvlink.errors",
        "errors of the NVLinks",
        Kind.NUMBER,
        nvlink_errors,
        "reseat bridge or board where one link has most of them: nvidia-smi nvlink -e; reset: nvidia-smi nvlink -re",
        unit="errors",
        varies="it grows with the time since the last reset",
        unproven=UNPROVEN,
    ),
    Check(
        "nvswitch.fabric_state",
        "GPUs in the fabric of the NVSwitches",
        Kind.TEXT,
        fabric_state,
        "systemctl restart nvidia-fabricmanager with no work on the GPUs; then: nvidia-smi -q | grep -A2 Fabric",
    ),
    Check(
        "nvswitch.on_bus",
        "NVSwitches on the PCI bus",
        Kind.NUMBER,
        switches,
        "power off and on at the wall, then have the baseboard checked: lspci -nn -d 10de: | grep 0680",
        unit="NVSwitches",
    ),
)
