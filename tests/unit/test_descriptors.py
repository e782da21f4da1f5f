"""Files that may be open, and how many hosts that is enough for."""

import resource
import subprocess
import sys

import pytest

from hybridctl.descriptors import room_for

INFINITE = resource.RLIM_INFINITY


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The limits of a process that has 4 files open: now, and at most."""
    found = [1024, 1024]
    monkeypatch.setattr("os.listdir", lambda _folder: ["0", "1", "2", "3"])
    monkeypatch.setattr(resource, "getrlimit", lambda _which: tuple(found))
    monkeypatch.setattr(resource, "setrlimit", lambda _which, wanted: found.__setitem__(slice(None), wanted))
    return found


@pytest.mark.parametrize(
    ("now", "most", "room", "then"),
    [
        (1024, 4096, 20, 1024),
        (64, 64, 4, 64),
        (10, 10, 1, 10),
        (64, 4096, 20, 220),
        (64, 100, 8, 100),
        (64, INFINITE, 20, 220),
        (INFINITE, INFINITE, 20, INFINITE),
    ],
)
def test_room_for_twenty_hosts(limits: list[int], now: int, most: int, room: int, then: int) -> None:
    """All that there is room for, never none; the limit is raised no further than it must be and may be."""
    limits[:] = [now, most]
    assert (room_for(20), *limits) == (room, then, most)


SCRIPT = """
from pathlib import Path
from hybridctl.access import Access
from hybridctl.checks import Expectation
from hybridctl.connection import Connection
from hybridctl.profiles import Profile
from hybridctl.verification import Target, judge_targets
asked = Expectation("os.architecture", "any_of", ("x86_64", "aarch64"))
profile = Profile("p", "p", Path("p"), False, {"os.architecture": asked})
targets = [Target(f"h{n}", profile, Access(local=True)) for n in range(100)]
print(*(str(result.verdict) for host in judge_targets(targets, Connection, forks=100) for result in host.results))
"""


def test_a_hundred_hosts_with_few_files() -> None:
    """`ulimit -n 64` and 100 hosts at a time: fewer are talked with at once, all are judged."""
    argv = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", sys.executable, "-c", SCRIPT]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["PASS"] * 100
