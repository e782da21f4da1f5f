"""The store of runs: private, sortable, complete line by line."""

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TextIO

import pytest

from hybridctl.errors import HybridctlError
from hybridctl.events import Event, EventKind
from hybridctl.runs import RunStore, describe, new_id

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


def test_identifiers_sort_by_time_in_utc() -> None:
    """A run started later sorts later, whatever the time zone it was started in."""
    later = datetime(2026, 1, 2, 20, 0, 1, tzinfo=timezone(timedelta(hours=8)))
    assert new_id(NOON).startswith("20260102T120000Z-")
    assert new_id(NOON)[:16] < new_id(later)[:16]
    assert new_id(NOON) != new_id(NOON)


def test_an_event_can_be_read_at_once(tmp_path: Path) -> None:
    """Whoever follows the files sees an event before the run ends."""
    store = RunStore(tmp_path / "runs", NOON)
    store.record(Event(EventKind.CHANGED, "2026-01-02T12:00:01+00:00", host="a", layer="base", task="Write"))
    (line,) = (store.path / "events.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "kind": "changed",
        "at": "2026-01-02T12:00:01+00:00",
        "host": "a",
        "layer": "base",
        "task": "Write",
    }
    assert (store.path / "run.log").read_text() == "12:00:01 base a changed Write\n"
    store.close()


def test_latest_names_the_newest_run(tmp_path: Path) -> None:
    """A second run takes the link over; no half-made link is left."""
    for _ in range(2):
        store = RunStore(tmp_path, NOON)
        store.close()
        assert (tmp_path / "latest").readlink() == Path(store.id)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    """A file where the folder should be: the error names it and the remedy."""
    (tmp_path / "runs").write_text("")
    with pytest.raises(HybridctlError, match=str(tmp_path)) as caught:
        RunStore(tmp_path / "runs", NOON)
    assert "hybridctl.yml" in caught.value.hint


def full_device() -> TextIO:
    """A file that has no space left."""
    return os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")


def test_a_full_disk_is_told_by_every_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not OSError, which nobody waits for; closing closes both files all the same."""
    monkeypatch.setattr("hybridctl.runs._open", lambda _path: full_device())
    store = RunStore(tmp_path / "runs", NOON)
    event = Event(EventKind.CHANGED, "2026-01-02T12:00:01+00:00", host="a", layer="base", task="Write")
    methods = (lambda: store.record(event), lambda: store.log("x"), lambda: store.write_result({}), store.close)
    for method in methods:
        with pytest.raises(HybridctlError, match="cannot write the record of this run: No space left on device"):
            method()
    store.close()


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """Folder 0700, files 0600."""
    before = os.umask(0)
    try:
        store = RunStore(tmp_path / "runs", NOON)
        store.write_result({"a": 1})
        store.close()
    finally:
        os.umask(before)
    assert oct(store.path.stat().st_mode)[-3:] == "700"
    assert {oct(file.stat().st_mode)[-3:] for file in store.path.iterdir()} == {"600"}
    assert {file.name for file in store.path.iterdir()} == {"events.jsonl", "run.log", "result.json"}


def test_a_failure_is_described_with_its_remedy() -> None:
    """Layer, host, role, task, message, and on the next line what to do."""
    event = Event(
        EventKind.FAILED, "", host="a", layer="base", role="host_base", task="Check", message="no", remedy="do it"
    )
    assert describe(event) == "base a failed host_base : Check: no\n  -> do it"
