"""The kernel's own words: /proc/cmdline, `uname -a` in parts, `sysctl`."""

import re
import shlex

from hybridctl.parsers._text import printed, whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "parse_cmdline", "parse_release", "parse_sysctl"]

UNPROVEN = "the kernel of openEuler 22.03"


def parse_cmdline(text: str) -> dict[str, tuple[str, ...]]:
    """Read /proc/cmdline: the values of each parameter in order, the last one counts for most; `''` for a bare word.

    Raises:
        Unreadable: it is empty, of several lines, or cut: it ends with a line break.
    """
    tool = "/proc/cmdline"
    lines = [line for line in whole_lines(tool, text) if line.strip()]
    if len(lines) != 1:
        raise Unreadable(tool, lines[1], "one line was expected")
    try:
        words = shlex.split(lines[0])
    except ValueError:
        words = lines[0].split()  # the kernel takes a lone quote as it is
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        if word == "--":
            break  # what follows is for init
        key, _, value = word.partition("=")
        key = key.replace("-", "_")  # to the kernel they are the same
        found[key] = (*found.get(key, ()), value)
    return found


def parse_release(text: str) -> tuple[int, int, str]:
    """Read `uname -r`: major, minor, and the whole release.

    Raises:
        Unreadable: it is no release of Linux.
    """
    said = printed("uname -r", text).strip()
    found = re.fullmatch(r"(\d+)\.(\d+)\S*", said, re.ASCII)
    if found is None:
        raise Unreadable("uname -r", said.split("\n")[0], "it is no release")
    return int(found[1]), int(found[2]), said


def parse_sysctl(text: str) -> dict[str, str]:
    """Read `sysctl -a` or `sysctl NAME...`: values with single blanks.

    Raises:
        Unreadable: it complains (`cannot stat`), a name is said twice differently, or the last line is cut.
    """
    tool = "sysctl"
    found: dict[str, str] = {}
    for line in whole_lines(tool, text):
        pair = re.fullmatch(r"([\w./:@-]+) = ?(.*)", line)
        if pair:
            value = " ".join(pair[2].split())
            if found.setdefault(pair[1], value) != value:
                raise Unreadable(tool, line, "it is said twice, differently")
        elif line.startswith("sysctl:") and "permission denied" not in line:
            raise Unreadable(tool, line, "it complains")
    if not found:
        raise Unreadable(tool, text.strip().split("\n")[0], "there is no value")
    return found
