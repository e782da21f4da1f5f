"""NCCL's configuration file, `/etc/nccl.conf`."""

import re

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "matching_interfaces", "read_nccl_conf"]

UNPROVEN = "nccl.conf"


def read_nccl_conf(text: str) -> dict[str, str]:
    """Read its lines `KEY=VALUE`; a `#` begins a comment. The first of two lines of a key counts, as in NCCL.

    Raises:
        Unreadable: a line has no `=`, which NCCL passes over in silence, or the last one is cut.
    """
    tool = "/etc/nccl.conf"
    found: dict[str, str] = {}
    for line in whole_lines(tool, text):
        bare = line.partition("#")[0].strip()
        pair = re.fullmatch(r"(\w+)=(\S.*)", bare, re.ASCII)
        if bare and pair is None:
            raise Unreadable(tool, line, "it is no KEY=VALUE")
        if pair:
            found.setdefault(pair[1], pair[2].strip())
    return found


def matching_interfaces(wanted: str, interfaces: tuple[str, ...]) -> tuple[str, ...]:
    """Return the interfaces NCCL_SOCKET_IFNAME allows: prefixes, `=` for whole names, `^` for all but these."""
    but, wanted = wanted.startswith("^"), wanted.removeprefix("^")
    exact, wanted = wanted.startswith("="), wanted.removeprefix("=")
    names = [name.partition(":")[0] for name in wanted.split(",") if name]
    return tuple(
        one for one in interfaces if any(one == name if exact else one.startswith(name) for name in names) is not but
    )
