"""What the memory of drift tells of each host, and when it cannot."""

import fcntl
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Semaphore
from typing import Any

import pytest
from drift_runs import FILE, MODE, UNIT, at, check, provision, recorded

from hybridctl.checks.drifted import Drift
from hybridctl.drift import recall, store
from hybridctl.drift.memory import Memory
from hybridctl.drift.recall import known_drift
from hybridctl.drift.store import memory_file, remember
from hybridctl.errors import HybridctlError
from hybridctl.run_history import read_run
from hybridctl.site import Site

NOW = at(26, 12)
BROKEN = "the last check or provision did not come to its end there"
NEVER = "no provision or check of drift has come to the end of this host yet"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site without runs."""
    (tmp_path / ".hybridctl/runs").mkdir(parents=True)
    return Site(tmp_path, tmp_path / "inventory", "bank")


def told(site: Site, *checks: dict[str, Any], host: str = "a") -> Drift:
    """Take in checks and say what is known of a host at noon of the 26th."""
    for one in checks:
        remember(site, one, ["a", "b"])
    return known_drift(site, NOW)(host)


def test_what_differs_is_counted_and_the_oldest_is_named(site: Site) -> None:
    """Two actions on one file are one resource; five are named at most."""
    first = check(at(25), {"a": [UNIT]})
    many = [UNIT, FILE, {**FILE, "action": "remove"}, *({**FILE, "name": f"/etc/z{n}"} for n in range(6))]
    seen = told(site, first, check(at(26), {"a": many}))
    assert (seen.age, seen.differing, seen.trouble) == (9 * 3600, 8, "")
    assert seen.named == ("unit haproxy.service", "file /etc/x", "file /etc/z0", "file /etc/z1", "file /etc/z2")
    assert known_drift(site, NOW - timedelta(days=1))("a").age == -15 * 3600


def test_a_clean_host_has_none(site: Site) -> None:
    """Looked at, and nothing differs."""
    assert told(site, check(at(26), {"a": []})) == Drift(age=9 * 3600)


def test_a_check_of_another_host_makes_this_one_no_younger(site: Site) -> None:
    """The age is that of the host's own last check."""
    assert told(site, check(at(25), {"a": [], "b": []}), check(at(26), {"b": []}, limit="b")).age == 33 * 3600


@pytest.mark.parametrize("part", [{"layers": ["base"]}, {"roles": ["host_base"]}])
def test_a_check_of_a_part_says_nothing_of_the_whole(site: Site, part: dict[str, Any]) -> None:
    """Alone it leaves the host unknown; after a whole one it makes it no younger, but what it found counts."""
    alone = told(site, check(at(24), {"a": []}, **part))
    assert alone.trouble == "no provision or check of drift has come to the end of this host yet"
    after = told(site, check(at(25), {"a": []}), check(at(26), {"a": [FILE]}, **part))
    assert (after.age, after.named) == (33 * 3600, ("file /etc/x",))


@pytest.mark.parametrize("state", ["failed", "unreachable", "unfinished"])
def test_a_host_that_was_not_reached_is_unknown(site: Site, state: str) -> None:
    """Whatever was known of it before."""
    seen = told(site, check(at(25), {"a": [MODE]}), check(at(26), {"a": []}, status="failed", states={"a": state}))
    assert seen == Drift(trouble=BROKEN)
    layer = check(at(26, 5), {"a": []}, layers=["base"])
    assert told(site, layer).trouble == NEVER
    assert told(site, check(at(26, 6), {"a": []})) == Drift(age=6 * 3600)


def test_a_whole_provision_leaves_nothing_that_differs(site: Site) -> None:
    """Whether anybody looked before or not; one that went before a check, or to another inventory, says nothing."""
    assert told(site).trouble == told(site, host="stranger").trouble != ""
    recorded(site, provision(at(24), {"a": [FILE], "b": [FILE]}, inventory="inventory"))
    assert told(site) == Drift(age=57 * 3600)
    assert told(site, check(at(25), {"a": [MODE]}, inventory="inventory")).named == ("file /etc/y",)
    recorded(site, provision(at(26), {"a": [MODE]}, inventory="staging"))
    assert told(site).differing == 1
    recorded(site, provision(at(26, 1), {"a": [MODE]}, inventory="inventory"))
    assert told(site) == Drift(age=11 * 3600)
    assert told(site, host="b") == Drift(age=57 * 3600)


