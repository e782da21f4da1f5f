"""How long a batch is expected to take, from records of former runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from hybridctl.durations import expected_seconds


def record(runs: Path, name: str, hosts: dict[str, str], seconds: float = 100.0, **changes: Any) -> None:
    """Write the record of a run with one batch; `hosts` are states by name."""
    document = {
        "command": "provision",
        "check": False,
        "layers": [],
        "roles": [],
        "batches": [{"number": 1, "seconds": seconds}],
        "hosts": [{"name": host, "state": state, "batch": 1} for host, state in hosts.items()],
    } | changes
    (runs / name).mkdir(parents=True)
    (runs / name / "result.json").write_text(json.dumps(document))


def test_the_last_record_of_each_host_and_the_longest_of_them(tmp_path: Path) -> None:
    """An older record of a host does not count once there is a newer one."""
    record(tmp_path, "20260101T000000Z-0001", {"a": "ok", "b": "ok"}, 900)
    record(tmp_path, "20260102T000000Z-0001", {"a": "ok"}, 100)
    record(tmp_path, "20260103T000000Z-0001", {"b": "ok"}, 200)
    assert expected_seconds(tmp_path, ["a", "b"], (), ()) == (200.0, 0)
    assert expected_seconds(tmp_path, ["a"], (), ()) == (100.0, 0)
    assert expected_seconds(tmp_path, ["b", "new"], (), ()) == (200.0, 1)


def test_what_is_not_comparable_does_not_count(tmp_path: Path) -> None:
    """Checks, plans, other layers or roles, runs that were killed, hosts that failed, files that cannot be read."""
    record(tmp_path, "20260101T000000Z-0001", {"a": "ok"}, check=True)
    record(tmp_path, "20260102T000000Z-0001", {"a": "ok"}, command="plan")
    record(tmp_path, "20260103T000000Z-0001", {"a": "ok"}, layers=["base"])
    record(tmp_path, "20260104T000000Z-0001", {"a": "ok"}, roles=["vllm"])
    record(tmp_path, "20260105T000000Z-0001", {"a": "failed"})
    (tmp_path / "20260106T000000Z-0001").mkdir()
    (tmp_path / "20260106T000000Z-0001" / "result.json").write_text('{"command": "prov')
    assert expected_seconds(tmp_path, ["a"], (), ()) == (None, 1)
    assert expected_seconds(tmp_path, ["a"], ("base",), ()) == (100.0, 0)
    assert expected_seconds(tmp_path, ["a"], (), ("vllm",)) == (100.0, 0)


def test_a_host_of_another_inventory_is_another_host(tmp_path: Path) -> None:
    """Staging is no measure of production; records from before the inventory was noted count."""
    record(tmp_path, "20260101T000000Z-0001", {"a": "ok"}, 900)
    record(tmp_path, "20260102T000000Z-0001", {"a": "ok"}, 100, inventory="staging")
    assert expected_seconds(tmp_path, ["a"], (), (), inventory="production") == (900.0, 0)
    assert expected_seconds(tmp_path, ["a"], (), (), inventory="staging") == (100.0, 0)


@pytest.mark.parametrize(("forks", "seconds"), [(4, 100.0), (2, 200.0), (1, 400.0)])
def test_more_hosts_than_forks_take_their_turns(tmp_path: Path, forks: int, seconds: float) -> None:
    """Each host was alone when it took 100 s; four by two forks take twice as long, and a wider run no less."""
    for number, host in enumerate("abcd"):
        record(tmp_path, f"20260101T00000{number}Z-0001", {host: "ok"}, 100, forks=20)
    assert expected_seconds(tmp_path, ["a", "b", "c", "d"], (), (), forks=forks) == (seconds, 0)


def test_turns_that_were_measured_count_once(tmp_path: Path) -> None:
    """Four hosts by two forks took 100 s: they take that again, twice that by one fork, and no less by four."""
    record(tmp_path, "20260101T000000Z-0001", dict.fromkeys("abcd", "ok"), 100, forks=2)
    for forks, seconds in ((2, 100.0), (1, 200.0), (4, 100.0)):
        assert expected_seconds(tmp_path, ["a", "b", "c", "d"], (), (), forks=forks) == (seconds, 0)


def test_a_site_without_runs(tmp_path: Path) -> None:
    """The first run of a site knows nothing."""
    assert expected_seconds(tmp_path / "none", ["a", "b"], (), ()) == (None, 2)
