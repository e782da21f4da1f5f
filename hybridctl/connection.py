"""One connection to a host, as a testinfra host: many commands a trip, every one with a time limit of its own.

A lost connection is no answer: what came back whole before is kept, one reconnection is tried, then the host is lost.
"""

import os
import random
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testinfra.backend.base import BaseBackend
from testinfra.host import Host

from hybridctl.access import Access
from hybridctl.checks.model import ConnectionLost
from hybridctl.evidence.answers import Trouble
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.evidence.frames import MOST_OUTPUT, Frames
from hybridctl.evidence.gate import gate, turned_away
from hybridctl.evidence.refusal import last_line, refusal
from hybridctl.evidence.script import become, greeting, questions
from hybridctl.evidence.talk import talk
from hybridctl.temporary import short_temporary

__all__ = ["COMMAND_TIMEOUT", "HOST_TIMEOUT", "Connection"]

CONNECT_TIMEOUT = 10  # seconds to the host, and to each jump host before it
COMMAND_TIMEOUT = 90  # seconds; more than any request of the checks may take
CLOSE_TIMEOUT = 10  # seconds for the master of a connection to end
HOST_TIMEOUT = 300  # seconds for all commands of one host
_GRACE = 10  # seconds for the answer to come back after a command's own limit, and 5 more for its end
_MOST_SCRIPT = 400_000  # characters of one trip; all arguments of a program may be 2 MiB
_ENDED = "verification was ended"
_PAUSE = 0.2  # seconds, before a server that was too busy is asked again; doubled each time


@dataclass(frozen=True)
class _Trip:
    """How one trip ended.

    Attributes:
        status: of ssh or the shell; None when a time limit ended it.
        errors: the last of what it printed to stderr.
    """

    frames: Frames
    status: int | None
    errors: bytes


