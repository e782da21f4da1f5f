"""Intervals as systemd's calendar has them."""

import shutil
import subprocess

import pytest

from hybridctl.errors import InvalidInput
from hybridctl.timers.calendar import calendar, interval, seconds

GOOD = {
    "5s": (5, "*-*-* *:*:00/5 UTC"),
    "60s": (60, "*-*-* *:00/1:00 UTC"),
    "15min": (900, "*-*-* *:00/15:00 UTC"),
    "15m": (900, "*-*-* *:00/15:00 UTC"),
    "60min": (3600, "*-*-* 00/1:00:00 UTC"),
    "1h": (3600, "*-*-* 00/1:00:00 UTC"),
    "6 h": (21600, "*-*-* 00/6:00:00 UTC"),
    "24h": (86400, "*-*-* 00:00:00 UTC"),
    "1d": (86400, "*-*-* 00:00:00 UTC"),
}


@pytest.mark.parametrize("every", GOOD)
def test_intervals(every: str) -> None:
    """Seconds and calendar expression."""
    assert (seconds(every), calendar(every)) == GOOD[every]


@pytest.mark.parametrize(
    "every",
    ["", "1", "h", "0h", "7min", "5h", "90min", "90s", "2d", "1w", "-1h", "1h 5min", "\N{ARABIC-INDIC DIGIT ONE}h"],
)
def test_what_no_calendar_holds_is_refused(every: str) -> None:
    """Nothing that would run at other distances than it says."""
    with pytest.raises(InvalidInput, match="--every") as error:
        calendar(every)
    assert "1h" in error.value.hint


@pytest.mark.parametrize(
    ("text", "number"), [("90s", 90), ("7min", 420), ("2d", 172800), ("1h 5min", None), ("", None)]
)
def test_an_interval_that_no_calendar_holds_is_one_all_the_same(text: str, number: int | None) -> None:
    """For what is counted from now."""
    assert interval(text) == number


@pytest.mark.parametrize("every", GOOD)
def test_systemd_runs_it_at_that_distance(every: str) -> None:
    """systemd itself says when the next two runs would be."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here (Debian package systemd)")
    argv = ["systemd-analyze", "calendar", "--iterations=2", "--base-time=2026-11-24 10:00:01 UTC", calendar(every)]
    said = subprocess.run(
        argv, capture_output=True, text=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin"}
    ).stdout
    clocks = [line.split()[-2] for line in said.splitlines() if "Next elapse" in line or "Iter. #2" in line]
    first, second = (sum(int(n) * k for n, k in zip(c.split(":"), (3600, 60, 1), strict=True)) for c in clocks)
    assert (second - first) % 86400 == GOOD[every][0] % 86400
