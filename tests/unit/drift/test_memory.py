"""Since when a resource differs: checks and provisions, one after another."""

import copy
import json
from datetime import datetime
from typing import Any

import pytest
from drift_runs import FILE, MODE, UNIT, at, check, provision

from hybridctl.drift.memory import Memory


def remembered(*runs: dict[str, Any]) -> Memory:
    """Return the memory of these runs."""
    memory = Memory()
    for run in runs:
        memory.observe(run)
    return memory


def since(memory: Memory, host: str = "a") -> dict[str, datetime]:
    """Return name -> since."""
    return {drifted.name: drifted.since for drifted in memory.hosts[host].drifted}


def test_the_first_check_that_saw_it_counts() -> None:
    """Seen on three days: since the first; what came later has a later day."""
    memory = remembered(
        check(at(24), {"a": [FILE]}), check(at(25), {"a": [FILE, MODE]}), check(at(26), {"a": [FILE, MODE]})
    )
    assert since(memory) == {"/etc/x": at(24), "/etc/y": at(25)}
    assert memory.checked == at(26)


def test_a_clean_check_ends_it() -> None:
    """Drifted, clean, drifted again: since the last time."""
    memory = remembered(check(at(24), {"a": [FILE]}), check(at(25), {"a": []}), check(at(26), {"a": [FILE]}))
    assert since(memory) == {"/etc/x": at(26)}


def test_another_action_on_the_same_resource_is_another_drift() -> None:
    """A unit that was stopped and is now disabled, too: each has its own day."""
    memory = remembered(check(at(24), {"a": [UNIT]}), check(at(25), {"a": [UNIT, {**UNIT, "action": "enable"}]}))
    assert [(d.action, d.since) for d in memory.hosts["a"].drifted] == [("start", at(24)), ("enable", at(25))]


def test_a_repair_between_two_checks_ends_it() -> None:
    """A provision repaired it and it drifted again before the next check looked: it starts anew."""
    memory = remembered(check(at(24), {"a": [FILE]}), provision(at(25), {"a": [FILE]}), check(at(26), {"a": [FILE]}))
    assert since(memory) == {"/etc/x": at(26)}


def test_a_failed_provision_repairs_what_it_changed_and_nothing_else() -> None:
    """The host failed after the first file: the second still differs since the first check."""
    memory = remembered(
        check(at(24), {"a": [FILE, MODE]}),
        provision(at(25), {"a": [FILE]}, status="failed", states={"a": "failed"}),
        check(at(26), {"a": [FILE, MODE]}),
    )
    assert since(memory) == {"/etc/x": at(26), "/etc/y": at(24)}


def test_a_provision_to_the_end_leaves_nothing() -> None:
    """What it did not have to change was right already, by whomever."""
    memory = remembered(check(at(24), {"a": [FILE]}), provision(at(25), {"a": []}))
    assert since(memory) == {}


def test_a_layer_that_was_checked_does_not_lift_a_check_that_failed() -> None:
    """Only a whole run says again when all of the host was seen."""
    memory = remembered(
        check(at(24), {"a": []}),
        check(at(25), {"a": []}, status="failed", states={"a": "failed"}),
        check(at(26), {"a": []}, layers=["base"]),
    )
    assert memory.hosts["a"].seen is None
    memory.observe(check(at(27), {"a": []}))
    assert memory.hosts["a"].seen == at(27)


@pytest.mark.parametrize(("hour", "left"), [(2, {"haproxy.service": at(24)}), (3, {}), (4, {})])
def test_a_provision_that_began_before_the_check_repairs_what_it_names(hour: int, left: dict[str, datetime]) -> None:
    """It ended after it; what it had passed already may have been changed behind its back."""
    late = {"finished": at(24, 5).isoformat()}
    memory = remembered(check(at(24), {"a": [FILE, UNIT]}), provision(at(24, hour), {"a": [FILE]}, **late))
    assert since(memory) == left
    assert memory.hosts["a"].seen == at(24, max(hour, 3))


@pytest.mark.parametrize("more", [{"layers": ["gateway"]}, {"roles": ["gateway"]}])
def test_a_run_of_one_layer_or_role_says_nothing_of_the_others(more: dict[str, Any]) -> None:
    """Neither a check nor a provision of the gateway ends what differs in the base."""
    for other in (check, provision):
        memory = remembered(check(at(24), {"a": [FILE, UNIT]}), other(at(25), {"a": []}, **more))
        assert since(memory)["/etc/x"] == at(24)
        assert ("haproxy.service" in since(memory)) == ("roles" in more)


