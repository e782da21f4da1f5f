"""`timedatectl show`, `chronyc -c tracking` and `chronyc -c sources`: whether the clock is right, and by whom."""

import re
from dataclasses import dataclass

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Source", "Tracking", "read_sources", "read_timedatectl", "read_tracking"]

UNPROVEN = "chronyc -c tracking"


@dataclass(frozen=True)
class Tracking:
    """What chrony follows.

    Attributes:
        offset: seconds the clock is off, positive when it is fast.
        stratum: 0 while it follows nobody.
        leap: `Normal`, or `Not synchronised`.
    """

    reference: str
    stratum: int
    offset: float
    leap: str

    @property
    def is_synchronised(self) -> bool:
        """It follows a server that is itself on time."""
        return self.leap != "Not synchronised" and self.stratum > 0


@dataclass(frozen=True)
class Source:
    """A server or clock that chrony asks; `state` in words, `reach` the last eight answers as bits."""

    name: str
    state: str
    reach: int

    @property
    def is_usable(self) -> bool:
        """The clock is set by it, alone or with others."""
        return self.state in ("selected", "combined")


def read_timedatectl(text: str) -> dict[str, bool | str]:
    """Read `timedatectl show`: `NTPSynchronized` and other switches as bool, the rest as printed.

    Raises:
        Unreadable: it says nothing about NTP, or the last line is cut.
    """
    tool = "timedatectl show"
    found: dict[str, bool | str] = {}
    for line in whole_lines(tool, text):
        key, equals, value = line.partition("=")
        if equals and re.fullmatch(r"[A-Za-z]+", key):
            found.setdefault(key, {"yes": True, "no": False}.get(value, value))
    if not isinstance(found.get("NTPSynchronized"), bool):
        raise Unreadable(tool, text.strip().split("\n")[0], "it says nothing of NTPSynchronized")
    return found


def read_tracking(text: str) -> Tracking:
    """Read `chronyc -c tracking`, 14 fields with commas.

    Raises:
        Unreadable: chronyd does not answer, or the line has another form or is cut.
    """
    tool = "chronyc -c tracking"
    lines = [line for line in whole_lines(tool, text) if line.count(",") > 8]
    cells = lines[0].split(",") if lines else []
    number = r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?"
    if len(cells) != 14 or not cells[2].isdecimal() or not re.fullmatch(number, cells[4], re.ASCII):
        raise Unreadable(tool, (lines or text.strip().split("\n"))[0], "it is no line of 14 fields")
    return Tracking(cells[1] or cells[0], int(cells[2]), float(cells[4]), cells[13].strip())


def read_sources(text: str) -> tuple[Source, ...]:
    """Read `chronyc -c sources`, 10 fields with commas a line.

    Raises:
        Unreadable: chronyd does not answer, a line has another form, or the last one is cut.
    """
    tool = "chronyc -c sources"
    found = []
    for line in whole_lines(tool, text):
        cells = line.split(",")
        if not line.strip():
            continue
        states = {
            "*": "selected",
            "+": "combined",
            "-": "not combined",
            "?": "unreachable",
            "x": "false",
            "~": "jittery",
        }
        known = len(cells) == 10 and cells[0] in ("^", "=", "#") and cells[1] in states and cells[2]
        if not known or not re.fullmatch(r"[0-7]{1,3}", cells[5], re.ASCII):
            raise Unreadable(tool, line, "it is no line of 10 fields")
        found.append(Source(cells[2], states[cells[1]], int(cells[5], 8)))
    return tuple(found)
