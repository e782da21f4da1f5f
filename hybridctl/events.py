"""Runner events -> typed events -> what became of each host. Pure: no clock, no files, no Ansible."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hybridctl.changes import Change, TaskChange, changes_of
from hybridctl.failures import explain, item_label

__all__ = ["Event", "EventKind", "Failure", "HostOutcome", "HostState", "Outcomes", "layer_of", "parse"]


class EventKind(StrEnum):
    """What an event reports."""

    BATCH = "batch"
    HOOK = "hook"  # of the site, around a batch; the message says which
    PLAY = "play"
    START = "start"
    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    IGNORED = "ignored"
    UNREACHABLE = "unreachable"
    SKIPPED = "skipped"
    RETRY = "retry"
    ITEM = "item"
    NO_HOSTS = "no_hosts"
    STATS = "stats"
    TEXT = "text"


class HostState(StrEnum):
    """What became of a host."""

    OK = "ok"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    UNFINISHED = "unfinished"  # the run was ended before its last task
    NOT_CONTACTED = "not contacted"  # a play names it, and no event came
    NOTHING_TO_DO = "nothing to do"  # no play of the run names it
    NOT_STARTED = "not started"  # its batch did not begin

    @property
    def is_fine(self) -> bool:
        """Whether nothing is left to do on the host."""
        return self in (HostState.OK, HostState.NOTHING_TO_DO)


@dataclass(frozen=True)
class Event:
    """One thing that happened, already redacted.

    Attributes:
        at: ISO 8601, UTC, as the runner stamped it.
        layer: `base` of the play `Base | every host`; the whole name when it has no ` | `.
        path: `file:line` of the task.
        changes: what a CHANGED task changed; at least one.
        item: of a loop; of a BATCH its place, such as `2 of 5`.
        stats: Ansible's own counters, counter -> host -> number (STATS only).
        pattern: the hosts a PLAY is for.
        hosts: those of a BATCH.
    """

    kind: EventKind
    at: str
    host: str = ""
    layer: str = ""
    play: str = ""
    role: str = ""
    task: str = ""
    path: str = ""
    message: str = ""
    remedy: str = ""
    item: str = ""
    pattern: str = ""
    changes: tuple[Change, ...] = ()
    stats: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that are set, for one line of `events.jsonl`."""
        fields = {key: value for key, value in asdict(self).items() if value}
        return {**fields, "changes": [change.as_dict() for change in self.changes]} if self.changes else fields


def layer_of(play: str) -> str:
    """Return the layer in a play's name."""
    return play.partition(" | ")[0].lower()


_RESULTS = {
    "runner_on_start": EventKind.START,
    "runner_on_ok": EventKind.OK,
    "runner_on_failed": EventKind.FAILED,
    "runner_on_unreachable": EventKind.UNREACHABLE,
    "runner_on_skipped": EventKind.SKIPPED,
    "runner_retry": EventKind.RETRY,
    "runner_item_on_failed": EventKind.ITEM,
}
_TEXTS = ("verbose", "warning", "system_warning", "deprecated", "error")
_COUNTERS = ("ok", "changed", "failures", "dark", "skipped", "ignored", "rescued")


def parse(raw: Mapping[str, Any]) -> Event | None:
    """Return the typed form of a runner event, None for one that tells nothing new."""
    name, data = raw.get("event", ""), raw.get("event_data") or {}
    at = str(raw.get("created", ""))
    play = str(data.get("play") or data.get("name") or "")
    if name == "playbook_on_play_start":
        return Event(EventKind.PLAY, at, layer=layer_of(play), play=play, pattern=str(data.get("pattern") or ""))
    if name == "playbook_on_stats":
        stats = {counter: dict(data.get(counter) or {}) for counter in _COUNTERS}
        return Event(EventKind.STATS, at, stats=stats)
    if name == "playbook_on_no_hosts_matched":
        return Event(EventKind.NO_HOSTS, at, layer=layer_of(play), play=play)
    if name in _TEXTS:
        text = str(raw.get("stdout") or "").strip()
        return Event(EventKind.TEXT, at, message=text) if text else None
    kind = _RESULTS.get(name)
    return None if kind is None else _result(kind, at, play, data)


def _result(kind: EventKind, at: str, play: str, data: Mapping[str, Any]) -> Event:
    result = data.get("res")
    result = result if isinstance(result, Mapping) else {}
    host, path = str(data.get("host", "")), str(data.get("task_path") or "")
    message = remedy = item = ""
    role, task = str(data.get("role") or ""), str(data.get("task") or "")
    changes: tuple[Change, ...] = ()
    if kind is EventKind.OK and result.get("changed"):
        kind = EventKind.CHANGED
        changes = changes_of(str(data.get("task_action") or ""), result, label=f"{role}: {task}" if role else task)
    elif kind is EventKind.FAILED and data.get("ignore_errors"):
        kind = EventKind.IGNORED
    if kind in (EventKind.FAILED, EventKind.UNREACHABLE, EventKind.IGNORED, EventKind.ITEM):
        message, remedy = explain({**result, "ansible_host": data.get("remote_addr")}, host=host, path=path)
    if kind is EventKind.RETRY:
        message = f"attempt {result.get('attempts', '?')} of {result.get('retries', '?')}"
    if kind is EventKind.ITEM:
        item = item_label(result)
    return Event(
        kind,
        at,
        host=host,
        layer=layer_of(play),
        play=play,
        role=role,
        task=task,
        path=path,
        message=message,
        remedy=remedy,
        item=item,
        changes=changes,
    )


@dataclass(frozen=True)
class Failure:
    """Why a host failed or could not be reached."""

    layer: str
    role: str
    task: str
    path: str
    message: str
    remedy: str


