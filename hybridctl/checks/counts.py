"""Counters that only grow, seen at two moments: what came to them in between. Pure."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["HOUR", "Count", "counts_document", "grown", "read_counts", "to_remember"]

HOUR = 3600.0  # seconds


@dataclass(frozen=True)
class Count:
    """What one check counted on a host.

    Attributes:
        boot: the kernel's id of this boot.
        uptime: seconds since that boot; unlike a clock nobody sets it.
        counts: by subject: a port, a GPU.
    """

    boot: str
    uptime: float
    counts: Mapping[str, int]


def grown(before: Count | None, now: Count, subject: str) -> tuple[int, float] | None:
    """Return by how much a subject's counter grew and in how many seconds; None where it was not seen before.

    After a boot a counter counts from 0, and so does one that is lower than it was. At 0 it has not grown.
    """
    count = now.counts[subject]
    start = _start(before, now)
    if start is None or subject not in start.counts:
        return None if count else (0, now.uptime)
    then = start.counts[subject]
    return count - (then if then <= count else 0), now.uptime - start.uptime


def to_remember(before: Count | None, now: Count) -> Count:
    """Return what to compare with next time.

    What is younger than an hour is kept: who verifies every minute would else see one minute's growth, never an hour's.
    """
    start = _start(before, now)
    if start is None or now.uptime - start.uptime >= HOUR:
        return now
    kept = {subject: start.counts.get(subject, count) for subject, count in now.counts.items()}
    return Count(now.boot, start.uptime, {s: then if then <= now.counts[s] else 0 for s, then in kept.items()})


def _start(before: Count | None, now: Count) -> Count | None:
    if before is None or (before.boot == now.boot and before.uptime > now.uptime):
        return None
    return before if before.boot == now.boot else Count(now.boot, 0.0, dict.fromkeys(now.counts, 0))


def counts_document(counts: Mapping[str, Count]) -> dict[str, Any]:
    """Return counts by check as JSON."""
    return {
        check: {"boot": count.boot, "uptime": count.uptime, "counts": dict(count.counts)}
        for check, count in counts.items()
    }


def read_counts(document: Any) -> dict[str, Count]:
    """Return counts by check.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no such document.
    """
    return {str(check): _read(entry) for check, entry in document.items()}


def _read(entry: Any) -> Count:
    uptime, counts = float(entry["uptime"]), dict(entry["counts"])
    if not re.fullmatch(r"[0-9a-f-]{36}", entry["boot"]) or not 0 <= uptime < math.inf:
        raise ValueError("no boot, or no time since one")
    if not all(type(count) is int and count >= 0 for count in counts.values()):
        raise ValueError("a count that is no number")
    return Count(entry["boot"], uptime, counts)
