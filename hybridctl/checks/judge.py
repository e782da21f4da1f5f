"""Run a check on a host and always come back with a verdict."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from hybridctl import content
from hybridctl.checks.catalogue import CATALOGUE
from hybridctl.checks.counts import Count
from hybridctl.checks.drifted import Drift
from hybridctl.checks.model import CannotTell, Check, ConnectionLost, Expectation, Result, Verdict, Want
from hybridctl.errors import InvalidInput
from hybridctl.refusals import MOST_QUOTED

if TYPE_CHECKING:
    from hybridctl.profiles import Profile

__all__ = [
    "NOT_AS_EXPECTED",
    "assert_passes",
    "judge",
    "judge_expectation",
    "role_default",
    "variables_of_checks",
]

NOT_AS_EXPECTED = "not what the profile expects"  # the reason of a miss of which the check says no more
_READ_FAILED = "put right on {host} what the reason names, then: hybridctl verify --limit {host} --only {check}"


def judge(
    host: Any, check: str, profile: "Profile | str", variables: Mapping[str, Any] | None = None
) -> tuple[Result, ...]:
    """Judge a testinfra host by one check of a profile.

    Args:
        profile: a profile or the name of one.
        variables: of the site; what is not in there has the default of our roles.

    Raises:
        InvalidInput: there is no such profile, or it expects nothing of the check.
    """
    from hybridctl.profiles import load_profile

    known = load_profile(profile) if isinstance(profile, str) else profile
    expectation = known.expectations.get(check)
    if expectation is None:
        raise InvalidInput(
            f"profile {known.name} expects nothing of {check}", f"it expects: {', '.join(known.expectations)}"
        )
    return judge_expectation(host, expectation, variables or {})


def assert_passes(host: Any, check: str, profile: "Profile | str", variables: Mapping[str, Any] | None = None) -> None:
    """Raise AssertionError unless every result is PASS or WARN."""
    results = judge(host, check, profile, variables)
    backend = getattr(host, "backend", None)
    name = backend.get_hostname() if backend is not None else "HOST"
    bad = [result for result in results if result.verdict not in (Verdict.PASS, Verdict.WARN)]
    if bad or not results:
        raise AssertionError(
            "\n".join(_line(result).replace("{host}", name) for result in bad) or f"{check} came without a result"
        )


def judge_expectation(
    host: Any,
    expectation: Expectation,
    variables: Mapping[str, Any],
    earlier: Mapping[str, Count] | None = None,
    drift: Drift | None = None,
) -> tuple[Result, ...]:
    """Judge one expectation; whatever goes wrong on the way is UNKNOWN with its reason.

    Args:
        earlier: what was counted when the host was last verified, by check.
        drift: what the control node knows of the host's.
    """
    if expectation.later:
        reason = f"no check judges it yet: {expectation.later}"
        return (_unknown(expectation, reason, "look at the host by hand"),)
    check = CATALOGUE[expectation.check]
    given = {name: variables[name] if name in variables else role_default(name) for name in check.variables}
    parameters = {**{name: one.default for name, one in check.parameters.items()}, **expectation.parameters}
    try:
        want = Want(expectation, given, check.remedy, parameters, (earlier or {}).get(check.id), drift)
        found = check.function(host, want)
        results = (found,) if isinstance(found, Result) else tuple(found)
    except CannotTell as error:
        results = (_unknown(expectation, str(error)),)
    except ConnectionLost:  # says something about the host, not about the check
        raise
    except Exception as error:  # a check that breaks has measured nothing
        results = (_unknown(expectation, f"the check broke: {type(error).__name__}: {str(error)[:MOST_QUOTED]}"),)
    if not results:
        results = (_unknown(expectation, "the check came without a result"),)
    return tuple(_titled(check, result) for result in results)


def role_default(name: str) -> Any:
    """Return the default of a role's variable as it is written, None when no role has it."""
    role = next((role for role in _roles() if name.startswith(f"{role}_")), None)
    return _defaults(role).get(name) if role else None


def variables_of_checks() -> dict[str, Any]:
    """Return the site's variables that checks read, each with the default of its role."""
    return {name: role_default(name) for check in CATALOGUE.values() for name in check.variables}


@cache
def _roles() -> tuple[str, ...]:
    """Return the roles that have defaults; of two whose names begin alike, the longer one first."""
    found = content.collection_root().glob("roles/*/defaults/main.yml")
    return tuple(sorted((path.parts[-3] for path in found), key=len, reverse=True))


@cache
def _defaults(role: str) -> Mapping[str, Any]:
    path = content.collection_root() / "roles" / role / "defaults" / "main.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def _unknown(expectation: Expectation, reason: str, remedy: str = "") -> Result:
    return Result(
        expectation.check,
        Verdict.UNKNOWN,
        expected=expectation.text,
        unit=expectation.unit,
        reason=reason,
        remedy=remedy or _READ_FAILED.replace("{check}", expectation.check),
        source=expectation.source,
        origin=expectation.origin,
    )


def _titled(check: Check, result: Result) -> Result:
    """Say in the reason what the check is about when the check did not."""
    if result.verdict is Verdict.PASS or result.reason:
        return result
    return replace(result, reason=f"{check.title}: {NOT_AS_EXPECTED}")


def _line(result: Result) -> str:
    unit = f" {result.unit}" if result.unit else ""
    return (
        f"{result.verdict} {result.name}: measured {result.measured}{unit}, expected {result.expected}{unit}: "
        f"{result.reason} -> {result.remedy}"
    )
