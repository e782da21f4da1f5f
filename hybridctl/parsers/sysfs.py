"""Files of /sys and /proc that hold one value, several at a time: `grep -H . FILE...`."""

import re

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["read_choice", "read_values"]

_TOOL = "grep"


def read_values(text: str) -> dict[str, str]:
    """Return the value of each file by its path; no path of them may hold a colon.

    Raises:
        Unreadable: a line is no `PATH:VALUE`, a file has several lines, or the last line is cut.
    """
    found: dict[str, str] = {}
    for line in whole_lines(_TOOL, text):
        if not line:
            continue
        path, colon, value = line.partition(":")
        if not path.startswith("/") or not colon or not value.strip() or path in found:
            raise Unreadable(_TOOL, line, "a path and its one value were expected")
        found[path] = value.strip()
    return found


def read_choice(text: str) -> str:
    """Return the chosen one of a file that lists its choices: `always [madvise] never`.

    Raises:
        Unreadable: not exactly one word is in brackets.
    """
    chosen = re.findall(r"\[([a-z+_]+)\]", text)
    if len(chosen) != 1 or not re.fullmatch(r"(?:[a-z+_]+|\[[a-z+_]+\])(?: (?:[a-z+_]+|\[[a-z+_]+\]))*", text.strip()):
        raise Unreadable("the list of choices", text.strip().split("\n")[0], "one word in brackets was expected")
    return str(chosen[0])
