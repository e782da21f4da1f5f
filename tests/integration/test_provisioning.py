"""Batches, locks and handlers through the real Ansible, on hosts that are this machine."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from hybridctl import hostlock
from hybridctl.errors import ExitCode
from hybridctl.events import HostState
from hybridctl.execution import Execution, execute
from hybridctl.processes import end_processes
from hybridctl.provisioning import Conduct, provision
from hybridctl.resume import open_record
from hybridctl.rollout import Rollout
from hybridctl.testing import DEAD, LOCAL, Bench, play

TAKE = {"import_playbook": "hybridctl.site.host_lock"}
GIVE_BACK = {"import_playbook": "hybridctl.site.host_unlock"}
PING = {"name": "Ping", "ansible.builtin.ping": {}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks of these tests lie in a folder of their own, not in that of this machine."""
    monkeypatch.setattr(hostlock, "FOLDER", str(tmp_path / "locks"))
    return tmp_path / "locks"


class Other:
    """A provision in a process of its own, whose play waits until it is let go."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.here, self.go = root / "other", root / "here", root / "go"
        self.root.mkdir()
        wait = f"touch {self.here}; while ! test -e {self.go}; do sleep 0.1; done"
        waiting = {"name": "Wait", "ansible.builtin.command": {"argv": ["sh", "-c", wait]}}
        code = f"""
            import sys
            from pathlib import Path
            from hybridctl import hostlock
            from hybridctl.provisioning import provision
            from hybridctl.rollout import Rollout
            from hybridctl.testing import LOCAL, Bench
            hostlock.FOLDER = {str(folder)!r}
            ready = Bench(Path({str(self.root)!r}))({{"a": LOCAL}}, {[TAKE, play(waiting), GIVE_BACK]!r})
            sys.exit(provision(ready, Rollout()).exit_code)
        """
        environment = {**os.environ, "HYBRIDCTL_TEST_MARK": str(self.root)}
        self.process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], env=environment)

    def wait(self) -> None:
        """Come back when its play waits."""
        until(lambda: self.here.exists() or self.process.poll() is not None, "the play waits")
        assert self.process.poll() is None, "it ended before it came to its task"

    def end(self) -> int:
        """Let it go to its end."""
        self.go.touch()
        return self.process.wait(60)

    def kill(self) -> None:
        """End it as a kill -9 of everything would."""
        self.process.kill()
        self.process.wait()
        end_processes(str(self.root))


@pytest.fixture
def other(tmp_path: Path, folder: Path) -> Any:
    """A second provision on the same machine; nothing of it is left behind."""
    running = Other(tmp_path, folder)
    yield running
    with suppress(ProcessLookupError):
        running.kill()


def locked_play(bench: Bench, hosts: dict[str, Any], *tasks: dict[str, Any], **options: Any) -> Execution:
    """Return a run that takes the lock, does the tasks, gives the lock back."""
    return bench(hosts, [TAKE, play(*tasks), GIVE_BACK], **options)


def test_of_two_provisions_at_once_the_second_is_refused(bench: Bench, other: Other, folder: Path) -> None:
    """The host fails with owner, control node, time and run named; the other run ends well and gives the lock back."""
    other.wait()
    result = provision(locked_play(bench, {"b": LOCAL, "c": DEAD}, PING), Rollout())
    (failure,) = result.hosts[0].failures
    owner = hostlock.Owner.parse(failure.message)
    assert owner is not None
    assert owner.pid == other.process.pid
    assert (other.root / ".hybridctl" / "runs" / owner.run).is_dir()
    assert "--break-locks" in failure.remedy
    assert (result.named(HostState.FAILED), result.named(HostState.UNREACHABLE)) == (["b"], ["c"])
    # Its process lives: not even the option breaks it.
    assert (
        provision(locked_play(bench, {"b": LOCAL}, PING), Rollout(), conduct=Conduct(break_locks=True)).exit_code == 3
    )
    assert other.end() == 0
    assert not (folder / "lock").exists()
    assert provision(locked_play(bench, {"b": LOCAL}, PING), Rollout()).exit_code is ExitCode.OK


def test_a_plan_tells_of_the_lock_and_needs_none(bench: Bench, other: Other, folder: Path) -> None:
    """It is planned all the same, the lock stays, and no lock is left by the plan itself."""
    other.wait()
    before = (folder / "lock").read_text()
    execution = locked_play(bench, {"b": LOCAL}, PING, check=True)
    result = execute(execution, "plan", extra_vars=hostlock.look())
    assert result.exit_code is ExitCode.OK
    assert f"locked by {before.strip()}" in (result.path / "run.log").read_text()
    assert (folder / "lock").read_text() == before
    assert other.end() == 0
    assert execute(execution, "plan", extra_vars=hostlock.look()).hosts[0].ignored == 0
    assert not (folder / "lock").exists()


def test_after_a_kill_the_lock_is_broken_by_a_yes_and_the_run_resumed(bench: Bench, other: Other, folder: Path) -> None:
    """Without an answer the host is refused; with one it is done. The killed run's host is what is left of it."""
    other.wait()
    other.kill()
    execution = locked_play(bench, {"a": LOCAL}, PING)
    assert provision(execution, Rollout()).exit_code is ExitCode.HOST_FAILED
    questions: list[str] = []

    def yes(question: str) -> bool:
        questions.append(question)
        return True

    result = provision(execution, Rollout(), conduct=Conduct(ask=yes))
    assert result.exit_code is ExitCode.OK
    assert [f"pid {other.process.pid}" in question for question in questions] == [True]
    assert not (folder / "lock").exists()
    killed = replace(execution.site, root=other.root, inventory=other.root / "hosts.yml")
    assert open_record(killed, "latest").left == ("a",)