class Connection:
    """A host and the way to it.

    Args:
        command_timeout, host_timeout: in seconds; the second counts from `open`.

    Attributes:
        trips: scripts sent to the host.
        reached: a shell has answered there.
    """

    def __init__(
        self, name: str, access: Access, *, command_timeout: int = COMMAND_TIMEOUT, host_timeout: int = HOST_TIMEOUT
    ) -> None:
        self.name = name
        self.backend = EvidenceBackend(name, self.fetch)
        self.host: Any = Host(self.backend)
        self.backend.set_host(self.host)
        self.trips = 0
        self.reached = False
        self._access = access
        self._command_timeout = command_timeout
        self._host_timeout = host_timeout
        self._deadline = 0.0
        self._sockets: Path | None = None
        self._running: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()

    def open(self, ask: Sequence[str] = ()) -> None:
        """Reach the host, and ask commands in the same trip, so that a dead one costs seconds.

        Raises:
            ConnectionLost: it cannot be reached.
        """
        self._deadline = time.monotonic() + self._host_timeout
        if not self._access.local:
            self._sockets = Path(tempfile.mkdtemp(prefix="hybridctl-", dir=short_temporary()))
        self.fetch(ask)

    def fetch(self, commands: Iterable[str]) -> None:
        """Ask commands, as the user to become; when it returns, each has an answer or a `Trouble`.

        Raises:
            ConnectionLost: the host went away; what came back before is kept.
        """
        answers, drops = self.backend.answers, 0
        left = [command for command in dict.fromkeys(commands) if command not in answers]
        while left or not self.reached:
            asked = _portion(left)
            limit = min(self._command_timeout, int(self._deadline - time.monotonic()))
            if limit < 1 and self.reached:
                why = f"no time was left: the host took more than {self._host_timeout} s for the checks before"
                self._give_up(left, why)
                return
            trip = self._trip(asked, max(limit, 1))
            if self._closed.is_set():
                raise ConnectionLost(_ENDED)
            left = [command for command in left if command not in answers]
            missing = [command for command in asked if command not in answers]
            if not missing:
                continue
            at = trip.frames.underway
            if trip.frames.flooded and at is not None:
                self._give_up([asked[at]], f"a command printed more than {MOST_OUTPUT >> 20} MiB")
            elif trip.status is None:
                self._give_up(left if at is None else [asked[at]], f"a command did not end within {limit} s")
            elif trip.status < 0 or (trip.status == 255 and not self._access.local):
                drops += 1
                if drops > 1:
                    raise ConnectionLost(last_line(trip.errors) or f"ssh ended with status {trip.status}")
                if at is not None:  # it may be what cut the connection: all others come first
                    left = [*(command for command in left if command != asked[at]), asked[at]]
            else:
                why = last_line(trip.errors) or f"status {trip.status}"
                self._give_up(left, f"commands cannot be run there: {why}")
            left = [command for command in left if command not in answers]

    def close(self) -> None:
        """End what runs and the connection itself; harmless when nothing is open, and it raises nothing."""
        self._closed.set()
        running, sockets, self._sockets = self._running, self._sockets, None
        if running is not None:
            running.kill()
        if sockets is not None:
            # No ssh on this machine, or one that hangs, must not cost what the host has told until now.
            with suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(
                    ["ssh", "-o", f"ControlPath={sockets}/%C", "-O", "exit", *self._access.ssh, self._access.address],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=CLOSE_TIMEOUT,
                    check=False,
                )
            shutil.rmtree(sockets, ignore_errors=True)

    def _give_up(self, commands: Iterable[str], reason: str) -> None:
        for command in commands:
            self.backend.answers[command] = Trouble(reason)

    def _trip(self, commands: Sequence[str], limit: int) -> _Trip:
        """Send one script and take in what comes back; a server too busy to greet is asked again for a while.

        Raises:
            ConnectionLost: no shell answered.
        """
        until, pause = time.monotonic() + 3 * CONNECT_TIMEOUT, _PAUSE
        while True:
            trip = self._try(commands, limit)
            if trip.frames.greeted:
                return trip
            if trip.status is None:
                raise ConnectionLost(f"no answer by ssh within {3 * CONNECT_TIMEOUT} s")
            if trip.status != 255 and self.reached:
                return trip
            if not turned_away(trip.errors) or time.monotonic() + pause > until:
                raise ConnectionLost(refusal(trip.status, trip.errors, trip.frames.before))
            if self._closed.wait(pause * random.uniform(0.5, 1.5)):  # noqa: S311 - spreads tries, guards nothing
                raise ConnectionLost(_ENDED)
            pause = min(2 * pause, 3.0)

    def _try(self, commands: Sequence[str], limit: int) -> _Trip:
        mark = f"@hybridctl:{secrets.token_hex(8)}"
        body = questions(commands, [limit] * len(commands), mark)
        if self._access.become_user and commands:
            body = become(body, self._access.become, self._access.become_user, self._access.become_password)
        # In braces, so that a script cut short by the network runs nothing of itself.
        script = f"{{\n{greeting(mark)}{body}}}\n".encode()
        frames = Frames(mark, len(commands))
        with ExitStack() as door:
            if not (self._access.local or self.reached):
                door.enter_context(gate(self._access))
            return self._converse(commands, limit, script, frames, door)

    def _converse(self, commands: Sequence[str], limit: int, script: bytes, frames: Frames, door: ExitStack) -> _Trip:
        """Send a script and note each answer as it comes; the door is left as soon as a shell greets."""
        with self._started() as process:
            until = time.monotonic() + 3 * CONNECT_TIMEOUT

            def heard(data: bytes) -> None:
                nonlocal until
                greeted, before = frames.greeted, frames.underway
                for number, told in frames.feed(data):
                    self.backend.answers[commands[number]] = told
                if frames.flooded:
                    until = 0.0
                elif frames.underway != before or greeted != frames.greeted:
                    until = min(time.monotonic() + limit + 5 + _GRACE, max(self._deadline, time.monotonic()) + _GRACE)
                if frames.greeted and not greeted:
                    self.reached = True
                    door.close()

            # What was begun on this machine may hold the pipes open after its shell was ended.
            status, errors = talk(process, script, heard, lambda: 0.0 if self._closed.is_set() else until)
        return _Trip(frames, status, errors)

    @contextmanager
    def _started(self) -> "Iterator[subprocess.Popen[bytes]]":
        """Start a shell there that reads its script from stdin, whatever the login shell is."""
        if self._closed.is_set():
            raise ConnectionLost(_ENDED)
        argv, reading = ["/bin/sh"], -1
        if not self._access.local:
            argv = [*self._ssh(), self._access.address, "exec /bin/sh"]
            if self._access.password is not None:
                # As Ansible does: the password in a pipe, never in arguments.
                reading, writing = os.pipe()
                os.write(writing, f"{self._access.password}\n".encode())
                os.close(writing)
                argv = ["sshpass", "-d", str(reading), *argv]
        self.trips += 1
        try:
            with subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(reading,) if reading >= 0 else (),
            ) as running:
                self._running = running
                try:
                    yield running
                finally:
                    running.kill()
                    self._running = None
        except FileNotFoundError as error:
            raise ConnectionLost(f"there is no {error.filename} on this machine") from None
        finally:
            if reading >= 0:
                os.close(reading)

    def _ssh(self) -> list[str]:
        quiet = [] if self._access.password is not None else ["-o", "BatchMode=yes"]
        return [
            *("ssh", "-T"),
            *("-o", "ControlMaster=auto", "-o", "ControlPersist=60s", "-o", f"ControlPath={self._sockets}/%C"),
            *quiet,
            *self._access.ssh,
            *("-o", f"ConnectTimeout={CONNECT_TIMEOUT}", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
            *("-o", "LogLevel=ERROR"),
        ]


def _portion(commands: Sequence[str]) -> list[str]:
    """Return as many of the commands as one script takes, and at least one."""
    taken: list[str] = []
    size = 0
    for command in commands:
        size += len(BaseBackend.quote("%s", command)) + 20
        if taken and size > _MOST_SCRIPT:
            break
        taken.append(command)
    return taken
