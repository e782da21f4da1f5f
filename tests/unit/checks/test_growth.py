"""Growth as verify judges it: what the generic cases of a check cannot say."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fabric_cases import counters
from growth_cases import BOOT, at, moment
from test_checks import expectation

from hybridctl.checks.counts import Count
from hybridctl.checks.fake import FakeHost
from hybridctl.checks.judge import judge_expectation
from hybridctl.checks.model import Result

CHECK = "growth.link_downed"
KEY = "/counters/*"


def judged(count: int, before: int | None, hours: float = 2.0, limit: int = 5) -> Result:
    """Judge the second port of a host that has been up for three hours; it was verified some hours before."""
    host = FakeHost(at({KEY: counters("link_downed", count)}))
    earlier = {} if before is None else {CHECK: Count(BOOT, (3 - hours) * 3600, {"mlx5_0/1": 0, "mlx5_1/1": before})}
    first, second = judge_expectation(host, expectation(CHECK, {"at_most": limit}), {}, earlier)
    assert first.verdict == "PASS"
    return second


def test_a_first_measurement_says_what_to_do() -> None:
    """UNKNOWN with the command that measures again; a counter at 0 has not grown."""
    first = judged(7, None)
    assert (first.verdict, first.measured) == ("UNKNOWN", None)
    assert first.reason == "first measurement: what it grows by is known the next time"
    assert "hybridctl verify --limit {host} --only growth.link_downed" in first.remedy
    assert (judged(0, None).verdict, judged(0, None).measured) == ("PASS", 0)


def test_growth_is_for_an_hour_and_says_for_how_long() -> None:
    """What came to it, in what time, and how many there are in all; less than an hour counts as one."""
    found = judged(33, 3, hours=2)
    assert (found.verdict, found.measured) == ("FAIL", 15)
    assert found.reason == "30 more in 2.0 h, 33 in all"
    assert (judged(4, 3, hours=0.01).verdict, judged(4, 3, hours=0.01).measured) == ("PASS", 1)
    assert judged(9, 3, hours=0.01).verdict == "FAIL"


def test_one_loss_in_weeks_is_not_none() -> None:
    """Where none is allowed, none is what it must have been: the rate is rounded up."""
    host = FakeHost({**at({KEY: counters("link_downed", 6)}), "/proc/uptime": moment(3_600_000)})
    earlier = {CHECK: Count(BOOT, 0.0, {"mlx5_0/1": 0, "mlx5_1/1": 5})}
    _, second = judge_expectation(host, expectation(CHECK, {"at_most": 0}), {}, earlier)
    assert (second.verdict, second.measured) == ("FAIL", 0.01)


def test_a_full_counter_is_unknown() -> None:
    """It grows no more, whatever happens; what it had grown until then may be too much already."""
    assert judged(255, 255).verdict == "UNKNOWN"
    assert "full at 255" in judged(255, 250).reason
    assert judged(255, 3).verdict == "FAIL"


def test_after_a_boot_it_counts_from_0() -> None:
    """Since the boot, three hours ago, whatever was counted before."""
    host = FakeHost({**at({KEY: counters("link_downed", 6)}), "/proc/uptime": moment(boot=BOOT.replace("0", "9"))})
    earlier = {CHECK: Count(BOOT, 9e6, {"mlx5_0/1": 200, "mlx5_1/1": 200})}
    _, second = judge_expectation(host, expectation(CHECK, {"at_most": 5}), {}, earlier)
    assert (second.verdict, second.measured) == ("PASS", 2)
