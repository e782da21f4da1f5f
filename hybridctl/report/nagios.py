"""The report of `verify` for Nagios and its like, by the Monitoring Plugins Development Guidelines.

One line of status with performance data, then long output; four exit statuses and no other.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum

from hybridctl.checks import Verdict
from hybridctl.checks.wording import wording_in
from hybridctl.errors import ExitCode, HybridctlError
from hybridctl.report.lines import WORST_FIRST, not_passed, one_line, said, shown, unreachable
from hybridctl.verification import HostState, Verification

__all__ = ["NagiosStatus", "nagios_error", "nagios_lines", "nagios_status"]

_MOST = 7000  # bytes of long output; Nagios reads 8 KiB in all (MAX_PLUGIN_OUTPUT_LENGTH)
_NAMED = 5  # hosts in the line of status


class NagiosStatus(IntEnum):
    """Exit status of a plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_OF_EXIT_CODE = {
    ExitCode.HOST_UNREACHABLE: NagiosStatus.CRITICAL,
    ExitCode.VERIFY_FAILED: NagiosStatus.CRITICAL,
    ExitCode.VERIFY_INCOMPLETE: NagiosStatus.UNKNOWN,
}


def nagios_status(verification: Verification) -> NagiosStatus:
    """Return CRITICAL for a FAIL or an unreachable host, UNKNOWN for an UNKNOWN, WARNING for a WARN, else OK."""
    warning = NagiosStatus.WARNING if verification.count(Verdict.WARN) else NagiosStatus.OK
    return _OF_EXIT_CODE.get(verification.exit_code, warning)


def nagios_lines(verification: Verification) -> Iterator[str]:
    """Yield the line of status with its performance data, then what is not PASS, the worst first."""
    counts = [f"{verification.count(verdict)} {verdict}" for verdict in WORST_FIRST if verification.count(verdict)]
    good = f"{verification.count(Verdict.PASS)} {Verdict.PASS}"
    hosts = len(verification.hosts)
    text = f"{', '.join(counts or [good])} on {hosts} host{'s' * (hosts != 1)}"
    for state in (HostState.UNREACHABLE, HostState.NO_PROFILE):
        if names := verification.named(state):
            text += f"; {state.value}: {_some(names)}"
    yield f"{_status_line(nagios_status(verification), text)} | {' '.join(_performance(verification))}"
    room = _MOST
    lines = list(_long(verification))
    for number, line in enumerate(lines):
        room -= len(line.encode(errors="replace")) + 1
        if room < 0:
            yield f"and {len(lines) - number} more: hybridctl runs show latest"
            return
        yield line


def nagios_error(error: HybridctlError) -> str:
    """Return the line for a verification that did not take place."""
    return _status_line(NagiosStatus.UNKNOWN, f"{error.message} ({error.hint})" if error.hint else error.message)


def _status_line(status: NagiosStatus, text: str) -> str:
    return f"VERIFY {status.name} - {_plain(text)}"


def _performance(verification: Verification) -> Iterator[str]:
    """Yield label=value[unit];[warning];[critical];[least]."""
    judged, asked = len(verification.named(HostState.JUDGED)), len(verification.hosts)
    yield f"asked={asked};;;0"
    yield f"judged={judged};;;0;{asked}"
    yield f"unreachable={len(verification.named(HostState.UNREACHABLE))};;0;0"
    bounds = {Verdict.WARN: "0;", Verdict.FAIL: ";0"}
    for verdict in Verdict:
        yield f"{verdict.lower()}={verification.count(verdict)};{bounds.get(verdict, ';')};0"
    seconds = (verification.finished - verification.started).total_seconds()
    yield f"time={max(0.0, seconds):.1f}s;;;0"


def _long(verification: Verification) -> Iterator[str]:
    for host in unreachable(verification):
        yield _plain(f"UNREACHABLE {shown(host)}: {host.reason}")
    wording = wording_in(verification.lang)
    for host, result in not_passed(verification):
        remedy = f" -> {result.remedy}" if result.remedy else ""
        yield _plain(f"{result.verdict} {shown(host)} {result.name}: {said(result, wording)}{remedy}")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _plain(text: str) -> str:
    """Return one line; what stands behind a bar would be performance data."""
    return one_line(text).replace("|", "/")
