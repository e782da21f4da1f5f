"""What hosts of one profile show must be the same: the majority is the norm, and outliers are named. Pure."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from hybridctl.checks.model import Expectation, Result, Verdict, Want

__all__ = ["compare", "shown"]

_LONGEST = 80  # characters of a value in a report
_MOST_HOSTS = 5  # named for each value
_MOST_VALUES = 4
_ALL_HOSTS = "compare the hosts of a profile: hybridctl verify --only {check}"


def shown(want: Want, value: str) -> Result:
    """Return what one host shows: UNKNOWN until it is compared with the others."""
    reason = "it was measured, and compared with no other host"
    remedy = _ALL_HOSTS.replace("{check}", want.expectation.check)
    return want.result(Verdict.UNKNOWN, value, reason=reason, remedy=remedy)


def compare(
    found: Mapping[str, Result],
    expectation: Expectation,
    profile: str,
    remedy: str,
    *,
    alone: bool = False,
    redact: Callable[[str], str] = str,
) -> dict[str, Result]:
    """Judge what the hosts of a profile showed in one check.

    Args:
        found: by host; without a measured value a host does not count, and its result stays.
        remedy: of the check; `{host}` in it stands for the host.
        alone: the profile has no other host, so there is nothing to differ from.
        redact: takes the secrets out of a value before it is cut: of a part of a secret nobody knows that it is one.

    Returns:
        The results by host. More than half of the values make the norm, which the others miss; without such a majority
        all miss it.
    """
    want = Want(expectation, remedy=remedy)
    values = {host: str(result.measured) for host, result in found.items() if result.measured is not None}
    if len(values) == 1 and not alone:
        (host,) = values
        reason = f"no other host of {profile} could be measured to compare it with"
        return {**found, host: replace(found[host], reason=reason)}
    by_value = Counter(values.values())
    norm, most = next(iter(by_value.most_common(1)), ("", 0))
    has_norm = 2 * most > len(values)
    judged = dict(found)

    def short(value: str) -> str:
        return _short(redact(value))

    for host, value in values.items():
        if has_norm and value == norm:
            judged[host] = want.result(Verdict.PASS, value)
            continue
        if has_norm:
            reason = f"{most} of {len(values)} hosts of {profile} have {short(norm)}; this one has {short(value)}"
        else:
            reason = f"the {len(values)} hosts of {profile} have no majority: {_listed(values, by_value, short)}"
        mended = replace(want, remedy=remedy.replace("{host}", host))
        missed = mended.result(Verdict.FAIL, value, expected=norm if has_norm else "", reason=reason)
        judged[host] = replace(missed, commands=found[host].commands)
    return judged


def _listed(values: Mapping[str, str], by_value: "Counter[str]", short: Callable[[str], str]) -> str:
    parts = []
    for value, times in by_value.most_common(_MOST_VALUES):
        hosts = [host for host, one in values.items() if one == value][:_MOST_HOSTS]
        more = f" and {times - len(hosts)} more" if times > len(hosts) else ""
        parts.append(f"{short(value)} on {', '.join(hosts)}{more}")
    if len(by_value) > _MOST_VALUES:
        parts.append(f"and {len(by_value) - _MOST_VALUES} other values")
    return "; ".join(parts)


def _short(value: str) -> str:
    """Return a value as a reason shows it; a long one with a digest, by which two that begin alike are told apart."""
    if len(value) <= _LONGEST:
        return value
    digest = hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{value[: _LONGEST - 20]}... ({digest})"
