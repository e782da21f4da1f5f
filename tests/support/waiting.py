"""Waiting for something to become so, in place of sleeping for a guess."""

import time
from collections.abc import Callable

__all__ = ["until"]

PATIENCE = 300  # seconds; ends a hang, judges no slow machine


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: it does not come.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
