"""What a recorded verification says of a host, in the words of every other run: counters and what to mend."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hybridctl.events import Failure

__all__ = ["VERDICTS", "findings", "host_state"]

VERDICTS = ("PASS", "WARN", "FAIL", "UNKNOWN", "WAIVED")
_WORST_FIRST = ("FAIL", "UNKNOWN", "WARN", "WAIVED")


def findings(host: Mapping[str, Any]) -> tuple[dict[str, int], tuple[Failure, ...]]:
    """Return the number of checks by verdict, and everything that is not PASS, the worst first."""
    checks = list(host["checks"])
    counted = Counter(str(check["verdict"]) for check in checks)
    # A verdict of a newer hybridctl is nothing to be silent about.
    order = [*_WORST_FIRST, *(verdict for verdict in counted if verdict not in VERDICTS)]
    bad = [_finding(check) for verdict in order for check in checks if check["verdict"] == verdict]
    if host["state"] != "judged":
        remedy = f"hybridctl doctor --limit {host['name']}" if host["state"] == "unreachable" else ""
        bad.insert(0, Failure("", "", "not judged", "", str(host.get("reason") or host["state"]), remedy))
    return {verdict: counted[verdict] for verdict in VERDICTS}, tuple(bad)


def host_state(host: Mapping[str, Any], counters: Mapping[str, int]) -> str:
    """Return what a judged host came to: `failed` with a FAIL, `incomplete` with an UNKNOWN, else `ok`."""
    if host["state"] != "judged":
        return str(host["state"])
    return "failed" if counters["FAIL"] else "incomplete" if counters["UNKNOWN"] else "ok"


def _finding(check: Mapping[str, Any]) -> Failure:
    unit = f" {check['unit']}" if check.get("unit") else ""
    measured = "" if check.get("measured") is None else f"measured {check['measured']}{unit}, "
    expected = f"expected {check['expected']}{unit}: " if check.get("expected") else ""
    subject = f" {check['subject']}" if check.get("subject") else ""
    return Failure(
        layer="",
        role="",
        task=f"{check['verdict']} {check['id']}{subject}",
        path="",
        message=f"{measured}{expected}{check.get('reason', '')}",
        remedy=str(check.get("remedy") or ""),
    )
