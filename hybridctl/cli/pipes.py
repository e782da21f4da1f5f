"""A reader that goes away before all is printed, as in `| head`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["reader_may_leave"]


@contextmanager
def reader_may_leave(stream: TextIO) -> Iterator[None]:
    """Print to a stream; when nobody reads it any more the rest goes nowhere, and the exit status stays what it is."""
    try:
        yield
    except BrokenPipeError:
        # What is left in its buffer would break once more at the end of the process.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
