"""Verifications made of words, for tests of what is told of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hybridctl.checks import Result, Verdict
from hybridctl.verification import HostReport, HostState, Verification

__all__ = ["AT", "down", "judged", "result", "verified"]

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def result(verdict: Verdict | str, check: str = "gpu.count", **given: Any) -> Result:
    """A result, with reason and remedy unless it is PASS."""
    verdict = Verdict(verdict)
    words = {} if verdict is Verdict.PASS else {"reason": f"{verdict} because", "remedy": f"mend {check}"}
    return Result(check, verdict, **{"measured": 1, "expected": "2", "unit": "GPUs", **words, **given})


def judged(name: str, *results: Result | str, **given: Any) -> HostReport:
    """A host that was judged; a bare verdict is that of gpu.count."""
    found = tuple(one if isinstance(one, Result) else result(one) for one in results)
    return HostReport(name, HostState.JUDGED, "a100", results=found, **given)


def down(name: str, reason: str = "No route to host", *results: Result) -> HostReport:
    """A host that was not reached, or lost."""
    return HostReport(name, HostState.UNREACHABLE, "a100", reason=reason, results=results)


def verified(*hosts: HostReport, **given: Any) -> Verification:
    """A verification of 12.3 seconds."""
    words = {"site": "bank", "started": AT, "finished": AT + timedelta(seconds=12.3), "inventory": "inventory", **given}
    return Verification(hosts=hosts, **words)
