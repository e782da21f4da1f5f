"""NCCL's own log (`NCCL_DEBUG=INFO`): which network it uses, and over which devices."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import printed
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Device", "Network", "channels_of", "networks_of", "version_of"]

UNPROVEN = "lines of channels and of the version"

_TOOL = "NCCL"
_USING = re.compile(r"(?:^|\s)NCCL INFO (?:Using network|NET/(\w+) : Using) ?(.*)")
_DEVICE = re.compile(
    r"\[(\d+)\](?:\{[^}]*\})?(\S+?):(?:(\d+)/(IB|RoCE|IB/SHARP)(?=\s|$)|([0-9a-fA-F:.]+(?:%\w+)?)<\d+>)", re.ASCII
)
_CHANNEL = re.compile(
    r"Channel (\d+)(?:/\d+)? : (\d+)\[\w+\] -> (\d+)\[\w+\] (?:\[(?:send|receive)\] )?via (\S+)", re.ASCII
)


@dataclass(frozen=True)
class Device:
    """An adapter or interface: with `port` and `layer` (`IB`, `RoCE`) for verbs, with `address` for sockets."""

    index: int
    name: str
    port: int | None
    layer: str
    address: str


@dataclass(frozen=True)
class Network:
    """One line `NET/... : Using`.

    Attributes:
        kind: `IB`, `Socket`, or a plugin such as `FastSocket`.
        has_relaxed_ordering: the adapters reorder writes on PCIe (`[RO]`).
        bootstrap: the interface for setting up, and its address as printed; empty where not said.
    """

    kind: str
    devices: tuple[Device, ...]
    has_relaxed_ordering: bool
    bootstrap: str


def networks_of(text: str) -> tuple[Network, ...]:
    """Return each different network that some rank says it uses; a line cut at the end does not count.

    Raises:
        Unreadable: none is named, or a device of one has another form.
    """
    found: list[Network] = []
    *lines, last = printed(_TOOL, text).split("\n")
    for line in [*lines, last if last.endswith((">", "[RO]")) else ""]:
        using = _USING.search(line)
        if using is None or using[1] is None:
            continue
        listed, _, oob = using[2].partition("; OOB ")
        devices = tuple(
            Device(int(one[1]), one[2], int(one[3]) if one[3] else None, one[4] or "", one[5] or "")
            for one in _DEVICE.finditer(listed)
        )
        named = re.findall(r"\[\d+\]", listed)
        if not devices or len(named) != len(devices) or [one.index for one in devices] != list(range(len(devices))):
            raise Unreadable(_TOOL, line, "a device of another form")
        network = Network(using[1], devices, "[RO]" in listed, oob.partition("<")[0].strip())
        if network not in found:
            found.append(network)
    if not found:
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "it names no network (NCCL_DEBUG=INFO?)")
    return tuple(found)


def channels_of(text: str) -> Mapping[tuple[int, int], frozenset[str]]:
    """Return by which ways each pair of ranks is connected: `P2P/CUMEM`, `SHM/direct/direct`, `NET/IB/0/GDRDMA`."""
    found: dict[tuple[int, int], frozenset[str]] = {}
    for line in printed(_TOOL, text).split("\n")[:-1]:
        channel = _CHANNEL.search(line)
        if channel and "NCCL INFO" in line:
            pair = int(channel[2]), int(channel[3])
            found[pair] = found.get(pair, frozenset()) | {channel[4]}
    return found


def version_of(text: str) -> str:
    """Return the version, such as `2.21.5`, that every rank names.

    Raises:
        Unreadable: none is named, or several are.
    """
    said = set(re.findall(r"NCCL version (\d+\.\d+\.\d+)(?=[+\s])", printed(_TOOL, text), re.ASCII))
    if len(said) != 1:
        raise Unreadable(_TOOL, ", ".join(sorted(said)), "one version was expected")
    return str(said.pop())
