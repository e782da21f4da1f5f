"""One connection to a host, as a testinfra host: every command has a time limit, and a lost connection is no answer.

A later backend can replace it: checks see a testinfra host and nothing else.
"""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from hybridctl.access import Access
from hybridctl.checks.model import CannotTell, ConnectionLost

__all__ = ["COMMAND_TIMEOUT", "HOST_TIMEOUT", "Connection"]

CONNECT_TIMEOUT = 10  # seconds to the host, and to each jump host before it
COMMAND_TIMEOUT = 90  # seconds; more than any request of the checks may take
CLOSE_TIMEOUT = 10  # seconds for the master of a connection to end
HOST_TIMEOUT = 300  # seconds for all commands of one host
_MARK = "@hybridctl:status="


class _Backend(BaseBackend):  # type: ignore[misc]  # testinfra ships no types
    """Runs each distinct command once: checks are pure, so the same command has the same answer."""

    NAME = "hybridctl"

    def __init__(self, connection: "Connection") -> None:
        super().__init__(connection.name)
        self._connection = connection
        self._known: dict[str, CommandResult] = {}
        # Else testinfra asks each host for it.
        self._encoding = "utf-8"

    def run(self, command: str, *args: str, **_kwargs: Any) -> CommandResult:
        """Run a command; each `%s` in it takes one of `args`, quoted."""
        text = self.quote(command, *args)
        if text not in self._known:
            status, stdout, stderr = self._connection.execute(text)
            self._known[text] = self.result(status, text.encode(), stdout, stderr)
        return self._known[text]


class Connection:
    """A host and the way to it.

    Args:
        command_timeout, host_timeout: in seconds; the second counts from `open`.
    """

    def __init__(
        self, name: str, access: Access, *, command_timeout: int = COMMAND_TIMEOUT, host_timeout: int = HOST_TIMEOUT
    ) -> None:
        self.name = name
        self.host: Host = Host(_Backend(self))
        self._access = access
        self._command_timeout = command_timeout
        self._host_timeout = host_timeout
        self._deadline = 0.0
        self._sockets: Path | None = None
        self._running: subprocess.Popen[bytes] | None = None
        self._closed = False

    def open(self) -> None:
        """Reach the host once, so that a dead one costs seconds and not a time limit for every check.

        Raises:
            ConnectionLost: it cannot be reached.
        """
        self._deadline = time.monotonic() + self._host_timeout
        if self._access.local:
            return
        # A socket's path ends at 108 bytes.
        base = tempfile.gettempdir()
        self._sockets = Path(tempfile.mkdtemp(prefix="hybridctl-", dir=base if len(base) < 50 else "/tmp"))  # noqa: S108
        try:
            status, _, stderr = self._run(["true"], b"", 3 * CONNECT_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise ConnectionLost(f"no answer by ssh within {3 * CONNECT_TIMEOUT} s") from None
        if status != 0:
            raise ConnectionLost(_last_line(stderr) or f"ssh ended with status {status}")

    def execute(self, command: str) -> tuple[int, bytes, bytes]:
        """Run a command there, as the user to become; return status, output and errors.

        Raises:
            CannotTell: it could not be run, or did not end in time.
            ConnectionLost: the host went away.
        """
        limit = min(self._command_timeout, int(self._deadline - time.monotonic()))
        if limit < 1:
            raise CannotTell(f"no time was left: the host took more than {self._host_timeout} s for the checks before")
        # The last line tells the status apart from that of ssh and sudo: without it the command's end was not seen.
        quote = BaseBackend.quote
        script = quote("timeout -k 5 %s /bin/sh -c %s </dev/null; echo", str(limit), command) + f' "{_MARK}$?"'
        given = b""
        if self._access.become_user:
            password = self._access.become_password
            ask = "-n" if password is None else "-S -p ''"
            sudo = quote(" ".join(["%s"] * len(self._access.become)), *self._access.become)
            script = f"exec {sudo} {ask} " + quote("-u %s /bin/sh -c %s", self._access.become_user, script)
            given = b"" if password is None else f"{password}\n".encode()
        try:
            status, stdout, stderr = self._run(["/bin/sh", "-c", script], given, limit + 10)
        except subprocess.TimeoutExpired:
            raise CannotTell(f"a command did not end within {limit} s") from None
        output, mark, told = stdout.rpartition(_MARK.encode())
        if mark and told.strip().isdigit():
            return int(told), output, stderr
        if status == 255 and not self._access.local:
            raise ConnectionLost(_last_line(stderr) or "ssh ended with status 255")
        raise CannotTell(f"commands cannot be run there: {_last_line(stderr) or f'status {status}'}")

    def close(self) -> None:
        """End what runs and the connection itself; harmless when nothing is open, and it raises nothing."""
        self._closed = True
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

    def _run(self, argv: list[str], given: bytes, limit: float) -> tuple[int, bytes, bytes]:
        """Run a command through the connection, with a local time limit."""
        if self._closed:
            raise ConnectionLost("verification was ended")
        reading = -1
        if not self._access.local:
            argv = [*self._ssh(), self._access.address, BaseBackend.quote(" ".join(["%s"] * len(argv)), *argv)]
            if self._access.password is not None:
                # As Ansible does: the password in a pipe, never in arguments.
                reading, writing = os.pipe()
                os.write(writing, f"{self._access.password}\n".encode())
                os.close(writing)
                argv = ["sshpass", "-d", str(reading), *argv]
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
                    stdout, stderr = running.communicate(given, limit)
                finally:
                    running.kill()
                    self._running = None
            return running.returncode, stdout, stderr
        except FileNotFoundError as error:
            raise ConnectionLost(f"there is no {error.filename} on this machine") from None
        finally:
            if reading >= 0:
                os.close(reading)

    def _ssh(self) -> list[str]:
        quiet = [] if self._access.password is not None else ["-o", "BatchMode=yes"]
        return [
            "ssh",
            *("-o", "ControlMaster=auto", "-o", "ControlPersist=60s", "-o", f"ControlPath={self._sockets}/%C"),
            *quiet,
            *self._access.ssh,
            *("-o", f"ConnectTimeout={CONNECT_TIMEOUT}", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
            *("-o", "LogLevel=ERROR"),
        ]


def _last_line(text: bytes) -> str:
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
