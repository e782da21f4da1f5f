"""What happened in a recorded run, from its events: the changes of each host, and when each task ran where."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from hybridctl.errors import InvalidInput
from hybridctl.events import Event, EventKind, HostOutcome, HostState, Outcomes
from hybridctl.problems import nearest, shown_path
from hybridctl.run_changes import ChangedItem, RunChange, changed_item
from hybridctl.run_history import HostRow, RunRecord

__all__ = ["RunDetails", "TaskTime", "read_details"]

_ENDS = (
    EventKind.OK,
    EventKind.CHANGED,
    EventKind.FAILED,
    EventKind.IGNORED,
    EventKind.UNREACHABLE,
    EventKind.SKIPPED,
)
_TEXTS = tuple(field.name for field in fields(Event) if field.name not in ("kind", "changes", "stats", "hosts"))
DAMAGE_TOLD = 10  # lines of one file; the others are counted


@dataclass(frozen=True)
class TaskTime:
    """One task on one host.

    Attributes:
        play: number of the play in the run, from 1.
        begin: seconds from the first event of the run.
        seconds: from its start to its result, both as the control node saw them.
        kind: what it came to; START for one that never ended.
    """

    host: str
    play: int
    layer: str
    role: str
    task: str
    kind: EventKind
    begin: float
    seconds: float

    @property
    def title(self) -> str:
        """Return `role : task`."""
        return f"{self.role} : {self.task}" if self.role else self.task


@dataclass(frozen=True)
class RunDetails:
    """A run with all that its events tell.

    Attributes:
        hosts: from result.json; rebuilt from the events of a run that has none.
        changes: by host, in the order in which they were made; hosts without a change are not in it.
        tasks: in the order in which they ended; those that never ended are last.
        last_event: seconds from the first event to the last.
        damage: what could not be read, with file and line.
    """

    record: RunRecord
    hosts: tuple[HostRow, ...]
    changes: Mapping[str, tuple[RunChange, ...]]
    tasks: tuple[TaskTime, ...]
    last_event: float
    damage: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Return how long the run took, as far as is known."""
        return self.record.seconds if self.record.seconds is not None else self.last_event

    @cached_property
    def layers(self) -> tuple[str, ...]:
        """Return the layers in the order in which they ran; a page asks for them with every host."""
        return tuple(dict.fromkeys([*(t.layer for t in self.tasks), *(n for h in self.hosts for n in h.layers)]))

    def slowest(self, count: int) -> list[TaskTime]:
        """Return the tasks that took longest."""
        return sorted(self.tasks, key=lambda task: -task.seconds)[:count]

    def grouped_changes(self) -> list[tuple[tuple[str, ...], tuple[RunChange, ...]]]:
        """Return (hosts, changes) with hosts of the very same changes together, in the order of the hosts."""
        groups: dict[tuple[RunChange, ...], list[str]] = {}
        names = dict.fromkeys([*(host.name for host in self.hosts), *self.changes])
        for name in names:
            if name in self.changes:
                groups.setdefault(self.changes[name], []).append(name)
        return [(tuple(hosts), changes) for changes, hosts in groups.items()]

    def only(self, host: str | None) -> "RunDetails":
        """Return the same for one host.

        Raises:
            InvalidInput: the run does not name it.
        """
        if host is None:
            return self
        names = [row.name for row in self.hosts]
        if host not in names:
            near = nearest(host, names)
            hint = f"did you mean {near}?" if near else f"hosts of the run: {', '.join(names[:12]) or 'none'}"
            raise InvalidInput(f"--host {host}: run {self.record.id} has no such host", hint)
        return replace(
            self,
            hosts=tuple(row for row in self.hosts if row.name == host),
            changes={name: changes for name, changes in self.changes.items() if name == host},
            tasks=tuple(task for task in self.tasks if task.host == host),
        )


