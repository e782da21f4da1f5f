"""What a verification found wrong, one line each: shared by the reports that are made of lines."""

from collections.abc import Iterator

from hybridctl.checks import Result, Verdict
from hybridctl.checks.wording import ENGLISH, Wording, wording_in
from hybridctl.verification import HostReport, HostState, Verification

__all__ = ["WORST_FIRST", "not_passed", "one_line", "said", "shown", "unreachable"]

_FIRST = (Verdict.FAIL, Verdict.UNKNOWN)
WORST_FIRST = (*_FIRST, *(verdict for verdict in Verdict if verdict not in (*_FIRST, Verdict.PASS)))


def not_passed(verification: Verification) -> Iterator[tuple[HostReport, Result]]:
    """Yield every result that is not PASS, the worst first."""
    for verdict in WORST_FIRST:
        for host in verification.hosts:
            yield from ((host, result) for result in host.results if result.verdict is verdict)


def unreachable(verification: Verification) -> Iterator[HostReport]:
    """Yield the hosts that could not be reached, or not to the end."""
    return (host for host in verification.hosts if host.state is HostState.UNREACHABLE)


def said(result: Result, wording: Wording | None = None) -> str:
    """Return measured against expected, and the reason; in English unless a wording is given."""
    wording = wording or wording_in(ENGLISH)
    unit = f" {wording.unit(result.unit)}" if result.unit else ""
    measured = "" if result.measured is None else f"{wording.word('measured')} {result.measured}{unit}, "
    expected = f"{wording.word('expected')} {result.expected}{unit}: " if result.expected else ""
    return f"{measured}{expected}{result.reason}"


def shown(host: HostReport) -> str:
    """Return the host's name, marked when it is one of a lab."""
    return f"{host.name} (lab)" if host.lab else host.name


def one_line(text: str, most: int = 500) -> str:
    """Return a text that takes one line of bounded length, without what drives a terminal."""
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 3]}..."
