"""Runner events become typed events, and typed events become what each host came to."""

from typing import Any

import pytest

from hybridctl.events import EventKind, HostState, Outcomes, layer_of, parse
from hybridctl.failures import MESSAGE_LIMIT, explain
from hybridctl.testing import play_start, result_event, start, stats, text


def feed(outcomes: Outcomes, *events: dict[str, Any]) -> Outcomes:
    """Give runner events to `outcomes` the way a run does."""
    for raw in events:
        event = parse(raw)
        if event is not None:
            outcomes.add(event)
    return outcomes


def test_layer_of() -> None:
    """The layer stands before the bar; a play without one is its own layer."""
    assert layer_of("serving | vLLM workers") == "serving"
    assert layer_of("odd") == "odd"


def test_a_change_carries_its_items_and_diffs() -> None:
    """Only the items of a loop that changed are in the event."""
    results = [{"changed": True, "item": "a", "diff": {"after": "x"}}, {"changed": False, "item": "b"}]
    event = parse(result_event("runner_on_ok", "h", "Write", {"changed": True, "results": results}))
    assert event is not None
    assert event.kind is EventKind.CHANGED
    assert [(change.resource, change.action, change.diff) for change in event.changes] == [
        ("command Write (a)", "run", {"after": "x"})
    ]


def test_counters_without_statistics() -> None:
    """A run cut short is counted from its events; ok includes changed, as Ansible has it."""
    outcomes = feed(
        Outcomes(["a", "b"]),
        play_start("base | every host"),
        result_event("runner_on_ok", "a", "One", second=2),
        result_event("runner_on_ok", "a", "Two", {"changed": True}, second=3),
        result_event("runner_on_skipped", "a", "Three", second=4),
        start("a", "Four", second=5),
    )
    host = outcomes.hosts["a"]
    assert (host.ok, host.changed, host.skipped, host.task, host.state) == (2, 1, 1, "Four", HostState.UNFINISHED)
    assert host.layers == {"base": 4.0}
    outcomes.judge({"a", "b"})
    assert outcomes.hosts["b"].state is HostState.NOT_CONTACTED


def test_a_rescued_failure_is_no_failure() -> None:
    """Ansible's statistics are the last word: a rescued host is ok."""
    outcomes = feed(
        Outcomes(["a"]),
        play_start("base | every host"),
        result_event("runner_on_failed", "a", "Try", {"msg": "no"}),
        result_event("runner_on_ok", "a", "Rescue"),
        stats(ok={"a": 1}, rescued={"a": 1}),
    )
    outcomes.judge({"a"})
    assert outcomes.hosts["a"].state is HostState.OK
    assert outcomes.hosts["a"].failures == []


def test_failed_unreachable_and_not_concerned() -> None:
    """Each host gets its own state, and a host that no play names is not blamed."""
    outcomes = feed(
        Outcomes(["bad", "gone", "other"]),
        play_start("base | every host", "bad:gone"),
        result_event("runner_on_failed", "bad", "Check", {"msg": "no"}, role="host_base"),
        result_event("runner_on_unreachable", "gone", "Gathering Facts", {"msg": "timed out"}),
        stats(failures={"bad": 1}, dark={"gone": 1}),
    )
    outcomes.judge({"bad", "gone"})
    states = {name: host.state for name, host in outcomes.hosts.items()}
    assert states == {"bad": HostState.FAILED, "gone": HostState.UNREACHABLE, "other": HostState.NOTHING_TO_DO}
    failure = outcomes.hosts["bad"].failures[0]
    assert (failure.role, failure.task, failure.message) == ("host_base", "Check", "no")


