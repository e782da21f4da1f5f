"""Results of modules become resources: the same ones from check mode and from a real run."""

from typing import Any

import pytest

from hybridctl import content
from hybridctl.changes import KINDS, Change, changes_of, key_set

# Recorded on a Debian 12 host with apt 2.6.1: `apt-get -s install` and `apt-get install` of the same packages.
SIMULATED = """The following NEW packages will be installed:
  haproxy liblua5.3-0 socat
Inst liblua5.3-0 (5.3.6-2 10.231.1.1 [amd64])
Inst haproxy (2.6.12-1+deb12u4 10.231.1.1 [amd64])
Inst socat [1.7.4.3-1] (1.7.4.4-2 10.231.1.1 [amd64])
Remv netcat [1.10-47]
Conf liblua5.3-0 (5.3.6-2 10.231.1.1 [amd64])
"""
REAL = """Selecting previously unselected package liblua5.3-0:amd64.\r
(Reading database ... \r(Reading database ... 5%\r(Reading database ... 100%\r
Removing netcat (1.10-47) ...\r
Unpacking liblua5.3-0:amd64 (5.3.6-2) ...\r
Unpacking haproxy (2.6.12-1+deb12u4) ...\r
Unpacking socat (1.7.4.4-2) over (1.7.4.3-1) ...\r
Setting up socat (1.7.4.4-2) ...\r
"""


def keys(module: str, result: dict[str, Any], label: str = "role: Task") -> list[tuple[str, str]]:
    """Return the keys of a result's changes."""
    return [change.key for change in changes_of(module, {"changed": True, **result}, label=label)]


def test_apt_simulated_and_real_name_the_same_packages() -> None:
    """What apt says it would do and what it then says it did are one set, versions included."""
    expected = {
        ("package haproxy", "install", "", "2.6.12-1+deb12u4"),
        ("package liblua5.3-0", "install", "", "5.3.6-2"),
        ("package netcat", "remove", "1.10-47", ""),
        ("package socat", "upgrade", "1.7.4.3-1", "1.7.4.4-2"),
    }
    for output in (SIMULATED, REAL):
        found = changes_of("ansible.builtin.apt", {"stdout": output}, label="x")
        assert {(c.resource, c.action, c.old, c.new) for c in found} == expected


@pytest.mark.parametrize(
    ("module", "result", "expected"),
    [
        ("ansible.builtin.template", {"dest": "/etc/a"}, ("file /etc/a", "write")),
        ("ansible.builtin.file", {"path": "/d", "state": "directory"}, ("directory /d", "write")),
        ("ansible.builtin.file", {"path": "/l", "state": "link"}, ("link /l", "write")),
        ("ansible.builtin.file", {"path": "/d", "state": "absent"}, ("file /d", "remove")),
        ("ansible.builtin.lineinfile", {"invocation": {"module_args": {"path": "/etc/b"}}}, ("file /etc/b", "write")),
        ("ansible.builtin.user", {"name": "vllm", "state": "present"}, ("user vllm", "write")),
        ("ansible.builtin.user", {"invocation": {"module_args": {"name": "vllm"}}}, ("user vllm", "write")),
        ("ansible.builtin.group", {"name": "kae", "state": "absent"}, ("group kae", "remove")),
        ("ansible.builtin.systemd_service", {"name": "a.timer", "invocation": {"module_args": {"state": "started"}}},
         ("unit a.timer", "start")),
        ("ansible.builtin.service", {"name": "a", "invocation": {"module_args": {}}}, ("unit a.service", "enable")),
        ("ansible.builtin.reboot", {"rebooted": True}, ("reboot host", "run")),
        ("ansible.builtin.command", {"cmd": ["true"]}, ("command role: Task", "run")),
        ("site.own.thing", {}, ("command role: Task", "run")),
        ("ansible.builtin.template", {}, ("command role: Task", "run")),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_resources_of_ansibles_own_modules(module: str, result: dict[str, Any], expected: tuple[str, str]) -> None:
    """Each is named by what it is on the host; what nobody can tell is named by its task, never left out."""
    assert keys(module, result) == [expected]


def test_a_module_of_ours_says_itself() -> None:
    """`resources` wins over what could be guessed, and a field of a later version does no harm."""
    declared = {"kind": "unit", "name": "a.service", "action": "restart", "why": "/etc/a changed", "later": 1}
    (change,) = changes_of("hybridctl.site.units", {"resources": [declared]}, label="x")
    assert change == Change("unit", "a.service", "restart", why="/etc/a changed")


@pytest.mark.parametrize(
    "resources",
    [
        None, "x", {"a": 1}, [], ["x"], [{"kind": "file"}], [{"kind": "file", "name": 1, "action": "write"}],
        [{"kind": "Deployment", "name": "web", "action": "created"}],
        [{"kind": "file", "name": "/a", "action": "write"}, {"kind": ["file"], "name": "/b", "action": "write"}],
    ],
)  # fmt: skip
def test_what_another_module_calls_resources_is_not_taken_for_ours(resources: Any) -> None:
    """A cloud's list, a kind that no plan knows: the task is named, and neither the plan nor the run breaks."""
    assert keys("some.cloud.thing", {"resources": resources}) == [("command role: Task", "run")]


def test_every_schema_knows_the_same_kinds() -> None:
    """A plan that is written can be read, and so can the result after it."""
    change = content.schema("plan")["properties"]["hosts"]["items"]["properties"]["changes"]["items"]
    assert change["properties"]["kind"]["enum"] == list(KINDS)
    assert content.schema("run-result")["$defs"]["kind"]["enum"] == list(KINDS)


def test_only_changed_items_of_a_loop_count() -> None:
    """Each changed item is a change of its own; a command's is told apart by its label."""
    results = [
        {"changed": True, "item": "a", "_ansible_item_label": "a: 1 -> 2"},
        {"changed": False, "item": "b"},
        {"changed": True, "item": "c"},
    ]
    found = keys("ansible.builtin.command", {"results": results})
    assert found == [("command role: Task (a: 1 -> 2)", "run"), ("command role: Task (c)", "run")]


def test_the_set_that_plan_and_provision_share() -> None:
    """Host, resource and action; neither task nor role, which differ where a helper does the work."""
    change = {"layer": "base", "role": "r", "task": "T", "kind": "file", "name": "/a", "action": "write"}
    assert key_set([{"name": "h", "changes": [change, change]}]) == {("h", "file /a", "write")}
