"""The memory of drift on disk: `.hybridctl/drift.json` of the site, and a file of its own for each other inventory."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hybridctl.atomic import write_whole
from hybridctl.drift.memory import CLOCK_STEP, Memory, moment
from hybridctl.errors import HybridctlError
from hybridctl.problems import shown_path
from hybridctl.run_history import RunRecord, read_run, run_ids
from hybridctl.runs import is_going_on
from hybridctl.site import Site

__all__ = ["memory_file", "read_memory", "recall", "remember"]

# What is read of the recorded runs before the first check; years of them may lie there.
_RECENT = timedelta(days=7)


def memory_file(site: Site) -> Path:
    """Return where the drift of the site's inventory is kept."""
    name = f"drift-{quote(site.other_inventory, safe='')}.json" if site.other_inventory else "drift.json"
    return site.runs.parent / name


def remember(site: Site, check: Mapping[str, Any], hosts: Iterable[str]) -> tuple[Memory, str]:
    """Take in a check and every run that was recorded since the last one; write the memory and return it.

    Args:
        check: result.json of the check.
        hosts: all hosts of the site; others are forgotten.

    Returns:
        The memory, and a remark when there was one on disk that could not be read, was of another inventory, or of a
        clock that was ahead.

    Raises:
        HybridctlError: it cannot be written.
    """
    file = memory_file(site)
    with _locked(file.parent):
        memory, trouble = _memory_of(file, check.get("inventory"))
        remark = ""
        if trouble:
            remark = f"{trouble}; it is started anew, and `since` counts from this check"
            memory.set_back(moment(check["started"]))
        if memory.is_ahead_of(moment(check["finished"])):
            remark = (
                f"{shown_path(file)}: the last check is of {memory.checked:%Y-%m-%d %H:%M} UTC: the clock was "
                "ahead; what is dated later than this check counts from it"
            )
            memory.set_back(moment(check["started"]))
        _catch_up(memory, _news(site, memory, check), check)
        memory.keep(hosts)
        memory.inventory = check.get("inventory")
        try:
            write_whole(file, json.dumps(memory.document(), indent=1, ensure_ascii=False) + "\n", 0o600)
        except OSError as error:
            raise HybridctlError(
                f"{shown_path(file)}: cannot be written: {error.strerror}; since when hosts differ is lost",
                f"make {shown_path(file.parent)} writable or free some space",
            ) from error
    return memory, remark


def recall(site: Site, now: datetime) -> tuple[Memory, str]:
    """Return the memory with what was recorded since, and what is wrong when it cannot be used; nothing is written."""
    memory, trouble = _memory_of(memory_file(site), site.inventory_name)
    if not trouble:
        runs = _recorded(site, memory, site.inventory_name, now)
        _catch_up(memory, (run for _, run in sorted(runs, key=itemgetter(0))))
    return memory, trouble


def _catch_up(memory: Memory, runs: Iterable[Mapping[str, Any]], check: Mapping[str, Any] | None = None) -> None:
    for run in runs:
        # A record that another version or a damaged disk left behind tells nothing; the check itself must.
        with nullcontext() if run is check else suppress(KeyError, TypeError, ValueError, AttributeError):
            memory.observe(run, from_record=run is not check)


def _memory_of(file: Path, inventory: str | None) -> tuple[Memory, str]:
    """Return the memory, an empty one with what is wrong when the file is damaged or tells of another inventory."""
    memory, trouble = read_memory(file)
    if None not in (memory.inventory, inventory) and memory.inventory != inventory:
        return Memory(), f"{shown_path(file)}: of the inventory {memory.inventory}, this is {inventory}"
    return memory, trouble


def read_memory(path: Path) -> tuple[Memory, str]:
    """Return the memory, an empty one with what is wrong when the file is damaged."""
    try:
        return Memory.read(json.loads(path.read_text(encoding="utf-8"))), ""
    except FileNotFoundError:
        return Memory(), ""
    except json.JSONDecodeError as error:
        where, why = f"{shown_path(path)}:{error.lineno}", f"not JSON: {error.msg}"
    except OSError as error:
        where, why = shown_path(path), f"cannot be read: {error.strerror}"
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        where, why = shown_path(path), f"not a memory of drift: {type(error).__name__} {error}"
    return Memory(), f"{where}: {why}"


def _news(site: Site, memory: Memory, check: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the check and what was recorded since the last run known, in the order in which they ended.

    A check and a provision may overlap, so it is their ends that count.
    """
    news = {moment(check["finished"]): [check]}
    for finished, run in _recorded(site, memory, check.get("inventory"), moment(check["finished"])):
        if run["id"] != check["id"]:
            # Of two that ended in one second, this check was not there before the other's end.
            news.setdefault(finished, []).insert(0, run)
    return [run for finished in sorted(news) for run in news[finished]]


def _recorded(
    site: Site, memory: Memory, inventory: Any, until: datetime
) -> Iterator[tuple[datetime, Mapping[str, Any]]]:
    """Yield end and record of each run of an inventory that ended since the last one known."""
    since = memory.until or until - _RECENT
    for name in run_ids(site.runs):
        # Years of runs lie there; one that was not written to since need not be read.
        if name in memory.runs or _written(site.runs / name) < since.timestamp():
            continue
        if _is_silent(site.runs / name):
            continue
        run = read_run(site.runs / name)
        if run.document.get("inventory") != inventory:
            continue  # another fleet, though names may be equal
        try:
            document = _ended(run)
            finished = moment(document["finished"])
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # it goes on, is gone or is damaged: `runs list` says so
        if since <= finished <= until + CLOCK_STEP and not run.damage:
            yield finished, {**document, "id": name}


def _ended(run: RunRecord) -> Mapping[str, Any]:
    """Return the record of a run; of a provision that was killed, that it left hosts unfinished at its last event."""
    if run.document.get("status") != "running" or run.document["check"] or is_going_on(run.path):
        return run.document
    document = read_run(run.path).document  # it may have ended since
    if document["status"] != "running":
        return document
    begun = [batch for batch in document["batches"] if batch["status"] not in ("waiting", "not started", "ok")]
    hosts = [{"name": host, "state": "unfinished", "changes": []} for batch in begun for host in batch["hosts"]]
    finished = datetime.fromtimestamp(int(_written(run.path)), UTC).isoformat()
    return {**document, "status": "interrupted", "finished": finished, "hosts": hosts}


def _is_silent(run: Path) -> bool:
    """Tell a run without an event, such as a verification, whose record of hundreds of hosts need not be read."""
    try:
        return (run / "events.jsonl").stat().st_size == 0
    except OSError:
        return False


def _written(run: Path) -> float:
    """Return when a run was last written to, in seconds of Unix time; 0 when it is gone."""
    written = 0.0
    for name in ("result.json", "events.jsonl"):
        with suppress(OSError):
            written = max(written, (run / name).stat().st_mtime)
    return written


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let two checks of one site take turns; the lock is on the folder itself and leaves no file."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
