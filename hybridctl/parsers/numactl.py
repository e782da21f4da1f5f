"""`numactl -H`: the NUMA nodes, their CPUs, memory and distances."""

import re
from dataclasses import dataclass

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Node", "read_hardware"]

UNPROVEN = "numactl -H of a Kunpeng 920"

_TOOL = "numactl -H"


@dataclass(frozen=True)
class Node:
    """One node; a node may have no memory, or no CPU.

    Attributes:
        memory: MB (2**20 bytes), as the kernel counts; `free` alike.
        distances: to every node, by number; 10 is itself.
    """

    number: int
    cpus: tuple[int, ...]
    memory: int
    free: int
    distances: dict[int, int]


def read_hardware(text: str) -> tuple[Node, ...]:
    """Read it.

    Raises:
        Unreadable: a node lacks CPUs, memory or its row of distances, or the machine has no NUMA.
    """
    lines = whole_lines(_TOOL, text)
    head = re.search(r"^available: (\d+) nodes? \(.*\)\s*$", "\n".join(lines), re.MULTILINE | re.ASCII)
    if head is None:
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "there is no line 'available: N nodes'")
    cpus: dict[int, tuple[int, ...]] = {}
    sizes: dict[tuple[int, str], int] = {}
    rows: dict[int, tuple[int, ...]] = {}
    order: tuple[int, ...] = ()
    for line in lines:
        if found := re.fullmatch(r"node (\d+) cpus:((?: \d+)*) *", line, re.ASCII):
            cpus[int(found[1])] = tuple(int(one) for one in found[2].split())
        elif found := re.fullmatch(r"node (\d+) (size|free): (\d+) MB *", line, re.ASCII):
            sizes[int(found[1]), found[2]] = int(found[3])
        elif found := re.fullmatch(r"node((?: +\d+)+) *", line, re.ASCII):
            order = tuple(int(one) for one in found[1].split())
        elif found := re.fullmatch(r" *(\d+):((?: +\d+)+) *", line, re.ASCII):
            rows[int(found[1])] = tuple(int(one) for one in found[2].split())
    nodes = []
    for node in sorted(cpus):
        if node not in rows or len(rows[node]) != len(order) or not {(node, "size"), (node, "free")} <= sizes.keys():
            raise Unreadable(_TOOL, f"node {node}", "its memory or its distances are missing")
        distances = dict(zip(order, rows[node], strict=True))
        nodes.append(Node(node, cpus[node], sizes[node, "size"], sizes[node, "free"], distances))
    if len(nodes) != int(head[1]) or len(order) != len(nodes):
        raise Unreadable(_TOOL, head[0], f"{len(nodes)} nodes are described")
    return tuple(nodes)
