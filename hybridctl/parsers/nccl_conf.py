"""NCCL's configuration file, `/etc/nccl.conf`."""

import re

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "matching", "read_nccl_conf"]

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


def matching(wanted: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the interfaces that NCCL_SOCKET_IFNAME allows, or the ports (`mlx5_0/1`) that NCCL_IB_HCA does.

    They are prefixes; `=` before all of them makes them whole names, and `^` means all but these. `:1` names one port.
    """
    but, wanted = wanted.startswith("^"), wanted.removeprefix("^")
    exact, wanted = wanted.startswith("="), wanted.removeprefix("=")
    entries = [entry.partition(":") for entry in wanted.split(",") if entry]

    def is_named(one: str) -> bool:
        device, _, port = one.partition("/")
        return any(
            (device == name if exact else device.startswith(name)) and not (port and number and number != port)
            for name, _, number in entries
        )

    return tuple(one for one in names if is_named(one) is not but)
