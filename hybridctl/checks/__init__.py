"""The checks: ordinary functions over a testinfra host, for `hybridctl verify`, molecule and anybody's own tests.

In an ordinary testinfra file:

    from hybridctl.checks import assert_passes

    def test_units(host):
        assert_passes(host, "units.active", "lab-worker")

`judge` returns the results instead. Both take the site's variables (`variables={"vllm_port": 8000}`); what is not given
has the default of our roles.
"""

from hybridctl.checks.catalogue import CATALOGUE, TOPICS
from hybridctl.checks.judge import assert_passes, judge
from hybridctl.checks.model import CannotTell, Check, Expectation, Result, Verdict, Want

__all__ = [
    "CATALOGUE",
    "TOPICS",
    "CannotTell",
    "Check",
    "Expectation",
    "Result",
    "Verdict",
    "Want",
    "assert_passes",
    "judge",
]