def test_preflight_runs_with_every_layer() -> None:
    """What differed in preflight is judged by a check of any layer."""
    early = {**FILE, "layer": "preflight"}
    memory = remembered(check(at(24), {"a": [early]}), check(at(25), {"a": []}, layers=["gateway"]))
    assert since(memory) == {}


@pytest.mark.parametrize("state", ["failed", "unreachable", "unfinished", "not contacted"])
def test_a_host_that_could_not_be_planned_is_never_clean(state: str) -> None:
    """What was known of it stays, and it is marked."""
    memory = remembered(
        check(at(24), {"a": [FILE], "b": [FILE]}),
        check(at(25), {"a": [], "b": []}, status="failed", states={"a": state}),
    )
    assert since(memory, "a") == {"/etc/x": at(24)}
    assert since(memory, "b") == {}
    assert (memory.hosts["a"].planned, memory.hosts["b"].planned) == (False, True)


@pytest.mark.parametrize("status", ["interrupted", "broken"])
def test_a_run_that_did_not_end_judges_nobody(status: str) -> None:
    """A host whose play did not come before the Ctrl-C has `nothing to do`, and is not clean for that."""
    memory = remembered(
        check(at(24), {"a": [FILE]}), check(at(25), {"a": []}, status=status, states={"a": "nothing to do"})
    )
    assert since(memory) == {"/etc/x": at(24)}
    assert memory.hosts["a"].planned is False


def test_hosts_that_were_not_asked_keep_what_is_known() -> None:
    """A check with --limit b says nothing of a."""
    memory = remembered(check(at(24), {"a": [FILE], "b": [FILE]}), check(at(25), {"b": []}, limit="b"))
    assert since(memory, "a") == {"/etc/x": at(24)}


def test_hosts_that_left_the_site_are_forgotten() -> None:
    """Only hosts of the inventory are kept."""
    memory = remembered(check(at(24), {"a": [FILE], "b": []}))
    memory.keep(["b", "c"])
    assert list(memory.hosts) == ["b"]


def test_two_tasks_with_one_resource_are_one_drift() -> None:
    """Two tasks write to one file: one entry, as one series of a metric must be."""
    memory = remembered(check(at(24), {"a": [FILE, {**FILE, "why": "mode"}]}))
    assert [drifted.why for drifted in memory.hosts["a"].drifted] == ["content"]


def test_a_verification_is_no_check_of_drift() -> None:
    """Its record has neither changes nor a check flag."""
    assert remembered({"command": "verify"}) == Memory()


def test_a_memory_of_an_older_version_names_one_run_and_no_inventory() -> None:
    """It is read as it was meant."""
    document = {key: value for key, value in GOOD.items() if key not in ("runs", "inventory")} | {"run": "one"}
    memory = Memory.read(document)
    assert (memory.runs, memory.inventory) == (("one",), None)


def test_it_comes_back_from_json_as_it_was() -> None:
    """Through JSON and back nothing is lost."""
    memory = remembered(check(at(24), {"a": [FILE, UNIT], "b": []}, states={"b": "unreachable"}, status="unreachable"))
    assert Memory.read(json.loads(json.dumps(memory.document()))) == memory


GOOD = remembered(check(at(24), {"a": [FILE]})).document()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), 2),
        (("hosts",), []),
        (("hosts", "a"), None),
        (("hosts", "a", "planned"), "yes"),
        (("hosts", "a", "resources", 0, "since"), "Tuesday"),
        (("hosts", "a", "resources", 0, "since"), "2026-11-24T03:00:00"),
        (("hosts", "a", "resources", 0, "extra"), 1),
        (("checked",), 7),
    ],
)
def test_what_is_no_memory_is_refused(path: tuple[Any, ...], value: Any) -> None:
    """Another version, other types, times that are none or lack their offset."""
    document = copy.deepcopy(GOOD)
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Memory.read(document)


def test_a_record_that_is_damaged_changes_nothing() -> None:
    """Half of a run is not taken in."""
    memory = remembered(check(at(24), {"a": [FILE]}))
    bad = check(at(25), {"a": [], "b": []})
    del bad["hosts"][1]["changes"]
    with pytest.raises(KeyError):
        memory.observe(bad)
    assert memory == remembered(check(at(24), {"a": [FILE]}))
