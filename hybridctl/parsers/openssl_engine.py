"""`openssl engine -t`: which engines OpenSSL can load, and whether they work."""

import re

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "read_engines"]

UNPROVEN = "openssl engine -t with an accelerator's engine"

_TOOL = "openssl engine"


def read_engines(text: str) -> dict[str, bool]:
    """Return by engine whether it is available.

    Raises:
        Unreadable: no engine is named, or one has no state.
    """
    found: dict[str, bool] = {}
    name = ""
    for line in whole_lines(_TOOL, text):
        head = re.match(r"\(([\w-]+)\) \S", line)
        state = re.fullmatch(r"\s+\[ *((?:un)?available) *\]\s*", line)
        if head and name:
            break
        if head:
            name = head[1]
        elif state and name:
            found[name], name = state[1] == "available", ""
    if name or not found:
        raise Unreadable(_TOOL, name or text.strip().split("\n")[0], "no engine with a state")
    return found
