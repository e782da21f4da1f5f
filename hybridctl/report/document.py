"""The report of `verify` as a JSON document; `data/verify-result.schema.json` describes it."""

from typing import Any

from hybridctl import __version__
from hybridctl.checks import Result, Verdict
from hybridctl.verification import HostReport, HostState, Verification

__all__ = ["VERIFY_SCHEMA", "verify_document"]

VERIFY_SCHEMA = 1


def verify_document(verification: Verification) -> dict[str, Any]:
    """Return the whole verification; every host that was asked for is in it."""
    return {
        "schema": VERIFY_SCHEMA,
        "command": "verify",
        "site": verification.site,
        "version": __version__,
        "limit": verification.limit,
        "only": list(verification.only),
        "started": verification.started.isoformat(timespec="seconds"),
        "finished": verification.finished.isoformat(timespec="seconds"),
        "exit_code": int(verification.exit_code),
        "asked": len(verification.hosts),
        "judged": len(verification.named(HostState.JUDGED)),
        "unreachable": verification.named(HostState.UNREACHABLE),
        "without_profile": verification.named(HostState.NO_PROFILE),
        "not_compared": [
            {"host": host.name, "profile": host.profile, "checks": list(host.not_compared)}
            for host in verification.hosts
            if host.not_compared
        ],
        "verdicts": {verdict.value: verification.count(verdict) for verdict in Verdict},
        "hosts": [_host(host) for host in verification.hosts],
    }


def _host(host: HostReport) -> dict[str, Any]:
    return {
        "name": host.name,
        "state": host.state.value,
        "profile": host.profile or None,
        "lab": host.lab,
        "reason": host.reason,
        "seconds": host.seconds,
        "checks": [_check(result) for result in host.results],
    }


def _check(result: Result) -> dict[str, Any]:
    return {
        "id": result.check,
        "subject": result.subject,
        "verdict": result.verdict.value,
        "measured": result.measured,
        "expected": result.expected,
        "unit": result.unit,
        "reason": result.reason,
        "remedy": result.remedy,
        "source": result.source,
        "origin": result.origin,
    }
