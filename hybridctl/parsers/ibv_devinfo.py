"""`ibv_devinfo`, also with `-v`: the adapters as the verbs library sees them."""

import ipaddress
import re
from dataclasses import dataclass

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Gid", "VerbsPort", "read_devinfo", "read_gids"]

UNPROVEN = "ibv_devinfo"

_TOOL = "ibv_devinfo"


@dataclass(frozen=True)
class VerbsPort:
    """One port: state such as `PORT_ACTIVE`, MTU in bytes, layer `InfiniBand` or `Ethernet`."""

    adapter: str
    firmware: str
    number: int
    state: str
    max_mtu: int
    active_mtu: int
    layer: str


@dataclass(frozen=True)
class Gid:
    """An address of a port: its place in the port's table, its type, and whether it is that of IPv4.

    Attributes:
        type: `RoCE v2`; empty on InfiniBand.
    """

    adapter: str
    port: int
    index: int
    type: str
    is_ipv4: bool


def read_devinfo(text: str) -> tuple[VerbsPort, ...]:
    """Read it.

    Raises:
        Unreadable: there is no port, an adapter lacks one (phys_port_cnt), or one does not say all of that.
    """
    found: list[VerbsPort] = []
    adapter: dict[str, str] = {}
    counts: dict[str, int] = {}
    said: dict[str, str] = {}
    for line in [*whole_lines(_TOOL, text, r"\s+link_layer:\s+(?:InfiniBand|Ethernet)"), "port: 0"]:
        pair = re.fullmatch(r"\s*([a-z_]+):\s+(\S.*?)\s*", line)
        if pair is None:
            continue
        if pair[1] in ("hca_id", "port") and said:
            found.append(_port(adapter, said))
            said = {}
        if pair[1] == "hca_id":
            adapter = {}
        if pair[1] == "port":
            said = {"port": pair[2]} if pair[2] != "0" else {}
        elif said:
            said.setdefault(pair[1], pair[2])
        else:
            adapter.setdefault(pair[1], pair[2])
            if pair[1] == "phys_port_cnt" and pair[2].isdecimal():
                counts[adapter.get("hca_id", "")] = int(pair[2])
    if not found:
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "it names no port")
    for name, count in counts.items():
        if count != sum(port.adapter == name for port in found):
            raise Unreadable(_TOOL, f"phys_port_cnt: {count}", f"not all ports of {name} are described")
    return tuple(found)


def _port(adapter: dict[str, str], said: dict[str, str]) -> VerbsPort:
    # "state: PORT_ACTIVE (4)", "active_mtu: 4096 (5)"
    words = {key: value.split(" ")[0] for key, value in said.items()}
    numbers = [words.get(key, "") for key in ("port", "max_mtu", "active_mtu")]
    texts = [adapter.get("hca_id", ""), adapter.get("fw_ver", ""), words.get("state", ""), words.get("link_layer", "")]
    if not all(re.fullmatch(r"\d{1,6}", one, re.ASCII) for one in numbers) or not all(texts):
        raise Unreadable(_TOOL, f"{texts[0]} port {numbers[0]}", "state, MTU, link layer or firmware are missing")
    return VerbsPort(texts[0], texts[1], int(numbers[0]), texts[2], int(numbers[1]), int(numbers[2]), texts[3])


def read_gids(text: str) -> tuple[Gid, ...]:
    """Read the GIDs that `ibv_devinfo -v` lists; older versions name no types, and none does on InfiniBand.

    Raises:
        Unreadable: no GID is listed, or one has no address, no port, or on Ethernet no type.
    """
    found = []
    adapter, port, layer = "", 0, ""
    for line in whole_lines(_TOOL, text):
        if head := re.fullmatch(r"hca_id:\s+(\S+)\s*", line):
            adapter, port, layer = head[1], 0, ""
        elif head := re.fullmatch(r"\s+port:\s+(\d{1,4})\s*", line, re.ASCII):
            port, layer = int(head[1]), ""
        elif head := re.fullmatch(r"\s+link_layer:\s+(\S+)\s*", line):
            layer = head[1]
        elif line.lstrip().startswith("GID["):
            kind = r"(?:, (\S.*?))" + ("?" if layer == "InfiniBand" else "")
            gid = re.fullmatch(rf"\s+GID\[ *(\d{{1,5}})\]:\s+([0-9a-fA-F:.]+){kind}\s*", line, re.ASCII)
            try:
                address = ipaddress.IPv6Address(gid[2] if gid else "")
            except ValueError:
                raise Unreadable(_TOOL, line, "a GID with its type was expected") from None
            if gid is None or not adapter or not port:
                raise Unreadable(_TOOL, line, "a GID without adapter and port")
            found.append(Gid(adapter, port, int(gid[1]), gid[3] or "", address.ipv4_mapped is not None))
    if not found:
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "no GID is listed")
    return tuple(found)
