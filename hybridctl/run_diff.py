"""Two recorded runs beside each other: hosts, counters, changes, seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridctl.run_changes import RunChange
from hybridctl.run_details import RunDetails

__all__ = ["Difference", "LayerTime", "compare"]

# (layer, `role : task`, resource and action); the same in two runs means the same change.
Key = tuple[str, str, str]


@dataclass(frozen=True)
class LayerTime:
    """Seconds that the slowest host took in a layer; None in a run without that layer."""

    layer: str
    a: float | None
    b: float | None

    @property
    def delta(self) -> float | None:
        """Return seconds that B took longer."""
        return None if self.a is None or self.b is None else round(self.b - self.a, 1)


@dataclass(frozen=True)
class Difference:
    """What differs between run A and run B.

    Attributes:
        counters: host -> (changed tasks in A, in B), for hosts of both runs where they differ.
        states: host -> (state in A, in B), for hosts of both runs where they differ.
        changes_only_a: change -> hosts that made it in A and not in B.
        other_diff: change -> hosts that made it in both, with another diff.
        same: how many changes (of a resource on a host) both runs made alike.
    """

    a: RunDetails
    b: RunDetails
    hosts_only_a: tuple[str, ...]
    hosts_only_b: tuple[str, ...]
    states: Mapping[str, tuple[str, str]]
    counters: Mapping[str, tuple[int, int]]
    changes_only_a: Mapping[Key, tuple[str, ...]]
    changes_only_b: Mapping[Key, tuple[str, ...]]
    other_diff: Mapping[Key, tuple[str, ...]]
    same: int
    layers: tuple[LayerTime, ...]

    @property
    def is_empty(self) -> bool:
        """Tell that the runs did the same on the same hosts; seconds do not count."""
        return not any(
            (
                self.hosts_only_a,
                self.hosts_only_b,
                self.states,
                self.counters,
                self.changes_only_a,
                self.changes_only_b,
                self.other_diff,
            )
        )

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "schema": 1,
            "a": self.a.record.id,
            "b": self.b.record.id,
            "hosts_only_in_a": list(self.hosts_only_a),
            "hosts_only_in_b": list(self.hosts_only_b),
            "states": {host: {"a": a, "b": b} for host, (a, b) in self.states.items()},
            "changed": {host: {"a": a, "b": b} for host, (a, b) in self.counters.items()},
            "changes_only_in_a": _rows(self.changes_only_a),
            "changes_only_in_b": _rows(self.changes_only_b),
            "changes_with_another_diff": _rows(self.other_diff),
            "same_changes": self.same,
            "layers": [{"layer": t.layer, "a": t.a, "b": t.b, "delta": t.delta} for t in self.layers],
        }


def compare(a: RunDetails, b: RunDetails) -> Difference:
    """Return what differs; a host that only one run was for adds no differing changes of its own."""
    in_a, in_b = ({row.name: row for row in run.hosts} for run in (a, b))
    both = [name for name in in_a if name in in_b]
    only_a: dict[Key, list[str]] = {}
    only_b: dict[Key, list[str]] = {}
    other: dict[Key, list[str]] = {}
    same = 0
    for name in both:
        made_a, made_b = _changes(a.changes.get(name, ())), _changes(b.changes.get(name, ()))
        for key in {**made_a, **made_b}:
            if key not in made_b:
                only_a.setdefault(key, []).append(name)
            elif key not in made_a:
                only_b.setdefault(key, []).append(name)
            elif made_a[key] != made_b[key]:
                other.setdefault(key, []).append(name)
            else:
                same += 1
    counts = {name: (in_a[name].counters.get("changed", 0), in_b[name].counters.get("changed", 0)) for name in both}
    return Difference(
        a,
        b,
        tuple(name for name in in_a if name not in in_b),
        tuple(name for name in in_b if name not in in_a),
        {name: (in_a[name].state, in_b[name].state) for name in both if in_a[name].state != in_b[name].state},
        {name: pair for name, pair in counts.items() if pair[0] != pair[1]},
        _frozen(only_a),
        _frozen(only_b),
        _frozen(other),
        same,
        tuple(LayerTime(name, _slowest(a, name), _slowest(b, name)) for name in dict.fromkeys((*a.layers, *b.layers))),
    )


def _changes(changes: tuple[RunChange, ...]) -> dict[Key, list[tuple[str, ...]]]:
    """Return the diffs of each change; a task may run twice and change the same thing again."""
    found: dict[Key, list[tuple[str, ...]]] = {}
    for change in changes:
        for item in change.items:
            found.setdefault((change.layer, change.title, item.key), []).append(item.diff)
    return found


def _slowest(run: RunDetails, layer: str) -> float | None:
    seconds = [row.layers[layer] for row in run.hosts if layer in row.layers]
    return max(seconds) if seconds else None


def _frozen(changes: Mapping[Key, list[str]]) -> dict[Key, tuple[str, ...]]:
    return {key: tuple(hosts) for key, hosts in changes.items()}


def _rows(changes: Mapping[Key, tuple[str, ...]]) -> list[dict[str, Any]]:
    return [
        {"layer": layer, "task": task, "resource": resource, "hosts": list(hosts)}
        for (layer, task, resource), hosts in changes.items()
    ]
