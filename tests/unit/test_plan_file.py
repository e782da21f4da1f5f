"""A plan in a file: written whole, read strictly, and held against the world line by line."""

import copy
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hybridctl import content
from hybridctl.errors import ExitCode, InvalidInput
from hybridctl.events import Outcomes, parse
from hybridctl.plan_file import Moved, hold, moved, read_plan, strayed, write_plan
from hybridctl.planning import Plan
from hybridctl.results import RunResult
from hybridctl.testing import result_event, stats

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def plan() -> Plan:
    """Two hosts: one with a file and a package to change, one with nothing."""
    package = {"kind": "package", "name": "haproxy", "action": "upgrade", "why": "the lock wants 2.6.12-*",
               "old": "2.6.11-1", "new": "2.6.12-1", "size": 2_000_000}  # fmt: skip
    write = {"changed": True, "dest": "/etc/x", "diff": {"before": "a\n", "after": "b\n"}}
    raws = (
        result_event("runner_on_ok", "gw1", "Install", {"changed": True, "resources": [package]}, role="gateway"),
        result_event("runner_on_ok", "gw1", "Write", write, role="gateway"),
        result_event("runner_on_ok", "mon1", "Read"),
        stats(ok={"gw1": 2, "mon1": 1}, changed={"gw1": 2}),
    )
    raws[1]["event_data"]["task_action"] = "ansible.builtin.template"
    outcomes = Outcomes(["gw1", "mon1"])
    for raw in raws:
        event = parse(raw)
        assert event is not None
        outcomes.add(event)
    run = {"id": "20260101T000000Z-0000", "site": "bank", "limit": None, "layers": [], "roles": [],
           "asked": 2, "judged": 2, "exit_code": 0, "message": ""}  # fmt: skip
    return Plan.of(RunResult(Path(), ExitCode.OK, tuple(outcomes.hosts.values()), run))


def test_a_plan_comes_back_as_it_was(plan: Plan, tmp_path: Path) -> None:
    """Written by its owner for its owner, obeying the published schema, and read again unchanged."""
    file = tmp_path / "monday.plan"
    write_plan(plan, file)
    assert read_plan(file) == plan.document()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    jsonschema.validate(json.loads(file.read_text()), content.schema("plan"))
    assert [path.name for path in tmp_path.iterdir()] == ["monday.plan"]


def test_a_plan_that_cannot_be_written_leaves_the_old_one(plan: Plan, tmp_path: Path) -> None:
    """The error names the file and the reason."""
    with pytest.raises(InvalidInput, match=r"--out .*/no/x\.plan: cannot be written: No such file"):
        write_plan(plan, tmp_path / "no" / "x.plan")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ('{"schema": 2, "hosts": [', "not JSON"),
        ('{"schema": 1}', "plan format 1, this version reads 2"),
        ('{"schema": 2}', "is a required property"),
        ("[]", "is not of type 'object'"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(text: str, message: str, tmp_path: Path) -> None:
    """Empty, cut short, of another version, without its fields: each named, with how to make a new one."""
    file = tmp_path / "x.plan"
    file.write_text(text)
    with pytest.raises(InvalidInput) as error:
        read_plan(file)
    assert message in error.value.message
    assert "hybridctl plan --out" in error.value.hint


def test_a_missing_plan_is_refused(tmp_path: Path) -> None:
    """The message says that it is not there."""
    with pytest.raises(InvalidInput, match="No such file"):
        read_plan(tmp_path / "none.plan")


def test_a_plan_with_a_host_that_could_not_be_planned_is_refused(plan: Plan, tmp_path: Path) -> None:
    """What nobody knows cannot be approved."""
    document = plan.document()
    document["hosts"][1].update(planned=False, state="unreachable")
    (tmp_path / "x.plan").write_text(json.dumps(document))
    with pytest.raises(InvalidInput, match="mon1 could not be planned"):
        read_plan(tmp_path / "x.plan")


def test_the_same_world_has_not_moved(plan: Plan) -> None:
    """Two plans of one world differ in their run only, which does not count."""
    assert moved(plan.document(), {**plan.document(), "id": "20260102T000000Z-1111"}) == []


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (lambda d: d["hosts"][0]["changes"][0].update(new="2.6.13-1"),
         "gw1: upgrade package haproxy has another version than in the plan"),
        (lambda d: d["hosts"][0]["changes"][0].update(old="2.6.10-1"),
         "gw1: upgrade package haproxy has another present version than in the plan"),
        (lambda d: d["hosts"][0]["changes"][1].update(digest="other"),
         "gw1: write file /etc/x has another content than in the plan"),
        (lambda d: d["hosts"][0]["changes"].pop(),
         "gw1: write file /etc/x is in the plan and no longer needed"),
        (lambda d: d["hosts"][1]["changes"].append({**d["hosts"][0]["changes"][1], "name": "/etc/y"}),
         "mon1: write file /etc/y is needed now and not in the plan"),
        (lambda d: d["hosts"].pop(), "mon1: no longer among the hosts of the plan"),
        (lambda d: d["hosts"].append({**d["hosts"][1], "name": "new1"}), "new1: not among the hosts of the plan"),
        (lambda d: d["hosts"][1].update(planned=False, state="unreachable"),
         "mon1: cannot be planned now (unreachable)"),
        (lambda d: d.update(limit="gw1"), "the plan was made limit all, this is gw1"),
        (lambda d: d.update(site="other"), "the plan was made site bank, this is other"),
    ],
)  # fmt: skip
def test_what_moved_is_named(plan: Plan, edit: Edit, line: str) -> None:
    """Each way in which the world can differ is one line with host and resource."""
    now = copy.deepcopy(plan.document())
    edit(now)
    assert moved(plan.document(), now) == [line]


def test_a_plan_is_held_or_refused_with_everything_named(plan: Plan) -> None:
    """The same world passes; another is refused with its lines, exit 3 and how to go on, cut where there are many."""
    document, path = plan.document(), Path("monday.plan")
    hold(document, document, path)
    now = copy.deepcopy(document)
    now["hosts"][1]["changes"] = [{**document["hosts"][0]["changes"][1], "name": f"/etc/{n}"} for n in range(30)]
    with pytest.raises(Moved) as error:
        hold(document, now, path)
    assert error.value.exit_code is ExitCode.HOST_FAILED
    assert "  mon1: write file /etc/0 is needed now and not in the plan" in error.value.message.splitlines()
    assert error.value.message.splitlines()[-1] == "  and 10 more"
    assert error.value.hint == "look at it and approve it anew: hybridctl plan --out monday.plan"


def test_what_a_run_did_beside_its_plan_is_named(plan: Plan) -> None:
    """Both ways: done and not planned, planned and not done; nothing when they agree."""
    document = plan.document()
    assert strayed(document, document) == []
    done = copy.deepcopy(document)
    done["hosts"][0]["changes"][0]["action"] = "install"
    assert strayed(document, done) == [
        "gw1: install package haproxy was done and not in the plan",
        "gw1: upgrade package haproxy was in the plan and not done",
    ]
