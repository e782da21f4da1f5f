"""The table of a terminal, laid out host by host, is the one that rich makes of all rows."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text
from verified_runs import fleet, judged, result

from hybridctl.checks import Verdict
from hybridctl.report.table import plain_table, print_table
from hybridctl.verification import HostReport, HostState, Verification

AT = datetime(2026, 1, 1, tzinfo=UTC)
WIDE = judged("wide", result("gpu.model", Verdict.FAIL, "[red]温度 " * 9, expected="x" * 70, subject="GPU 0"), lab=True)


COLOURS = {"PASS": "green", "FAIL": "bold red", "WARN": "yellow", "UNKNOWN": "magenta"}


def of_all_rows(console: Console, verification: Verification) -> None:
    """Print all rows as one table of rich's."""
    table = Table(
        "host", "check", "verdict", "measured", "expected", "unit", box=None, pad_edge=False, header_style="bold"
    )
    for column in table.columns:
        column.overflow, column.no_wrap = "fold", column.header in ("host", "verdict", "unit")
    table.columns[1].min_width = max(len(result.check) for host in verification.hosts for result in host.results)
    for host in verification.hosts:
        for place, one in enumerate(host.results):
            name = "" if place else host.name + " (lab)" * host.lab
            cells = (name, one.name, one.verdict.value, str(one.measured), one.expected, one.unit)
            table.add_row(*(Text(cell, COLOURS.get(cell, "") if at == 2 else "") for at, cell in enumerate(cells)))
    console.print(table)


@pytest.mark.parametrize("width", [10, 40, 80, 120, 300])
def test_host_by_host_it_is_the_table_of_all_rows(width: int) -> None:
    """Byte for byte, also where a terminal is too narrow and cells are folded; a host without results has no row."""
    hosts = (*fleet(9, 5), WIDE, HostReport("gw1", HostState.UNREACHABLE))
    verification = Verification("test", AT, AT, hosts)
    texts = []
    for show in (of_all_rows, print_table):
        printed = io.StringIO()
        show(Console(file=printed, width=width, highlight=False, force_terminal=True), verification)
        texts.append(printed.getvalue())
    assert "\x1b[" in texts[0]
    assert texts[0] == texts[1]


def test_without_results_there_is_none() -> None:
    """Not even its heads."""
    verification = Verification("test", AT, AT, (HostReport("gw1", HostState.UNREACHABLE),))
    printed = io.StringIO()
    print_table(Console(file=printed), verification)
    assert printed.getvalue() == ""
    assert list(plain_table(verification)) == []
