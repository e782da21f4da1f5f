"""Two recorded runs beside each other."""

import json
from pathlib import Path

import pytest
from recorded_runs import FAILED_RUN, QUIET_RUN, record

from hybridctl.report.run_diff_text import diff_run_lines
from hybridctl.run_details import RunDetails, read_details
from hybridctl.run_diff import compare
from hybridctl.testing import Bench


@pytest.fixture
def runs(tmp_path: Path) -> tuple[RunDetails, RunDetails]:
    """A run that changed things and failed, and the quiet one after it."""
    bench = Bench(tmp_path)
    return read_details(record(bench)), read_details(record(bench, QUIET_RUN))


def test_what_only_one_run_changed(runs: tuple[RunDetails, RunDetails]) -> None:
    """The changes by resource with their hosts, the counters, the states, the layers' seconds."""
    difference = compare(*runs)
    assert difference.changes_only_a == {
        ("base", "host_base : Write", ""): ("gw1", "cpu1"),
        ("base", "host_base : Set", "vm.swappiness"): ("gw1",),
    }
    assert difference.changes_only_b == {}
    assert difference.counters == {"gw1": (2, 0), "cpu1": (1, 0)}
    assert difference.states == {"cpu1": ("failed", "ok")}
    assert [(time.layer, time.a, time.b, time.delta) for time in difference.layers] == [
        ("base", 10.0, 2.0, -8.0),
        ("serving", 5.0, None, None),
    ]


def test_the_other_way_round(runs: tuple[RunDetails, RunDetails]) -> None:
    """A and B change places."""
    there, back = compare(*runs), compare(*runs[::-1])
    assert (back.changes_only_b, back.changes_only_a) == (there.changes_only_a, {})


def test_a_run_differs_in_nothing_from_itself(runs: tuple[RunDetails, RunDetails]) -> None:
    """Empty, and said so; the three changes are counted as the same."""
    difference = compare(runs[0], runs[0])
    assert difference.is_empty
    assert difference.same == 3
    assert "no difference: the same hosts, 3 changes in each" in list(diff_run_lines(difference))


def test_another_diff_of_the_same_resource(tmp_path: Path) -> None:
    """Neither only in A nor only in B: a list of its own."""
    bench = Bench(tmp_path)
    events = json.loads(json.dumps(FAILED_RUN))
    events[3]["event_data"]["res"]["diff"]["after"] = "a = 3\n"
    difference = compare(read_details(record(bench)), read_details(record(bench, events)))
    assert difference.other_diff == {("base", "host_base : Write", ""): ("gw1",)}
    assert (difference.changes_only_a, difference.changes_only_b, difference.same) == ({}, {}, 2)
    assert not difference.is_empty


def test_hosts_of_one_run_only(runs: tuple[RunDetails, RunDetails]) -> None:
    """They are named, and do not fill the lists of changes."""
    difference = compare(runs[0].only("gw1"), runs[1].only("cpu1"))
    assert (difference.hosts_only_a, difference.hosts_only_b) == (("gw1",), ("cpu1",))
    assert difference.changes_only_a == {}
    assert not difference.is_empty


def test_the_text_and_the_document(runs: tuple[RunDetails, RunDetails]) -> None:
    """Both name the same changes; the slower layer has a plus."""
    difference = compare(*runs[::-1])
    lines = list(diff_run_lines(difference))
    assert "changes only in B: 3" in lines
    assert "  base  host_base : Write: gw1, cpu1" in lines
    assert any(line.split() == ["base", "2.0", "10.0", "+8.0"] for line in lines)
    document = json.loads(json.dumps(difference.document()))
    assert document["changes_only_in_b"][0] == {
        "layer": "base",
        "task": "host_base : Write",
        "resource": "",
        "hosts": ["gw1", "cpu1"],
    }
