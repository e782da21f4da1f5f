"""The difference of two recorded runs as text."""

from collections.abc import Iterator, Mapping

from hybridctl.host_ranges import short_list
from hybridctl.report.run_text import aligned, duration, many
from hybridctl.run_details import RunDetails
from hybridctl.run_diff import Difference, Key

__all__ = ["diff_run_lines"]


def diff_run_lines(difference: Difference) -> Iterator[str]:
    """Yield what differs, line by line: hosts, changes, seconds."""
    a, b = difference.a, difference.b
    yield _head("A", a)
    yield _head("B", b)
    yield ""
    for name, hosts in (("A", difference.hosts_only_a), ("B", difference.hosts_only_b)):
        if hosts:
            yield f"hosts only in {name}: {short_list(hosts)}"
    if difference.states or difference.counters:
        yield from _host_table(difference)
        yield ""
    for title, changes in (
        ("changes only in A", difference.changes_only_a),
        ("changes only in B", difference.changes_only_b),
        ("changes in both, with another diff", difference.other_diff),
    ):
        if changes:
            yield from _changes(title, changes)
            yield ""
    if difference.is_empty:
        yield f"no difference: the same hosts, {many(difference.same, 'change')} in each"
    else:
        yield f"{many(difference.same, 'change')} alike in both"
    if difference.layers:
        yield ""
        yield from _layer_table(difference)


def _head(name: str, run: RunDetails) -> str:
    record = run.record
    return f"{name}  {record.id}  {record.command} by {record.who}: {record.status}, {duration(run.seconds)}"


def _host_table(difference: Difference) -> Iterator[str]:
    rows = [("host", "state in A", "in B", "changed in A", "in B")]
    in_a, in_b = ({row.name: row for row in run.hosts} for run in (difference.a, difference.b))
    for name in in_a:
        if name in difference.states or name in difference.counters:
            a, b = in_a[name], in_b[name]
            numbers = [str(row.counters.get("changed", 0)) for row in (a, b)]
            rows.append((name, a.state, b.state, numbers[0], numbers[1]))
    yield from aligned(rows, right=(3, 4))


def _changes(title: str, changes: Mapping[Key, tuple[str, ...]]) -> Iterator[str]:
    yield f"{title}: {sum(len(hosts) for hosts in changes.values())}"
    for (layer, task, resource), hosts in changes.items():
        yield f"  {layer}  {task}{' (' + resource + ')' if resource else ''}: {short_list(hosts)}"


def _layer_table(difference: Difference) -> Iterator[str]:
    rows = [("layer", "seconds in A", "in B", "B - A")]
    for time in difference.layers:
        cells = ["-" if value is None else f"{value:.1f}" for value in (time.a, time.b)]
        rows.append((time.layer, cells[0], cells[1], "-" if time.delta is None else f"{time.delta:+.1f}"))
    yield from aligned(rows, right=(1, 2, 3))
