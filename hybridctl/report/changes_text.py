"""What changed against a baseline as text: the worst first, hosts of the very same change together."""

from collections.abc import Iterator

from hybridctl.baselines import Against
from hybridctl.host_ranges import short_list
from hybridctl.report.run_text import clean, many
from hybridctl.report.text import summary_line
from hybridctl.verification import Verification
from hybridctl.verify_changes import Change, ChangeKind

__all__ = ["changes_lines"]

_NAMED = 5  # results in a line of those that are merely new or gone
_WORDS = {
    ChangeKind.LOST: "LOST",
    ChangeKind.WORSE: "WORSE",
    ChangeKind.VALUE: "CHANGED",
    ChangeKind.BETTER: "BETTER",
    ChangeKind.BACK: "BACK",
    ChangeKind.APPEARED: "NEW",
    ChangeKind.GONE: "GONE",
}
_ORDER = {kind: place for place, kind in enumerate(_WORDS)}


def changes_lines(against: Against, verification: Verification) -> Iterator[str]:
    """Yield the report line by line; a line that begins with a blank goes with the one above."""
    return (clean(line) for line in _lines(against, verification))


def _lines(against: Against, verification: Verification) -> Iterator[str]:
    lab = {host.name for host in verification.hosts if host.lab}
    changes = against.steady
    yield f"against {against.run}: {many(len(changes), 'change')}, {len(against.flapping)} flapping"
    worst_first = sorted(changes, key=lambda one: (not one.is_worsening, _ORDER[one.kind], one.new != "FAIL"))
    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in worst_first:
        groups.setdefault((*_alike(change), change.host in lab), []).append(change)
    merely: dict[tuple[str, str], list[str]] = {}
    for (*_, is_lab), alike in groups.items():
        hosts = short_list(change.host for change in alike) + (" (lab)" if is_lab else "")
        change = alike[0]
        if change.check and (change.kind is ChangeKind.GONE or (not change.old and change.new == "PASS")):
            merely.setdefault((_WORDS[change.kind], hosts), []).append(f"{change.check} {change.subject}".rstrip())
            continue
        yield f"{_WORDS[change.kind]} {hosts}{_said(change)}"
        if change.remedy:
            yield f"  -> {f'on {change.host}: ' if len(alike) > 1 else ''}{change.remedy}"
    for (word, hosts), names in merely.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        told = f"{many(len(names), 'result')}{', PASS' if word == 'NEW' else ''}"
        yield f"{word} {hosts}: {told}: {', '.join(names[:_NAMED])}{more}"
    now = {(host.name, one.check, one.subject): one for host in verification.hosts for one in host.results}
    for flapping in against.flapping:
        host = f"{flapping.host} (lab)" if flapping.host in lab else flapping.host
        name = f"{host} {flapping.check} {flapping.subject}".rstrip()
        result = now.get(flapping.name)
        why = f": {result.reason}" if result and result.reason else ""
        yield f"FLAPPING {name}: {flapping.letters} over {len(flapping.verdicts)} verifications{why}"
        if result and result.remedy:
            yield f"  -> {result.remedy}"
    comparison = against.comparison
    yield ""
    yield (
        f"{many(comparison.same, 'result')} as before, "
        f"{many(comparison.moved, 'number')} moved within what is expected"
        + ("" if against.exit_code else "; nothing got worse")
    )
    yield summary_line(verification)


def _alike(change: Change) -> tuple[object, ...]:
    """Return what changes of several hosts must share to stand in one line."""
    values = (repr(change.old_measured), repr(change.new_measured), change.unit, change.expected)
    return (change.kind, change.check, change.subject, change.old, change.new, *values, change.reason)


def _said(change: Change) -> str:
    if not change.check:
        return _of_host(change)
    name = f" {change.check} {change.subject}".rstrip()
    verdicts = f"{change.old or 'not judged'} -> {change.new}" if change.old != change.new else change.new
    unit = f" {change.unit}" if change.unit else ""
    parts = [verdicts]
    if change.new_measured is not None:
        then = change.old_measured
        moved = f"{then} -> " if then is not None and then != change.new_measured else ""
        parts.append(f"measured {moved}{change.new_measured}{unit}")
    if change.expected:
        parts.append(f"expected {change.expected}{unit}")
    return f"{name}: {', '.join(parts)}{': ' + change.reason if change.reason else ''}"


def _of_host(change: Change) -> str:
    """Return what became of a host itself."""
    if change.kind is ChangeKind.GONE:
        return ": not asked for any more"
    then = f"{change.old} -> " if change.old else "not in that run, now "
    return f": {then}{change.new}{': ' + change.reason if change.reason else ''}"
