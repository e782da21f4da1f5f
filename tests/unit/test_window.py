"""The change window: what is inside, across midnight, and in the nights when the clocks change."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from hybridctl.errors import InvalidInput
from hybridctl.window import parse_window


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The control node's zone: an hour forward on 29 March 2026 at 02:00, back on 25 October at 03:00."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def local(text: str) -> datetime:
    """Return a time of the control node's clock."""
    return datetime.fromisoformat(text).astimezone()


@pytest.mark.parametrize(
    ("window", "now", "left"),
    [
        ("01:00-05:00", "2026-02-03T01:00:00", 4 * 3600),
        ("01:00-05:00", "2026-02-03T04:59:30", 30),
        ("01:00-05:00", "2026-02-03T05:00:00", None),
        ("01:00-05:00", "2026-02-03T00:59:59", None),
        ("22:00-04:30", "2026-02-03T23:00:00", 5.5 * 3600),
        ("22:00-04:30", "2026-02-03T04:00:00", 1800),
        ("22:00-04:30", "2026-02-03T12:00:00", None),
        ("22:00-00:00", "2026-02-03T23:30:00", 1800),
        ("0:00-23:59", "2026-02-03T00:00:00", 86340),
        # The night with 23 hours, and the one with 25.
        ("01:00-05:00", "2026-03-29T01:30:00", 2.5 * 3600),
        ("01:00-05:00", "2026-10-25T01:30:00", 4.5 * 3600),
        ("22:00-05:00", "2026-03-28T22:00:00", 6 * 3600),
    ],
)
def test_what_is_left_of_the_window(window: str, now: str, left: float | None) -> None:
    """Seconds that really pass until its end; nothing outside."""
    assert left == parse_window(window).remaining(local(now))


def test_the_zone_of_the_given_time_does_not_matter() -> None:
    """The window is meant by the control node's clock, whoever tells the time."""
    assert parse_window("01:00-05:00").remaining(datetime.fromisoformat("2026-02-03T00:00:00+00:00")) == 4 * 3600


@pytest.mark.parametrize(
    ("now", "expected", "told"),
    [
        ("04:00", 3600.0, ""),
        ("04:00", None, ""),
        (
            "04:30",
            3600.0,
            "batch 2 of 3 may not start: by the records it takes 60 min, the window 01:00-05:00 ends in 30 min",
        ),
        # Rounded away from each other: 30 and 30 would be no reason.
        (
            "04:30",
            1801.0,
            "batch 2 of 3 may not start: by the records it takes 31 min, the window 01:00-05:00 ends in 30 min",
        ),
        ("06:12", 1.0, "batch 2 of 3 may not start: it is 06:12 (CET), the window is 01:00-05:00"),
        ("06:12", None, "batch 2 of 3 may not start: it is 06:12 (CET), the window is 01:00-05:00"),
    ],
)
def test_a_batch_must_fit(now: str, expected: float | None, told: str) -> None:
    """Inside and in time to the second; an unknown duration is no hindrance."""
    window = parse_window("01:00-05:00")
    assert told == window.refusal(local(f"2026-02-03T{now}:00"), expected, "batch 2 of 3")


@pytest.mark.parametrize(
    "value", ["", "1-5", "01:00", "24:00-05:00", "01:60-05:00", "01:00-01:00", 60, ["01:00-05:00"]]
)
def test_what_is_no_window_is_refused(value: Any) -> None:
    """The error shows the value and what is allowed."""
    with pytest.raises(InvalidInput, match="is not a window") as caught:
        parse_window(value)
    assert "22:00-04:30" in caught.value.hint