@dataclass
class HostOutcome:
    """What became of one host; numbers of tasks, as Ansible counts them (`ok` includes `changed`).

    Attributes:
        layers: seconds from the start of the layer's play to the host's last result in it.
        changes: what its tasks changed, in order; in check mode, what they would.
        batch: which it belongs to, counted from 1.
        reason: why it was NOT_STARTED.
        task: what runs now.
    """

    name: str
    state: HostState = HostState.NOTHING_TO_DO
    ok: int = 0
    changed: int = 0
    failed: int = 0
    unreachable: int = 0
    skipped: int = 0
    ignored: int = 0
    rescued: int = 0
    layers: dict[str, float] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    changes: list[TaskChange] = field(default_factory=list)
    batch: int = 1
    reason: str = ""
    layer: str = ""
    task: str = ""

    @property
    def seconds(self) -> float:
        """Seconds in all layers."""
        return round(sum(self.layers.values()), 1)


class Outcomes:
    """Adds events up, host by host.

    A run has one playbook for each batch; statistics and judgement are about the hosts of the present one.

    Args:
        asked: every host that the run is for; each is judged at the end, whatever events came.
    """

    def __init__(self, asked: Iterable[str]) -> None:
        self.hosts = {name: HostOutcome(name) for name in asked}
        self.patterns: list[tuple[str, str]] = []
        self.batch = ""
        self.layer = ""
        self.texts: deque[str] = deque(maxlen=200)
        self.has_stats = False
        self.tasks = 0
        self._play_start = 0.0
        self._before: dict[str, dict[str, float]] = {}
        self._batch: tuple[str, ...] | None = None

    def add(self, event: Event) -> None:
        """Take the next event into account."""
        if event.kind is EventKind.BATCH:
            self.batch, self.layer = event.item, ""
            self._batch = event.hosts
        elif event.kind is EventKind.PLAY:
            self.layer = event.layer
            self.patterns.append((event.layer, event.pattern))
            self._play_start = _seconds(event.at)
            # Two plays may share a layer: the second adds to what the first took.
            self._before = {name: dict(host.layers) for name, host in self.hosts.items()}
        elif event.kind is EventKind.STATS:
            self._take_stats(event.stats)
        elif event.kind is EventKind.TEXT:
            self.texts.append(event.message)
        elif event.host in self.hosts:
            self._host_event(self.hosts[event.host], event)

    def _host_event(self, host: HostOutcome, event: Event) -> None:
        kind = event.kind
        host.layer = event.layer
        if host.state is HostState.NOTHING_TO_DO:
            host.state = HostState.UNFINISHED
        if kind is EventKind.START:
            host.task = event.task
            return
        if event.layer == self.layer:
            before = self._before.get(host.name, {}).get(event.layer, 0.0)
            host.layers[event.layer] = round(before + max(0.0, _seconds(event.at) - self._play_start), 1)
        if kind in (EventKind.RETRY, EventKind.ITEM):
            return
        self.tasks += 1
        host.task = ""
        host.ok += kind in (EventKind.OK, EventKind.CHANGED, EventKind.IGNORED)
        host.changed += kind is EventKind.CHANGED
        host.changes += [TaskChange(event.layer, event.role, event.task, change) for change in event.changes]
        host.failed += kind is EventKind.FAILED
        host.unreachable += kind is EventKind.UNREACHABLE
        host.skipped += kind is EventKind.SKIPPED
        host.ignored += kind is EventKind.IGNORED
        if kind in (EventKind.FAILED, EventKind.UNREACHABLE):
            host.failures.append(Failure(event.layer, event.role, event.task, event.path, event.message, event.remedy))

    def _take_stats(self, stats: Mapping[str, Mapping[str, int]]) -> None:
        """Ansible's counters are the last word: they know which failure was rescued.

        A batch may be played again for some of its hosts; of the others these counters say nothing.
        """
        self.has_stats = True
        played = {name for counted in stats.values() for name in counted}
        for host in self._present():
            if host.name not in played:
                continue
            for ours, theirs in (("failed", "failures"), ("unreachable", "dark")):
                setattr(host, ours, stats.get(theirs, {}).get(host.name, 0))
            for counter in ("ok", "changed", "skipped", "ignored", "rescued"):
                setattr(host, counter, stats.get(counter, {}).get(host.name, 0))
            if not host.failed and not host.unreachable:
                host.failures.clear()
            if host.state is HostState.UNFINISHED:
                host.state = HostState.OK

    def _present(self) -> list[HostOutcome]:
        """Return the hosts of the present batch; all of them where there is none."""
        return [host for name, host in self.hosts.items() if self._batch is None or name in self._batch]

    def judge(self, expected: Iterable[str]) -> None:
        """Give every host of the present batch its final state.

        Args:
            expected: hosts that a play of the run names; one without any event was not contacted.
        """
        wanted = set(expected)
        for host in self._present():
            host.task = ""
            if host.failed:
                host.state = HostState.FAILED
            elif host.unreachable:
                host.state = HostState.UNREACHABLE
            elif host.state is HostState.NOTHING_TO_DO and host.name in wanted:
                host.state = HostState.NOT_CONTACTED

    def forget(self, hosts: Iterable[str]) -> None:
        """Take back what became of hosts that are tried once more."""
        for name in hosts:
            self.hosts[name] = HostOutcome(name, batch=self.hosts[name].batch)

    def leave_out(self, hosts: Iterable[str], reason: str) -> None:
        """Say of hosts that their batch did not begin, and why."""
        for name in hosts:
            self.hosts[name].state, self.hosts[name].reason = HostState.NOT_STARTED, reason


def _seconds(at: str) -> float:
    """Return an ISO time as seconds since 1970, 0 for one that cannot be read."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except ValueError:
        return 0.0
