"""The memory of drift on disk, beside the recorded runs."""

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drift_runs import FILE, MODE, at, check, provision, recorded

from hybridctl.drift import store
from hybridctl.drift.memory import Memory
from hybridctl.drift.store import memory_file, remember
from hybridctl.errors import HybridctlError
from hybridctl.site import Site

NAME = "drift.json"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site without runs."""
    (tmp_path / ".hybridctl" / "runs").mkdir(parents=True)
    return Site(tmp_path, tmp_path / "inventory", "bank")


def since(memory: Memory) -> dict[str, int]:
    """Return name -> day of host a."""
    return {drifted.name: drifted.since.day for drifted in memory.hosts["a"].drifted}


def test_it_is_private_and_comes_back(site: Site) -> None:
    """Two checks, two processes as it were: the second knows the first one's day; mode 0600."""
    first, remark = remember(site, recorded(site, check(at(24), {"a": [FILE]})), ["a"])
    assert (since(first), remark) == ({"/etc/x": 24}, "")
    second, _ = remember(site, recorded(site, check(at(25), {"a": [FILE, MODE]})), ["a"])
    assert since(second) == {"/etc/x": 24, "/etc/y": 25}
    assert oct((site.root / ".hybridctl" / NAME).stat().st_mode)[-3:] == "600"
    assert sorted(path.name for path in (site.root / ".hybridctl").iterdir()) == [NAME, "runs"]


@pytest.mark.parametrize("between", [provision(at(25), {"a": [FILE]}), check(at(25), {"a": []})])
def test_what_was_recorded_between_two_checks_counts(site: Site, between: dict[str, Any]) -> None:
    """A provision that repaired it, or a plan that found nothing: the next drift is a new one."""
    remember(site, recorded(site, check(at(24), {"a": [FILE]})), ["a"])
    recorded(site, between)
    memory, _ = remember(site, recorded(site, check(at(26), {"a": [FILE]})), ["a"])
    assert since(memory) == {"/etc/x": 26}


def test_a_provision_that_ends_after_the_check_counts_for_the_next(site: Site) -> None:
    """It began before the check and ended after it: its identifier is the older one, its end is what counts."""
    late = provision(at(24, 2), {"a": [FILE]}, finished=at(24, 4).isoformat())
    remember(site, recorded(site, check(at(24, 3), {"a": [FILE]})), ["a"])
    recorded(site, late)
    memory, _ = remember(site, recorded(site, check(at(26), {"a": [FILE]})), ["a"])
    assert since(memory) == {"/etc/x": 26}


def test_runs_that_tell_nothing_are_passed_over(site: Site) -> None:
    """One that was killed, one that is no JSON, one without hosts, one whose changes are gone: the day stays."""
    remember(site, recorded(site, check(at(24), {"a": [FILE]})), ["a"])
    killed = provision(at(25, 1), {"a": [FILE]}, status="running")
    del killed["finished"]
    recorded(site, killed)
    for hour, text in ((2, "{"), (3, json.dumps({"command": "plan", "finished": at(25).isoformat()}))):
        folder = site.runs / f"{at(25, hour):%Y%m%dT%H%M%SZ}-0000"
        folder.mkdir()
        (folder / "result.json").write_text(text)
    half = check(at(25, 4), {"a": []})
    recorded(site, half)
    del half["hosts"][0]["changes"]
    (site.runs / half["id"] / "result.json").write_text(json.dumps(half))
    memory, remark = remember(site, recorded(site, check(at(26), {"a": [FILE]})), ["a"])
    assert (since(memory), remark) == ({"/etc/x": 24}, "")