def test_a_provision_of_a_part_says_nothing_of_the_whole(site: Site) -> None:
    """It repaired what it names, and no more."""
    part = {"layers": ["base"]}
    recorded(site, provision(at(25), {"a": [MODE]}, inventory="inventory", **part))
    assert told(site).trouble == told(site, host="stranger").trouble
    remember(site, check(at(26), {"a": [MODE, UNIT]}, inventory="inventory"), ["a"])
    recorded(site, provision(at(26, 5), {"a": [MODE]}, inventory="inventory", **part))
    assert told(site).named == ("unit haproxy.service",)
    assert not list(site.runs.parent.glob("*.new"))


@pytest.mark.parametrize(
    ("status", "state", "trouble"),
    [
        ("failed", "failed", BROKEN),
        ("unreachable", "unreachable", BROKEN),
        ("interrupted", "unfinished", BROKEN),
        ("broken", "not contacted", BROKEN),
        ("failed", "not started", ""),
        ("interrupted", "nothing to do", ""),
    ],
)
@pytest.mark.parametrize("first", [check, provision])
def test_a_provision_that_failed_on_a_host_leaves_it_unknown(
    site: Site, first: Callable[..., dict[str, Any]], status: str, state: str, trouble: str
) -> None:
    """Whatever was known of it before; where it did not begin that stands. The next whole check tells again."""
    whole = recorded(site, first(at(25), {"a": []}, inventory="inventory"))
    if whole["check"]:
        remember(site, whole, ["a"])
    assert told(site).trouble == ""
    recorded(site, provision(at(26), {"a": []}, inventory="inventory", status=status, states={"a": state}))
    assert told(site).trouble == trouble
    recorded(site, check(at(26, 4), {"a": []}, inventory="inventory"))
    assert told(site) == Drift(age=8 * 3600)


@pytest.mark.parametrize("before", [[provision(at(24), {"a": []}, inventory="inventory")], []])
def test_a_plan_after_a_provision_counts_before_the_first_check(site: Site, before: list[dict[str, Any]]) -> None:
    """What it found differs, whether or not a memory is there; the plan of a fresh host is no drift."""
    for run in (*before, check(at(26), {"a": [UNIT]}, inventory="inventory")):
        recorded(site, run)
    assert told(site) == (Drift(9 * 3600, 1, ("unit haproxy.service",)) if before else Drift(trouble=NEVER))


@pytest.mark.parametrize(("alive", "trouble"), [(False, BROKEN), (True, "")])
def test_a_provision_that_was_killed_leaves_the_hosts_of_its_batches_unknown(
    site: Site, alive: bool, trouble: str
) -> None:
    """Those that it had begun and not ended; while it goes on, what was known before stands."""
    remember(site, check(at(25), {name: [] for name in "abc"}), "abc")
    states = {"c": "ok", "a": "running", "b": "waiting"}
    batches = [{"hosts": [host], "status": state} for host, state in states.items()]
    run = provision(at(26), {}, inventory="inventory", status="running", batches=batches)
    del run["finished"], run["hosts"]
    recorded(site, {**run, "hosts": []})
    folder = site.runs / run["id"]
    (folder / "result.json").write_text(json.dumps(run))
    with (folder / "events.jsonl").open("w") as events:
        events.write("{}\n")
        events.flush()
        for file in folder.iterdir():
            os.utime(file, (at(26).timestamp(), at(26).timestamp()))
        if alive:
            fcntl.flock(events, fcntl.LOCK_EX)
        assert told(site).trouble == trouble
        assert told(site, host="b").trouble == told(site, host="c").trouble == ""


def test_a_provision_taken_in_is_not_taken_in_again(site: Site) -> None:
    """It ended in the second in which the check ended that found a change behind its back."""
    end = {"inventory": "inventory", "finished": at(26, 5).isoformat()}
    recorded(site, {**provision(at(26, 4), {"a": []}, **end), "id": "20261126T040000Z-0001"})
    remember(site, recorded(site, check(at(26, 4), {"a": [UNIT]}, **end)), ["a"])
    assert told(site).differing == 1
    recorded(site, {**provision(at(26, 4), {"a": [UNIT]}, **end), "id": "20261126T040000Z-0002"})
    assert told(site).differing == 0


@pytest.mark.parametrize("damaged", [True, False])
def test_nothing_older_than_the_check_after_a_lost_memory_counts(site: Site, damaged: bool) -> None:
    """A unit was found on a by a check dated ahead, or in a memory that is damaged by now; b alone is checked then."""
    recorded(site, provision(at(25), {"a": [], "b": []}, inventory="inventory"))
    found = check(at(26 if damaged else 28), {"a": [UNIT]}, inventory="inventory")
    remember(site, found, ["a", "b"])
    if damaged:
        memory_file(site).write_text("{")
    seen = told(site, check(at(26, 6), {"b": []}, inventory="inventory", limit="b"))
    assert seen == Drift(trouble=NEVER)
    assert told(site, host="b") == Drift(age=6 * 3600)


