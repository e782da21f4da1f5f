"""`mlnx_qos -i IFACE`: trust and priority flow control of a ConnectX adapter."""

import re
from dataclasses import dataclass

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Qos", "read_qos"]

UNPROVEN = "mlnx_qos"


@dataclass(frozen=True)
class Qos:
    """`trust` is `pcp` or `dscp`; `pfc` the priorities whose flow is controlled."""

    trust: str
    pfc: frozenset[int]


def read_qos(text: str) -> Qos:
    """Read it.

    Raises:
        Unreadable: the state of trust or of flow control is missing or has another form.
    """
    tool = "mlnx_qos"
    lines = whole_lines(tool, text)
    trust = [found[1] for line in lines if (found := re.fullmatch(r"Priority trust state: (pcp|dscp)\s*", line))]
    rows = {
        found[1]: tuple(found[2].split())
        for line in lines
        if (found := re.fullmatch(r"\s+(priority|enabled)((?:\s+\d)+)\s*", line, re.ASCII))
    }
    priorities, enabled = rows.get("priority", ()), rows.get("enabled", ())
    if len(trust) != 1 or not priorities or len(priorities) != len(enabled) or set(enabled) - {"0", "1"}:
        raise Unreadable(tool, text.strip().split("\n")[0], "no state of trust, or none of flow control")
    return Qos(trust[0], frozenset(int(p) for p, on in zip(priorities, enabled, strict=True) if on == "1"))
