"""The table of all results, made host by host: the cells of a fleet take several times what its results do."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from hybridctl.checks import Verdict
from hybridctl.checks.wording import Wording, wording_in
from hybridctl.report.lines import shown
from hybridctl.verification import HostReport, Verification

if TYPE_CHECKING:
    from rich.console import Console
    from rich.segment import Segment

__all__ = ["COLOURS", "plain_table", "print_table"]

COLOURS = {
    Verdict.PASS: "green",
    Verdict.WARN: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.UNKNOWN: "magenta",
    Verdict.WAIVED: "cyan",
}
_COLUMNS = ("host", "check", "verdict", "measured", "expected", "unit")
_UNBROKEN = ("host", "verdict", "unit")


def plain_table(verification: Verification) -> Iterator[str]:
    """Yield it as aligned text, with a line of heads; nothing without results."""
    from rich.cells import cell_len

    wording = wording_in(verification.lang)
    heads, widths = _measured(verification, wording)
    for host in verification.hosts:
        for row in _rows(host, wording):
            for cells in (heads, row) if heads else (row,):
                padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True))
                yield "  ".join(padded).rstrip()
            heads = ()


def print_table(console: "Console", verification: Verification) -> None:
    """Print it on a terminal; nothing without results."""
    from rich.segment import SegmentLines
    from rich.table import Table
    from rich.text import Text

    if not any(host.results for host in verification.hosts):
        return
    wording = wording_in(verification.lang)
    heads, widths = _measured(verification, wording)
    longest_id = max(len(result.check) for host in verification.hosts for result in host.results)

    def lines(*rows: Sequence[Text], has_heads: bool = False) -> "list[list[Segment]]":
        table = Table(box=None, pad_edge=False, header_style="bold", show_header=has_heads)
        for column, head in zip(_COLUMNS, heads, strict=True):
            # An id is never broken; what stands behind it may go on in the next line.
            least = longest_id if column == "check" else None
            table.add_column(head, overflow="fold", no_wrap=column in _UNBROKEN, min_width=least)
        for row in rows:
            table.add_row(*row)
        # rich makes a column as wide as its longest cell: so each table is as wide as one of all rows.
        table.add_row(*(Text(" " * width, no_wrap=True, overflow="crop") for width in widths))
        return console.render_lines(table, pad=False)[:-1]

    @lru_cache(maxsize=2000)  # most rows are those of other hosts, too, and rich takes a millisecond for each
    def laid_out(row: tuple[str, ...]) -> "list[list[Segment]]":
        cells = [Text(cell) for cell in row]
        cells[2].style = COLOURS[Verdict(row[2])]
        return lines(cells)

    console.print(SegmentLines(lines(has_heads=True), new_lines=True), end="")
    for host in verification.hosts:
        # A host's name stands once.
        rows = [("" if place else name, *others) for place, (name, *others) in enumerate(_rows(host, wording))]
        console.print(SegmentLines([line for row in rows for line in laid_out(row)], new_lines=True), end="")


def _measured(verification: Verification, wording: Wording) -> tuple[tuple[str, ...], list[int]]:
    """Return what stands above the columns, and the width of each; a Chinese letter is as wide as two others."""
    from rich.cells import cell_len

    heads = tuple(map(wording.word, _COLUMNS))
    widths = list(map(cell_len, heads))
    for host in verification.hosts:
        for row in _rows(host, wording):
            widths = list(map(max, widths, map(cell_len, row)))
    return heads, widths


def _rows(host: HostReport, wording: Wording) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each result."""
    name = shown(host)
    for result in host.results:
        measured = "-" if result.measured is None else str(result.measured)
        yield (name, result.name, result.verdict.value, measured, result.expected, wording.unit(result.unit))
