"""Checks of the memory."""

import re
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Want
from hybridctl.checks.reading import file_text

__all__ = ["CHECKS", "total_of"]


def total_of(meminfo: str) -> float:
    """Return MemTotal of /proc/meminfo in GiB.

    Raises:
        CannotTell: the line is missing or not in kB.
    """
    found = re.search(r"^MemTotal:\s+([1-9]\d*) kB\s*$", meminfo, re.MULTILINE)
    if found is None:
        raise CannotTell("/proc/meminfo has no line 'MemTotal: N kB'")
    return int(found[1]) / 2**20


def total(host: Any, want: Want) -> Result:
    """Memory the kernel manages: what is fitted, less about 1.6 % for its page tables and what firmware keeps."""
    return want.judge(round(total_of(file_text(host, "/proc/meminfo")), 1))


CHECKS = (
    Check(
        "memory.total",
        "memory the kernel manages",
        Kind.NUMBER,
        total,
        "look for a module that is missing or switched off: dmidecode -t memory; dmesg | grep -i edac",
        unit="GiB",
        varies="the kernel keeps another part on each board: give it a tolerance, such as 3%",
    ),
)
