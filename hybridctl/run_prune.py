"""Remove the recorded runs of a site that nothing needs any more."""

import re
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.problems import shown_path
from hybridctl.resume import latest_provision
from hybridctl.run_history import RunRecord, list_runs, run_ids
from hybridctl.runs import is_going_on

__all__ = ["Pruned", "parse_age", "prune"]

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
# Removed in two steps, so that no reader meets half a run; what a killed prune left is removed by the next.
# In small letters, since whoever looks for runs looks for the T in the middle.
_GONE = ".pruned-"


@dataclass(frozen=True)
class Pruned:
    """What was removed, or would be.

    Attributes:
        runs: the newest first, each with the bytes it took on the disk.
        spared: identifier and reason of each run that is old enough and stays all the same.
    """

    runs: tuple[tuple[RunRecord, int], ...]
    spared: tuple[tuple[str, str], ...]

    @property
    def bytes(self) -> int:
        """Return what all of them took on the disk."""
        return sum(size for _, size in self.runs)


def parse_age(text: str) -> timedelta:
    """Read `12h`, `90d` or `8w`.

    Raises:
        InvalidInput: it is none.
    """
    found = re.fullmatch(r"([0-9]{1,5})([hdw])", text.strip())
    if found is None:
        raise InvalidInput(f"{text!r} is no age", "hours, days or weeks: 12h, 90d, 8w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def prune(runs: Path, keep: int, now: datetime, older_than: timedelta | None = None, *, check: bool = False) -> Pruned:
    """Remove all runs but the newest; never one that goes on, nor the latest provision, which --resume may want.

    Args:
        runs: the folder of all runs.
        keep: how many of the newest stay, at least 1: `latest` names one of them.
        older_than: younger ones stay, too.
        check: remove nothing.

    Raises:
        HybridctlError: one cannot be removed; those before it are gone.
    """
    if not check:
        for left in runs.glob(f"{_GONE}*"):
            _remove(left)
    newest = set(run_ids(runs)[:keep])
    latest = latest_provision(runs)
    removed, spared = [], []
    for run in list_runs(runs):
        if run.id in newest or (older_than and now - run.started < older_than):
            continue
        if is_going_on(run.path):
            spared.append((run.id, "it goes on"))
        elif latest is not None and run.id == latest.name:
            spared.append((run.id, "it is the latest provision: --resume latest takes it"))
        else:
            removed.append((run, _size(run.path)))
            if not check:
                _remove(_hide(run.path))
    return Pruned(tuple(removed), tuple(spared))


def _size(path: Path) -> int:
    return sum(file.lstat().st_blocks * 512 for file in (path, *path.rglob("*")))


def _hide(path: Path) -> Path:
    try:
        return path.rename(path.with_name(_GONE + path.name.lower()))
    except OSError as error:
        raise _refused(path, error) from error


def _remove(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: OSError) -> HybridctlError:
    return HybridctlError(
        f"{shown_path(path)}: cannot be removed: {error.strerror}",
        f"runs belong to who started them: ls -ld {shown_path(path)}",
    )
