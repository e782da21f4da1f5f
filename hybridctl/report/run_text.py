"""Recorded runs as text, and as JSON documents."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from hybridctl.host_ranges import short_list
from hybridctl.run_changes import RunChange
from hybridctl.run_details import RunDetails
from hybridctl.run_history import RunRecord
from hybridctl.run_prune import Pruned
from hybridctl.runs import is_going_on
from hybridctl.verify_history import VERDICTS

__all__ = [
    "SLOWEST",
    "aligned",
    "clean",
    "duration",
    "end_of",
    "many",
    "pruned_document",
    "pruned_lines",
    "run_document",
    "run_lines",
    "runs_document",
    "runs_lines",
    "size",
]

SLOWEST = 10  # tasks shown
WIDTH = 100  # columns
# Control characters but tab and newline, bidirectional overrides, surrogates (no UTF-8 can carry them).
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_COUNTERS = ("ok", "changed", "failed", "unreachable", "skipped")
_NUMBERS = ("asked", "ok", "changed", "failed", "unreachable")


def runs_document(runs: Iterable[RunRecord]) -> dict[str, Any]:
    """Return the list of runs as JSON."""
    rows = []
    for run in runs:
        rows.append(
            {
                "id": run.id,
                "started": run.started.isoformat(),
                "who": run.who,
                "command": run.command,
                "status": run.status,
                "seconds": run.seconds,
                "hosts": {"asked": run.asked, **{name: _count(run, name) for name in _NUMBERS[1:]}},
                "damage": list(run.damage),
            }
        )
    return {"schema": 1, "runs": rows}


def runs_lines(runs: Sequence[RunRecord]) -> list[str]:
    """Return the list of runs as an aligned table."""
    rows: list[tuple[str, ...]] = [("run", "started (UTC)", "who", "command", "status", *_NUMBERS, "duration")]
    for run in runs:
        numbers = ["-" if run.asked is None else str(run.asked)]
        numbers += ["-" if (n := _count(run, name)) is None else str(n) for name in _NUMBERS[1:]]
        took = "-" if run.seconds is None else duration(run.seconds)
        rows.append((run.id, f"{run.started:%Y-%m-%d %H:%M:%S}", run.who, run.command, run.status, *numbers, took))
    return aligned(rows, right=range(5, 11))


def pruned_document(pruned: Pruned, check: bool) -> dict[str, Any]:
    """Return what was removed, or with `check` would be, as JSON; sizes in bytes."""
    runs = [{"id": run.id, "command": run.command, "status": run.status, "bytes": taken} for run, taken in pruned.runs]
    kept = [{"id": name, "why": why} for name, why in pruned.spared]
    return {"schema": 1, "check": check, "removed": runs, "kept": kept, "bytes": pruned.bytes}


def pruned_lines(pruned: Pruned, check: bool) -> list[str]:
    """Return the same for people, the sum last."""
    lines = aligned([(run.id, run.command, run.status, size(taken)) for run, taken in pruned.runs], right=(3,))
    would = "would be removed and free" if check else "removed, freed"
    return [*lines, f"{many(len(pruned.runs), 'run')} {would} {size(pruned.bytes)}"]


def run_document(run: RunDetails) -> dict[str, Any]:
    """Return one run as JSON: the head of result.json, hosts with their changes, slowest tasks, what was damaged."""
    head = {key: value for key, value in run.record.document.items() if key != "hosts"}
    hosts = [
        {
            "name": row.name,
            "state": row.state,
            "seconds": row.seconds,
            "counters": dict(row.counters),
            "layers": dict(row.layers),
            "failures": [asdict(failure) for failure in row.failures],
            "changes": [asdict(change) for change in run.changes.get(row.name, ())],
        }
        for row in run.hosts
    ]
    slowest = [{**asdict(task), "kind": task.kind.value} for task in run.slowest(SLOWEST)]
    has_ended = run.record.has_ended
    status = {"id": run.record.id, "status": run.record.status, "ended": has_ended, "seconds": run.seconds}
    return {**head, **status, "schema": 1, "hosts": hosts, "slowest": slowest, "damage": list(run.damage)}


def run_lines(run: RunDetails, longest: int) -> Iterator[str]:
    """Yield one run line by line: failures first, then hosts, changes, slowest tasks.

    Args:
        longest: lines shown of the diff of one change.
    """
    record = run.record
    yield f"{record.id}  {record.command} of {record.document.get('site', '?')} by {record.who}: {record.status}"
    yield f"started {record.started:%Y-%m-%d %H:%M:%S} UTC, {end_of(run)}"
    if record.document.get("command") == "provision" and not record.has_ended and not is_going_on(record.path):
        yield f"  -> hybridctl provision --resume {record.id}"
    yield from str(record.document.get("message") or "").splitlines()
    for row in run.hosts:
        for failure in row.failures:
            where = ", ".join(part for part in (failure.layer, failure.role, failure.task) if part)
            yield f"{row.name} {row.state}: {where}: {failure.message}"
            if failure.remedy:
                yield f"  -> {failure.remedy}"
    yield ""
    yield from _hosts(run)
    for hosts, changes in run.grouped_changes():
        yield ""
        each = f" on each of {many(len(hosts), 'host')}" if len(hosts) > 1 else ""
        yield f"{short_list(hosts)}: {many(len(changes), 'change')}{each}"
        yield from _changes(changes, longest)
    slowest = run.slowest(SLOWEST)
    if slowest:
        yield ""
        yield "slowest tasks"
        rows = [
            (
                f"{task.seconds:.1f} s",
                task.host,
                task.layer,
                task.title + (" (not ended)" if task.kind == "start" else ""),
            )
            for task in slowest
        ]
        yield from (f"  {line}" for line in aligned(rows, right=(0,)))


def end_of(run: RunDetails) -> str:
    """Return in words how the run ended and after how long."""
    if run.record.has_ended:
        return f"took {duration(run.seconds)}"
    if is_going_on(run.record.path):
        return f"goes on: {duration(run.seconds)} from its first event to its last so far"
    return f"was killed: it ended without a result, {duration(run.seconds)} after its first event"


def duration(seconds: float) -> str:
    """Return seconds as `12.3 s`, `4 min 05 s` or `1 h 02 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(number: float) -> str:
    """Return bytes as people write them; 1 kB is 1000 bytes, as apt counts."""
    if number < 1000:
        return f"{number:.0f} B"
    for unit in ("kB", "MB"):
        number /= 1000
        if number < 1000:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:.1f} GB"


def many(count: int, noun: str) -> str:
    """Return `1 change`, `2 changes`."""
    return f"{count} {noun}{'s' * (count != 1)}"


def clean(text: str) -> str:
    """Replace what steers a terminal or turns the order of letters round: it came from a host."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def aligned(rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Return the rows with their columns under each other; `right` names the columns of numbers."""
    rows = list(rows)
    right = set(right)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _count(run: RunRecord, name: str) -> int | None:
    """Return a number of hosts, None where the run does not tell it."""
    if not run.has_ended or (run.is_verify and name == "changed"):
        return None
    return run.count(name)


def _hosts(run: RunDetails) -> Iterator[str]:
    counters = VERDICTS if run.record.is_verify else _COUNTERS
    layers = list(run.layers)
    rows: list[tuple[str, ...]] = [("host", "state", *counters, "seconds", *layers)]
    for row in run.hosts:
        numbers = [str(row.counters.get(name, 0)) for name in counters]
        times = [f"{row.layers[name]:.1f}" if name in row.layers else "-" for name in layers]
        rows.append((row.name, row.state, *numbers, f"{row.seconds:.1f}", *times))
    yield from aligned(rows, right=range(2, len(rows[0])))


def _changes(changes: Iterable[RunChange], longest: int) -> Iterator[str]:
    layer = ""
    for change in changes:
        if change.layer != layer:
            layer = change.layer
            yield f"  {layer}"
        labels = [item.label for item in change.items if item.label]
        title = f"    {change.title}{' (' + ', '.join(labels) + ')' if labels else ''}"
        if len(title) <= WIDTH:
            yield title
            yield from _diff("      ", [line for item in change.items for line in item.diff], longest)
            continue
        yield f"    {change.title}"
        for item in change.items:  # one under the other, each with its own diff
            if item.label:
                yield f"      {item.label}"
            yield from _diff("        ", item.diff, longest)


def _diff(indent: str, lines: Sequence[str], longest: int) -> Iterator[str]:
    yield from (f"{indent}{line}" for line in lines[:longest])
    if len(lines) > longest:
        yield f"{indent}... {many(len(lines) - longest, 'more line')}: hybridctl runs show --full"
