"""Check-mode results -> a plan: host by host and layer by layer, what a provision would change."""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hybridctl.events import Event, EventKind, HostState, Outcomes
from hybridctl.results import RunResult

__all__ = ["Change", "Plan", "Planner", "diff_lines"]

LONGEST_DIFF = 200  # lines kept of one change; a whole new file need not be read here to know that it is new


@dataclass(frozen=True)
class Change:
    """One task that would change its host.

    Attributes:
        items: what the task would change in its loop; empty when it has none.
        diff: unified diff, secrets masked; empty when the module gives none.
    """

    layer: str
    role: str
    task: str
    items: tuple[str, ...] = ()
    diff: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "layer": self.layer,
            "role": self.role,
            "task": self.task,
            "items": list(self.items),
            "diff": list(self.diff),
        }


@dataclass(frozen=True)
class Plan:
    """What would change, by host; every host that was asked for is in it.

    Attributes:
        result: the check-mode run behind it; it also tells which hosts could not be planned.
    """

    changes: Mapping[str, tuple[Change, ...]]
    result: RunResult

    def grouped(self) -> list[tuple[tuple[str, ...], tuple[Change, ...]]]:
        """Return (hosts, changes) with hosts of the very same changes together, in inventory order."""
        groups: dict[tuple[Change, ...], list[str]] = {}
        for host, changes in self.changes.items():
            groups.setdefault(changes, []).append(host)
        return [(tuple(hosts), changes) for changes, hosts in groups.items()]

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        run = self.result.document
        failures = {host.name: [vars(failure) for failure in host.failures] for host in self.result.hosts}
        states = {host.name: host.state for host in self.result.hosts}
        return {
            "schema": 1,
            **{key: run[key] for key in ("id", "site", "limit", "layers", "asked", "judged", "exit_code", "message")},
            "hosts": [
                {
                    "name": name,
                    "planned": states[name] in (HostState.OK, HostState.NOTHING_TO_DO),
                    "state": states[name].value,
                    "changes": [change.document() for change in changes],
                    "failures": failures[name],
                }
                for name, changes in self.changes.items()
            ],
        }


@dataclass
class Planner:
    """Observes a check-mode run and collects its changes."""

    changes: dict[str, list[Change]] = field(default_factory=dict)

    def __call__(self, event: Event, _outcomes: Outcomes) -> None:
        """Take the next event."""
        if event.kind is not EventKind.CHANGED:
            return
        items = tuple(item for item, _ in event.changes if item)
        lines = [line for _, diff in event.changes for line in diff_lines(diff)]
        if len(lines) > LONGEST_DIFF:
            lines[LONGEST_DIFF:] = [f"... {len(lines) - LONGEST_DIFF} more lines"]
        self.changes.setdefault(event.host, []).append(Change(event.layer, event.role, event.task, items, tuple(lines)))

    def plan(self, result: RunResult) -> Plan:
        """Return the plan once the run has ended."""
        return Plan({host.name: tuple(self.changes.get(host.name, ())) for host in result.hosts}, result)


def diff_lines(diff: Any) -> Iterator[str]:
    """Yield the lines of what a module gave as its diff: one or a list of before/after pairs, or ready text."""
    if isinstance(diff, list):
        for part in diff:
            yield from diff_lines(part)
    elif isinstance(diff, Mapping):
        if "prepared" in diff:
            yield from _lines(diff["prepared"])
        elif "before" in diff or "after" in diff:
            yield from _unified(diff)


def _unified(diff: Mapping[str, Any]) -> Iterator[str]:
    before, after = _lines(diff.get("before")), _lines(diff.get("after"))
    place = next((name for name in map(diff.get, ("place", "before_header", "after_header")) if _on_host(name)), "")
    for line in difflib.unified_diff(before, after, f"now {place}", f"then {place}", n=1, lineterm=""):
        # Line numbers say nothing to a reader who has not got the file before them.
        if not line.startswith("@@"):
            yield line.rstrip()


def _on_host(place: Any) -> bool:
    """Tell a path on the host from the temporary file on our side, which has a new name in every run."""
    return bool(place) and "/tmp/ansible-" not in str(place) and ".ansible/tmp" not in str(place)  # noqa: S108


def _lines(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    if not isinstance(value, str):
        value = json.dumps(value, indent=1, sort_keys=True)
    return list(value.splitlines())
