"""The pictures of verify's page: what is in them was judged by the real checks."""

from collections import Counter

from script_modules import script


def test_hosts_that_are_right_pass_and_others_do_not() -> None:
    """Twenty hosts: without a fault every result is PASS, with faults there is every other verdict."""
    screens = script("verify_screens")
    hosts = screens.fleet(20)
    assert len(hosts) == 20
    verdicts = [
        Counter(result.verdict.value for report in screens.judge(hosts, 2, wrong)[0] for result in report.results)
        for wrong in (0.0, 0.06)
    ]
    assert set(verdicts[0]) == {"PASS"}
    assert set(verdicts[1]) == {"PASS", "FAIL", "UNKNOWN", "WARN"}
