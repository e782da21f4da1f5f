"""`dmidecode`: what the firmware says of board, processors and memory."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Structure", "memory_modules", "read_dmidecode"]

UNPROVEN = "dmidecode of a Kunpeng board"

_TOOL = "dmidecode"
_UNITS = {"kB": 2**10, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}


@dataclass(frozen=True)
class Structure:
    """One structure: `Memory Device`, `BIOS Information` ... Values that are lists are not in `said`."""

    handle: int
    type: int
    title: str
    said: Mapping[str, str]

    def size(self, key: str = "Size") -> int:
        """Return bytes; 0 for `No Module Installed`.

        Raises:
            Unreadable: it is no size (`Unknown`).
        """
        value = self.said.get(key, "")
        if value == "No Module Installed":
            return 0
        found = re.fullmatch(r"(\d+) ([kKMGT]B)", value, re.ASCII)
        if found is None:
            raise Unreadable(_TOOL, f"{key}: {value}", f"it is no size, of handle 0x{self.handle:04X}")
        return int(found[1]) * _UNITS[found[2]]


def read_dmidecode(text: str) -> tuple[Structure, ...]:
    """Read the structures.

    Raises:
        Unreadable: there is none (no root, a machine without tables), or the text is cut in the middle of a line.
    """
    found: list[Structure] = []
    said: dict[str, str] = {}
    head: re.Match[str] | None = None
    title = ""
    for line in [*whole_lines(_TOOL, text), ""]:
        start = re.fullmatch(r"Handle 0x([0-9A-Fa-f]+), DMI type (\d+), \d+ bytes\s*", line, re.ASCII)
        if (start or not line.strip()) and head and title:
            found.append(Structure(int(head[1], 16), int(head[2]), title, said))
            head = None
        if start:
            head, title, said = start, "", {}
        elif head and not title and re.fullmatch(r"[A-Z][\w /()-]*", line):
            title = line.strip()
        elif head and (pair := re.fullmatch(r"\t([^\t:][^:]*): (\S.*)", line)):
            said.setdefault(pair[1], pair[2].strip())
    if not found:
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "there is no structure")
    return tuple(found)


def memory_modules(structures: tuple[Structure, ...]) -> tuple[Structure, ...]:
    """Return the memory modules that are fitted; raises `Unreadable` where a slot does not say."""
    return tuple(one for one in structures if one.type == 17 and one.size() > 0)
