"""Control groups, on plain folders that look like them."""

import subprocess
import threading
from pathlib import Path

import pytest

from hybridctl.errors import HybridctlError
from hybridctl.lab.cgroup import kill_all, members, remove_tree


def test_members_of_the_whole_tree_are_found(tmp_path: Path) -> None:
    """Processes of a group and of those below it are listed once, in order, 0 (of another pid namespace) is not."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "cgroup.procs").write_text("7\n")
    (tmp_path / "a" / "b" / "cgroup.procs").write_text("3\n12\n0\n")
    assert members(tmp_path) == [3, 7, 12]
    assert members(tmp_path / "none") == []


def test_groups_may_vanish_while_they_are_read(tmp_path: Path) -> None:
    """A host that starts and ends units meanwhile does not disturb the reading."""
    (tmp_path / "cgroup.procs").write_text("7\n")
    done = threading.Event()

    def units() -> None:
        while not done.is_set():
            folder = tmp_path / "payload" / "unit"
            (folder / "sub").mkdir(parents=True)
            (folder / "sub").rmdir()
            folder.rmdir()

    thread = threading.Thread(target=units)
    thread.start()
    try:
        assert all(members(tmp_path) == [7] for _ in range(3000))
    finally:
        done.set()
        thread.join()


def test_a_tree_is_removed_deepest_first(tmp_path: Path) -> None:
    """Empty groups go with all below them."""
    (tmp_path / "g" / "1" / "payload").mkdir(parents=True)
    remove_tree(tmp_path / "g")
    assert not (tmp_path / "g").exists()


def test_a_tree_in_use_is_told(tmp_path: Path) -> None:
    """A group that stays is an error that names it."""
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "busy").touch()
    with pytest.raises(HybridctlError, match="still in use"):
        remove_tree(tmp_path / "g", patience=0.1)


def test_killing_goes_on_until_nothing_is_found() -> None:
    """A process that is found is ended; one that stays is told with its number."""
    with subprocess.Popen(["sleep", "60"]) as child:
        kill_all(lambda: [child.pid] if child.poll() is None else [], "the test")
        assert child.poll() == -9
    with pytest.raises(HybridctlError, match=r"\[4194399\] of the test do not end"):
        kill_all(lambda: [4194399], "the test", patience=0.1)
