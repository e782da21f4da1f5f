"""A change window: the hours of a day in which batches may start, by the control node's local time. Pure."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from hybridctl.errors import InvalidInput

__all__ = ["Window", "minutes", "parse_window"]

_WINDOW = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])\s*-\s*([01]?[0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True)
class Window:
    """From `begin` until just before `end`; it crosses midnight when `end` is the earlier one."""

    begin: time
    end: time

    def remaining(self, now: datetime) -> float | None:
        """Return the seconds until the window ends, None when `now` is outside of it.

        The answer is right in the night the clocks change too: both ends are taken as the wall clock shows them.

        Args:
            now: with a time zone, any.
        """
        local = now.astimezone().replace(tzinfo=None)
        for day in (local.date() - timedelta(days=1), local.date()):
            begin, end = datetime.combine(day, self.begin), datetime.combine(day, self.end)
            if end <= begin:
                end += timedelta(days=1)
            if begin <= local < end:
                return end.timestamp() - now.timestamp()
        return None

    def refusal(self, now: datetime, expected: float | None, what: str) -> str:
        """Return why `what` may not start now, empty when it may.

        Args:
            expected: its duration in seconds; None when nobody knows, and then being inside is enough.
        """
        left = self.remaining(now)
        if left is None:
            return f"{what} may not start: it is {now.astimezone():%H:%M (%Z)}, the window is {self}"
        if expected is not None and expected > left:
            # Rounded away from each other, so that they never look equal.
            took, ends = minutes(math.ceil(expected), math.ceil), minutes(math.floor(left), math.floor)
            return f"{what} may not start: by the records it takes {took}, the window {self} ends in {ends}"
        return ""

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


def parse_window(value: Any) -> Window:
    """Read `01:00-05:00`.

    Raises:
        InvalidInput: says what is allowed.
    """
    found = _WINDOW.fullmatch(str(value).strip())
    if found:
        hours = [int(part) for part in found.groups()]
        window = Window(time(hours[0], hours[1]), time(hours[2], hours[3]))
        if window.begin != window.end:
            return window
    raise InvalidInput(
        f"{str(value)!r} is not a window", "allowed: two different times of day, such as 01:00-05:00 or 22:00-04:30"
    )


def minutes(seconds: int, rounded: Callable[[float], int] = round) -> str:
    """Return a duration as people say it: `40 s`, `25 min`."""
    return f"{seconds} s" if seconds < 90 else f"{rounded(seconds / 60)} min"
