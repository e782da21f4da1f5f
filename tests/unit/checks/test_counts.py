"""Counters at two moments: what came to them, whatever became of the host in between."""

import math
from typing import Any

import pytest

from hybridctl.checks.counts import Count, counts_document, grown, read_counts, to_remember

BOOT, OTHER = ("00000000-1111-2222-3333-444444444444", "99999999-1111-2222-3333-444444444444")
HOUR = 3600


def count(value: int, hours: float, boot: str = BOOT) -> Count:
    """What was counted on one port."""
    return Count(boot, hours * HOUR, {"p": value})


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [
        (None, count(0, 5), (0, 5 * HOUR)),
        (None, count(7, 5), None),
        (count(3, 2), count(7, 5), (4, 3 * HOUR)),
        (count(3, 2), count(3, 5), (0, 3 * HOUR)),
        (count(9, 2), count(4, 5), (4, 3 * HOUR)),  # set back: it counts from 0
        (count(9, 2, OTHER), count(4, 5), (4, 5 * HOUR)),  # booted: from 0, since the boot
        (count(2, 9, OTHER), count(4, 5), (4, 5 * HOUR)),
        (count(3, 6), count(7, 5), None),  # no uptime goes back: this was another machine
        (count(3, 6), count(0, 5), (0, 5 * HOUR)),
        (Count(BOOT, HOUR, {"q": 1}), count(7, 5), None),
        (Count(BOOT, HOUR, {"q": 1}), count(0, 5), (0, 5 * HOUR)),
        (Count(OTHER, HOUR, {"q": 1}), count(7, 5), (7, 5 * HOUR)),
    ],
)
def test_growth(before: Count | None, now: Count, wanted: tuple[int, float] | None) -> None:
    """Since the last time, or since the boot; a port not seen before has grown only if we know from where."""
    assert grown(before, now, "p") == wanted


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [
        (None, count(7, 5), count(7, 5)),
        (count(3, 2), count(7, 5), count(7, 5)),
        (count(3, 2), count(7, 2.5), count(3, 2)),  # younger than an hour
        (count(9, 2), count(4, 2.5), count(0, 2)),
        (count(9, 2, OTHER), count(4, 5), count(4, 5)),
        (count(9, 2, OTHER), count(4, 0.5), count(0, 0)),
        (count(3, 6), count(7, 5), count(7, 5)),
        (Count(BOOT, 2 * HOUR, {"gone": 1}), count(7, 2.5), count(7, 2)),
    ],
)
def test_what_is_remembered(before: Count | None, now: Count, wanted: Count) -> None:
    """The newest count, unless the one before is younger than an hour."""
    assert to_remember(before, now) == wanted


def test_verifying_every_minute_hides_no_growth() -> None:
    """One error a minute is about 60 an hour, also for who looks once a minute."""
    memory, rates = to_remember(None, count(0, 1)), []
    for minute in range(1, 180):
        now = count(minute, 1 + minute / 60)
        growth, seconds = grown(memory, now, "p") or (0, 0)
        rates.append(growth / max(seconds / HOUR, 1))
        memory = to_remember(memory, now)
    assert max(rates) >= 59
    assert rates.count(0) == 0


def test_counts_come_back_as_they_were() -> None:
    """As JSON."""
    counts = {"growth.a": count(3, 2), "growth.b": Count(BOOT, 0.5, {})}
    assert read_counts(counts_document(counts)) == counts


@pytest.mark.parametrize(
    "entry",
    [
        {},
        [],
        None,
        {"boot": BOOT, "uptime": 1},
        {"boot": "../../etc", "uptime": 1, "counts": {}},
        {"boot": 7, "uptime": 1, "counts": {}},
        {"boot": BOOT, "uptime": -1, "counts": {}},
        {"boot": BOOT, "uptime": math.inf, "counts": {}},
        {"boot": BOOT, "uptime": math.nan, "counts": {}},
        {"boot": BOOT, "uptime": 1, "counts": {"p": -1}},
        {"boot": BOOT, "uptime": 1, "counts": {"p": True}},
        {"boot": BOOT, "uptime": 1, "counts": {"p": 1.5}},
        {"boot": BOOT, "uptime": 1, "counts": 7},
    ],
)
def test_what_are_no_counts_is_refused(entry: Any) -> None:
    """A file that somebody changed is none."""
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        read_counts({"growth.a": entry})
