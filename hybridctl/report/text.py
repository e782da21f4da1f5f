"""The report of `verify` for people: what is wrong first, with its remedy, then every check, then one line of sums."""

from collections.abc import Iterator
from typing import TextIO

from hybridctl.checks import CATALOGUE, Result, Verdict
from hybridctl.checks.wording import ENGLISH, Wording, wording_in
from hybridctl.host_ranges import short_list
from hybridctl.report.lines import WORST_FIRST, said, shown
from hybridctl.verification import HostReport, HostState, Verification

__all__ = ["plain_report", "print_rich_report", "summary_line"]

_COLUMNS = ("host", "check", "verdict", "measured", "expected", "unit")
_COLOURS = {
    Verdict.PASS: "green",
    Verdict.WARN: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "magenta",
    Verdict.WAIVED: "cyan",
}
_UNREACHABLE = "is it up, and does ssh reach it? ansible {host} -i INVENTORY -m ansible.builtin.ping"


def summary_line(verification: Verification) -> str:
    """Return how many hosts were asked, judged and missing, and how the checks came out."""
    word = wording_in(verification.lang).word
    judged = len(verification.named(HostState.JUDGED))
    parts = [f"{word('hosts asked')} {len(verification.hosts)}, {word('judged')} {judged}"]
    for state in (HostState.UNREACHABLE, HostState.NO_PROFILE):
        if names := verification.named(state):
            parts.append(f"{word(state.value)}: {', '.join(names)}")
    if names := [host.name for host in verification.hosts if host.not_compared]:
        parts.append(f"{word('not compared, as not all hosts of the profile were asked for')}: {short_list(names)}")
    counts = " ".join(f"{verdict} {verification.count(verdict)}" for verdict in Verdict)
    return f"{', '.join(parts)}; {counts}"


def plain_report(verification: Verification) -> str:
    """Return the report as aligned text, for files and pipes."""
    from rich.cells import cell_len

    wording = wording_in(verification.lang)
    rows = [
        tuple(map(wording.word, _COLUMNS)),
        *(_row(host, result, wording) for host in verification.hosts for result in host.results),
    ]
    # A Chinese letter is as wide as two others.
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    table = [
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
        if len(rows) > 1
    ]
    trouble = list(_trouble(verification))
    blocks = [trouble, table, [summary_line(verification)]]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def print_rich_report(verification: Verification, file: TextIO | None = None, width: int | None = None) -> None:
    """Print the report on a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    wording = wording_in(verification.lang)
    console = Console(file=file, width=width, highlight=False)
    for line in _trouble(verification):
        console.print(Text(line, style="" if line.startswith(" ") else _style(line)), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    # An id is never broken; what stands behind it may go on in the next line.
    longest = max((len(result.check) for host in verification.hosts for result in host.results), default=0)
    for column in _COLUMNS:
        table.add_column(
            wording.word(column),
            overflow="fold",
            no_wrap=column in ("host", "verdict", "unit"),
            min_width=longest if column == "check" else None,
        )
    before = ""
    for host in verification.hosts:
        for result in host.results:
            row = _row(host, result, wording)
            # A host's name stands once.
            cells = [Text(cell if place or host.name != before else "") for place, cell in enumerate(row)]
            cells[2] = Text(row[2], style=_COLOURS[result.verdict])
            table.add_row(*cells)
            before = host.name
    if table.row_count:
        console.print(table)
    console.print(Text(summary_line(verification), style="bold"), soft_wrap=True)


def _trouble(verification: Verification) -> Iterator[str]:
    """Yield what is not PASS, the worst first; a line that begins with a blank goes with the one above."""
    wording = wording_in(verification.lang)
    for host in verification.hosts:
        if host.state is HostState.UNREACHABLE:
            yield f"UNREACHABLE {shown(host)}: {host.reason}"
            yield f"  -> {wording.said(_UNREACHABLE.replace('{host}', host.name))}"
    for verdict in WORST_FIRST:
        for host in verification.hosts:
            for result in host.results:
                if result.verdict is verdict:
                    yield from _lines(host, result, wording)


def _lines(host: HostReport, result: Result, wording: Wording) -> Iterator[str]:
    check = CATALOGUE.get(result.check)
    # An id is made of English words.
    title = f" ({wording.title(check)})" if check is not None and wording.lang != ENGLISH else ""
    yield f"{result.verdict} {shown(host)} {result.name}{title}: {said(result, wording)}"
    if result.remedy:
        yield f"  -> {result.remedy}"


def _row(host: HostReport, result: Result, wording: Wording) -> tuple[str, ...]:
    measured = "-" if result.measured is None else str(result.measured)
    return (shown(host), result.name, result.verdict.value, measured, result.expected, wording.unit(result.unit))


def _style(line: str) -> str:
    word = line.split(maxsplit=1)[0]
    return _COLOURS.get(Verdict(word), "") if word in Verdict.__members__ else "bold red"
