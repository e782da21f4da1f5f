"""How many files this process may hold open: by it goes how many hosts can be talked with at a time."""

import os
import resource

__all__ = ["room_for"]

_A_HOST = 10  # three pipes with both ends while ssh starts, what Python hears of its start by, a selector; one spare
_OURS = 16  # what is written and imported meanwhile


def room_for(hosts: int) -> int:
    """Return how many of so many hosts may be talked with at a time, at least one; raise `ulimit -n` if need be."""
    open_now = len(os.listdir("/dev/fd")) + _OURS  # noqa: PTH208 - names, not paths
    wanted = open_now + hosts * _A_HOST
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if now == resource.RLIM_INFINITY or now >= wanted:
        return hosts
    if most == resource.RLIM_INFINITY or most > now:
        now = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
    return max(1, min(hosts, (now - open_now) // _A_HOST))
