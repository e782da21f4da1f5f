"""The lock of a host: the script itself, raced by many; who is dead; and that playbook and core speak of the same."""

import fcntl
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import hybridctl
from hybridctl import content
from hybridctl.events import Outcomes, parse
from hybridctl.failures import explain
from hybridctl.hostlock import GIVE_BACK, TAKE, Locks, Owner, breakable, look
from hybridctl.runner import MARK
from hybridctl.testing import result_event, start

SCRIPT = (Path(hybridctl.__file__).parent / "data" / "hostlock.sh").read_text()


def lock(folder: Path, action: str, owner: str, broken: str = "") -> tuple[int, str]:
    """Run the script as the playbook does; return its status and what it says."""
    done = subprocess.run(
        ["sh", "-c", SCRIPT, "hostlock", action, str(folder), owner, broken],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.strip()


def test_a_lock_is_taken_once_and_given_back(tmp_path: Path) -> None:
    """A second owner is refused with the first one named; after the release it gets the lock."""
    folder = tmp_path / "run" / "hybridctl"
    assert lock(folder, "take", "alice@a since 1") == (0, "")
    assert lock(folder, "take", "bob@b since 2") == (75, "locked by alice@a since 1")
    assert (folder / "lock").read_text() == "alice@a since 1\n"
    assert lock(folder, "release", "alice@a since 1") == (0, "")
    assert lock(folder, "take", "bob@b since 2") == (0, "")


def test_taking_it_twice_is_no_conflict(tmp_path: Path) -> None:
    """Two names of one machine in an inventory, or a batch that is played again."""
    assert [lock(tmp_path, "take", "alice") for _ in range(2)] == [(0, ""), (0, "")]


def test_only_the_owner_gives_it_back(tmp_path: Path) -> None:
    """Whose lock was broken leaves that of the new owner alone."""
    lock(tmp_path, "take", "alice")
    assert lock(tmp_path, "release", "bob") == (0, "")
    assert lock(tmp_path, "look", "bob") == (75, "locked by alice")


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """Not even the folder is made."""
    assert lock(tmp_path / "none", "look", "alice") == (0, "")
    assert not (tmp_path / "none").exists()


def test_exactly_the_lock_that_was_looked_at_is_broken(tmp_path: Path) -> None:
    """When somebody else took it meanwhile, it stays theirs."""
    lock(tmp_path, "take", "dead")
    assert lock(tmp_path, "take", "alice", broken="dead") == (0, "")
    assert lock(tmp_path, "take", "bob", broken="dead") == (75, "locked by alice")


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_at_once_exactly_one_gets_it(tmp_path: Path, stale: bool) -> None:
    """A free lock, and a stale one that all may break."""
    if stale:
        lock(tmp_path, "take", "dead")
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda n: lock(tmp_path, "take", f"owner-{n}", "dead")[0], range(16)))
    assert sorted(results) == [0, *[75] * 15]


def test_what_is_seen_and_what_is_written_are_one_step(tmp_path: Path) -> None:
    """While another process is between its look and its write, the script waits; then it sees what was written."""
    with (tmp_path / "guard").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        argv = ["sh", "-c", SCRIPT, "hostlock", "take", str(tmp_path), "bob", "dead"]
        with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as script:
            while script.poll() is None and not _children(script.pid, "flock"):
                time.sleep(0.01)
            assert script.poll() is None, "it did not wait"
            (tmp_path / "lock").write_text("alice\n")
            fcntl.flock(guard, fcntl.LOCK_UN)
            assert script.communicate()[1] == "locked by alice\n"
    assert script.returncode == 75


def _children(parent: int, name: str) -> list[str]:
    """Return the children of a process that run a program of this name."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it may end while we look
            head, _, tail = path.read_text(errors="replace").rpartition(")")
            if head.partition("(")[2] == name and tail.split()[1] == str(parent):
                found.append(path.parent.name)
    return found


def test_what_is_in_the_way_is_told(tmp_path: Path) -> None:
    """A folder that cannot be made is no lock of somebody else."""
    (tmp_path / "file").write_text("")
    status, said = lock(tmp_path / "file" / "hybridctl", "take", "alice")
    assert status == 1
    assert "locked by" not in said
    assert said


def test_an_owner_is_read_back_from_the_message_of_a_failure() -> None:
    """It travels as text: in the lock, in the task's stderr, in the failure."""
    owner = Owner.ourselves("20260101T000000Z-1a2b")
    failed = {"msg": "non-zero return code", "rc": 75, "stderr": f"locked by {owner}"}
    message, remedy = explain(failed, host="gw1")
    assert Owner.parse(message) == owner
    assert "--break-locks" in remedy
    assert Owner.parse("no space left") is None


