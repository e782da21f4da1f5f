"""What verify holds of a fleet: of a host that is done its results and nothing else, whatever the number of hosts."""

import gc
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host as Asked

from hybridctl import verification
from hybridctl.access import Access
from hybridctl.checks import Result
from hybridctl.checks.model import ConnectionLost
from hybridctl.evidence.answers import Answer
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.inventory import Host, Inventory
from hybridctl.json_text import Objects
from hybridctl.report import verify_document
from hybridctl.site import Site
from hybridctl.verification import HostState, Verification, verify

NAMES = tuple(f"h{number:02}" for number in range(50))
FORKS = 4


class Said(Answer):
    """An answer, told from those of other tests."""


class Line:
    """A connection to a host that says the same to every command; every tenth is lost on the way."""

    def __init__(self, name: str, _access: Access) -> None:
        self.backend = EvidenceBackend(name)
        self.host: Any = Asked(self.backend)
        self.backend.set_host(self.host)
        self.reached, self.is_lost = True, name.endswith("9")

    def open(self, ask: Sequence[str] = ()) -> None:
        """Reach it, and ask on the way."""
        self.fetch(ask)

    def fetch(self, commands: Iterable[str]) -> None:
        """Have the answers."""
        for command in commands:
            self.backend.answers[command] = Said(1, b"", b"rubbish")
        if self.is_lost:
            raise ConnectionLost("gone")

    def close(self) -> None:
        """End it."""


def alive(kind: type) -> int:
    """How many objects of a kind there are."""
    return sum(type(one) is kind for one in gc.get_objects())


@pytest.fixture
def held() -> dict[type, int]:
    """What was there, of each kind, when the last host was done, beyond what was there before."""
    return {}


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, held: dict[type, int]) -> Verification:
    """A verification of many hosts."""
    hosts = {name: Host(name, name, 22, (), "lab-monitoring", {}) for name in NAMES}
    monkeypatch.setattr(verification, "load_inventory", lambda _site: Inventory(hosts, {"all": NAMES}))
    monkeypatch.setattr(verification, "asking", lambda _site: nullcontext(lambda *_: dict.fromkeys(NAMES, Access())))
    monkeypatch.setattr(verification, "Connection", Line)
    # With its answers, so that a connection is seen to hold them.
    monkeypatch.setattr(verification.Keeping, "keep", lambda *_args, **_more: None)
    kinds = (Line, Said, Future, Result)
    gc.collect()
    before = {kind: alive(kind) for kind in kinds}

    def count(done: int, asked: int) -> None:
        if done == asked:
            gc.collect()
            held.update({kind: alive(kind) - before[kind] for kind in kinds})

    return verify(Site(tmp_path, tmp_path, "test"), only=["os", "kernel"], forks=FORKS, on_progress=count)


def test_a_host_that_is_done_leaves_its_results_and_nothing_else(done: Verification, held: dict[type, int]) -> None:
    """No connection, no answer, no future, and of each result only the one that is reported."""
    each = len(done.hosts[0].results)
    assert each >= 5
    assert len(done.named(HostState.UNREACHABLE)) == 5
    # The threads may still have their last host in hand.
    assert held[Line] <= FORKS
    assert held[Said] <= FORKS * each
    assert held[Future] <= FORKS
    assert held[Result] <= sum(len(host.results) for host in done.hosts) + FORKS * each


def test_what_hosts_say_alike_is_one_text(done: Verification) -> None:
    """Reasons, expectations and commands, of which a fleet has the same tens of thousands of times."""
    first, second = done.hosts[:2]
    for one, other in zip(first.results, second.results, strict=True):
        texts = [(r.check, r.expected, r.reason, *r.commands) for r in (one, other)]
        assert texts[0] == texts[1]
        assert list(map(id, texts[0])) == list(map(id, texts[1]))


def test_texts_die_with_their_run(done: Verification, tmp_path: Path) -> None:
    """Nothing keeps them for the next round of a watch."""
    again = verify(Site(tmp_path, tmp_path, "test"), only=["os", "kernel"], forks=FORKS)
    pairs = list(zip(done.hosts[0].results, again.hosts[0].results, strict=True))
    read = [(one.reason, other.reason) for one, other in pairs if "rubbish" in one.reason]
    assert read
    for one, other in read:
        assert one == other
        assert one is not other


def test_the_document_has_no_host_before_it_is_written(done: Verification) -> None:
    """All of them as dictionaries take more than the results."""
    hosts = verify_document(done)["hosts"]
    assert isinstance(hosts, Objects)
    assert [host["name"] for host in hosts] == list(NAMES)
