"""/proc/meminfo."""

import re

from hybridctl.parsers._text import lines_of
from hybridctl.refusals import Unreadable

__all__ = ["parse_meminfo", "total_of"]

_LINE = re.compile(r"([A-Za-z][\w()]*): +(\d+)( kB)?", re.ASCII)


def parse_meminfo(text: str) -> dict[str, int]:
    """Read it: bytes, or pages for those without a unit (HugePages_*); a line cut at the end is left out.

    Raises:
        Unreadable: there is no MemTotal in kB, or a field is said twice.
    """
    lines, _ = lines_of("/proc/meminfo", text)
    found: dict[str, int] = {}
    for line in lines:
        field = _LINE.fullmatch(line.rstrip())
        if field:
            if field[1] in found:
                raise Unreadable("/proc/meminfo", line, "it is said twice")
            found[field[1]] = int(field[2]) * (1024 if field[3] else 1)
    if not re.search(r"^MemTotal: +[1-9]\d* kB$", "\n".join(line.rstrip() for line in lines), re.MULTILINE):
        raise Unreadable("/proc/meminfo", text.strip().split("\n")[0], "no line 'MemTotal: N kB'")
    return found


def total_of(meminfo: str) -> float:
    """Return MemTotal in GiB; raises as `parse_meminfo`."""
    return parse_meminfo(meminfo)["MemTotal"] / 2**30