def read_details(record: RunRecord) -> RunDetails:
    """Read the events of a run; what cannot be read is named and left out."""
    reader = _Reader(record.path / "events.jsonl")
    for event, items in reader.events():
        reader.add(event, items)
    # Killed before its end, or its result is damaged: the events tell who was met and how far that came.
    reader.outcomes.judge(())
    known = {row.name for row in record.hosts}
    for name in _asked(record.document.get("batches")):
        reader.outcomes.hosts.setdefault(name, HostOutcome(name, HostState.NOT_STARTED))
    met = () if record.has_ended and not record.damage else tuple(reader.outcomes.hosts.values())
    rows = (*record.hosts, *(_row(outcome) for outcome in met if outcome.name not in known))
    unfinished = [
        reader.time(event, play, begin, max(0.0, reader.last - begin)) for event, play, begin in reader.open.values()
    ]
    return RunDetails(
        record,
        rows,
        {host: tuple(changes) for host, changes in reader.changes.items()},
        (*reader.tasks, *unfinished),
        reader.last,
        (*record.damage, *reader.damage),
    )


def _asked(batches: Any) -> Iterator[str]:
    """Yield the hosts that a record names in its batches; what is no batch is left out."""
    for batch in batches if isinstance(batches, list) else ():
        hosts = batch.get("hosts") if isinstance(batch, Mapping) else ()
        yield from (name for name in hosts or () if isinstance(name, str)) if isinstance(hosts, list) else ()


class _Reader:
    """Adds up the lines of one events.jsonl."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: list[str] = []
        self.outcomes = Outcomes(())
        self.changes: dict[str, list[RunChange]] = {}
        self.tasks: list[TaskTime] = []
        self.open: dict[str, tuple[Event, int, float]] = {}
        self.last = 0.0
        self._zero: float | None = None
        self._play = 0

    def events(self) -> Iterator[tuple[Event, tuple[ChangedItem, ...]]]:
        """Yield what can be read, line by line."""
        bad = 0
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                for number, line in enumerate(file, 1):
                    try:
                        yield _event(json.loads(line))
                    except (ValueError, KeyError, TypeError, AttributeError) as error:
                        bad += 1
                        if bad <= DAMAGE_TOLD:
                            why = "not JSON" if isinstance(error, json.JSONDecodeError) else f"not an event: {error}"
                            self.damage.append(f"{shown_path(self.path)}:{number}: {why}; left out")
        except OSError as error:
            self.damage.append(f"{shown_path(self.path)}: cannot be read: {error.strerror}")
        if bad > DAMAGE_TOLD:
            self.damage.append(f"{shown_path(self.path)}: and {bad - DAMAGE_TOLD} more lines like these")

    def add(self, event: Event, items: tuple[ChangedItem, ...]) -> None:
        """Take the next event into account."""
        now = self._clock(event.at)
        if event.host:
            self.outcomes.hosts.setdefault(event.host, HostOutcome(event.host))
        self.outcomes.add(event)
        if event.kind is EventKind.PLAY:
            self._play += 1
        elif event.kind is EventKind.START:
            self.open[event.host] = (event, self._play, now)
        elif event.kind in _ENDS:
            _, play, begin = self.open.pop(event.host, (event, self._play, now))
            self.tasks.append(self.time(event, play, begin, max(0.0, now - begin)))
        if event.kind is EventKind.CHANGED:
            change = RunChange(event.layer, event.role, event.task, items)
            self.changes.setdefault(event.host, []).append(change)

    def time(self, event: Event, play: int, begin: float, seconds: float) -> TaskTime:
        """Return how long the task of an event took."""
        return TaskTime(
            event.host, play, event.layer, event.role, event.task, event.kind, round(begin, 3), round(seconds, 3)
        )

    def _clock(self, at: str) -> float:
        """Return seconds since the first event; an event without a time happened when the one before it did."""
        try:
            now = datetime.fromisoformat(at).timestamp()
        except ValueError:
            return self.last
        if self._zero is None:
            self._zero = now
        seconds = max(0.0, now - self._zero)
        self.last = max(self.last, seconds)
        return seconds


def _event(data: Mapping[str, Any]) -> tuple[Event, tuple[ChangedItem, ...]]:
    """Read one line; fields that this version does not know are left out."""
    texts: dict[str, Any] = {name: str(data.get(name) or "") for name in _TEXTS}
    items = tuple(changed_item(entry) for entry in data.get("changes") or ())
    hosts = tuple(data.get("hosts") or ())
    return Event(EventKind(data["kind"]), **texts, stats=data.get("stats") or {}, hosts=hosts), items


def _row(outcome: HostOutcome) -> HostRow:
    return HostRow.read({**asdict(outcome), "state": outcome.state.value, "seconds": outcome.seconds})
