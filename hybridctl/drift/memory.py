"""What is known to differ, and since when: recorded checks and provisions, taken in one after another. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["CLOCK_STEP", "Drifted", "HostMemory", "Memory", "moment"]

MEMORY_SCHEMA = 1
CLOCK_STEP = timedelta(hours=1)  # less is two checks that overlap
# Of a run that came to the end of its playbook; in any other, a host without an event may merely not have had its turn.
_ENDED = ("ok", "failed", "unreachable")
_PLANNED = ("ok", "nothing to do")
# Of a provision: no task of it began on the host, whatever became of the run.
_UNTOUCHED = ("not started", "nothing to do")


@dataclass(frozen=True)
class Drifted:
    """One resource of a host that differs.

    Attributes:
        kind, name, action, why, layer, role: of the planned change.
        since: start of the first check that saw it so, without a clean check or a repair in between; UTC.
    """

    kind: str
    name: str
    action: str
    why: str
    layer: str
    role: str
    since: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two checks speak of the same drift."""
        return self.kind, self.name, self.action

    def document(self) -> dict[str, str]:
        """Return it as JSON."""
        return {**asdict(self), "since": self.since.isoformat(timespec="seconds")}


@dataclass(frozen=True)
class HostMemory:
    """What is known of a host; without `planned` the last run did not come to the end, and this is from before.

    Attributes:
        seen: start of the last check or provision that came to the end of all layers; None where that is not known, or
            where a run has failed since.
    """

    planned: bool = False
    drifted: tuple[Drifted, ...] = ()
    seen: datetime | None = None


@dataclass
class Memory:
    """The drift of a site's hosts.

    Attributes:
        checked: start of the last check, None before the first.
        until: end of the last run taken in; those that ended earlier are known.
        runs: identifiers of the runs taken in that ended in that second.
        inventory: whose hosts they are; None in a memory of an older version.
    """

    checked: datetime | None = None
    until: datetime | None = None
    runs: tuple[str, ...] = ()
    inventory: str | None = None
    hosts: dict[str, HostMemory] = field(default_factory=dict)

    def observe(self, run: Mapping[str, Any], *, from_record: bool = False) -> None:
        """Take in a run.

        Args:
            run: result.json of a run that has ended; what is neither a plan nor a provision says nothing of drift.
            from_record: nobody asked for its drift; the plan of a fresh host is none.

        Raises:
            KeyError, TypeError, ValueError: it is not a run's record.
        """
        if run["command"] not in ("plan", "provision"):
            return
        started, until, name = moment(run["started"]), moment(run["finished"]), str(run["id"])
        hosts = dict(self.hosts)
        for host in run["hosts"]:
            before, scope = hosts.get(host["name"]), _Scope.of(run, host["state"])
            fresh = HostMemory(planned=True)  # nothing has failed there
            if run["check"] and not (before is None and from_record):
                hosts[host["name"]] = _checked(before or fresh, host["changes"], scope, started)
            elif not run["check"] and (before is not None or scope.whole or scope.broken):
                hosts[host["name"]] = _repaired(before or fresh, host["changes"], scope, started)
        if run["check"]:
            self.checked = max(started, self.checked or started)
        self.hosts = hosts
        if self.until is None or until >= self.until:
            self.runs = (*self.runs, name) if until == self.until else (name,)
            self.until = until

    def is_ahead_of(self, finished: datetime) -> bool:
        """Tell a memory from a clock that was ahead: a check cannot end an hour before what is known already."""
        return self.until is not None and self.until > finished + CLOCK_STEP

    def set_back(self, now: datetime) -> None:
        """Go on after the clock was set back: nothing was seen later, and what was recorded before is known."""
        self.checked, self.until, self.runs = None, now, ()
        self.hosts = {
            name: HostMemory(host.planned, tuple(replace(one, since=min(one.since, now)) for one in host.drifted))
            for name, host in self.hosts.items()
        }

    def keep(self, hosts: Iterable[str]) -> None:
        """Forget hosts that are no longer the site's."""
        names = set(hosts)
        self.hosts = {name: host for name, host in self.hosts.items() if name in names}

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "schema": MEMORY_SCHEMA,
            "checked": _text(self.checked),
            "until": _text(self.until),
            "runs": list(self.runs),
            "inventory": self.inventory,
            "hosts": {
                name: {
                    "planned": host.planned,
                    "resources": [drifted.document() for drifted in host.drifted],
                    "seen": _text(host.seen),
                }
                for name, host in self.hosts.items()
            },
        }

    @classmethod
    def read(cls, document: Any) -> "Memory":
        """Return the memory of a document.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is not one, or of another version.
        """
        if document["schema"] != MEMORY_SCHEMA:
            raise ValueError(f"schema {document['schema']!r}, this version reads {MEMORY_SCHEMA}")
        hosts = {}
        for name, host in document["hosts"].items():
            if not isinstance(host["planned"], bool):
                raise TypeError(f"hosts.{name}.planned is {host['planned']!r}, wants true or false")
            drifted = (Drifted(**{**entry, "since": moment(entry["since"])}) for entry in host["resources"])
            seen = moment(host["seen"]) if host.get("seen") else None  # an older version did not say
            hosts[str(name)] = HostMemory(host["planned"], tuple(drifted), seen)
        checked, until = (moment(document[key]) if document[key] else None for key in ("checked", "until"))
        runs = document["runs"] if "runs" in document else [document["run"]]
        return cls(checked, until, tuple(map(str, runs)), document.get("inventory"), hosts)


