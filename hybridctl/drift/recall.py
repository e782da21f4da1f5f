"""What the last check of drift, or the provision after it, left of each host, for who verifies."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from threading import Lock

from hybridctl.checks.drifted import Drift
from hybridctl.drift.memory import HostMemory, Memory
from hybridctl.drift.store import recall
from hybridctl.errors import HybridctlError
from hybridctl.site import Site

__all__ = ["known_drift"]

_NAMED = 5  # resources of a host


def known_drift(site: Site, now: datetime) -> Callable[[str], Drift]:
    """Return what tells a host's drift, by the memory of the site's inventory and the runs since.

    They are read at the first question; many threads may ask.
    """
    lock = Lock()

    @cache
    def recalled() -> tuple[Memory, str]:
        try:
            return recall(site, now)
        except HybridctlError as error:
            return Memory(), error.message

    def of(host: str) -> Drift:
        with lock:
            memory, trouble = recalled()
        return Drift(trouble=trouble) if trouble else _seen(memory.hosts.get(host), now)

    return of


def _seen(host: HostMemory | None, now: datetime) -> Drift:
    if host is not None and not host.planned:
        return Drift(trouble="the last check or provision did not come to its end there")
    if host is None or host.seen is None:
        return Drift(trouble="no provision or check of drift has come to the end of this host yet")
    oldest = sorted(host.drifted, key=lambda one: (one.since, *one.key))
    names = tuple(dict.fromkeys(f"{one.kind} {one.name}" for one in oldest))
    return Drift((now - host.seen).total_seconds(), len(names), names[:_NAMED])
