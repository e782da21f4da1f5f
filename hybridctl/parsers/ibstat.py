"""`ibstat` and `ibstatus`: the RDMA adapters and the state of their ports."""

import re
from dataclasses import dataclass
from functools import lru_cache

from hybridctl.parsers._text import blocks_of, lines_of, number
from hybridctl.refusals import Unreadable

__all__ = ["Adapter", "Fabric", "Port", "read_ibstat", "read_ibstatus"]

_CLOSED = {"Link layer: InfiniBand", "Link layer: Ethernet", "link_layer:      InfiniBand", "link_layer:      Ethernet"}


@dataclass(frozen=True)
class Port:
    """One port.

    Attributes:
        state: `Active`, `Initializing`, `Down` ...
        physical: `LinkUp`, `Polling`, `Disabled` ...
        rate: Gb/s; None unless the link is up, for a port that is down still prints one.
        layer: `InfiniBand` or `Ethernet`.
    """

    number: int
    state: str
    physical: str
    rate: float | None
    base_lid: int
    sm_lid: int
    layer: str


@dataclass(frozen=True)
class Adapter:
    """One adapter; ibstatus names neither type nor firmware."""

    name: str
    type: str
    firmware: str
    ports: tuple[Port, ...]


@dataclass(frozen=True)
class Fabric:
    """All adapters. Use `all_adapters`.

    Attributes:
        complaints: lines about an adapter that could not be asked.
    """

    adapters: tuple[Adapter, ...]
    complaints: tuple[str, ...]

    def all_adapters(self) -> tuple[Adapter, ...]:
        """Return the adapters.

        Raises:
            Unreadable: one of them could not be asked.
        """
        if self.complaints:
            raise Unreadable("ibstat", self.complaints[0], "it complains")
        return self.adapters


@lru_cache(maxsize=32)  # several checks read the same answer, and many hosts are judged at a time
def read_ibstat(text: str) -> Fabric:
    """Read `ibstat`.

    Raises:
        Unreadable: there is no adapter, or one lacks a port, or a port what is said of every port.
    """
    tool = "ibstat"
    lines, last = lines_of(tool, text)
    if last.strip() in _CLOSED:
        lines.append(last)
    elif last.strip():
        raise Unreadable(tool, last, "the output ends in the middle of a line")
    complaints = tuple(line.strip() for line in lines if re.match(r"ib(?:panic|warn|error)\b|.*: Failed\b", line))
    adapters: list[Adapter] = []
    for block in blocks_of(lines, "CA '"):
        adapters.append(_adapter(tool, block, adapters))
    if not adapters:
        raise Unreadable(tool, (*complaints, text.strip().split("\n")[0])[0], "it names no adapter")
    return Fabric(tuple(adapters), complaints)


def _adapter(tool: str, block: list[str], before: list[Adapter]) -> Adapter:
    name = re.fullmatch(r"CA '([^']+)'\s*", block[0])
    if name is None or name[1] in {one.name for one in before}:
        raise Unreadable(tool, block[0], "it names no other adapter")
    inner = blocks_of(block, r"\s+Port \d+:\s*$")
    own = _said(tool, block[: len(block) - sum(map(len, inner))])
    ports = []
    for head, *below in inner:
        said = {key.lower(): value for key, value in _said(tool, below).items()}
        where = f"{name[1]} {head.strip()}"
        ports.append(_port(tool, number(tool, head, head.strip()[5:-1]), said, where))
    wanted = _of(tool, own, "Number of ports", name[1])
    if wanted != str(len(ports)):
        raise Unreadable(tool, f"Number of ports: {wanted}", f"{len(ports)} of {name[1]} are described")
    return Adapter(
        name[1], _of(tool, own, "CA type", name[1]), _of(tool, own, "Firmware version", name[1]), tuple(ports)
    )


def read_ibstatus(text: str) -> Fabric:
    """Read `ibstatus`.

    Raises:
        Unreadable: there is no port, or one lacks what is said of every port.
    """
    tool = "ibstatus"
    lines, last = lines_of(tool, text)
    if last.strip() and last.strip() not in _CLOSED:
        raise Unreadable(tool, last, "the output ends in the middle of a line")
    ports: dict[str, list[Port]] = {}
    for first, *below in blocks_of([*lines, last], "Infiniband device"):
        head = re.fullmatch(r"Infiniband device '([^']+)' port (\d+) status:\s*", first, re.ASCII)
        if head is None:
            raise Unreadable(tool, first, "it names no port")
        said = _said(tool, below)
        # "4: ACTIVE" and "5: LinkUp": the kernel's number and word.
        for key in ("state", "phys state"):
            word = re.fullmatch(r"\d+: *(\S.*)", said.get(key, ""), re.ASCII)
            said[key] = word[1] if word else ""
        rate = re.fullmatch(r"([\d.]+) Gb/sec \(.*\)", said.get("rate", ""), re.ASCII)
        said |= {"state": said["state"].capitalize(), "rate": rate[1] if rate else ""}
        said |= {"physical state": said["phys state"], "link layer": said.get("link_layer", "")}
        for key in ("base lid", "sm lid"):
            said[key] = str(number(tool, f"{key}: {said.get(key, '')}", said.get(key, ""), 16))
        port = _port(tool, int(head[2]), said, head[0].strip())
        if port.number in {other.number for other in ports.get(head[1], [])}:
            raise Unreadable(tool, head[0], "the port is described twice")
        ports.setdefault(head[1], []).append(port)
    if not ports:
        raise Unreadable(tool, text.strip().split("\n")[0], "it names no port")
    return Fabric(tuple(Adapter(name, "", "", tuple(own)) for name, own in ports.items()), ())


def _said(tool: str, lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if colon and line[:1].isspace() and found.setdefault(key.strip(), value.strip()) != value.strip():
            raise Unreadable(tool, line, "it is said twice, differently")
    return found


def _of(tool: str, said: dict[str, str], key: str, where: str) -> str:
    if not said.get(key):
        raise Unreadable(tool, where, f"no '{key}'")
    return said[key]


def _port(tool: str, index: int, said: dict[str, str], where: str) -> Port:
    state, physical, layer = (_of(tool, said, key, where) for key in ("state", "physical state", "link layer"))
    rate = _of(tool, said, "rate", where)
    if layer not in ("InfiniBand", "Ethernet"):
        raise Unreadable(tool, f"{where} Link layer: {layer}", "it is no link layer")
    if not re.fullmatch(r"\d+(?:\.\d+)?", rate, re.ASCII):
        raise Unreadable(tool, f"{where} Rate: {rate}", "it is no rate")
    base, subnet = (
        number(tool, f"{where} {key}: {said.get(key, '')}", said.get(key, "")) for key in ("base lid", "sm lid")
    )
    is_up = physical.replace(" ", "").casefold() == "linkup"
    return Port(index, state, physical, float(rate) if is_up else None, base, subnet, layer)
