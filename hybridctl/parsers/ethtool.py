"""`ethtool`: plain, `-a`, `-i`, `-S` and `-k`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import key_values, number, whole_lines
from hybridctl.refusals import Unreadable

__all__ = [
    "UNPROVEN",
    "Driver",
    "Settings",
    "pause_frames",
    "read_driver",
    "read_features",
    "read_pause",
    "read_settings",
    "read_statistics",
]

UNPROVEN = "ethtool -a, -i, -S and -k of a ConnectX or hns3 adapter"

_TOOL = "ethtool"


@dataclass(frozen=True)
class Settings:
    """An interface.

    Attributes:
        speed: Mb/s; None without a link.
        supported: link modes the interface can do.
    """

    interface: str
    speed: int | None
    duplex: str
    autonegotiation: bool | None
    has_link: bool
    port: str
    supported: tuple[str, ...]


@dataclass(frozen=True)
class Driver:
    """What `ethtool -i` says; empty where it says nothing."""

    driver: str
    version: str
    firmware: str
    bus: str


def read_settings(text: str) -> Settings:
    """Read plain `ethtool IFACE`.

    Raises:
        Unreadable: there are no settings (no such device), a value has another form, or the end is missing.
    """
    lines = whole_lines(_TOOL, text)
    head = re.match(r"Settings for (\S+):\s*$", next((line for line in lines if line.startswith("Settings")), ""))
    if head is None:
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "there are no settings")
    said: dict[str, str] = {}
    key = ""
    for line in lines:
        found = re.fullmatch(r"\t([A-Z][^:\t]*):(?: (.*))?", line)
        if found:
            key = found[1]
            if key in said:
                raise Unreadable(_TOOL, line, "it is said twice")
            said[key] = (found[2] or "").strip()
        elif key and re.match(r"\t {8,}", line):
            said[key] = f"{said[key]} {line.strip()}".strip()  # link modes go on below the first ones
        elif line.startswith("\t"):
            key = ""
    if "Link detected" not in said:
        raise Unreadable(_TOOL, lines[-1], "it is cut: 'Link detected:' is missing")
    speed = re.fullmatch(r"(\d+)Mb/s", said.get("Speed", ""), re.ASCII)
    if speed is None and said.get("Speed", "Unknown!") != "Unknown!":
        raise Unreadable(_TOOL, f"Speed: {said['Speed']}", "it is no speed")
    return Settings(
        interface=head[1],
        speed=int(speed[1]) if speed else None,
        duplex=said.get("Duplex", ""),
        autonegotiation=_switch("Auto-negotiation", said, "on", "off"),
        has_link=_switch("Link detected", said, "yes", "no") is True,
        port=said.get("Port", ""),
        supported=tuple(said.get("Supported link modes", "").replace("Not reported", "").split()),
    )


def _switch(key: str, said: Mapping[str, str], on: str, off: str) -> bool | None:
    value = said.get(key)
    # Newer versions say why there is no link: "no (No cable)".
    word = value.split(" (")[0] if value else value
    if word not in (None, on, off):
        raise Unreadable(_TOOL, f"{key}: {value}", f"neither {on} nor {off}")
    return None if word is None else word == on


def read_pause(text: str) -> tuple[bool, bool]:
    """Read `ethtool -a`: whether pause frames are obeyed (RX) and sent (TX), of all traffic alike.

    Raises:
        Unreadable: one of them is missing or neither on nor off.
    """
    lines = whole_lines(_TOOL, text)
    said = key_values(_TOOL, (line for line in lines if re.match(r"(?:RX|TX):", line)))
    receives, sends = (_switch(key, said, "on", "off") for key in ("RX", "TX"))
    if receives is None or sends is None:
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "no RX and TX of pause frames")
    return receives, sends


def read_driver(text: str) -> Driver:
    """Read `ethtool -i`.

    Raises:
        Unreadable: it names no driver.
    """
    said = key_values(_TOOL, (line for line in whole_lines(_TOOL, text) if re.match(r"[a-z-]+:", line)))
    if not said.get("driver"):
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "it names no driver")
    return Driver(*(said.get(key, "") for key in ("driver", "version", "firmware-version", "bus-info")))


def read_statistics(text: str) -> Mapping[str, int]:
    """Read `ethtool -S`.

    Raises:
        Unreadable: there are no statistics, or one is no number or listed twice.
    """
    lines = whole_lines(_TOOL, text)
    if not any(line.rstrip() == "NIC statistics:" for line in lines):
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "there are no statistics")
    said = key_values(_TOOL, (line for line in lines if re.match(r" +\S.*:", line)))
    return {name: number(_TOOL, f"{name}: {value}", value) for name, value in said.items()}


def pause_frames(statistics: Mapping[str, int], way: str) -> dict[str, int]:
    """Return the pause frames that mlx5 counted, by `prio0` to `prio7` and `global`; only those that are on are listed.

    Args:
        way: `rx` or `tx`.
    """
    found = {re.fullmatch(rf"{way}_(prio[0-7]|global)_pause", name): count for name, count in statistics.items()}
    return {name[1]: count for name, count in found.items() if name}


def read_features(text: str) -> Mapping[str, bool]:
    """Read `ethtool -k`; what cannot be changed (`[fixed]`) is read alike.

    Raises:
        Unreadable: there are no features, or one is neither on nor off.
    """
    lines = whole_lines(_TOOL, text)
    if not any(line.startswith("Features for ") for line in lines):
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "there are no features")
    found: dict[str, bool] = {}
    for line in lines:
        feature = re.fullmatch(r"\t*([a-z0-9-]+): (\S+)(?: \[(?:fixed|requested \w+|not requested)\])*", line.rstrip())
        if feature:
            if feature[2] not in ("on", "off") or feature[1] in found:
                raise Unreadable(_TOOL, line, "neither on nor off, or said twice")
            found[feature[1]] = feature[2] == "on"
    return found
