"""The report of `verify` as metrics for Prometheus."""

from collections import Counter

from hybridctl.checks import Result, Verdict
from hybridctl.report.lines import WORST_FIRST
from hybridctl.textfile import Gauges
from hybridctl.verification import HostReport, HostState, Verification

__all__ = ["MOST_NAMED", "verify_metrics"]

MOST_NAMED = 200  # results of a host with a series of their own, the worst; all of them are counted
_LONGEST = 200  # letters of a subject, which a host may have named
_MEANING = {
    "results": "Results of a judged host, by topic and verdict.",
    "check": f"Always 1: a result of a judged host that is not PASS; the worst {MOST_NAMED} of a host.",
    "unnamed_checks": f"Results that are not PASS beyond the {MOST_NAMED} of a host that are named.",
    "host_judged": "Whether the host was judged; with 0 nothing else is said of it.",
    "last_run_timestamp_seconds": "Start of the verification.",
    "last_run_duration_seconds": "From its start to its end.",
    "last_run_exit_code": "Exit status of the verification.",
}


def verify_metrics(verification: Verification, inventory: str = "") -> str:
    """Return the metrics of the hosts that were asked for as text.

    Args:
        inventory: a label of all of them, where it is not the site's default one.
    """
    labels = {"inventory": inventory} if inventory else {}
    gauges = Gauges("hybridctl_verify_", _MEANING, site=verification.site, **labels)
    for host in verification.hosts:
        judged = host.state is HostState.JUDGED
        gauges.add("host_judged", int(judged), host=host.name)
        # Of a host that was lost on the way a part is known; its zeros would be verdicts.
        if judged:
            _count(gauges, host)
            _name(gauges, host)
    gauges.add("last_run_timestamp_seconds", int(verification.started.timestamp()))
    seconds = (verification.finished - verification.started).total_seconds()
    gauges.add("last_run_duration_seconds", round(max(0.0, seconds), 1))
    gauges.add("last_run_exit_code", int(verification.exit_code))
    return gauges.text()


def _count(gauges: Gauges, host: HostReport) -> None:
    counted = Counter((result.check.partition(".")[0], result.verdict) for result in host.results)
    for topic in dict.fromkeys(topic for topic, _ in counted):
        for verdict in Verdict:  # zeros too, so that an alert resolves
            gauges.add("results", counted[topic, verdict], host=host.name, topic=topic, verdict=verdict.value)


def _name(gauges: Gauges, host: HostReport) -> None:
    bad = [result for verdict in WORST_FIRST for result in host.results if result.verdict is verdict]
    for result in bad[:MOST_NAMED]:
        labels = {"check": result.check, "subject": _short(result), "verdict": result.verdict.value}
        gauges.add("check", 1, host=host.name, **labels)
    if len(bad) > MOST_NAMED:
        gauges.add("unnamed_checks", len(bad) - MOST_NAMED, host=host.name)


def _short(result: Result) -> str:
    return result.subject if len(result.subject) <= _LONGEST else f"{result.subject[: _LONGEST - 3]}..."
