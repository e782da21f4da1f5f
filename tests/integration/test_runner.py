"""The runner against the real ansible-runner and ansible-playbook, in the situations that its users reported."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybridctl.errors import HybridctlError
from hybridctl.processes import processes_with
from hybridctl.redaction import Redactor
from hybridctl.runner import PlayRequest, PlayStatus, run
from hybridctl.testing import DEAD, LOCAL, Bench, play

SAY = {"name": "Say", "ansible.builtin.debug": {"msg": "hello"}}


def request(bench: Bench, hosts: dict[str, Any], *plays: dict[str, Any], **options: Any) -> PlayRequest:
    """Return a request for a playbook of `plays`."""
    inventory, playbook = bench.write(hosts, list(plays))
    return PlayRequest(str(playbook), inventory, bench.root, **options)


def names(events: list[dict[str, Any]]) -> list[str]:
    """Return the names of the events."""
    return [event["event"] for event in events]


def test_a_play_runs_and_leaves_nothing_of_the_runner_behind(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event arrives in order, statistics last; the runner's own files are gone afterwards."""
    temporary = tempfile.mkdtemp(prefix="h", dir="/tmp")
    monkeypatch.setattr(tempfile, "tempdir", temporary)
    events: list[dict[str, Any]] = []
    result = run(request(bench, {"a": LOCAL}, play(SAY)), events.append, Redactor())
    assert (result.status, result.rc) == (PlayStatus.FINISHED, 0)
    assert names(events).index("runner_on_ok") < names(events).index("playbook_on_stats")
    assert {path.name for path in bench.root.iterdir()} == {"hosts.yml", "play.yml"}
    Path(temporary).rmdir()  # nothing is in it


def test_the_next_run_clears_up_behind_one_that_was_killed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its folder goes, unless what it started still lives; other folders stay."""
    temporary = tempfile.mkdtemp(prefix="h", dir="/tmp")
    monkeypatch.setattr(tempfile, "tempdir", temporary)
    dead, alive, strange = (Path(temporary) / f"hybridctl-{name}" for name in ("dead", "alive", "strange"))
    for folder in (dead, alive, strange):
        folder.mkdir()
    (dead / "owner").write_text(f"{os.getpid()} 1")
    (alive / "owner").write_text(f"{os.getpid()} 1")
    with subprocess.Popen(["sleep", "60"], env={**os.environ, "FOLDER": str(alive)}) as left_behind:
        result = run(request(bench, {"a": LOCAL}, play(SAY)), lambda _event: None, Redactor())
        left_behind.kill()
    assert result.status is PlayStatus.FINISHED, result.message
    assert {path.name for path in Path(temporary).iterdir()} == {"hybridctl-alive", "hybridctl-strange"}
    shutil.rmtree(temporary)


def test_a_slow_handler_loses_no_event_and_does_not_slow_the_play(bench: Bench) -> None:
    """A handler that takes 0.2 s an event still gets all of them, and the play is over before it is."""
    loop = {**SAY, "loop": list(range(20))}
    events: list[dict[str, Any]] = []

    def slow(event: dict[str, Any]) -> None:
        time.sleep(0.2)
        events.append(event)

    result = run(request(bench, {"a": LOCAL}, play(loop)), slow, Redactor())
    assert result.status is PlayStatus.FINISHED
    assert names(events).count("runner_item_on_ok") == 20
    assert names(events)[-1] != "runner_item_on_ok"
    created = [event["created"] for event in events if event["event"] in ("runner_item_on_ok", "playbook_on_stats")]
    assert _span(created[0], created[-1]) < 2.5  # seconds; rendering them took 4


def _span(first: str, last: str) -> float:
    from datetime import datetime

    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def test_a_handler_that_raises_does_not_end_the_play(bench: Bench) -> None:
    """The play finishes, the error is told once and without its secret."""

    def broken(_event: dict[str, Any]) -> None:
        raise RuntimeError("screen gone, key was s3cr3t-value")

    result = run(request(bench, {"a": LOCAL}, play(SAY)), broken, Redactor(["s3cr3t-value"]))
    assert result.status is PlayStatus.FINISHED
    assert result.handler_errors == ("RuntimeError: screen gone, key was ********",)


def test_a_limit_that_matches_nothing(bench: Bench) -> None:
    """Ansible reports no event at all then; we say that no host matched."""
    result = run(request(bench, {"a": LOCAL}, play(SAY), limit="nobody"), lambda _: None, Redactor())
    assert result.status is PlayStatus.NO_HOSTS


def test_a_playbook_whose_plays_match_no_host(bench: Bench) -> None:
    """Exit status 0 and empty statistics are not a success."""
    result = run(request(bench, {"a": LOCAL}, play(SAY, hosts="nobody")), lambda _: None, Redactor())
    assert result.status is PlayStatus.NO_HOSTS


def test_an_unreachable_host_does_not_stop_the_others(bench: Bench) -> None:
    """The dead host is in the statistics as dark, the other did both tasks; without a password prompt that hangs."""
    ping = {"name": "Ping", "ansible.builtin.ping": {}}
    events: list[dict[str, Any]] = []
    result = run(request(bench, {"a": LOCAL, "dead": DEAD}, play(ping, SAY)), events.append, Redactor())
    assert (result.status, result.rc) == (PlayStatus.FINISHED, 4)
    statistics = next(event["event_data"] for event in events if event["event"] == "playbook_on_stats")
    assert statistics["dark"] == {"dead": 1}
    assert statistics["ok"] == {"a": 2}


def test_a_broken_playbook_says_what_ansible_said(bench: Bench) -> None:
    """A syntax error is no failed host: the run broke, with Ansible's own words."""
    result = run(request(bench, {"a": LOCAL}, play({"no.such.module_here": {}})), lambda _: None, Redactor())
    assert result.status is PlayStatus.BROKEN
    assert "no.such.module_here" in result.message


