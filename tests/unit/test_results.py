"""The verdict on a run: what outranks what, and that nobody is forgotten."""

import pytest

from hybridctl.errors import ExitCode
from hybridctl.events import HostOutcome, HostState, Outcomes
from hybridctl.results import verdict
from hybridctl.runner import PlayResult, PlayStatus


@pytest.mark.parametrize(
    ("status", "states", "word", "code"),
    [
        (PlayStatus.FINISHED, "ok ok", "ok", ExitCode.OK),
        (PlayStatus.FINISHED, "ok failed", "failed", ExitCode.HOST_FAILED),
        (PlayStatus.FINISHED, "ok unreachable", "unreachable", ExitCode.HOST_UNREACHABLE),
        (PlayStatus.FINISHED, "failed unreachable", "failed", ExitCode.HOST_FAILED),
        (PlayStatus.FINISHED, "ok unfinished", "failed", ExitCode.HOST_FAILED),
        (PlayStatus.FINISHED, "ok not_contacted", "failed", ExitCode.HOST_FAILED),
        (PlayStatus.FINISHED, "unreachable not_contacted", "unreachable", ExitCode.HOST_UNREACHABLE),
        (PlayStatus.BROKEN, "ok ok", "broken", ExitCode.ERROR),
        (PlayStatus.BROKEN, "failed ok", "failed", ExitCode.HOST_FAILED),
        (PlayStatus.BROKEN, "unfinished unreachable", "broken", ExitCode.ERROR),
        (PlayStatus.FINISHED, "ok not_started", "stopped", ExitCode.HOST_FAILED),
        (PlayStatus.FINISHED, "unreachable not_started", "stopped", ExitCode.HOST_FAILED),
        (PlayStatus.FINISHED, "failed not_started", "failed", ExitCode.HOST_FAILED),
        (PlayStatus.CANCELLED, "ok not_started", "interrupted", ExitCode.INTERRUPTED),
        (PlayStatus.NO_HOSTS, "not_contacted", "broken", ExitCode.USAGE),
        (PlayStatus.CANCELLED, "ok failed", "interrupted", ExitCode.INTERRUPTED),
    ],
)
def test_verdict(status: PlayStatus, states: str, word: str, code: ExitCode) -> None:
    """Interrupted and broken runs are never ok; failed outranks unreachable; a host without an end is not ok."""
    hosts = [HostOutcome(f"h{n}", HostState[state.upper()]) for n, state in enumerate(states.split())]
    stopped = "too late" if "not_started" in states else ""
    said = verdict(PlayResult(status, 0, 1.0, "why"), hosts, Outcomes(()), stopped)
    assert ("1 of 2 hosts were not started: too late" in said[2]) == bool(stopped)
    assert said[:2] == (word, code)
    for host in hosts:
        if host.state in (HostState.NOT_CONTACTED, HostState.UNFINISHED) and status is not PlayStatus.CANCELLED:
            assert host.name in said[2]