def test_the_memory_of_another_inventory_is_not_this_ones(site: Site) -> None:
    """Another one was put into hybridctl.yml; the next check starts anew and says so."""
    told(site, check(at(25), {"a": [], "b": []}, inventory="old"))
    assert "drift.json: of the inventory old, this is inventory" in told(site).trouble
    _, remark = remember(site, check(at(26), {"a": [UNIT]}, inventory="inventory"), ["a", "b"])
    assert "of the inventory old, this is inventory; it is started anew" in remark
    assert told(site).differing == 1
    assert told(site, host="b").trouble == NEVER


def test_it_is_read_once_and_only_when_somebody_asks(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A verification of the GPUs alone waits for no records; of many threads one reads."""
    read, asking = [], Semaphore(0)

    def slow(*_arguments: Any) -> tuple[Memory, str]:
        read.append(1)
        for _ in "abcdefgh":
            assert asking.acquire(timeout=60)  # until all threads are about to ask
        return Memory(), ""

    def ask(host: str) -> Drift:
        asking.release()
        return of(host)

    monkeypatch.setattr(recall, "recall", slow)
    of = known_drift(site, NOW)
    assert read == []
    with ThreadPoolExecutor(8) as pool:
        assert {seen.trouble for seen in pool.map(ask, "abcdefgh")} == {NEVER}
    assert read == [1]


def test_a_run_that_is_pruned_meanwhile_is_passed_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was listed and is gone when it is read; records that cannot be listed are a reason, no end of verify."""
    told(site, check(at(26), {"a": []}))
    gone = recorded(site, provision(at(26, 5), {"a": []}, inventory="inventory"))["id"]
    monkeypatch.setattr(store, "_written", lambda _run: NOW.timestamp())
    (site.runs / gone / "result.json").unlink()
    (site.runs / gone).rmdir()
    monkeypatch.setattr(store, "run_ids", lambda _runs: [gone])
    assert told(site) == Drift(age=9 * 3600)

    def forbidden(_runs: Path) -> list[str]:
        raise HybridctlError("cannot read the recorded runs")

    monkeypatch.setattr(store, "run_ids", forbidden)
    assert told(site) == Drift(trouble="cannot read the recorded runs")


def test_runs_of_long_ago_are_not_read(site: Site) -> None:
    """Before the first check of drift a week of them is."""
    recorded(site, provision(at(18), {"a": []}, inventory="inventory"))
    assert told(site).trouble != ""
    recorded(site, provision(at(20), {"a": []}, inventory="inventory"))
    assert told(site).trouble == ""


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 9}', "[" * 100_000])
def test_a_memory_that_cannot_be_read_says_so(site: Site, text: str) -> None:
    """By its name; nothing of it counts."""
    told(site, check(at(26), {"a": []}))
    memory_file(site).write_text(text)
    assert "drift.json" in told(site).trouble
    assert memory_file(site).read_text() == text


def test_a_memory_of_an_older_version_is_unknown(site: Site) -> None:
    """It did not note when the whole of a host was seen; the next check does."""
    told(site, check(at(25), {"a": []}))
    text = memory_file(site).read_text()
    memory_file(site).write_text(text.replace('"seen"', '"other"'))
    assert told(site).trouble == "no provision or check of drift has come to the end of this host yet"
    assert told(site, check(at(26), {"a": []})).trouble == ""


def test_a_clock_that_was_ahead_tells_no_age(site: Site) -> None:
    """Hosts that the check after it did not look at are unknown."""
    ahead = check(at(28), {"a": [], "b": []})
    assert told(site, ahead, check(at(26), {"a": []})).trouble == ""
    assert told(site, host="b").trouble == "no provision or check of drift has come to the end of this host yet"


def test_each_inventory_has_its_own(site: Site) -> None:
    """Another inventory may give the same name to another machine."""
    told(site, check(at(26), {"a": []}))
    other = replace(site, inventory=site.root / "staging", inventory_is_default=False)
    assert told(other).trouble != ""


def test_a_verification_is_not_even_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no events; the record of one of 500 hosts would take 100 MiB."""
    recorded(site, provision(at(25), {"a": []}, inventory="inventory"))
    verified = recorded(site, {**provision(at(26), {"a": []}, inventory="inventory"), "command": "verify"})
    (site.runs / verified["id"] / "events.jsonl").touch()
    read = []
    monkeypatch.setattr(store, "read_run", lambda path: read.append(path.name) or read_run(path))
    assert told(site).trouble == ""
    assert read == [path.name for path in site.runs.iterdir() if path.name != verified["id"]]
