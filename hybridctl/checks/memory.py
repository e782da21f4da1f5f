"""Checks of the memory."""

from typing import Any

from hybridctl.checks.model import Check, Kind, Result, Want
from hybridctl.checks.reading import file_text
from hybridctl.parsers.meminfo import total_of

__all__ = ["CHECKS"]


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