@pytest.fixture
def fake_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bin folder that stands beside sys.executable, and a PATH without any Ansible."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return folder


def test_no_ansible_playbook(bench: Bench, fake_python: Path) -> None:
    """Without ansible-playbook nothing starts, and the error says what to type."""
    with pytest.raises(HybridctlError, match="there is no ansible-playbook") as caught:
        run(request(bench, {"a": LOCAL}, play(SAY)), lambda _: None, Redactor())
    assert "pipx reinstall" in caught.value.hint


def test_success_without_statistics_is_a_failure(bench: Bench, fake_python: Path) -> None:
    """An ansible-playbook that says 0 and reports nobody has judged nobody."""
    fake = fake_python / "ansible-playbook"
    fake.write_text("#!/bin/sh\necho all fine\nexit 0\n")
    fake.chmod(0o755)
    result = run(request(bench, {"a": LOCAL}, play(SAY)), lambda _: None, Redactor())
    assert result.status is PlayStatus.BROKEN
    assert result.rc == 0
    assert "reported no host at all" in result.message


def test_the_users_ansible_cfg_changes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that lies where we start cannot break a run; a variable of the user's still counts."""
    (bench.root / "ansible.cfg").write_text(
        "[defaults]\ninventory = /nowhere\ncollections_path = /nowhere\nforks = x\n"
    )
    monkeypatch.chdir(bench.root)
    monkeypatch.setenv("ANSIBLE_TIMEOUT", "7")
    show = {"ansible.builtin.debug": {"msg": "{{ lookup('config', 'DEFAULT_TIMEOUT', 'INJECT_FACTS_AS_VARS') }}"}}
    events: list[dict[str, Any]] = []
    result = run(request(bench, {"a": LOCAL}, play(show)), events.append, Redactor())
    assert result.status is PlayStatus.FINISHED
    shown = next(event["event_data"]["res"]["msg"] for event in events if event["event"] == "runner_on_ok")
    assert str(shown).replace("'", "").strip("[]").split(",")[0] == "7"
    assert "False" in str(shown)


