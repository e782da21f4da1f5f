"""Give a program its stdin and hear its stdout as it comes, up to a deadline that may move."""

import os
import selectors
import subprocess
import time
from collections.abc import Callable

__all__ = ["talk"]

_IN, _OUT = selectors.EVENT_READ, selectors.EVENT_WRITE
_BLOCK = 1 << 16
_MOST_ERRORS = 1 << 16  # bytes; the last ones, which say why


def talk(
    process: "subprocess.Popen[bytes]",
    given: bytes,
    heard: Callable[[bytes], None],
    deadline: Callable[[], float],
) -> tuple[int | None, bytes]:
    """Talk with a process that has three pipes, until it ends.

    Args:
        heard: gets what it prints.
        deadline: on the monotonic clock, asked anew each time; the process is killed then.

    Returns:
        Its exit status, None when the deadline passed; and the last of what it printed to stderr.
    """
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise ValueError("the process needs three pipes")
    errors = b""
    with selectors.DefaultSelector() as ready:
        for pipe, wait in ((stdin, _OUT), (stdout, _IN), (stderr, _IN)):
            os.set_blocking(pipe.fileno(), False)
            ready.register(pipe, wait)
        while ready.get_map():
            left = deadline() - time.monotonic()
            if left <= 0:
                process.kill()
                return None, errors
            for key, _ in ready.select(min(left, 1.0)):
                if key.fileobj is stdin:
                    given = _write(stdin.fileno(), given)
                    if not given:
                        ready.unregister(stdin)
                        stdin.close()
                    continue
                data = os.read(key.fd, _BLOCK)
                if not data:
                    ready.unregister(key.fileobj)
                elif key.fileobj is stdout:
                    heard(data)
                else:
                    errors = (errors + data)[-_MOST_ERRORS:]
    try:
        return process.wait(max(deadline() - time.monotonic(), 0.1)), errors
    except subprocess.TimeoutExpired:
        process.kill()
        return None, errors


def _write(fd: int, data: bytes) -> bytes:
    """Write what fits, and return the rest; nothing is left when nobody reads any more."""
    try:
        return data[os.write(fd, data[:_BLOCK]) :]
    except BrokenPipeError:
        return b""
