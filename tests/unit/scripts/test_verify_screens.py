"""The pictures of verify's page: what is in them was judged by the real checks."""

import importlib.util
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_hosts_that_are_right_pass_and_others_do_not() -> None:
    """Twenty hosts: without a fault every result is PASS, with faults there is every other verdict."""
    spec = importlib.util.spec_from_file_location("verify_screens", ROOT / "scripts" / "verify_screens.py")
    assert spec is not None
    assert spec.loader is not None
    screens = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(screens)
    hosts = screens.fleet(20)
    assert len(hosts) == 20
    verdicts = [
        Counter(result.verdict.value for report in screens.judge(hosts, 2, wrong)[0] for result in report.results)
        for wrong in (0.0, 0.06)
    ]
    assert set(verdicts[0]) == {"PASS"}
    assert set(verdicts[1]) == {"PASS", "FAIL", "UNKNOWN", "WARN"}
