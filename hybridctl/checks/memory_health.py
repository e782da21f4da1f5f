"""Checks of memory errors, and of large pages."""

import re
from collections.abc import Callable
from typing import Any

from hybridctl.checks.kernel_events import counts
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Want
from hybridctl.checks.reading import file_text, output
from hybridctl.parsers.meminfo import parse_meminfo
from hybridctl.parsers.sysfs import read_choice, read_values

__all__ = ["CHECKS", "errors_by_controller"]

_NO_RECORDING = "EDAC under /sys of a Kunpeng board"


def errors_by_controller(host: Any, name: str) -> dict[str, int]:
    """Return a counter of each memory controller, since its driver was loaded: `ce_count` or `ue_count`."""
    found = {}
    for path, value in read_values(output(host, f"grep -H . /sys/devices/system/edac/mc/mc*/{name}")).items():
        controller = re.fullmatch(rf"/sys/devices/system/edac/mc/(mc\d+)/{name}", path, re.ASCII)
        if controller is None or not re.fullmatch(r"\d{1,20}", value, re.ASCII):
            raise CannotTell(f"{path} says {value[:40]!r}: a count was expected")
        found[controller[1]] = int(value)
    return found


def _errors(name: str, reason: str) -> Callable[[Any, Want], Result]:
    def counted(host: Any, want: Want) -> Result:
        return want.judge(sum(errors_by_controller(host, name).values()), reason=reason)

    counted.__doc__ = f"Sum {name} of all memory controllers, since their driver was loaded."
    return counted


def _meminfo(host: Any, key: str) -> int:
    said = parse_meminfo(file_text(host, "/proc/meminfo"))
    if key not in said:
        raise CannotTell(f"/proc/meminfo has no {key}")
    return said[key]


def corrupted(host: Any, want: Want) -> Result:
    """Memory the kernel took out of use because it is broken, in KiB."""
    return want.judge(_meminfo(host, "HardwareCorrupted") // 1024, reason="pages were broken, and are out of use")


def huge_pages(host: Any, want: Want) -> Result:
    """Explicit huge pages of the default size; programs that do not ask for them cannot use that memory."""
    return want.judge(_meminfo(host, "HugePages_Total"), reason="another number is set aside")


def transparent_huge_pages(host: Any, want: Want) -> Result:
    """When the kernel gives programs huge pages of its own accord."""
    return want.judge(read_choice(file_text(host, "/sys/kernel/mm/transparent_hugepage/enabled")))


CHECKS = (
    Check(
        "memory.corrected_errors",
        "memory errors that were corrected",
        Kind.NUMBER,
        _errors("ce_count", "a module that errs often will err beyond correction"),
        "find the module and plan its replacement: grep -H . /sys/devices/system/edac/mc/mc*/dimm*/dimm_ce_count",
        unit="errors",
        varies="they add up for as long as the host is up: decide how many are too many",
        unproven=_NO_RECORDING,
    ),
    Check(
        "memory.uncorrected_errors",
        "memory errors that were not corrected",
        Kind.NUMBER,
        _errors("ue_count", "data was lost"),
        "drain the host and replace the module: grep -H . /sys/devices/system/edac/mc/mc*/dimm*/dimm_ue_count",
        unit="errors",
        varies="they add up for as long as the host is up",
        unproven=_NO_RECORDING,
    ),
    Check(
        "memory.corrupted",
        "memory out of use because it is broken",
        Kind.NUMBER,
        corrupted,
        "drain the host, see which module it is: journalctl -k -g 'Memory failure'; ipmitool sel elist",
        unit="KiB",
        varies="what has broken until now",
        unproven="/proc/meminfo and /sys/kernel/mm of openEuler 22.03",
    ),
    Check(
        "memory.log_errors",
        "memory errors in the kernel's log",
        Kind.NUMBER,
        counts("edac"),
        "read which module they name: journalctl -k -g EDAC; then run the firmware's memory test in a window",
        unit="messages",
        varies="what the kernel has said until now",
    ),
    Check(
        "memory.huge_pages",
        "explicit huge pages",
        Kind.NUMBER,
        huge_pages,
        "sysctl vm.nr_hugepages says who sets it: grep -r hugepages /etc/sysctl.d; the role's is host_base_hugepages",
        unit="pages",
        unproven="/proc/meminfo and /sys/kernel/mm of openEuler 22.03",
    ),
    Check(
        "memory.transparent_huge_pages",
        "transparent huge pages",
        Kind.TEXT,
        transparent_huge_pages,
        "hybridctl provision --role host_base --limit {host}; its variable is host_base_transparent_hugepages",
        unproven="/proc/meminfo and /sys/kernel/mm of openEuler 22.03",
    ),
)
