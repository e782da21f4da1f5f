"""Checks of the memory modules as the firmware describes them, and of how they lie on the NUMA nodes."""

import re
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Want
from hybridctl.checks.reading import output
from hybridctl.parsers.dmidecode import UNPROVEN as DMI_UNPROVEN
from hybridctl.parsers.dmidecode import Structure, memory_modules, read_dmidecode
from hybridctl.parsers.numactl import UNPROVEN as NUMA_UNPROVEN
from hybridctl.parsers.numactl import read_hardware

__all__ = ["CHECKS"]

_ARRAY = 16  # DMI type: Physical Memory Array
_SPEEDS = ("Configured Memory Speed", "Configured Clock Speed")  # the second in dmidecode before 3.2
_PLACE = re.compile(r"(?i)(?:socket|cpu|node|p)[ _]?(\d+)\b.*?\b(?:channel|ch)[ _]?([a-z0-9]+)")


def _tables(host: Any) -> tuple[Structure, ...]:
    return read_dmidecode(output(host, "env LC_ALL=C dmidecode -t memory"))


def _fitted(host: Any) -> tuple[Structure, ...]:
    modules = memory_modules(_tables(host))
    if not modules:
        raise CannotTell("the firmware describes no memory module that is fitted")
    return modules


def _of(module: Structure, *keys: str) -> str:
    for key in keys:
        value = module.said.get(key, "Unknown")
        if value not in ("Unknown", "Not Specified", "None"):
            return value
    raise CannotTell(f"the firmware tells no {keys[0]} of {module.said.get('Locator', 'a memory module')}")


def kind(host: Any, want: Want) -> Result:
    """The type of the modules, such as DDR4."""
    return want.judge(", ".join(sorted({_of(module, "Type") for module in _fitted(host)})))


def error_correction(host: Any, want: Want) -> Result:
    """Whether the controllers correct errors: `ECC`, or what the firmware says instead."""
    arrays = [one for one in _tables(host) if one.type == _ARRAY and one.said.get("Use") == "System Memory"]
    said = sorted({one.said.get("Error Correction Type", "Unknown") for one in arrays})
    if not said or "Unknown" in said:
        raise CannotTell("the firmware does not tell how memory errors are corrected")
    measured = "ECC" if all(one.endswith("ECC") for one in said) else ", ".join(said)
    return want.judge(measured, reason="memory errors would pass unseen into results")


def speed(host: Any, want: Want) -> Result:
    """The speed the slowest module runs at, in MT/s."""
    speeds = []
    for module in _fitted(host):
        value = re.fullmatch(r"(\d{3,5}) (?:MT/s|MHz)", _of(module, *_SPEEDS), re.ASCII)
        if value is None:
            raise CannotTell(f"{_of(module, *_SPEEDS)!r} is no speed of a memory module")
        speeds.append(int(value[1]))
    return want.judge(min(speeds), reason="the slowest module holds all others back")


def kinds(host: Any, want: Want) -> Result:
    """How many kinds of modules are fitted, by size, type and rated speed."""
    found = {f"{_of(one, 'Size')} {_of(one, 'Type')} {_of(one, 'Speed')}" for one in _fitted(host)}
    return want.judge(len(found), reason=f"modules differ: {'; '.join(sorted(found))}")


def channels(host: Any, want: Want) -> Result:
    """Channels with a module, of the socket that has fewest."""
    sockets: dict[str, set[str]] = {}
    for module in _fitted(host):
        places = (module.said.get("Bank Locator", ""), module.said.get("Locator", ""))
        place = next(filter(None, map(_PLACE.search, places)), None)
        if place is None:
            raise CannotTell(f"the firmware names no socket and channel in {', '.join(map(repr, places))}")
        sockets.setdefault(place[1], set()).add(place[2].casefold())
    said = "; ".join(f"socket {name}: {len(used)}" for name, used in sorted(sockets.items()))
    return want.judge(min(map(len, sockets.values())), reason=f"channels without a module cost bandwidth: {said}")


def nodes_without(host: Any, want: Want) -> Result:
    """NUMA nodes that have no memory."""
    nodes = read_hardware(output(host, "env LC_ALL=C numactl -H"))
    empty = [str(node.number) for node in nodes if node.memory == 0]
    return want.judge(len(empty), reason=f"all memory is far for node {', '.join(empty)}")


def balance(host: Any, want: Want) -> Result:
    """The memory of the smallest NUMA node in percent of the largest's; nodes without any aside."""
    sizes = [node.memory for node in read_hardware(output(host, "env LC_ALL=C numactl -H")) if node.memory]
    if not sizes:
        raise CannotTell("no NUMA node has memory")
    return want.judge(round(100 * min(sizes) / max(sizes), 1), reason="the nodes' memory differs")


CHECKS = (
    Check(
        "memory.type",
        "type of the memory modules",
        Kind.TEXT,
        kind,
        "compare with the order: dmidecode -t memory | grep -w Type",
        unproven=DMI_UNPROVEN,
    ),
    Check(
        "memory.error_correction",
        "memory errors are corrected",
        Kind.TEXT,
        error_correction,
        "switch ECC on in the firmware's settings, or fit modules that have it: dmidecode -t 16",
        unproven=DMI_UNPROVEN,
    ),
    Check(
        "memory.speed",
        "speed of the slowest memory module",
        Kind.NUMBER,
        speed,
        "set the memory's frequency to Auto in the firmware's settings; which is slow: dmidecode -t 17 | grep Speed",
        unit="MT/s",
        unproven=DMI_UNPROVEN,
    ),
    Check(
        "memory.kinds",
        "one kind of memory modules",
        Kind.NUMBER,
        kinds,
        "replace the modules that differ: dmidecode -t 17 | grep -e Locator -e Part",
        unit="kinds",
        unproven=DMI_UNPROVEN,
    ),
    Check(
        "memory.channels",
        "memory channels in use of a socket",
        Kind.NUMBER,
        channels,
        "spread the modules over all channels as the board's manual shows: dmidecode -t 17 | grep Locator",
        unit="channels",
        unproven=DMI_UNPROVEN,
    ),
    Check(
        "memory.nodes_without",
        "NUMA nodes without memory",
        Kind.NUMBER,
        nodes_without,
        "fit modules beside each die, or set the firmware's NUMA mode back: numactl -H",
        unit="nodes",
        unproven=NUMA_UNPROVEN,
    ),
    Check(
        "memory.balance",
        "memory of the smallest NUMA node, of the largest's",
        Kind.NUMBER,
        balance,
        "look for a module that was mapped out on the small node, or move one there: numactl -H; ipmitool sel elist",
        unit="%",
        unproven=NUMA_UNPROVEN,
    ),
)
