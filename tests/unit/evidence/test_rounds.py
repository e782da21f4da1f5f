"""Suspended checks: run again until nothing is missing, bounded, and never mistaken for an answer."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from testinfra.host import Host

from hybridctl.checks.model import CannotTell, ConnectionLost
from hybridctl.evidence.answers import Answer, Miss, Trouble
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.evidence.rounds import ROUNDS, first_misses, in_rounds


class Far:
    """A host that answers a command with its own text, and notes what each trip asked."""

    def __init__(self, lost_after: int = 999) -> None:
        self.backend = EvidenceBackend("far")
        self.host: Any = Host(self.backend)
        self.trips: list[list[str]] = []
        self.lost_after = lost_after

    def fetch(self, commands: Sequence[str]) -> None:
        """Answer."""
        if len(self.trips) >= self.lost_after:
            raise ConnectionLost("gone")
        self.trips.append(list(commands))
        self.backend.answers |= {command: Answer(0, command.encode(), b"") for command in commands}

    def chain(self, *commands: str) -> list[str]:
        """Ask commands one after another, as a check does."""
        return [self.host.run(command).stdout for command in commands]


def test_trips_are_as_deep_as_the_deepest_check() -> None:
    """Everything missing is asked together, each command once."""
    far = Far()
    jobs = [lambda: far.chain("a", "b", "c"), lambda: far.chain("x"), lambda: far.chain("a", "y")]
    outcome = in_rounds(jobs, far.fetch)
    assert outcome.done == [["a", "b", "c"], ["x"], ["a", "y"]]
    assert far.trips == [["a", "x"], ["b", "y"], ["c"]]


def test_first_misses_need_no_host() -> None:
    """What is asked first is known without contact; a job that ends by itself asks nothing."""
    far = Far()
    assert first_misses([lambda: far.chain("a", "b"), lambda: 1, lambda: far.chain("a")]) == ["a"]
    assert far.trips == []


def test_a_check_that_asks_for_ever_ends() -> None:
    """The rounds are bounded, and the others have their results."""
    far, numbers = Far(), count()

    def endless() -> list[str]:
        while True:
            far.host.run(f"command {next(numbers)}")

    outcome = in_rounds([endless, lambda: far.chain("x")], far.fetch)
    assert outcome.done == [None, ["x"]]
    assert len(far.trips) == ROUNDS


def test_a_host_that_goes_away_is_judged_by_what_it_told() -> None:
    """The result whose commands were all answered stands."""
    far = Far(lost_after=1)
    outcome = in_rounds([lambda: far.chain("a", "b"), lambda: far.chain("x")], far.fetch)
    assert outcome.done == [None, ["x"]]
    assert str(outcome.lost) == "gone"


def test_no_handler_of_exceptions_takes_a_miss_for_an_answer() -> None:
    """Not even the widest one that a check may have."""
    far = Far()

    def careless() -> None:
        try:
            far.host.run("a")
        except Exception:
            pytest.fail("a check would have judged without the answer")

    with pytest.raises(Miss):
        careless()


def test_a_command_without_an_answer_cannot_tell() -> None:
    """Its reason is the verdict's."""
    far = Far()
    far.backend.answers["a"] = Trouble("it hung")
    with pytest.raises(CannotTell, match="it hung"):
        far.host.run("a")
    with pytest.raises(CannotTell, match="NUL"):
        far.host.run("a\0b")


def test_testinfras_modules_run_over_it() -> None:
    """A module that asks several commands is suspended at each of them; nothing half known is remembered."""
    far = Far()
    told = {
        "uname -s": Answer(0, b"Linux\n", b""),
        "uname -m": Answer(0, b"x86_64\n", b""),
        "cat /etc/os-release": Answer(0, b"ID=debian\nVERSION_ID=12\n", b""),
        "test -e /etc/hosts": Answer(0, b"", b""),
        "stat -Lc %a /etc/hosts": Answer(0, b"644\n", b""),
    }

    def fetch(commands: Sequence[str]) -> None:
        far.trips.append(list(commands))
        far.backend.answers |= {command: told.get(command, Answer(1, b"", b"")) for command in commands}

    def check() -> tuple[bool, int]:
        file = far.host.file("/etc/hosts")
        return file.exists, file.mode

    assert in_rounds([check], fetch).done == [(True, 0o644)]
    assert ["test -e /etc/hosts"] in far.trips


def test_sudo_of_testinfra_is_part_of_the_command() -> None:
    """A miss inside `host.sudo()` leaves no user behind."""
    far = Far()

    def check() -> list[str]:
        with far.host.sudo("vllm"):
            inside = far.chain("id")
        return inside + far.chain("id")

    assert in_rounds([check], far.fetch).done == [["sudo -u vllm /bin/sh -c id", "id"]]