@dataclass(frozen=True)
class _Scope:
    """What a run's silence about a resource of a host means.

    Attributes:
        ended: the host came to the end of its tasks.
        layers: the run's only layers; empty means all.
        roles: the run was for single roles, and says nothing of what it does not name.
        broken: a task of it may have begun on the host, and it did not come to the end.
    """

    ended: bool
    layers: tuple[str, ...]
    roles: bool
    broken: bool

    @classmethod
    def of(cls, run: Mapping[str, Any], state: str) -> "_Scope":
        ended = run["status"] in _ENDED and state in _PLANNED
        broken = not ended and state not in _UNTOUCHED
        return cls(ended, tuple(run.get("layers") or ()), bool(run.get("roles")), broken)

    @property
    def whole(self) -> bool:
        """Whether the run came to the end of all that the roles make of the host."""
        return self.ended and not self.roles and not self.layers

    def covers(self, drifted: Drifted) -> bool:
        """Tell whether what the run does not name is clean."""
        return self.ended and not self.roles and (not self.layers or drifted.layer in (*self.layers, "preflight"))


def _checked(before: HostMemory, changes: Iterable[Mapping[str, Any]], scope: _Scope, started: datetime) -> HostMemory:
    """Return what is known of a host after a check."""
    known = {drifted.key: drifted.since for drifted in before.drifted}
    seen: dict[tuple[str, str, str], Drifted] = {}
    for change in changes:
        words = {name: str(change.get(name, "")) for name in ("kind", "name", "action", "why", "layer", "role")}
        key = words["kind"], words["name"], words["action"]
        seen.setdefault(key, Drifted(**words, since=known.get(key, started)))
    kept = [old for old in before.drifted if old.key not in seen and not scope.covers(old)]
    planned = scope.ended and (before.planned or not scope.roles)
    whole = max(started, before.seen or started) if scope.whole else before.seen
    return HostMemory(planned, (*seen.values(), *kept), whole if scope.ended else None)


def _repaired(before: HostMemory, changes: Iterable[Mapping[str, Any]], scope: _Scope, started: datetime) -> HostMemory:
    """Return what is known of a host after a provision; what it repaired is as new when it drifts again."""
    # A check that began after it may have found what came behind its back: only what it names is repaired then.
    overtaken = before.seen is not None and before.seen > started
    if scope.whole and not overtaken:
        return HostMemory(planned=True, seen=started)
    made = {(change["kind"], change["name"]) for change in changes}
    kept = [d for d in before.drifted if (d.kind, d.name) not in made and (overtaken or not scope.covers(d))]
    if scope.broken:
        return HostMemory(planned=False, drifted=tuple(kept))
    return replace(before, drifted=tuple(kept))


def moment(text: Any) -> datetime:
    """Return an ISO 8601 time in UTC.

    Raises:
        TypeError, ValueError: it is none, or has no offset.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text}: a time without its offset from UTC")
    return time.astimezone(UTC)


def _text(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time else None