def test_who_is_alive() -> None:
    """This process is; one that was started at another time under its number is not; nor is a number nobody has."""
    owner = Owner.ourselves("20260101T000000Z-1a2b")
    assert (owner.is_here, owner.is_alive) == (True, True)
    assert replace(owner, started=owner.started - 1).is_alive is False
    with subprocess.Popen(["true"]) as gone:
        pass
    assert replace(owner, pid=gone.pid).is_alive is False


def test_a_killed_run_lives_as_long_as_its_playbook() -> None:
    """hybridctl is gone, but its ansible-playbook still changes the host."""
    owner = replace(Owner.ourselves(f"20260101T000000Z-{os.getpid()}"), started=1)
    with subprocess.Popen(["sleep", "984"], env={**os.environ, MARK: owner.run}) as left_behind:
        assert owner.is_alive is True
        left_behind.kill()
    assert owner.is_alive is False


def test_who_goes_on_with_a_dead_run_breaks_its_locks() -> None:
    """Naming the run is the yes; not while its playbook lives, and not for another run's lock."""
    dead = replace(Owner.ourselves(f"20260101T000000Z-{os.getpid()}"), started=1)
    assert breakable({"a": dead}, False, None, (dead.run,)) == {"a": dead}
    assert breakable({"a": dead}, False, None, ("another",)) == {}
    assert breakable({"a": replace(dead, control="elsewhere")}, False, None, (dead.run,)) == {}
    with subprocess.Popen(["sleep", "984"], env={**os.environ, MARK: dead.run}) as left_behind:
        assert breakable({"a": dead}, False, None, (dead.run,)) == {}
        left_behind.kill()


@pytest.mark.parametrize("change", [{"control": "elsewhere"}, {"boot": "000000000000"}])
def test_who_is_not_here(change: dict[str, str]) -> None:
    """Another machine, another of the same name, or this one before its last boot: nobody here can tell."""
    assert replace(Owner.ourselves("20260101T000000Z-1a2b"), **change).is_here is False  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kinds", "held"),
    [
        (["start take"], True),
        (["start take", "ok take"], True),
        (["start take", "failed take"], False),
        (["start take", "unreachable take"], True),
        (["skipped take"], False),
        (["ok take", "ok back"], False),
        (["ok take", "unreachable back"], True),
        (["ok other"], False),
    ],
)
def test_which_hosts_may_hold_our_lock(kinds: list[str], held: bool) -> None:
    """An interrupted task tells nothing, so the lock is given back there too."""
    locks, outcomes = Locks(Owner.ourselves("20260101T000000Z-1a2b")), Outcomes(["a"])
    names = {"take": TAKE, "back": GIVE_BACK, "other": "Write"}
    for kind, _, task in map(lambda text: text.partition(" "), kinds):  # noqa: C417
        raw = start("a", names[task]) if kind == "start" else result_event(f"runner_on_{kind}", "a", names[task])
        event = parse(raw)
        assert event is not None
        locks(event, outcomes)
    assert ("a" in locks.held) == held


def test_playbooks_and_core_name_the_same_tasks_and_keys() -> None:
    """The core knows the tasks by their names, the tasks know the variable by its keys."""
    folder = content.collection_root() / "playbooks"
    for name, task in (("host_lock.yml", TAKE), ("host_unlock.yml", GIVE_BACK)):
        text = (folder / name).read_text()
        (play,) = yaml.safe_load(text)
        assert [entry["name"] for entry in play["tasks"]] == [task]
        assert all(f"hybridctl_lock.{key}" in text for key in ("script", "folder", "owner"))
    assert set(look()["hybridctl_lock"]) == {"action", "folder", "owner", "broken", "script"}


def test_the_script_is_no_template() -> None:
    """It travels in a variable, and Ansible would read these as its own."""
    assert not [mark for mark in ("{{", "{%", "{#") if mark in SCRIPT]
