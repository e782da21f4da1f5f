"""Check-mode events become a plan."""

from pathlib import Path
from typing import Any

import pytest

from hybridctl.errors import ExitCode
from hybridctl.events import Outcomes, parse
from hybridctl.planning import LONGEST_DIFF, Plan, diff_lines
from hybridctl.results import RunResult
from hybridctl.testing import result_event


def changed(host: str, diff: Any = None) -> dict[str, Any]:
    """Return the event of a task that would change `host`."""
    return result_event("runner_on_ok", host, "Write", {"changed": True, "diff": diff}, role="host_base")


@pytest.mark.parametrize(
    ("diff", "lines"),
    [
        ({"before": "a\nb\n", "after": "a\nc\n", "after_header": "/f"},
         ["--- now /f", "+++ then /f", " a", "-b", "+c"]),
        ([{"before": "", "after": "new\n"}, {}], ["--- now", "+++ then", "+new"]),
        ({"before": {"mode": "0644"}, "after": {"mode": "0600"}},
         ["--- now", "+++ then", " {", '- "mode": "0644"', '+ "mode": "0600"', " }"]),
        ({"prepared": "-x\n+y"}, ["-x", "+y"]),
        (None, []),
        ({"src_binary": 1}, []),
    ],
)  # fmt: skip
def test_diffs_of_modules(diff: Any, lines: list[str]) -> None:
    """Text, lists, dictionaries and ready diffs all become lines; no diff becomes none."""
    assert list(diff_lines(diff)) == lines


def plan_of(*raws: dict[str, Any], hosts: tuple[str, ...] = ("a", "b", "c")) -> Any:
    """Return the plan that these events make."""
    outcomes = Outcomes(hosts)
    for raw in raws:
        event = parse(raw)
        assert event is not None
        outcomes.add(event)
    run = dict.fromkeys(("id", "site", "limit", "layers", "roles", "asked", "judged", "exit_code", "message"))
    return Plan.of(RunResult(Path(), ExitCode.OK, tuple(outcomes.hosts.values()), run))


def test_hosts_with_the_same_changes_stand_together() -> None:
    """Two hosts with one and the same change are one group; the third is its own, with nothing to change."""
    plan = plan_of(changed("a"), changed("b"))
    assert [group.hosts for group in plan.grouped()] == [("a", "b"), ("c",)]


def test_a_diff_with_the_hosts_own_address_sets_nobody_apart() -> None:
    """The same resource and action is one group; others' diffs are counted. Another change is another group."""
    raws = [changed(host, {"before": "", "after": f"{line}\n"}) for host, line in zip("abc", "xxy", strict=True)]
    (group,) = plan_of(*raws).grouped()
    ((change, others),) = group.changes
    assert (group.hosts, change.diff[-1], others) == (("a", "b", "c"), "+x", 1)
    raws.append(result_event("runner_on_ok", "c", "Set", {"changed": True}))
    assert [group.hosts for group in plan_of(*raws).grouped()] == [("a", "b"), ("c",)]


def test_a_reboot_is_said_with_its_reason() -> None:
    """A task that reboots and a kernel that waits for it are reasons; a library, a removed kernel are none."""

    def package(name: str, new: str) -> dict[str, Any]:
        one = {"kind": "package", "name": name, "action": "install", "old": "1", "new": new}
        return {"changed": True, "resources": [one]}

    reboot = result_event("runner_on_ok", "a", "Boot the new kernel", {"changed": True, "rebooted": True})
    reboot["event_data"]["task_action"] = "ansible.builtin.reboot"
    plan = plan_of(
        reboot,
        result_event("runner_on_ok", "b", "Upgrade", package("linux-image-6.1.0-42-amd64", "6.1.170-1")),
        result_event("runner_on_ok", "c", "Upgrade", package("liblua5.3-0", "5.3.6-2")),
        result_event("runner_on_ok", "c", "Remove", package("linux-image-6.1.0-41-amd64", "")),
    )
    assert {host["name"]: host["reboot"] for host in plan.document()["hosts"]} == {
        "a": {"needed": True, "why": "the task Boot the new kernel"},
        "b": {"needed": True, "why": "package linux-image-6.1.0-42-amd64 takes effect at boot"},
        "c": {"needed": False, "why": "no change here takes effect only at boot"},
    }


def test_every_host_is_in_the_document() -> None:
    """A host without changes is listed with an empty list, never left out."""
    document = plan_of(changed("a"), result_event("runner_on_ok", "b", "Read")).document()
    assert {host["name"]: len(host["changes"]) for host in document["hosts"]} == {"a": 1, "b": 0, "c": 0}


def test_a_long_diff_is_cut_and_says_so() -> None:
    """A file of many lines does not fill the record."""
    plan = plan_of(changed("a", {"after": "x\n" * 1000}))
    (change,) = plan.changes["a"]
    assert len(change.diff) == LONGEST_DIFF + 1
    assert change.diff[-1] == "... 802 more lines"


def test_a_content_that_is_not_shown_counts() -> None:
    """Two plans with the same words and another secret are two plans."""

    def digest(of: str) -> str:
        secret = {"kind": "file", "name": "/k", "action": "change", "diff": {"prepared": "content (secret, not shown)"}}
        event = result_event("runner_on_ok", "a", "Write", {"changed": True, "resources": [{**secret, "digest": of}]})
        (change,) = plan_of(event).changes["a"]
        assert change.diff == ("content (secret, not shown)",)
        return str(change.digest)

    assert digest("1") == digest("1") != digest("2")


def test_a_diff_names_the_file_on_the_host() -> None:
    """A template's diff names a temporary file of ours, another for each host; the path on the host stands instead."""
    diffs = [{"before": "", "after": "x\n", "after_header": f"/root/.ansible/tmp/ansible-local-{n}/x.j2"} for n in "ab"]
    raws = [
        result_event("runner_on_ok", host, "Write", {"changed": True, "dest": "/etc/x", "diff": [diff]})
        for host, diff in zip("ab", diffs, strict=True)
    ]
    plan = plan_of(*raws, hosts=("a", "b"))
    (group,) = plan.grouped()
    ((change, others),) = group.changes
    assert (group.hosts, others) == (("a", "b"), 0)
    assert change.diff == ("--- now /etc/x", "+++ then /etc/x", "+x")
