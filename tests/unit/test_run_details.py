"""What the events of a recorded run tell: changes, times, hosts of a run that was killed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import FAILED_RUN, record

from hybridctl.errors import InvalidInput
from hybridctl.events import EventKind
from hybridctl.report.run_text import run_document, run_lines
from hybridctl.run_changes import changed_item
from hybridctl.run_details import read_details
from hybridctl.run_history import RunRecord, find_run
from hybridctl.testing import Bench


@pytest.fixture
def run(tmp_path: Path) -> RunRecord:
    """A run in which gw1 changed two things and cpu1 failed."""
    return record(Bench(tmp_path))


def kill(run: RunRecord, lines: int) -> RunRecord:
    """Return the run as a `kill -9` after that many events would have left it."""
    document = {key: value for key, value in run.document.items() if key not in ("hosts", "seconds", "finished")}
    (run.path / "result.json").write_text(json.dumps({**document, "status": "running"}))
    events = (run.path / "events.jsonl").read_text().splitlines(keepends=True)
    (run.path / "events.jsonl").write_text("".join(events[:lines]))
    return find_run(run.path.parent, run.id)


def test_changes_with_items_and_diffs(run: RunRecord) -> None:
    """By host, in order; only the changed item of a loop, with its diff."""
    changes = read_details(run).changes
    assert [(c.layer, c.title) for c in changes["gw1"]] == [("base", "host_base : Write"), ("base", "host_base : Set")]
    write, loop = changes["gw1"]
    assert write.items[0].diff[2:] == ("-a = 1", "+a = 2")
    assert [(item.label, item.diff[2:]) for item in loop.items] == [("vm.swappiness", ("-60", "+10"))]
    assert len(changes["cpu1"]) == 1


def test_hosts_of_the_same_changes_stand_together(run: RunRecord) -> None:
    """Grouped as plan groups them; here the two hosts differ."""
    assert [hosts for hosts, _ in read_details(run).grouped_changes()] == [("gw1",), ("cpu1",)]


def test_tasks_are_timed_from_start_to_result(run: RunRecord) -> None:
    """Seconds by host and task, the slowest first; plays are numbered."""
    slowest = read_details(run).slowest(3)
    assert [(t.host, t.title, t.play, t.begin, t.seconds) for t in slowest] == [
        ("gw1", "host_base : Set", 1, 4.0, 6.0),
        ("cpu1", "vllm : Unpack", 2, 10.0, 5.0),
        ("cpu1", "host_base : Write", 1, 0.0, 4.0),
    ]
    assert read_details(run).layers == ("base", "serving")


def test_a_killed_run_is_rebuilt_from_its_events(run: RunRecord) -> None:
    """Hosts met, what they changed, and the task that was running; nobody says ok."""
    details = read_details(kill(run, 6))
    assert [(row.name, row.state, row.counters["changed"]) for row in details.hosts] == [
        ("gw1", "unfinished", 1),
        ("cpu1", "unfinished", 1),
    ]
    assert [(t.host, t.task, t.kind) for t in details.tasks if t.kind is EventKind.START] == [
        ("gw1", "Set", EventKind.START)
    ]
    text = "\n".join(run_lines(details, 20))
    assert "was killed: it ended without a result, 4.0 s after its first event" in text
    assert "Set (not ended)" in text


def test_a_killed_run_names_who_was_not_started(run: RunRecord) -> None:
    """The record knows who was asked for, and what to type next."""
    killed = kill(run, 6)
    document = {"command": "provision", "batches": [{"hosts": ["gw1", "cpu1"]}, {"hosts": ["cpu2"]}, {"hosts": 1}, "x"]}
    details = read_details(replace(killed, document=document))
    assert {row.name: row.state for row in details.hosts} == {
        "gw1": "unfinished",
        "cpu1": "unfinished",
        "cpu2": "not started",
    }
    assert f"  -> hybridctl provision --resume {run.id}" in list(run_lines(details, 20))


def test_a_killed_run_keeps_its_failure(run: RunRecord) -> None:
    """A failure that was recorded before the kill is told with its remedy."""
    details = read_details(kill(run, 10))
    assert {row.name: row.state for row in details.hosts} == {"gw1": "unfinished", "cpu1": "failed"}
    assert "  -> free space on cpu1: df -h" in list(run_lines(details, 20))


def test_a_damaged_result_is_rebuilt_too(run: RunRecord) -> None:
    """The hosts come from the events; the damage is still told."""
    (run.path / "result.json").write_text("{")
    details = read_details(find_run(run.path.parent, run.id))
    assert [(row.name, row.state) for row in details.hosts] == [("gw1", "ok"), ("cpu1", "failed")]
    assert "result.json:1: not JSON" in details.damage[0]


@pytest.mark.parametrize(
    "line",
    [
        '{"kind": "ok", "at": "2026-',  # cut off by a kill or a full disk
        "[]",
        '{"kind": "sung"}',
        '{"at": ""}',
        '{"kind": "changed", "host": "gw1", "changes": ["x"]}',
        '{"kind": "changed", "host": "gw1", "changes": 7}',
        "\x00",
    ],
)
def test_a_damaged_line_is_named_and_the_rest_is_read(run: RunRecord, line: str) -> None:
    """File and line number; what stands before and behind it counts."""
    file = run.path / "events.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:2], line, *lines[2:]]))
    details = read_details(run)
    assert len(details.damage) == 1
    assert "events.jsonl:3: not" in details.damage[0]
    assert len(details.changes["gw1"]) == 2


def test_many_damaged_lines_are_counted(run: RunRecord) -> None:
    """Ten are named, the others are a number."""
    (run.path / "events.jsonl").write_text("x\n" * 25)
    damage = read_details(run).damage
    assert len(damage) == 11
    assert damage[-1].endswith("and 15 more lines like these")


def test_missing_events_are_named(run: RunRecord) -> None:
    """The hosts of result.json are shown all the same."""
    (run.path / "events.jsonl").unlink()
    details = read_details(run)
    assert [row.name for row in details.hosts] == ["gw1", "cpu1"]
    assert "events.jsonl: cannot be read: No such file" in details.damage[0]


def test_the_layers_are_added_up_once(run: RunRecord) -> None:
    """The page of 500 hosts asks 500 times; a run for one host has its own."""
    details = read_details(run)
    assert details.layers is details.layers
    assert (details.layers, details.only("gw1").layers) == (("base", "serving"), ("base",))


def test_one_host_only(run: RunRecord) -> None:
    """Rows, changes and tasks of the host; another name is refused with the nearest."""
    details = read_details(run)
    only = details.only("cpu1")
    assert {row.name for row in only.hosts} | set(only.changes) | {task.host for task in only.tasks} == {"cpu1"}
    with pytest.raises(InvalidInput) as caught:
        details.only("cpu2")
    assert caught.value.hint == "did you mean cpu1?"


def test_the_document_has_everything(run: RunRecord) -> None:
    """JSON with the head of result.json, each host's changes and the slowest tasks."""
    document = json.loads(json.dumps(run_document(read_details(run))))
    assert (document["id"], document["command"], document["status"]) == (run.id, "provision", "failed")
    assert [len(host["changes"]) for host in document["hosts"]] == [2, 1]
    assert document["slowest"][0]["seconds"] == 6.0
    assert document["damage"] == []


