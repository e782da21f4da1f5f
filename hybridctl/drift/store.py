"""The memory of drift on disk: `.hybridctl/drift.json` of the site, and a file of its own for each other inventory."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hybridctl.atomic import write_whole
from hybridctl.drift.memory import CLOCK_STEP, Memory, moment
from hybridctl.errors import HybridctlError
from hybridctl.problems import shown_path
from hybridctl.run_history import find_run, run_ids
from hybridctl.site import Site

__all__ = ["memory_file", "read_memory", "remember"]


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
        The memory, and a remark when there was one on disk that could not be read, or of a clock that was ahead.

    Raises:
        HybridctlError: it cannot be written.
    """
    file = memory_file(site)
    with _locked(file.parent):
        memory, trouble = read_memory(file)
        remark = f"{trouble}; it is started anew, and `since` counts from this check" if trouble else ""
        if memory.is_ahead_of(moment(check["finished"])):
            remark = (
                f"{shown_path(file)}: the last check is of {memory.checked:%Y-%m-%d %H:%M} UTC: the clock was "
                "ahead; what is dated later than this check counts from it"
            )
            memory.set_back(moment(check["started"]))
        for run in _news(site.runs, memory, check):
            # A record that another version or a damaged disk left behind tells nothing; the check itself must.
            with nullcontext() if run is check else suppress(KeyError, TypeError, ValueError, AttributeError):
                memory.observe(run)
        memory.keep(hosts)
        try:
            write_whole(file, json.dumps(memory.document(), indent=1, ensure_ascii=False) + "\n", 0o600)
        except OSError as error:
            raise HybridctlError(
                f"{shown_path(file)}: cannot be written: {error.strerror}; since when hosts differ is lost",
                f"make {shown_path(file.parent)} writable or free some space",
            ) from error
    return memory, remark


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


def _news(runs: Path, memory: Memory, check: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the check and what was recorded since the last run known, in the order in which they ended.

    A check and a provision may overlap, so it is their ends that count.
    """
    news = {moment(check["finished"]): [check]}
    if memory.until is None:
        return [check]
    for name in run_ids(runs):
        # Years of runs lie there; one that was not written to since need not be read.
        if name in (check["id"], memory.run) or _written(runs / name) < memory.until.timestamp():
            continue
        run = find_run(runs, name)
        if run.document.get("inventory") != check.get("inventory"):
            continue  # another fleet, though names may be equal
        try:
            finished = moment(run.document["finished"])
        except (KeyError, TypeError, ValueError):
            continue  # it goes on, was killed or is damaged: `runs list` says so
        if memory.until <= finished <= moment(check["finished"]) + CLOCK_STEP and not run.damage:
            # Of two that ended in one second, this check was not there before the other's end.
            news.setdefault(finished, []).insert(0, run.document)
    return [run for finished in sorted(news) for run in news[finished]]


def _written(run: Path) -> float:
    try:
        return (run / "result.json").stat().st_mtime
    except OSError:
        return 0.0


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let two checks of one site take turns; the lock is on the folder itself and leaves no file."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
