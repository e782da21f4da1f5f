"""What the last check of drift, or the provision after it, left of each host, for who verifies."""

from collections.abc import Callable
from datetime import datetime

from hybridctl.checks.drifted import Drift
from hybridctl.drift.memory import HostMemory
from hybridctl.drift.store import recall
from hybridctl.site import Site

__all__ = ["known_drift"]

_NAMED = 5  # resources of a host


def known_drift(site: Site, now: datetime) -> Callable[[str], Drift]:
    """Return what tells a host's drift, by the memory of the site's inventory and the runs since."""
    memory, trouble = recall(site, now)

    def of(host: str) -> Drift:
        return Drift(trouble=trouble) if trouble else _seen(memory.hosts.get(host, HostMemory()), now)

    return of


def _seen(host: HostMemory, now: datetime) -> Drift:
    if not host.planned and (host.seen or host.drifted):
        return Drift(trouble="the last check of drift did not come to the end of this host")
    if host.seen is None:
        return Drift(trouble="no provision or check of drift has come to the end of this host yet")
    oldest = sorted(host.drifted, key=lambda one: (one.since, *one.key))
    names = tuple(dict.fromkeys(f"{one.kind} {one.name}" for one in oldest))
    return Drift((now - host.seen).total_seconds(), len(names), names[:_NAMED])
