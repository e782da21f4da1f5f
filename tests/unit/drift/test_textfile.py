"""Drift as metrics for node_exporter."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from drift_runs import FILE, MODE, UNIT, at, check

from hybridctl.drift.memory import Memory
from hybridctl.drift.textfile import MOST_NAMED, check_target, metrics, write_textfile
from hybridctl.errors import HybridctlError, InvalidInput

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


SAMPLE = re.compile(
    r'(?P<series>(?P<metric>[a-zA-Z_:][a-zA-Z0-9_:]*)\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\}) [0-9]+'
)


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
    assert text == "" or text.endswith("\n")
    typed, series = set(), []
    for line in text.split("\n")[:-1]:
        if line.startswith("#"):
            _, word, metric, rest = line.split(" ", 3)
            assert (word in ("HELP", "TYPE"), bool(rest)) == (True, True)
            typed |= {metric} if word == "TYPE" else set()
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        assert found["metric"] in typed
        series.append(found["series"])
    assert len(series) == len(set(series))
    assert bool(series) == (make is not Memory)


def test_prometheus_own_linter_has_nothing_to_say() -> None:
    """`promtool check metrics` parses and lints it, hostile names included."""
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not here (Debian package prometheus)")
    known = memory()
    known.observe(check(at(25), {"b": [HOSTILE, *({**FILE, "name": str(n)} for n in range(300))]}))
    for text in (metrics("bank", known), metrics("银行 \\", known)):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_file_is_readable_by_everybody(tmp_path: Path) -> None:
    """node_exporter is another user: mode 0644, and no partial file of a name it would read."""
    path = tmp_path / "drift.prom"
    write_textfile(path, "bank", memory())
    assert oct(path.stat().st_mode)[-3:] == "644"
    assert path.read_text() == metrics("bank", memory())
    assert [entry.name for entry in tmp_path.iterdir()] == ["drift.prom"]


@pytest.mark.parametrize(("name", "words"), [("drift.txt", r"reads \*\.prom only"), ("no/drift.prom", "not there")])
def test_a_file_that_would_not_be_read_or_written_is_refused_first(tmp_path: Path, name: str, words: str) -> None:
    """Before a check of minutes, not after it."""
    with pytest.raises(InvalidInput, match=words):
        check_target(tmp_path / name)
    check_target(tmp_path / "drift.prom")


def test_a_write_that_fails_is_named(tmp_path: Path) -> None:
    """A folder stands where the file belongs."""
    (tmp_path / "drift.prom").mkdir()
    with pytest.raises(HybridctlError, match=r"drift\.prom: cannot be written: Is a directory"):
        write_textfile(tmp_path / "drift.prom", "bank", memory())
