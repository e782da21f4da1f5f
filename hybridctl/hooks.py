"""What a site runs of its own before and after a batch: an argv, never a shell line, and never longer than told."""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from hybridctl.errors import InvalidInput
from hybridctl.processes import end_processes
from hybridctl.signals import cancelling

__all__ = ["HookEnd", "check_program", "parse_command", "run_hook"]

_LINES = 500  # of its output that go into run.log, the last ones
_BYTES = 1_000_000  # of which they are
_MOST = 100_000_000  # bytes of output; a hook that prints more is ended before it fills a disk


@dataclass(frozen=True)
class HookEnd:
    """How a hook ended.

    Attributes:
        failure: what went wrong, empty when nothing did.
    """

    failure: str = ""
    cancelled: bool = False


def run_hook(
    argv: tuple[str, ...],
    variables: Mapping[str, str],
    *,
    cwd: Path,
    timeout: float,
    log: Callable[[str], None],
    given: str = "",
) -> HookEnd:
    """Run a hook to its end; its output goes to `log` line by line.

    Args:
        variables: of ours, added to the environment; HYBRIDCTL_RUN among them also marks its processes, which end with
            it when it is interrupted or takes too long.
        timeout: seconds.
        given: what it reads on stdin.
    """
    cancelled, deadline = threading.Event(), time.monotonic() + timeout
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as output, cancelling(cancelled):
        # A file, not a pipe: a hook that reads nothing does not hold us up.
        stdin.write(given.encode(errors="backslashreplace"))
        stdin.seek(0)
        try:
            running = subprocess.Popen(
                argv,
                cwd=cwd,
                env={**os.environ, **variables},
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for us; we end it and all that it started
            )
        except OSError as error:
            return HookEnd(f"{argv[0]}: {error.strerror}")
        late = loud = False
        while running.poll() is None and not (cancelled.is_set() or late or loud):
            cancelled.wait(0.05)
            late, loud = time.monotonic() > deadline, _size(output) > _MOST
        if running.poll() is None:
            _end(running, variables["HYBRIDCTL_RUN"])
        output.seek(max(0, _size(output) - _BYTES))
        for line in output.read(_BYTES).decode(errors="replace").splitlines()[-_LINES:]:
            log(line)
    if cancelled.is_set():
        return HookEnd("it was interrupted", cancelled=True)
    if late:
        return HookEnd(f"it was ended after {timeout:.0f} s")
    if loud:
        return HookEnd(f"it was ended: it had printed more than {_MOST // 1_000_000} MB")
    return HookEnd(f"it ended with status {running.returncode}" if running.returncode else "")


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size


def _end(running: subprocess.Popen[bytes], run_id: str) -> None:
    """End the hook and what it started, in groups of its own too; asked first."""
    try:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(1)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    end_processes(f"HYBRIDCTL_RUN={run_id}")
    running.kill()
    running.wait()


def parse_command(value: Any) -> tuple[str, ...]:
    """Read a hook: one line in a shell's quoting, or a list of words.

    Raises:
        InvalidInput: says what is allowed.
    """
    words: list[Any] = []
    if isinstance(value, list):
        words = value
    elif isinstance(value, str):
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise InvalidInput(f"{value!r} is not a command: {error}", "close the quotes") from None
    if not words or not all(isinstance(word, str) and word for word in words):
        raise InvalidInput(f"{value!r} is not a command", "allowed: a program and its arguments; no shell reads them")
    return tuple(words)


def check_program(
    argv: tuple[str, ...], root: Path, access: Callable[[Path, int], bool] = os.access, by: str = ""
) -> None:
    """Refuse a hook whose program is not there, before anything is contacted.

    Args:
        root: the site folder, where hooks run.
        access: tells as access(2) does what the one who runs it may do with a file.
        by: who that is, where it is another user.

    Raises:
        InvalidInput: names the program.
    """
    program = argv[0]
    path = root / program if "/" in program else shutil.which(program)
    if path is None or not access(Path(path), os.X_OK):
        raise InvalidInput(
            f"the hook's program {program} is not there or may not be executed{by and f' by {by}'}; "
            "nothing was contacted",
            f"paths start from {root}; for shell syntax name the shell: sh -c '...'",
        )
