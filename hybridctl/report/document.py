"""The report of `verify` as a JSON document; `data/verify-result.schema.json` describes it."""

from typing import Any

from hybridctl import __version__
from hybridctl.checks import CATALOGUE, Result, Verdict
from hybridctl.checks.wording import wording_in
from hybridctl.json_text import Objects
from hybridctl.results import who
from hybridctl.verification import HostReport, HostState, Verification
from hybridctl.waivers import Waiver, WaiverUse

__all__ = ["VERIFY_SCHEMA", "verify_document"]

VERIFY_SCHEMA = 1


def verify_document(verification: Verification) -> dict[str, Any]:
    """Return the whole verification as `json_pieces` writes it; every host that was asked for is in it."""
    return {
        "schema": VERIFY_SCHEMA,
        "command": "verify",
        "site": verification.site,
        "inventory": verification.inventory,
        "who": who(),
        "version": __version__,
        "limit": verification.limit,
        "only": list(verification.only),
        "lang": verification.lang,
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
        "waivers": [_waiver_use(use) for use in verification.waivers],
        "titles": _titles(verification),
        "hosts": Objects(_host, verification.hosts),
    }


def _titles(verification: Verification) -> dict[str, str]:
    """Return what each check of the report is called; what no check judges yet has no title."""
    wording = wording_in(verification.lang)
    judged = {result.check for host in verification.hosts for result in host.results}
    return {id_: wording.title(check) for id_, check in CATALOGUE.items() if id_ in judged}


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
    # What it would be without its waiver stands with the waiver, which few results have.
    waiver = {"waiver": {"verdict": Verdict.FAIL.value, **_waiver(result.waiver)}} if result.waiver else {}
    commands = {} if result.verdict is Verdict.PASS else {"commands": list(result.commands)}
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
        **waiver,
        **commands,
    }


def _waiver_use(use: WaiverUse) -> dict[str, Any]:
    waiver = use.waiver
    head = {"check": waiver.check, "subject": waiver.subject, "hosts": waiver.pattern}
    return {**head, **_waiver(waiver), "waived": use.waived, "remark": use.remark}


def _waiver(waiver: Waiver) -> dict[str, str]:
    return {
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
        "ticket": waiver.ticket,
        "origin": waiver.origin,
    }