def test_a_batch_that_is_played_again_for_some_hosts_leaves_the_others_as_they_are() -> None:
    """The second statistics do not name the host that failed in the first play."""
    outcomes = feed(
        Outcomes(["x", "y"]),
        play_start("base | every host"),
        result_event("runner_on_failed", "x", "Check", {"msg": "no"}),
        result_event("runner_on_failed", "y", "Lock", {"msg": "locked"}),
        stats(failures={"x": 1, "y": 1}),
        play_start("base | every host"),
        result_event("runner_on_ok", "y", "Lock"),
        stats(ok={"y": 1}),
    )
    outcomes.judge({"x", "y"})
    assert {name: host.state for name, host in outcomes.hosts.items()} == {"x": HostState.FAILED, "y": HostState.OK}
    assert [failure.message for failure in outcomes.hosts["x"].failures] == ["no"]
    assert outcomes.hosts["y"].failures == []


def test_an_ignored_failure_counts_as_ignored() -> None:
    """ignore_errors makes a failure an ignored ok."""
    outcomes = feed(Outcomes(["a"]), result_event("runner_on_failed", "a", "Try", {"msg": "x"}, ignore_errors=True))
    assert (outcomes.hosts["a"].ok, outcomes.hosts["a"].ignored, outcomes.hosts["a"].failed) == (1, 1, 0)


def test_two_plays_of_one_layer_add_up() -> None:
    """The second play of a layer adds its seconds to the first's."""
    outcomes = feed(
        Outcomes(["a"]),
        play_start("base | one", second=0),
        result_event("runner_on_ok", "a", "X", play="base | one", second=2),
        play_start("base | two", second=10),
        result_event("runner_on_ok", "a", "Y", play="base | two", second=13),
    )
    assert outcomes.hosts["a"].layers == {"base": 5.0}


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"msg": "Disk too small."}, "Disk too small."),
        ({"msg": "non-zero return code", "rc": 2, "stderr": "line 1\nreal cause\n"},
         "line 1\nreal cause (exit status 2)"),
        ({"msg": "MODULE FAILURE", "rc": 1, "module_stderr": "Traceback (most\n  File x\nKeyError: 'a'"},
         "KeyError: 'a' (exit status 1)"),
        ({"msg": "One or more items failed", "results": [{"item": "a"}, {"item": "b", "failed": True, "msg": "no b"}]},
         "b: no b"),
        ({"msg": "x", "results": [{"item": n, "failed": True, "msg": "Task failed: same"} for n in range(5)]},
         "0, 1, 2 and 2 more: same"),
        ({"censored": "hidden"}, "the task hides its output because it handles secrets"),
        ({}, "it failed and gave no message"),
    ],
)  # fmt: skip
def test_a_failure_says_one_thing(result: dict[str, Any], message: str) -> None:
    """The message is the cause, not a page of JSON."""
    assert explain(result, host="h")[0] == message


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("ssh: connect to host 10.0.0.1 port 22: Connection timed out", "hybridctl doctor --limit h"),
        ("Host key verification failed.", "ssh 10.0.0.1"),
        ("root@x: Permission denied (publickey).", "ansible_user"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend", "another package job"),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", "free space on h: df -h"),
        (
            "Failed to fetch x.deb  Error writing to file - write (28: No space left on device)",
            "free space on h: df -h",
        ),
        ("E: dpkg was interrupted, you must manually run 'dpkg --configure -a'", "dpkg --configure -a"),
        ("something else", "read tasks.yml:7, then run again with --limit h"),
    ],
)
def test_every_failure_has_a_remedy(message: str, remedy: str) -> None:
    """A known cause gets its own remedy, any other one the place of the task and the command to repeat."""
    assert remedy in explain({"msg": message, "ansible_host": "10.0.0.1"}, host="h", path="tasks.yml:7")[1]


def test_a_long_message_is_cut() -> None:
    """A module that returns a page is shortened."""
    assert len(explain({"msg": "x" * 5000}, host="h")[0]) == MESSAGE_LIMIT


def test_text_events_are_kept() -> None:
    """What ansible-playbook prints outside of results is an event too; empty lines are not."""
    event = parse(text("ERROR! no such file"))
    assert event is not None
    assert event.message == "ERROR! no such file"
    assert parse(text("  ")) is None
