"""The log of NVIDIA's fabric manager (/var/log/fabricmanager.log)."""

import re
from dataclasses import dataclass

from hybridctl.parsers._text import lines_of
from hybridctl.refusals import Unreadable

__all__ = ["FabricEntry", "SwitchError", "read_fabric_log"]

_TOOL = "fabricmanager.log"
_ENTRY = re.compile(r"\[(\w{3} \d\d \d{4} \d\d:\d\d:\d\d)\] \[([A-Z]+)\] \[tid (\d+)\] (.*)", re.ASCII)
_SWITCH = re.compile(
    r"detected NVSwitch (fatal|non-fatal) error (\d+) on fid \d+ on NVSwitch pci bus id ([0-9a-fA-F:.]+) "
    r"physical id \d+ port (\d+)(?!\d)",
    re.ASCII,
)


@dataclass(frozen=True)
class SwitchError:
    """An error of an NVSwitch: its SXid, address on the PCI bus, and port."""

    is_fatal: bool
    code: int
    address: str
    port: int


@dataclass(frozen=True)
class FabricEntry:
    """One entry.

    Attributes:
        stamp: local time, as printed.
        level: `INFO`, `WARNING`, `ERROR`, `CRITICAL`.
        message: with the lines that follow it.
    """

    stamp: str
    level: str
    message: str

    @property
    def switch_error(self) -> SwitchError | None:
        """The error of an NVSwitch it reports, if any."""
        found = _SWITCH.search(self.message)
        return SwitchError(found[1] == "fatal", int(found[2]), found[3], int(found[4])) if found else None


def read_fabric_log(text: str) -> tuple[FabricEntry, ...]:
    """Read it; a last line without its line break is left out.

    Raises:
        Unreadable: it does not begin with an entry.
    """
    lines, _ = lines_of(_TOOL, text)
    found: list[FabricEntry] = []
    for line in lines:
        entry = _ENTRY.fullmatch(line)
        if entry:
            found.append(FabricEntry(entry[1], entry[2], entry[4]))
        elif line.strip():
            if not found:
                raise Unreadable(_TOOL, line, "it is no entry")
            last = found.pop()
            found.append(FabricEntry(last.stamp, last.level, f"{last.message}\n{line}"))
    if not found:
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "there is no entry")
    return tuple(found)
