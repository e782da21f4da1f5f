"""`LC_ALL=C lscpu`, and the implementer from /proc/cpuinfo."""

import re

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "implementer_of", "model_of", "number_of", "online_of", "parse_lscpu"]

UNPROVEN = "lscpu of a Kunpeng 920 under openEuler 22.03"


def parse_lscpu(text: str) -> dict[str, str]:
    """Read lscpu; a key that is said twice, differently, has no value (boards with two kinds of cores).

    Raises:
        Unreadable: it is in another language, cut, or no lscpu at all.
    """
    found: dict[str, str] = {}
    for line in whole_lines("lscpu", text):
        key, colon, value = line.partition(":")
        if colon and key.strip() and found.setdefault(key.strip(), value.strip()) != value.strip():
            found[key.strip()] = ""
    # A translated lscpu has full-width colons and keys of its own: nothing here would be found, so refuse it whole.
    if "Architecture" not in found or "CPU(s)" not in found:
        first = text.strip().split("\n")[0]
        raise Unreadable("lscpu", first, "no 'Architecture:' and 'CPU(s):'; is LC_ALL=C ignored there?")
    return found


def number_of(cpu: dict[str, str], key: str) -> int:
    """Return a count from lscpu.

    Raises:
        Unreadable: the key is missing, or its value no whole number above 0 (`-` on boards that do not tell).
    """
    value = cpu.get(key, "")
    if not re.fullmatch(r"[1-9][0-9]*", value):
        raise Unreadable("lscpu", f"{key}: {value or '(nothing)'}", "it does not tell")
    return int(value)


def online_of(cpu: dict[str, str]) -> int:
    """Return how many threads are online, from a list such as `0-31,64-95`.

    Raises:
        Unreadable: it is no such list.
    """
    listed = cpu.get("On-line CPU(s) list")
    if listed is None:
        return number_of(cpu, "CPU(s)")
    if not re.fullmatch(r"\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*", listed, re.ASCII):
        raise Unreadable("lscpu", f"On-line CPU(s) list: {listed}", "it is no list of CPUs")
    ranges = [part.partition("-") for part in listed.split(",")]
    return len({n for first, _, last in ranges for n in range(int(first), int(last or first) + 1)})


def model_of(cpu: dict[str, str]) -> str:
    """Return the model; the firmware's name for it where the kernel has none (`-`).

    Raises:
        Unreadable: neither is there, or processors of several models are.
    """
    for key in ("Model name", "BIOS Model name"):
        if cpu.get(key, "-").strip("- "):
            return cpu[key]
    raise Unreadable("lscpu", cpu.get("Model name", ""), "it names no model")


def implementer_of(cpuinfo: str) -> str:
    """Return the implementer that every core of /proc/cpuinfo names: 0x48 is HiSilicon, on x86 the vendor.

    Raises:
        Unreadable: there is none, or cores differ.
    """
    found = set(re.findall(r"^(?:CPU implementer|vendor_id)\s*:\s*(\S+)\s*\n", cpuinfo, re.MULTILINE))
    if len(found) != 1:
        raise Unreadable("/proc/cpuinfo", ", ".join(sorted(found)), "one implementer was expected")
    return str(found.pop())
