"""The check of drift: whether the host still is what the roles made of it, by the last check or provision."""

from typing import Any

from hybridctl.checks.counts import HOUR
from hybridctl.checks.drifted import CHECK, Drift
from hybridctl.checks.model import Check, Kind, Parameter, Result, Verdict, Want

__all__ = ["CHECKS"]

_LOOK = "look at it: hybridctl drift --limit {host}; to have that done every hour: hybridctl drift timer install"


def resources(_host: Any, want: Want) -> Result:
    """How many resources of the host are not as the roles make them, by the last `hybridctl drift` or provision."""
    seen = want.drift or Drift(trouble="what is known of drift is with the site's control node, which was not asked")
    if trouble := _trouble(seen, want.parameters["age"]):
        return want.result(Verdict.UNKNOWN, None, reason=trouble, remedy=_LOOK)
    more = f" and {seen.differing - len(seen.named)} more" if seen.differing > len(seen.named) else ""
    return want.judge(seen.differing, reason=f"{', '.join(seen.named)}{more}, as of {seen.age / HOUR:.1f} h ago")


def _trouble(seen: Drift, most: int) -> str:
    """Return why nobody can tell, empty when one can."""
    if seen.trouble:
        return seen.trouble
    if seen.age < 0:
        return "what is known of drift is dated later than now: a clock was wrong"
    hours = seen.age / HOUR
    return f"what is known of drift is {hours:.1f} h old, and {most} h are allowed" if hours > most else ""


CHECKS = (
    Check(
        CHECK,
        "resources that are not as the roles make them",
        Kind.NUMBER,
        resources,
        "see the diffs: hybridctl plan --limit {host}; repair: hybridctl provision --limit {host}",
        unit="resources",
        varies="what has happened to one host since it was provisioned",
        parameters={"age": Parameter(26, 1, 8760, "h")},  # a day, and a timer's slack
    ),
)