def test_a_failed_host_is_unlocked_and_what_it_notified_has_run(bench: Bench, folder: Path) -> None:
    """A file that was changed gets its restart though a later task failed: the next run would not notify it again."""
    done = bench.root / "restarted"
    write = {
        "name": "Write",
        "ansible.builtin.copy": {"content": "new", "dest": str(bench.root / "conf"), "mode": "0600"},
        "notify": "Restart",
    }
    broken = {"name": "Break", "ansible.builtin.fail": {"msg": "no"}}
    handler = {"name": "Restart", "ansible.builtin.file": {"path": str(done), "state": "touch", "mode": "0600"}}
    plays = [TAKE, {**play(write, broken), "handlers": [handler]}, GIVE_BACK]
    result = provision(bench({"a": LOCAL}, plays), Rollout())
    assert result.named(HostState.FAILED) == ["a"]
    assert done.exists()
    assert not (folder / "lock").exists()
    assert result.document["remarks"] == []
    assert "finish a ok Give the lock of the host back" in (result.path / "run.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_an_interruption_the_host_is_unlocked(other: Other, folder: Path, number: int) -> None:
    """Ctrl-C ends the play, and the lock is given back by a playbook of its own."""
    other.wait()
    assert (folder / "lock").exists()
    other.process.send_signal(number)
    assert other.process.wait(60) == ExitCode.INTERRUPTED
    assert not (folder / "lock").exists()


def test_batches_end_with_their_handlers_before_the_next_begins(bench: Bench) -> None:
    """What a batch notified has run when the next one starts; each host is in its batch, once."""
    log = bench.root / "log"

    def note(what: str) -> dict[str, Any]:
        return {"ansible.builtin.shell": f"echo {what} {{{{ inventory_hostname }}}} >> {log}"}

    plays = [{**play({"name": "Do", **note("task"), "notify": "H"}), "handlers": [{"name": "H", **note("handler")}]}]
    hosts = dict.fromkeys(("a", "b", "c"), LOCAL)
    result = provision(bench(hosts, plays, forks=1), Rollout().over({"batch": "1,2", "canary": "b"}))
    assert result.exit_code is ExitCode.OK
    lines = log.read_text().splitlines()
    assert lines[:2] == ["task b", "handler b"]
    assert sorted(lines[2:4]) == ["task a", "task c"]
    assert sorted(lines[4:]) == ["handler a", "handler c"]
    assert [(host["name"], host["batch"], host["changed"]) for host in result.document["hosts"]] == [
        ("b", 1, 2),
        ("a", 2, 2),
        ("c", 2, 2),
    ]


def test_a_failed_canary_stops_and_resume_goes_on(bench: Bench) -> None:
    """Nobody else is touched; the next run over what is left does the rest."""
    written = bench.root / "{{ inventory_hostname }}"
    tasks = [
        {"name": "Check", "ansible.builtin.fail": {"msg": "no"}, "when": "not ok_now is defined"},
        {"name": "Write", "ansible.builtin.copy": {"content": "x", "dest": str(written), "mode": "0600"}},
    ]
    hosts = {name: dict(LOCAL) for name in ("a", "b", "c")}
    execution = bench(hosts, [play(*tasks)])
    result = provision(execution, Rollout().over({"canary": "b"}))
    assert result.exit_code is ExitCode.HOST_FAILED
    assert result.named(HostState.NOT_STARTED) == ["a", "c"]
    assert not [name for name in hosts if (bench.root / name).exists()]
    record = open_record(execution.site, "latest")
    again = replace(
        bench({name: {**variables, "ok_now": True} for name, variables in hosts.items()}, [play(*tasks)]),
        hosts=record.left, exact=True,
    )  # fmt: skip
    rollout = Rollout.from_document(record.document["rollout"], {})
    result = provision(again, rollout, conduct=Conduct(resumes=(record.id,)))
    assert (result.exit_code, result.document["resumes"]) == (ExitCode.OK, record.id)
    assert [name for name in hosts if (bench.root / name).exists()] == ["a", "b", "c"]


def test_a_role_alone_runs_with_its_helpers_and_handlers(bench: Bench) -> None:
    """Roles that it includes, files that those include, and what it notified; no task of another role."""

    def say(word: str) -> dict[str, Any]:
        return {"name": word, "ansible.builtin.command": {"argv": ["true"]}}

    files: dict[str, list[dict[str, Any]]] = {
        "outer/tasks/main.yml": [
            {**say("outer"), "notify": "Restart"},
            {"name": "Use", "ansible.builtin.include_role": {"name": "helper"}},
        ],
        "outer/handlers/main.yml": [{"name": "Restart", "ansible.builtin.include_tasks": "again.yml"}],
        "outer/handlers/again.yml": [say("handler")],
        "helper/tasks/main.yml": [say("helper"), {"name": "More", "ansible.builtin.include_tasks": "deep.yml"}],
        "helper/tasks/deep.yml": [say("deep")],
        "other/tasks/main.yml": [say("other")],
    }
    for name, content in files.items():
        path = bench.root / "roles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    roles = [{"role": role, "tags": [f"role_{role}"]} for role in ("outer", "other")]
    result = provision(bench({"a": LOCAL}, [{**play(), "roles": roles}], roles=("outer",)), Rollout())
    assert result.exit_code is ExitCode.OK
    events = [json.loads(line) for line in (result.path / "events.jsonl").read_text().splitlines()]
    changed = [event["task"] for event in events if event["kind"] == "changed"]
    assert changed == ["outer", "helper", "deep", "handler"]


def test_plain_ansible_takes_no_lock(bench: Bench, folder: Path) -> None:
    """Without our variable both tasks are skipped."""
    execution = locked_play(bench, {"a": LOCAL}, PING)
    result = execute(execution, "provision")
    assert (result.exit_code, result.hosts[0].skipped) == (ExitCode.OK, 2)
    assert not folder.exists()
