"""Let only a few connections at a time knock at one door: sshd turns away who comes eleventh (MaxStartups 10)."""

import re
import threading
from collections import defaultdict

from hybridctl.access import Access

__all__ = ["AT_ONCE", "gate", "turned_away"]

AT_ONCE = 8  # sshd begins to turn away at 10 that have not logged in yet

_GATES: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(AT_ONCE))
_LOCK = threading.Lock()
_JUMP = re.compile(r"^(?:-o)?Proxy(?:Jump|Command)=(.+)", re.IGNORECASE)
# What ssh says of a server that closed before it said who it is; of one that refuses a key it says something else.
_TURNED_AWAY = re.compile(rb"(kex|ssh)_exchange_identification|^Connection (closed|reset) by .* port", re.MULTILINE)


def gate(access: Access) -> threading.Semaphore:
    """Return the gate of the door that `access` goes through first: its jump host, or else the host itself."""
    jumps = [found[1] for word in access.ssh if (found := _JUMP.match(word))]
    jumps += [access.ssh[at + 1] for at, word in enumerate(access.ssh[:-1]) if word == "-J"]
    with _LOCK:
        return _GATES[jumps[0] if jumps else access.address]


def turned_away(errors: bytes) -> bool:
    """Tell from ssh's words whether the server was too busy to greet; a second try may do."""
    return bool(_TURNED_AWAY.search(errors))
