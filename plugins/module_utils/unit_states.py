"""Units of systemd: what `systemctl show` says of them, and the time a change of a file must be compared with."""

from __future__ import annotations

import datetime
import os
import time
from dataclasses import dataclass

__all__ = ["PROPERTIES", "Clock", "Moment", "Unit", "changed_at", "parse"]

PROPERTIES = (
    "LoadState", "UnitFileState", "ActiveState", "SubState", "NeedDaemonReload", "FragmentPath", "DropInPaths",
    "Type", "RemainAfterExit", "Result", "CanReload", "ReloadResult", "ConditionResult", "ConditionTimestamp",
    "InactiveExitTimestamp", "InactiveExitTimestampMonotonic", "StateChangeTimestamp", "StateChangeTimestampMonotonic",
)  # fmt: skip


@dataclass(frozen=True)
class Clock:
    """The host's two clocks at one moment, in seconds: since 1970, and since boot, which nobody steps."""

    now: float
    uptime: float

    @classmethod
    def read(cls) -> Clock:
        """Return what they say."""
        return cls(time.time(), time.monotonic())


@dataclass(frozen=True)
class Moment:
    """When something happened to a unit: by the clock of then and since boot, in seconds; 0 when it never did."""

    stamp: float = 0.0
    uptime: float = 0.0

    def is_before(self, ctime: float, clock: Clock) -> bool:
        """Tell whether a file changed after this moment.

        Somebody may have stepped the clock in between. The moment is taken at the earlier of what the clock said then
        and what the clock of now makes of the time since boot, so that a change before or after the step is not missed.
        A change that lies in the future was stamped before a step back and is left until the clock has passed it.
        At worst a step costs one restart more, later.
        """
        moment = min(self.stamp, clock.now - (clock.uptime - self.uptime)) if self.uptime else self.stamp
        return moment < ctime <= clock.now


@dataclass(frozen=True)
class Unit:
    """One unit as systemd shows it.

    Attributes:
        load, file_state, active, result: LoadState, UnitFileState, ActiveState, Result.
        left_inactive: when it last began to start. Not when it was active: a service that takes long to start has read
            its files before.
        changed: its last change of state; a reload is one, whatever came of it.
        reloaded: whether the last reload, if any, succeeded.
        declined: whether a condition of its unit file kept it from starting when it was last asked.
    """

    name: str
    load: str = "loaded"
    file_state: str = "disabled"
    active: str = "inactive"
    result: str = "success"
    fragment: str = ""
    drop_ins: tuple[str, ...] = ()
    left_inactive: Moment = Moment()
    changed: Moment = Moment()
    needs_daemon_reload: bool = False
    can_reload: bool = True
    reloaded: bool = True
    declined: bool = False
    runs_once: bool = False

    @property
    def is_known(self) -> bool:
        """Whether systemd has a unit file for it."""
        return self.load not in ("not-found", "masked")

    @property
    def is_masked(self) -> bool:
        """Whether it is masked, for good or until the next boot."""
        return self.load == "masked" or self.file_state in ("masked", "masked-runtime")

    @property
    def is_running(self) -> bool:
        """Whether it is up or on its way; a service that waits for its next try after a crash is, too."""
        return self.active in ("active", "activating", "reloading", "refreshing", "maintenance")

    @property
    def has_run(self) -> bool:
        """Whether it is a one-shot that did its work and is inactive for that reason."""
        return (
            self.runs_once and self.active == "inactive" and self.result == "success" and self.left_inactive.stamp > 0
        )


def parse(text: str, names: list[str]) -> list[Unit]:
    """Return the units from what `systemctl show` printed for these names.

    Raises:
        ValueError: there is not one block a name.
    """
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    blocks = [block for block in blocks if block]
    if len(blocks) != len(names):
        raise ValueError(f"systemctl shows {len(blocks)} units where {len(names)} were asked for")
    return [_unit(name, block) for name, block in zip(names, blocks)]


def changed_at(path: str) -> float | None:
    """Return when a file, or the link to it, was last changed, in seconds since 1970; None when it is not there.

    That is ctime, which a rename and a new mode move as well, and which nobody can set back.
    """
    raw = path.encode("utf-8", "surrogateescape")
    times = []
    for look in (os.lstat, os.stat):
        try:
            times.append(look(raw).st_ctime)
        except OSError:
            continue
    return max(times) if times else None


def _unit(name: str, shown: dict[str, str]) -> Unit:
    inactive = shown.get("ActiveState") == "inactive"
    return Unit(
        name=name,
        load=shown.get("LoadState", ""),
        file_state=shown.get("UnitFileState", ""),
        active=shown.get("ActiveState", ""),
        result=shown.get("Result", "success"),
        fragment=shown.get("FragmentPath", ""),
        drop_ins=tuple(shown.get("DropInPaths", "").split()),
        left_inactive=_moment(shown, "InactiveExitTimestamp"),
        changed=_moment(shown, "StateChangeTimestamp"),
        needs_daemon_reload=shown.get("NeedDaemonReload") == "yes",
        can_reload=shown.get("CanReload") != "no",
        reloaded=shown.get("ReloadResult", "success") == "success",
        # Without a time, for which older ones print "n/a", the condition was never asked, and "no" says nothing.
        declined=inactive and shown.get("ConditionResult") == "no" and _moment(shown, "ConditionTimestamp").stamp > 0,
        runs_once=shown.get("Type") == "oneshot" and shown.get("RemainAfterExit") == "no",
    )


def _moment(shown: dict[str, str], name: str) -> Moment:
    uptime = int(shown.get(name + "Monotonic") or 0) / 1_000_000
    words = shown.get(name, "").split()
    if len(words) < 3:
        return Moment(0.0, uptime)
    pattern = "%Y-%m-%d %H:%M:%S.%f" if "." in words[2] else "%Y-%m-%d %H:%M:%S"
    # "Wed 2026-11-25 03:48:46.329611 UTC": the name of the day is for people.
    when = datetime.datetime.strptime(f"{words[1]} {words[2]}", pattern).replace(tzinfo=datetime.timezone.utc)
    return Moment(when.timestamp(), uptime)
