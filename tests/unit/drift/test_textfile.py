"""Drift as metrics for node_exporter."""

import re
import shutil
from collections.abc import Callable

import pytest
from drift_runs import FILE, MODE, UNIT, at, check
from exposition import lint, series_of

from hybridctl.drift.memory import Memory
from hybridctl.drift.textfile import MOST_NAMED, metrics

HOSTILE = {**FILE, "name": 'C:\\new "x"\nhybridctl_drift_host_planned{host="a"} 1'}


def memory() -> Memory:
    """A host that differs, a clean one, an unreachable one of which something is known."""
    known = Memory()
    known.observe(check(at(24), {"a": [FILE, MODE, UNIT], "b": [], "c": [FILE], "d": []}))
    down = {"c": "unreachable", "d": "unreachable"}
    known.observe(
        check(at(25), {"a": [FILE, MODE, UNIT], "b": [], "c": [], "d": []}, status="unreachable", states=down)
    )
    return known


def samples(text: str, metric: str) -> dict[str, str]:
    """Return labels -> value of a metric."""
    found = re.findall(rf"^hybridctl_drift_{metric}\{{(.*)\}} (\S+)$", text, re.MULTILINE)
    return dict(found)


def test_every_host_is_counted_by_kind_and_named() -> None:
    """Numbers by kind, zero for what a judged host does not have; the day of each resource; the last check."""
    text = metrics("bank", memory())
    counted = samples(text, "resources")
    assert counted['site="bank",host="a",kind="file"'] == "2"
    assert counted['site="bank",host="a",kind="unit"'] == "1"
    assert counted['site="bank",host="a",kind="package"'] == "0"
    assert counted['site="bank",host="b",kind="file"'] == "0"
    named = samples(text, "first_seen_timestamp_seconds")
    assert named['site="bank",host="a",kind="file",name="/etc/x",action="write"'] == str(int(at(24).timestamp()))
    assert len(named) == 4
    assert samples(text, "last_check_timestamp_seconds") == {'site="bank"': str(int(at(25).timestamp()))}


def test_an_unknown_host_has_no_zero() -> None:
    """A host that could not be planned shows 0 as planned, what was known of it, and never a clean count."""
    text = metrics("bank", memory())
    assert samples(text, "host_planned") == {
        f'site="bank",host="{host}"': value for host, value in {"a": "1", "b": "1", "c": "0", "d": "0"}.items()
    }
    counted = samples(text, "resources")
    assert {labels: value for labels, value in counted.items() if 'host="c"' in labels or 'host="d"' in labels} == {
        'site="bank",host="c",kind="file"': "1"
    }


def test_label_values_are_escaped() -> None:
    """Backslash, quote and line feed; a name cannot become a sample of its own."""
    known = Memory()
    known.observe(check(at(24), {"b": [HOSTILE]}))
    text = metrics('the "bank"', known)
    assert r'name="C:\\new \"x\"\nhybridctl_drift_host_planned{host=\"a\"} 1",action="write"' in text
    assert r'{site="the \"bank\""} ' in text
    assert samples(text, "host_planned") == {r'site="the \"bank\"",host="b"': "1"}


def test_a_host_has_a_bounded_number_of_series() -> None:
    """Of 250 resources the oldest 200 are named, all are counted, and the rest is told."""
    old = {**FILE, "name": "/zz-old"}
    known = Memory()
    known.observe(check(at(24), {"a": [old]}))
    known.observe(check(at(25), {"a": [{**FILE, "name": f"/etc/{n:03}"} for n in range(249)] + [old]}))
    text = metrics("bank", known)
    named = samples(text, "first_seen_timestamp_seconds")
    assert len(named) == MOST_NAMED == 200
    assert 'name="/zz-old"' in next(iter(named))
    assert samples(text, "resources")['site="bank",host="a",kind="file"'] == "250"
    assert samples(text, "unnamed_resources") == {'site="bank",host="a"': "50"}


def test_every_metric_has_help_and_type_once_in_front_of_its_samples() -> None:
    """As the exposition format wants it; no metric without a sample."""
    lines = metrics("bank", memory()).splitlines()
    order = [line.split("{")[0] if line[0] != "#" else " ".join(line.split()[:3]) for line in lines]
    for name in {line.split("{")[0] for line in lines if line[0] != "#"}:
        first = order.index(name)
        assert order[first - 2 : first] == [f"# HELP {name}", f"# TYPE {name}"]
        assert order.count(f"# TYPE {name}") == 1
        assert {order[place] for place in range(first, first + order.count(name))} == {name}
    assert sum(line.startswith("# TYPE") for line in lines) == 4
    assert metrics("bank", Memory()) == ""


def unreachable() -> Memory:
    """A host that was never seen."""
    known = Memory()
    known.observe(check(at(24), {"a": []}, status="unreachable", states={"a": "unreachable"}))
    return known


def hostile() -> Memory:
    """Names that want to be samples, and more resources than are named."""
    known = Memory()
    known.observe(check(at(25), {'b"\n': [HOSTILE, *({**FILE, "name": f"/银/{n}"} for n in range(300))]}))
    return known


@pytest.mark.parametrize("make", [Memory, memory, unreachable, hostile])
@pytest.mark.parametrize("site", ["bank", "银行 \\", 'x"} 1\n'])
def test_every_state_obeys_the_format(make: Callable[[], Memory], site: str) -> None:
    """Line by line by the grammar of the exposition format; each series once, behind the type of its metric."""
    text = metrics(site, make())
    assert bool(series_of(text)) == (make is not Memory)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here (Debian package prometheus)")
def test_prometheus_own_linter_has_nothing_to_say() -> None:
    """`promtool check metrics` parses and lints it, hostile names included."""
    known = memory()
    known.observe(check(at(25), {"b": [HOSTILE, *({**FILE, "name": str(n)} for n in range(300))]}))
    for text in (metrics("bank", known), metrics("银行 \\", known)):
        assert lint(text) == (0, "")


def test_another_inventory_is_a_label_of_all_series() -> None:
    """Two inventories of a site may know hosts of one name: their files together hold no series twice."""
    ours, theirs = series_of(metrics("bank", memory())), series_of(metrics("bank", memory(), "staging"))
    assert not set(ours) & set(theirs)
    assert all('{site="bank",inventory="staging"' in series for series in theirs)
