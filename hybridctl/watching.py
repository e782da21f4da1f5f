"""Verify again and again."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from hybridctl.errors import InvalidInput
from hybridctl.timers.calendar import interval

__all__ = ["parse_every", "rounds"]

T = TypeVar("T")
_LEAST = 1.0  # seconds between the end of a round and the next, however long it took


def parse_every(text: str) -> int:
    """Return the seconds between the starts of two rounds.

    Raises:
        InvalidInput: it is no interval.
    """
    every = interval(text)
    if every is None:
        raise InvalidInput(f"--watch {text}: not an interval", "a number of s, m, h or d: 30s, 5m, 1h")
    return every


def rounds(judge: Callable[[], T], every: float) -> Iterator[T]:
    """Yield what `judge` returns, at once and then every so many seconds; a long round is not caught up with."""
    while True:
        began = time.monotonic()
        yield judge()
        time.sleep(max(_LEAST, began + every - time.monotonic()))
