"""The page of a provision or plan: one HTML file that needs no network, no script and no font of its own."""

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from hybridctl.events import Failure
from hybridctl.host_ranges import short_list
from hybridctl.report.html import environment, write_page
from hybridctl.report.run_text import SLOWEST, duration, end_of, many
from hybridctl.report.timeline import WIDTH, timeline
from hybridctl.report.verify_page import verify_page
from hybridctl.run_changes import RunChange
from hybridctl.run_details import RunDetails

__all__ = ["run_page", "write_run_page"]

_COUNTERS = ("ok", "changed", "failed", "unreachable", "skipped")
_HEADINGS = {
    "provision": "Provision of",
    "provision --check": "Check of",
    "plan": "Plan for",
    "unknown": "Run on",
}
# What a state or verdict looks like: its word always stands beside the colour.
_TONES = {
    "ok": "good",
    "nothing to do": "calm",
    "failed": "bad",
    "unreachable": "bad",
    "broken": "bad",
}


def run_page(run: RunDetails) -> str:
    """Return the page; that of a verification is another one."""
    if run.record.is_verify:
        return verify_page(run.record, [row.name for row in run.hosts])
    pages = environment(duration=duration, tone=_tone, line_kind=_line_kind, by_layer=_by_layer, short_list=short_list)
    return pages.get_template("run_page.html.j2").render(_context(run))


def write_run_page(run: RunDetails, path: Path, mode: int = 0o644) -> None:
    """Write the page.

    Args:
        mode: permissions of the file, less what the umask takes away.

    Raises:
        HybridctlError: the file cannot be written.
    """
    write_page(path, run_page(run), mode)


def _context(run: RunDetails) -> dict[str, Any]:
    record = run.record
    failures: list[tuple[str, str, Failure]] = [
        (row.name, row.state, failure) for row in run.hosts for failure in row.failures
    ]
    return {
        "run": run,
        "record": record,
        "document": record.document,
        "heading": f"{_HEADINGS.get(record.command, record.command + ' of')} {record.document.get('site', 'a site')}",
        "would": record.document.get("check") or record.document.get("command") == "plan",
        "counters": _COUNTERS,
        "ended": end_of(run),
        "failures": failures,
        "missing": [row for row in run.hosts if not row.failures and _tone(row.state) != "good"],
        "groups": run.grouped_changes(),
        "changed": sum(len(changes) for changes in run.changes.values()),
        "slowest": run.slowest(SLOWEST),
        "timeline": timeline(run),
        "width": WIDTH,
        "many": many,
    }


def _tone(state: str) -> str:
    return _TONES.get(state, "warn")


def _by_layer(changes: Iterable[RunChange]) -> list[tuple[str, list[RunChange]]]:
    """Return the changes of each layer, in the order in which the layers ran."""
    return [(layer, list(made)) for layer, made in groupby(changes, key=lambda change: change.layer)]


def _line_kind(line: str) -> str:
    """Return what a line of a unified diff is, as a CSS class."""
    if line.startswith(("--- ", "+++ ")) or line in ("---", "+++"):
        return "head"
    return {"+": "add", "-": "del"}.get(line[:1], "same")
