"""The report of `verify` for people: what is wrong first, with its remedy, then every check, then one line of sums."""

from collections.abc import Iterator
from typing import TextIO

from hybridctl.checks import CATALOGUE, Result, Verdict
from hybridctl.checks.wording import ENGLISH, Wording, wording_in
from hybridctl.host_ranges import short_list
from hybridctl.report.lines import WORST_FIRST, said, shown
from hybridctl.report.table import COLOURS, plain_table, print_table
from hybridctl.verification import HostReport, HostState, Verification

__all__ = ["plain_lines", "print_rich_report", "summary_line"]

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


def plain_lines(verification: Verification) -> Iterator[str]:
    """Yield the report line by line as aligned text, for files and pipes."""
    has_lines = False
    for block in (_trouble(verification), plain_table(verification), [summary_line(verification)]):
        for place, line in enumerate(block):
            if has_lines and not place:
                yield ""
            yield line
            has_lines = True


def print_rich_report(verification: Verification, file: TextIO | None = None, width: int | None = None) -> None:
    """Print the report on a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=file, width=width, highlight=False)
    for line in _trouble(verification):
        console.print(Text(line, style="" if line.startswith(" ") else _style(line)), soft_wrap=True)
    print_table(console, verification)
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


def _style(line: str) -> str:
    word = line.split(maxsplit=1)[0]
    return COLOURS[Verdict(word)] if word in Verdict.__members__ else "bold red"
