"""The store of runs: `.hybridctl/runs/ID/` with events.jsonl, result.json and run.log."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from hybridctl.errors import HybridctlError
from hybridctl.events import Event, EventKind
from hybridctl.json_text import json_pieces

__all__ = ["RunStore", "describe", "is_going_on", "new_id"]


def new_id(now: datetime) -> str:
    """Return an identifier that sorts by time: `20261124T120000Z-1a2b`."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


class RunStore:
    """The folder of one run, readable by its owner only; everything given to it is redacted already.

    Args:
        runs: the folder of all runs of a site; it is made when missing.

    Raises:
        HybridctlError: the folder cannot be written; every method raises it too, when the disk is full.
    """

    def __init__(self, runs: Path, now: datetime) -> None:
        self.id = new_id(now)
        self.path = runs / self.id
        with self._writing():
            runs.mkdir(parents=True, exist_ok=True)
            runs.chmod(0o700)
            self.path.mkdir(mode=0o700)
            self._events = _open(self.path / "events.jsonl")
            # Held as long as this process lives, so that a later one can tell a killed run from one that goes on.
            fcntl.flock(self._events, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._log = _open(self.path / "run.log")
            _point(runs / "latest", self.id)

    def record(self, event: Event) -> None:
        """Append an event; a reader sees it at once."""
        with self._writing():
            self._events.write(json.dumps(event.as_dict(), ensure_ascii=False) + "\n")
            self._events.flush()
        line = describe(event)
        if line:
            self.log(f"{event.at[11:19]} {line}")

    def log(self, text: str) -> None:
        """Append a line to run.log."""
        self.log_lines([text])

    def log_lines(self, lines: Iterable[str]) -> None:
        """Append lines to run.log."""
        with self._writing():
            self._log.writelines(f"{line}\n" for line in lines)
            self._log.flush()

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Replace result.json in one step: a reader never sees half of it."""
        target = self.path / "result.json"
        with self._writing():
            with _open(target.with_suffix(".new")) as file:
                file.writelines(json_pieces(result))
            target.with_suffix(".new").replace(target)

    def close(self) -> None:
        """Close the files."""
        with self._writing():
            try:
                self._events.close()
            finally:
                self._log.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise HybridctlError(
                f"cannot write the record of this run: {error.strerror}: {error.filename or self.path}",
                "runs are kept in .hybridctl/runs beside hybridctl.yml; make that folder writable or free some space",
            ) from error


def is_going_on(path: Path) -> bool:
    """Tell whether the process that records the run at `path` is alive, on this machine."""
    try:
        with (path / "events.jsonl").open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def describe(event: Event) -> str:
    """Return an event as one readable line (more for a message of several), empty when it is not worth one."""
    if event.kind is EventKind.BATCH:
        return f"batch {event.item}: {', '.join(event.hosts)}"
    if event.kind is EventKind.PLAY:
        return f"{event.layer}: {event.play.partition(' | ')[2] or event.play}"
    if event.kind is EventKind.NO_HOSTS:
        return f"{event.layer}: no host of this run"
    if event.kind in (EventKind.TEXT, EventKind.HOOK):
        return f"ansible: {event.message}" if event.kind is EventKind.TEXT else event.message
    if event.kind in (EventKind.START, EventKind.STATS):
        return ""
    task = f"{event.role} : {event.task}" if event.role else event.task
    if event.item:
        task = f"{task} ({event.item})"
    line = f"{event.layer} {event.host} {event.kind.value} {task}"
    if event.message:
        line += f": {event.message}"
    return f"{line}\n  -> {event.remedy}" if event.remedy and event.kind is not EventKind.IGNORED else line


def _open(path: Path) -> TextIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")


def _point(link: Path, name: str) -> None:
    """Let `latest` name the newest run, never nothing in between."""
    new = link.with_name(f".latest-{name}")
    new.symlink_to(name)
    new.replace(link)
