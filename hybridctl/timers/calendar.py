"""How often: `1h`, `15min`, `1d` as systemd's calendar writes it.

A calendar, because `Persistent=` (a check that was missed while the machine was off is made up for) works with nothing
else: systemd.timer(5).
"""

import re

from hybridctl.errors import InvalidInput

__all__ = ["calendar", "interval", "seconds"]

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_HINT = "a number of s, min or h that divides the next unit, or 1d: 30s, 5min, 15min, 30min, 1h, 2h, 4h, 6h, 12h, 1d"


def interval(text: str) -> int | None:
    """Return `90s`, `5m`, `5min`, `1h` or `1d` in seconds, None when it is no interval."""
    match = re.fullmatch(r"([1-9][0-9]{0,4}) ?(s|m|min|h|d)", text, re.ASCII)
    return int(match[1]) * _UNITS[match[2]] if match else None


def seconds(every: str) -> int:
    """Return an interval in seconds.

    Raises:
        InvalidInput: it is none, or the hour, the day is not a whole number of them.
    """
    number = interval(every) or 0
    whole = next((unit for unit in (60, 3600, 86400) if 0 < number <= unit), 0)
    smaller = {60: 1, 3600: 60, 86400: 3600}.get(whole, 1)
    if not whole or whole % number or number % smaller:
        raise InvalidInput(f"--every {every}: not an interval that a calendar can hold", _HINT)
    return number


def calendar(every: str) -> str:
    """Return the interval as an OnCalendar= expression, in UTC so that no clock change doubles or drops a check.

    Raises:
        InvalidInput: as `seconds`.
    """
    number = seconds(every)
    if number == 86400:
        return "*-*-* 00:00:00 UTC"
    if number >= 3600:
        return f"*-*-* 00/{number // 3600}:00:00 UTC"
    if number >= 60:
        return f"*-*-* *:00/{number // 60}:00 UTC"
    return f"*-*-* *:*:00/{number} UTC"
