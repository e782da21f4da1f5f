"""What the memory of drift tells of each host, and when it cannot."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from drift_runs import FILE, MODE, UNIT, at, check, provision, recorded

from hybridctl.checks.drifted import Drift
from hybridctl.drift.recall import known_drift
from hybridctl.drift.store import memory_file, remember
from hybridctl.site import Site

NOW = at(26, 12)


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
    assert seen == Drift(trouble="the last check of drift did not come to the end of this host")


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


@pytest.mark.parametrize("part", [{"layers": ["base"]}, {"status": "failed", "states": {"a": "failed"}}])
def test_a_provision_of_a_part_says_nothing_of_the_whole(site: Site, part: dict[str, Any]) -> None:
    """It repaired what it names, and no more."""
    recorded(site, provision(at(25), {"a": [MODE]}, inventory="inventory", **part))
    assert told(site).trouble == told(site, host="stranger").trouble
    remember(site, check(at(26), {"a": [MODE, UNIT]}, inventory="inventory"), ["a"])
    recorded(site, provision(at(26, 5), {"a": [MODE]}, inventory="inventory", **part))
    assert told(site).named == ("unit haproxy.service",)
    assert not list(site.runs.parent.glob("*.new"))


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
