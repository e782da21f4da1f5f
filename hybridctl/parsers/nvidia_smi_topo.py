"""`nvidia-smi topo -m` and `topo -p2p`: how each pair of GPUs and adapters is connected."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hybridctl.parsers._text import lines_of
from hybridctl.refusals import Unreadable

__all__ = ["Topology", "read_p2p", "read_topology"]

_TOOL = "nvidia-smi topo"
_DEVICE = re.compile(r"GPU\d+|NIC\d+|mlx\d_\w+|hns_\w+|bnxt_\w+", re.ASCII)
_LINK = re.compile(r"X|SYS|NODE|PHB|PXB|PIX|NV[1-9]\d?|C2C", re.ASCII)
_P2P = re.compile(r"X|OK|CNS|GNS|TNS|NS|DR|U")
_CPUS = re.compile(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*", re.ASCII)


@dataclass(frozen=True)
class Topology:
    """The matrix.

    Attributes:
        devices: `GPU0`, `NIC0` and the like, in order.
        links: by pair; a cell that could not be read is not in it.
        cpus: the CPUs nearest to a GPU, such as `0-31,64-95`; `numa`: its NUMA node.
        adapters: the name of each NIC, such as `mlx5_0`.
        broken: rows with cells that run into each other, which some drivers print.
    """

    devices: tuple[str, ...]
    links: Mapping[tuple[str, str], str]
    cpus: Mapping[str, str]
    numa: Mapping[str, int]
    adapters: Mapping[str, str]
    broken: Mapping[str, str]

    @property
    def gpus(self) -> tuple[str, ...]:
        """The GPUs."""
        return tuple(name for name in self.devices if name.startswith("GPU"))

    def link(self, one: str, other: str) -> str:
        """Return how two devices are connected: `NV12`, `PIX`, `SYS`; where one cell is broken, by the other.

        Raises:
            Unreadable: neither cell could be read, or the two differ.
        """
        cells = {self.links[pair] for pair in ((one, other), (other, one)) if pair in self.links}
        if len(cells) != 1:
            why = f"{one} and {other} are connected differently by direction" if cells else f"no link {one} - {other}"
            raise Unreadable(_TOOL, self.broken.get(one, self.broken.get(other, "")), why)
        return cells.pop()

    def node(self, gpu: str) -> int:
        """Return the NUMA node of a GPU.

        Raises:
            Unreadable: it is not said, or not readable.
        """
        if gpu not in self.numa:
            raise Unreadable(_TOOL, self.broken.get(gpu, ""), f"no NUMA node of {gpu}")
        return self.numa[gpu]


def read_topology(text: str) -> Topology:
    """Read `topo -m`.

    Raises:
        Unreadable: no header, or a device of the header has no row.
    """
    return _read(text, _LINK)


def read_p2p(text: str) -> Topology:
    """Read `topo -p2p r` and the like: each link is `OK` or why not: `CNS`, `GNS`, `TNS`, `NS`, `U`."""
    return _read(text, _P2P)


def _read(text: str, word: re.Pattern[str]) -> Topology:
    whole, last = lines_of(_TOOL, text)
    at = next((i for i, line in enumerate(whole) if re.match(r"\s+(?:GPU0|NIC0)\b", line)), None)
    if at is None:
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "there is no header of devices")
    head, _, tail = whole[at].partition("CPU Affinity")
    devices = tuple(head.split())
    odd = [name for name in devices if not _DEVICE.fullmatch(name)]
    if odd or len(set(devices)) != len(devices):
        raise Unreadable(_TOOL, whole[at], f"{odd[0]} is no device" if odd else "a device is named twice")
    # CPU Affinity, NUMA Affinity and, since driver 535, GPU NUMA ID.
    affinities = 1 + tail.count("NUMA") if len(head) < len(whole[at]) else 0
    rows: dict[str, str] = {}
    for line in [*whole[at + 1 :], last]:
        name, *cells = line.split() or [""]
        if name in devices and cells and "=" not in cells:
            if name in rows:
                raise Unreadable(_TOOL, line, f"{name} has two rows")
            # The last cell of a line without its line break may be cut.
            rows[name] = line[: line.rindex(cells[-1])] if line is last and line[-1:].strip() else line
    missing = [name for name in devices if name not in rows]
    if missing:
        raise Unreadable(_TOOL, whole[at], f"{missing[0]} has no row")
    found = (re.fullmatch(r"\s*(NIC\d+): (\S+)\s*", line, re.ASCII) for line in whole[at:])
    topology = Topology(devices, {}, {}, {}, {nic[1]: nic[2] for nic in found if nic}, {})
    return _filled(topology, rows, word, affinities)


def _filled(topology: Topology, rows: Mapping[str, str], word: re.Pattern[str], affinities: int) -> Topology:
    links, cpus, numa, broken = {}, {}, {}, {}
    for name, line in rows.items():
        cells = line.split()[1:]
        beside = cells[len(topology.devices) :]
        is_whole = len(cells) >= len(topology.devices) and len(beside) in (0, affinities)
        if len(cells) < len(topology.devices) and all(map(word.fullmatch, cells)):
            cells = []  # one is left out, and nothing says which
        for other, cell in zip(topology.devices, cells, strict=False):
            if not word.fullmatch(cell) or (cell == "X") != (name == other):
                is_whole = False  # cells run into each other: nothing further right is where it should be
                break
            links[name, other] = cell
        if not is_whole:
            broken[name] = line
        elif beside:
            if _CPUS.fullmatch(beside[0]):
                cpus[name] = beside[0]
            if affinities > 1 and beside[1].isdecimal():
                numa[name] = int(beside[1])
    return replace(topology, links=links, cpus=cpus, numa=numa, broken=broken)
