"""Compare the hosts of a verification with each other, profile by profile, once all are in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hybridctl.checks import CATALOGUE, Result
from hybridctl.checks.alike import compare
from hybridctl.checks.model import Kind

if TYPE_CHECKING:
    from hybridctl.verification import HostReport, Target

__all__ = ["compare_hosts", "is_compared", "without_comparisons"]


def is_compared(result: Result) -> bool:
    """Tell whether a result says something only beside those of other hosts."""
    check = CATALOGUE.get(result.check)
    return check is not None and check.kind is Kind.ALIKE


def without_comparisons(report: "HostReport") -> "HostReport":
    """Return the report of a host without the checks that say something only beside other hosts."""
    return replace(report, results=tuple(result for result in report.results if not is_compared(result)))


def compare_hosts(
    targets: Sequence["Target"],
    reports: Mapping[str, "HostReport"],
    members: Mapping[str, int],
    finish: Callable[[str, Result], Result],
    redact: Callable[[str], str],
) -> dict[str, "HostReport"]:
    """Judge the checks that compare hosts of one profile.

    Args:
        members: hosts of each profile in the whole inventory, whoever was asked.
        finish: for the results of these checks, once they are compared; all others are finished.
        redact: takes the secrets out of what a host showed.

    Returns:
        The reports by host. Where not all hosts of a profile were asked for, these checks are left out and named.
    """
    compared = dict(reports)
    profiles = {target.profile.name: target.profile for target in targets if target.profile is not None}
    for name, profile in profiles.items():
        hosts = [target.name for target in targets if target.profile is not None and target.profile.name == name]
        found: dict[str, dict[str, Result]] = {}
        for host in hosts:
            for result in filter(is_compared, reports[host].results):
                found.setdefault(result.check, {})[host] = result
        if members.get(name, 0) > len(hosts):
            # What most of a part show may be what few of all do.
            for host in hosts:
                checks = tuple(check for check, results in found.items() if host in results)
                compared[host] = replace(without_comparisons(reports[host]), not_compared=checks)
            continue
        judged = {
            check: compare(
                results,
                profile.expectations[check],
                name,
                CATALOGUE[check].remedy,
                alone=len(hosts) == 1,
                redact=redact,
            )
            for check, results in found.items()
        }
        for host in hosts:
            new = (finish(host, judged[r.check][host]) if r.check in judged else r for r in reports[host].results)
            compared[host] = replace(reports[host], results=tuple(new))
    return compared