def test_runs_before_the_first_check_do_not_count(site: Site) -> None:
    """The plan of a fresh host is no drift of today's."""
    recorded(site, check(at(23), {"a": [FILE]}))
    memory, _ = remember(site, recorded(site, check(at(24), {"a": [FILE]})), ["a"])
    assert since(memory) == {"/etc/x": 24}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"schema": 1,\n oops', "drift.json:2: not JSON"),
        (b"[]", "drift.json: not a memory of drift: TypeError"),
        (b'{"schema": 9}', "schema 9, this version reads 1"),
        (b"\xff\xfe", "drift.json: not a memory of drift: UnicodeDecodeError"),
        (b"", "drift.json:1: not JSON"),
        (b"[" * 100_000, "drift.json: not a memory of drift: RecursionError"),
    ],
)
def test_a_damaged_file_is_named_and_started_anew(site: Site, text: bytes, words: str) -> None:
    """The check is not lost for it; its day is this one, and the user is told."""
    path = site.root / ".hybridctl" / NAME
    path.write_bytes(text)
    memory, remark = remember(site, recorded(site, check(at(24), {"a": [FILE]})), ["a"])
    assert words in remark
    assert "started anew" in remark
    assert since(memory) == {"/etc/x": 24}
    assert Memory.read(json.loads(path.read_text())) == memory


def test_a_memory_that_cannot_be_written_is_an_error(site: Site) -> None:
    """Named, with what to do; a folder stands where the file belongs."""
    (site.root / ".hybridctl" / NAME).mkdir()
    with pytest.raises(HybridctlError, match=r"drift\.json: cannot be written: Is a directory"):
        remember(site, check(at(24), {"a": []}), ["a"])


def test_a_clock_that_was_ahead_does_not_blind_the_checks(site: Site) -> None:
    """A check of a year to come: the next one, by the right clock, is the last check, and provisions count again."""
    remember(site, recorded(site, check(at(24).replace(year=2126), {"a": [FILE]})), ["a"])
    memory, remark = remember(site, recorded(site, check(at(24), {"a": [FILE, MODE]})), ["a"])
    assert memory.checked == at(24)
    assert {drifted.since for drifted in memory.hosts["a"].drifted} == {at(24)}
    assert "the last check is of 2126-11-24" in remark
    recorded(site, provision(at(25), {"a": [FILE]}))
    memory, remark = remember(site, recorded(site, check(at(26), {"a": [FILE, MODE]})), ["a"])
    assert (since(memory), remark) == ({"/etc/x": 26, "/etc/y": 26}, "")


def test_a_check_of_another_inventory_counts_for_none(site: Site) -> None:
    """Staging has a host of the same name; what was planned or repaired there is no news of ours."""
    ours = {"inventory": "production"}
    remember(site, recorded(site, check(at(24), {"a": [FILE]}, **ours)), ["a"])
    recorded(site, provision(at(25), {"a": [FILE]}, inventory="staging"))
    memory, _ = remember(site, recorded(site, check(at(26), {"a": [FILE]}, **ours)), ["a"])
    assert since(memory) == {"/etc/x": 24}


def test_each_inventory_has_a_memory_of_its_own(site: Site) -> None:
    """A check of staging neither forgets production's hosts nor takes over their days."""
    staging = replace(site, inventory=site.root / "inventories/staging", inventory_is_default=False)
    remember(site, recorded(site, check(at(24), {"a": [FILE]})), ["a"])
    other = {"inventory": staging.inventory_name}
    remember(staging, recorded(site, check(at(25), {"a": [FILE]}, **other)), ["a"])
    assert since(remember(site, check(at(26), {"a": [FILE]}), ["a"])[0]) == {"/etc/x": 24}
    assert since(remember(staging, check(at(26), {"a": [FILE]}, **other), ["a"])[0]) == {"/etc/x": 25}
    assert memory_file(staging) == site.root / ".hybridctl/drift-inventories%2Fstaging.json"


def test_two_checks_take_turns(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """From reading the memory to writing it nobody else gets the lock, and afterwards anybody does."""

    def is_free() -> bool:
        handle = os.open(site.root / ".hybridctl", os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(handle)
        return True

    free = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            free.append(is_free())
            return function(*arguments)

        return call

    monkeypatch.setattr(store, "read_memory", watched(store.read_memory))
    monkeypatch.setattr(store, "write_whole", watched(store.write_whole))
    remember(site, check(at(24), {"a": []}), ["a"])
    assert (free, is_free()) == ([False, False], True)
