"""The recorded runs, read back whole, killed and damaged."""

import json
from pathlib import Path

import pytest
from recorded_runs import FAILED_RUN, QUIET_RUN, record

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.report.run_text import duration, runs_lines
from hybridctl.run_history import NO_RESULT, find_run, list_runs, run_ids
from hybridctl.testing import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty site."""
    return Bench(tmp_path)


def test_a_run_is_read_back(bench: Bench) -> None:
    """Who, command, status, hosts with counters, seconds by layer and failures are those of result.json."""
    run = record(bench)
    assert (run.command, run.status, run.asked, run.has_ended) == ("provision", "failed", 2, True)
    assert run.who == json.loads((run.path / "result.json").read_text())["who"]
    gw1, cpu1 = run.hosts
    assert (gw1.state, gw1.counters["changed"], gw1.layers) == ("ok", 2, {"base": 10.0})
    assert (cpu1.state, cpu1.failures[0].message) == ("failed", "No space left on device")
    assert run.damage == ()
    assert [run.count(what) for what in ("ok", "changed", "failed", "unreachable")] == [1, 2, 1, 0]


def test_runs_are_listed_newest_first(bench: Bench) -> None:
    """Also two of one second; what is no run is not in the list."""
    ids = [record(bench).id for _ in range(3)]
    (bench.root / ".hybridctl/runs/notes").mkdir()
    (bench.root / ".hybridctl/runs/20260101T000000Z-zzzz").mkdir()
    assert [run.id for run in list_runs(bench.root / ".hybridctl/runs")] == ids[::-1]


def test_a_run_that_is_pruned_while_they_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It alone is missing from the list."""
    gone, there = (f"2026010{day}T000000Z-0000" for day in (1, 2))
    for name in (gone, there):
        (tmp_path / name).mkdir()

    def is_dir(path: Path) -> bool:
        if path.name == gone:
            path.rmdir()
        return True

    monkeypatch.setattr(Path, "is_dir", is_dir)
    assert run_ids(tmp_path) == [there]


def test_no_run_at_all(tmp_path: Path) -> None:
    """A site without runs has an empty list; to ask for one names what makes one."""
    assert list(list_runs(tmp_path / "runs")) == []
    with pytest.raises(InvalidInput) as caught:
        find_run(tmp_path / "runs", "latest")
    assert "hybridctl plan" in caught.value.hint


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    """Not an empty list: an error that names the folder."""
    (tmp_path / "runs").write_text("")
    with pytest.raises(HybridctlError, match="cannot read the recorded runs"):
        run_ids(tmp_path / "runs")


def test_a_run_is_found_by_identifier_prefix_and_latest(bench: Bench) -> None:
    """`latest` is the newest, a prefix must be of one run only."""
    first, second = record(bench), record(bench)
    runs = bench.root / ".hybridctl/runs"
    assert find_run(runs, first.id).id == first.id
    assert find_run(runs, second.id[:19]).id == second.id
    assert find_run(runs, "latest").id == second.id


@pytest.mark.parametrize("name", ["", "2", "202"])
def test_an_ambiguous_name_is_refused(bench: Bench, name: str) -> None:
    """What several runs begin with is refused with their identifiers; nothing at all names no run."""
    ids = [record(bench).id, record(bench).id]
    with pytest.raises(InvalidInput) as caught:
        find_run(bench.root / ".hybridctl/runs", name)
    assert all(run in caught.value.hint for run in ids)


@pytest.mark.parametrize("name", ["20990101T000000Z-0000", "yesterday", "../runs", "latest/"])
def test_an_unknown_run_is_refused_with_the_nearest(bench: Bench, name: str) -> None:
    """The hint names a run there is, and how to see all; no path leads out of the folder."""
    run = record(bench)
    with pytest.raises(InvalidInput, match="there is no run") as caught:
        find_run(bench.root / ".hybridctl/runs", name)
    assert run.id in caught.value.hint


def test_a_killed_run_has_no_result(bench: Bench) -> None:
    """Its result.json still says running: that is no state of now."""
    run = record(bench)
    document = {key: value for key, value in run.document.items() if key not in ("hosts", "seconds", "finished")}
    (run.path / "result.json").write_text(json.dumps({**document, "status": "running"}))
    read = find_run(run.path.parent, run.id)
    assert (read.status, read.seconds, read.hosts, read.damage) == (NO_RESULT, None, (), ())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema": 1,\n  "hosts": [', "result.json:2: not JSON"),
        ("[1, 2]", "result.json:1: not the result of a run"),
        ("", "result.json:1: not JSON"),
        (b"\xff\xfe", "result.json: cannot be read"),
        (None, "result.json: missing"),
        ('{"schema": 2, "status": "ok"}', "result.json: schema 2 is of another hybridctl"),
        ('{"status": "ok", "hosts": [{"name": "gw1"}]}', "result.json: hosts[0] cannot be read: KeyError 'state'"),
        ('{"status": "ok", "hosts": "gw1"}', "result.json: hosts[0] cannot be read"),
        ('{"status": "ok", "hosts": [null]}', "result.json: hosts[0] cannot be read"),
    ],
)
def test_a_damaged_result_is_named_and_the_run_still_listed(
    bench: Bench, content: str | bytes | None, said: str
) -> None:
    """File and line of the damage; the run keeps its place in the list, its time and its name."""
    run = record(bench)
    file = run.path / "result.json"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    (read,) = list_runs(run.path.parent)
    assert any(said in line for line in read.damage), read.damage
    assert (read.id, read.started) == (run.id, run.started)
    assert run.id in runs_lines([read])[1]


def test_one_bad_host_does_not_hide_the_others(bench: Bench) -> None:
    """The host that cannot be read is named, the other is there."""
    run = record(bench)
    document = json.loads((run.path / "result.json").read_text())
    document["hosts"][0]["layers"] = "much"
    (run.path / "result.json").write_text(json.dumps(document))
    read = find_run(run.path.parent, "latest")
    assert [host.name for host in read.hosts] == ["cpu1"]
    assert len(read.damage) == 1


def test_a_state_of_a_newer_hybridctl_is_shown_as_it_is(bench: Bench) -> None:
    """A word that this version does not know is no damage."""
    run = record(bench, QUIET_RUN)
    document = json.loads((run.path / "result.json").read_text())
    document["hosts"][0]["state"] = "not started"
    (run.path / "result.json").write_text(json.dumps(document))
    read = find_run(run.path.parent, "latest")
    assert (read.hosts[0].state, read.damage) == ("not started", ())


def test_a_check_is_told_from_a_provision(bench: Bench) -> None:
    """`provision --check` changed nothing, and the list says so."""
    assert record(bench, FAILED_RUN, check=True).command == "provision --check"
    assert record(bench, FAILED_RUN, "plan", check=True).command == "plan"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (245, "4 min 05 s"),
        (3599.7, "1 h 00 min"),
        (3720, "1 h 02 min"),
    ],
)
def test_durations_are_said_in_words(seconds: float, text: str) -> None:
    """Seconds, minutes, hours; rounding never shows 60 seconds."""
    assert duration(seconds) == text
