"""A verification as metrics for node_exporter."""

import re
import shutil

import pytest
from exposition import lint, series_of
from verified import AT, down, judged, result, verified

from hybridctl.checks import Verdict
from hybridctl.report.textfile import MOST_NAMED, verify_metrics
from hybridctl.verification import HostReport, HostState, Verification

HOSTILE = 'GPU "0"\\\nhybridctl_verify_host_judged{host="a"} 1'


def fleet() -> Verification:
    """A host of every kind."""
    bad = (result("FAIL"), result("UNKNOWN", "gpu.ecc"), result("WARN", "os.release"), result("PASS", "os.kernel"))
    return verified(
        judged("a", *bad),
        judged("b", "PASS"),
        down("c", "lost", result("FAIL")),
        down("d"),
        HostReport("e", HostState.NO_PROFILE, results=(result("UNKNOWN", "profile"),)),
    )


def hostile() -> Verification:
    """Names that want to be samples, two results of one name, and more than are named."""
    twice = [result("FAIL", subject=HOSTILE) for _ in range(2)]
    many = [result("FAIL", "units.active", subject=f"银\udcff{n}") for n in range(MOST_NAMED)]
    return verified(judged('b"\n', *twice, *many))


def samples(text: str, metric: str) -> dict[str, str]:
    """Return labels -> value of a metric, without the site."""
    return dict(re.findall(rf'^hybridctl_verify_{metric}\{{site="bank",?(.*)\}} (\S+)$', text, re.MULTILINE))


def test_results_are_counted_by_host_topic_and_verdict() -> None:
    """With zeros for every verdict of a topic, so that an alert resolves."""
    counted = samples(verify_metrics(fleet()), "results")
    assert {labels: value for labels, value in counted.items() if labels.startswith('host="a",topic="gpu"')} == {
        f'host="a",topic="gpu",verdict="{verdict.value}"': "1" if verdict.value in ("FAIL", "UNKNOWN") else "0"
        for verdict in Verdict
    }
    assert counted['host="a",topic="os",verdict="PASS"'] == "1"
    assert counted['host="b",topic="gpu",verdict="FAIL"'] == "0"


def test_of_a_host_that_was_not_judged_nothing_is_counted() -> None:
    """Neither of one that was down, nor lost on the way, nor without a profile: a zero would be a verdict."""
    text = verify_metrics(fleet())
    assert samples(text, "host_judged") == {f'host="{name}"': str(int(name in "ab")) for name in "abcde"}
    for name in "cde":
        assert [line for line in text.splitlines() if f'host="{name}"' in line] == [
            f'hybridctl_verify_host_judged{{site="bank",host="{name}"}} 0'
        ]


def test_what_is_not_pass_is_a_series() -> None:
    """The worst first; PASS has none."""
    assert list(samples(verify_metrics(fleet()), "check")) == [
        'host="a",check="gpu.count",subject="",verdict="FAIL"',
        'host="a",check="gpu.ecc",subject="",verdict="UNKNOWN"',
        'host="a",check="os.release",subject="",verdict="WARN"',
    ]


def test_the_run_itself() -> None:
    """When, how long, with which exit code."""
    text = verify_metrics(fleet())
    assert samples(text, "last_run_timestamp_seconds") == {"": str(int(AT.timestamp()))}
    assert samples(text, "last_run_duration_seconds") == {"": "12.3"}
    assert samples(text, "last_run_exit_code") == {"": "4"}


def test_a_host_has_a_bounded_number_of_series() -> None:
    """The worst are named, the rest is counted; a subject is cut."""
    many = [result("WARN", "units.active", subject=str(n)) for n in range(MOST_NAMED)]
    text = verify_metrics(verified(judged("a", *many, result("FAIL", subject="x" * 10_000))))
    named = samples(text, "check")
    assert len(named) == MOST_NAMED == 200
    assert next(iter(named)).startswith('host="a",check="gpu.count",subject="xxx')
    assert max(map(len, named)) < 300
    assert samples(text, "unnamed_checks") == {'host="a"': "1"}


@pytest.mark.parametrize("verification", [fleet(), hostile(), verified(down("a")), verified(judged("a"))])
@pytest.mark.parametrize("inventory", ["", 'x"} 1\n'])
def test_every_state_obeys_the_format(verification: Verification, inventory: str) -> None:
    """By the grammar of the exposition format, each series once; another inventory is a label of all of them."""
    series = series_of(verify_metrics(verification, inventory))
    assert len(series) > 3
    assert all(("inventory=" in one) == bool(inventory) for one in series)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here (Debian package prometheus)")
@pytest.mark.parametrize("verification", [fleet(), hostile()])
def test_prometheus_own_linter_has_nothing_to_say(verification: Verification) -> None:
    """`promtool check metrics` parses and lints it, hostile names included."""
    assert lint(verify_metrics(verification)) == (0, "")