@pytest.mark.parametrize(
    ("chosen", "ran"),
    [
        ({}, {"one", "two", "none"}),
        ({"tags": ("one",)}, {"one"}),
        ({"skip_tags": ("one",)}, {"two", "none"}),
    ],
)
def test_the_users_own_tags_make_no_partial_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, Any], ran: set[str]
) -> None:
    """Neither those of the environment nor those of a named ansible.cfg count: only those of the request."""
    configuration = bench.root / "users.cfg"
    configuration.write_text("[tags]\nrun = two\nskip = two\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(configuration))
    monkeypatch.setenv("ANSIBLE_RUN_TAGS", "two")
    monkeypatch.setenv("ANSIBLE_SKIP_TAGS", "none")
    tasks = [{**SAY, "name": name, "tags": [] if name == "none" else [name]} for name in ("one", "two", "none")]
    events: list[dict[str, Any]] = []
    run(request(bench, {"a": LOCAL}, play(*tasks), **chosen), events.append, Redactor())
    assert {event["event_data"]["task"] for event in events if event["event"] == "runner_on_ok"} == ran


def test_a_named_localhost_uses_our_python(bench: Bench) -> None:
    """localhost in an inventory runs on the Python of Ansible, not on what discovery finds."""
    show = {"ansible.builtin.debug": {"msg": "{{ ansible_python_interpreter == ansible_playbook_python }}"}}
    events: list[dict[str, Any]] = []
    run(request(bench, {"localhost": {"ansible_connection": "local"}}, play(show)), events.append, Redactor())
    shown = [event["event_data"]["res"]["msg"] for event in events if event["event"] == "runner_on_ok"]
    assert shown == [True]


def test_extra_variables_reach_the_play_but_not_the_arguments(bench: Bench) -> None:
    """They travel in a file: everybody on the machine can read arguments."""
    look = {
        "ansible.builtin.command": {"argv": ["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"]},
        "register": "seen",
    }
    judge = {"ansible.builtin.assert": {"that": ["token_x not in seen.stdout", "token_x | length == 12"]}}
    request_ = request(bench, {"a": LOCAL}, play(look, judge), extra_vars={"token_x": "ab" * 6})
    assert run(request_, lambda _: None, Redactor()).rc == 0


def commands(marker: str) -> str:
    """Return the arguments of all processes with `marker` in their environment."""
    texts = []
    for pid in processes_with(marker):
        with contextlib.suppress(OSError):
            texts.append(Path(f"/proc/{pid}/cmdline").read_text())
    return " ".join(texts)


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_process_and_says_how_far_it_came(bench: Bench, number: int) -> None:
    """Ctrl-C ends Ansible, its workers and what they started; the record says what was done."""
    inventory, playbook = bench.write(
        {"a": LOCAL, "b": LOCAL},
        [play(SAY, {"name": "Wait", "ansible.builtin.command": {"argv": ["sleep", "987"]}})],
    )
    code = f"""
        import sys
        from pathlib import Path
        from hybridctl.execution import Execution, Options, execute
        from hybridctl.inventory import Host
        from hybridctl.site import Site
        from hybridctl.testing import FewHosts
        hosts = {{name: Host(name, name, 22, (), None, {{}}) for name in "ab"}}
        site = Site(Path({str(bench.root)!r}), Path({str(inventory)!r}), "bench")
        ready = Execution(site, FewHosts(hosts, {{"all": ("a", "b")}}), ("a", "b"), Options(playbook={str(playbook)!r}))
        watch = lambda event, outcomes: print(event.kind, event.task, flush=True)
        sys.exit(execute(ready, "provision", [watch]).exit_code)
    """
    environment = {**os.environ, "HYBRIDCTL_TEST_MARK": str(bench.root)}
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line == "start Wait\n":
                break
        waited = _wait(lambda: "987" in commands(str(bench.root)), seconds=20)
        running.send_signal(number)
        ended = _wait(lambda: running.poll() is not None, seconds=20)
        running.kill()
    assert waited, "the play never came to its long task"
    assert ended, "Ctrl-C did not end the run"
    assert running.returncode == 130
    assert processes_with(str(bench.root)) == []
    result = json.loads((bench.root / ".hybridctl/runs/latest/result.json").read_text())
    assert result["status"] == "interrupted"
    assert "2 tasks were done, on 2 of 2 hosts" in result["message"]
    assert {host["state"] for host in result["hosts"]} == {"unfinished"}