def test_long_diffs_are_cut_with_the_way_to_the_rest(tmp_path: Path) -> None:
    """The screen shows some lines and names --full; more than 200 are never kept."""
    long = {"changed": True, "diff": {"before": "", "after": "x\n" * 300}}
    events = json.loads(json.dumps(FAILED_RUN))
    events[3]["event_data"]["res"] = long
    lines = list(run_lines(read_details(record(Bench(tmp_path), events)), 20))
    assert "      ... 181 more lines: hybridctl runs show --full" in lines
    assert sum(line == "      +x" for line in lines) == 18


OBJECT = {"kind": "package", "name": "haproxy", "action": "upgrade"}


@pytest.mark.parametrize(
    ("entry", "key", "label", "diff"),
    [
        (OBJECT, "upgrade package haproxy", "upgrade package haproxy", ()),
        (
            {**OBJECT, "old": "2.6", "new": "2.8", "size": 1, "depends_on": "repository x", "why": "lock"},
            "upgrade package haproxy",
            "upgrade package haproxy: 2.6 -> 2.8 (lock), depends on repository x",
            (),
        ),
        (
            {"kind": "file", "name": "/etc/x", "action": "create", "item": "x", "diff": {"prepared": "+a\n"}},
            "create file /etc/x",
            "create file /etc/x",
            ("+a",),
        ),
        ({"kind": "command", "name": "r: Set (x)", "action": "run", "item": "x"}, "x", "x", ()),
        ({"kind": "command", "name": "r: Set", "action": "run"}, "", "", ()),
        ({**OBJECT, "new": "2.8"}, "upgrade package haproxy", "upgrade package haproxy: none -> 2.8", ()),
        ({}, "", "", ()),
    ],
)
def test_an_entry(entry: Any, key: str, label: str, diff: tuple[str, ...]) -> None:
    """A resource by action, kind and name; of a command, whose task stands beside it, the item of its loop."""
    item = changed_item(entry)
    assert (item.key, item.label) == (key, label)
    assert tuple(line for line in item.diff if not line.startswith(("---", "+++"))) == diff


@pytest.mark.parametrize("entry", [None, "x", 7, [], ["a", None]])
def test_an_entry_of_no_form_is_refused(entry: Any) -> None:
    """It is damage, never an empty change."""
    with pytest.raises(ValueError, match="a change is"):
        changed_item(entry)
