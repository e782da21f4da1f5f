"""What must be done to a unit so that it is as wanted. The same answer in check mode and in the run that follows."""

from __future__ import annotations

import dataclasses
import glob
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.hybridctl.site.plugins.module_utils.unit_states import Clock, Moment, Unit, changed_at

__all__ = ["FOLDERS", "Action", "UnitError", "Wanted", "World", "has_conditions", "plan"]

# systemd.unit(5), "Unit File Load Path" of the system manager.
FOLDERS = (
    "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
    "/lib/systemd/system",
)  # fmt: skip


class UnitError(Exception):
    """A unit that cannot be had as wanted."""

    def __init__(self, want: Wanted, problem: str) -> None:
        super().__init__(f"units[{want.index}] {want.name}: {problem}")


@dataclass(frozen=True)
class Wanted:
    """One unit as it shall be; None leaves a thing as it is.

    Attributes:
        restart_on, reload_on: files whose change calls for a restart or a reload.
        ready: command that exits 0 once the unit does its work.
        ready_timeout: seconds that may take.
    """

    index: int
    name: str
    enabled: bool | None = None
    state: str | None = None
    masked: bool | None = None
    restart_on: tuple[str, ...] = ()
    reload_on: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    ready_timeout: float = 60.0


@dataclass(frozen=True)
class Action:
    """One thing to do: enable, disable, start, stop, restart, reload, mask or unmask.

    Attributes:
        quiet: an attempt that is no change unless something comes of it.
    """

    verb: str
    why: str
    depends_on: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class World:
    """What a plan is made from besides the units themselves.

    Attributes:
        packages_enable: whether packages of this system enable the units they bring, as Debian's do.
    """

    clock: Clock
    changed_paths: frozenset[str] = frozenset()
    check: bool = False
    packages_enable: bool = False
    folders: tuple[str, ...] = FOLDERS
    changed_at: Callable[[str], float | None] = field(default=changed_at)


def plan(want: Wanted, unit: Unit, world: World) -> list[Action]:
    """Return what is to be done, in order.

    Raises:
        UnitError: it cannot be; nothing was done.
    """
    actions = []
    if unit.is_masked and want.masked is False:
        actions.append(Action("unmask", "masked"))
        unit = _unmasked(unit, world)
    if unit.is_masked and not want.masked and (want.enabled or want.state == "started"):
        raise UnitError(want, "it is masked; `masked: false` unmasks it")
    if not unit.is_known and not unit.is_masked:
        actions += _unknown(want, world)
    else:
        actions += [*_enabling(want, unit), *_running(want, unit, world)]
    if want.masked and not unit.is_masked:
        if unit.fragment == f"/etc/systemd/system/{unit.name}":
            raise UnitError(
                want, f"it cannot be masked, since its own file is {unit.fragment}; remove that file instead"
            )
        actions.append(Action("mask", "not masked"))
    return actions


def _unmasked(unit: Unit, world: World) -> Unit:
    """Return what the unit will be without its mask, read from the unit folders."""
    file = _file_name(unit.name)
    places = [f"{folder}/{file}" for folder in world.folders]
    there = [place for place in places if os.path.isfile(place) and not _is_mask(place)]
    if not there:
        return dataclasses.replace(unit, load="not-found", file_state="")
    links = [link for folder in world.folders[:2] for link in glob.glob(f"{folder}/*.*/{glob.escape(unit.name)}")]
    wanted_by = [link for link in links if link.split("/")[-2].endswith((".wants", ".requires"))]
    state = "enabled" if wanted_by else "disabled"
    return dataclasses.replace(unit, load="loaded", file_state=state, fragment=there[0], declined=False)


def _unknown(want: Wanted, world: World) -> list[Action]:
    files = [path for path in _main_files(want.name, world) if path in world.changed_paths]
    enable = want.enabled and (files or not world.packages_enable)
    verbs = [verb for verb, wish in (("enable", enable), ("start", want.state == "started")) if wish]
    if not world.check and (want.enabled or want.state == "started"):
        raise UnitError(want, "no such unit; install the package that brings it, or write its file first")
    return [
        Action(verb, "not there yet", f"file {files[0]}" if files else f"unit file of {want.name}") for verb in verbs
    ]


def _enabling(want: Wanted, unit: Unit) -> list[Action]:
    state = unit.file_state
    if want.enabled is None or unit.is_masked:
        return []
    if want.enabled and state in ("static", "generated", "transient", "bad"):
        remedy = (
            "leave `enabled` out" if state != "bad" else "`systemd-analyze verify` says what is wrong with its file"
        )
        raise UnitError(want, f"it cannot be enabled, its unit file is {state}; {remedy}")
    if want.enabled and state not in ("enabled", "alias", "indirect"):
        return [Action("enable", state or "disabled")]
    if not want.enabled and state in ("enabled", "enabled-runtime"):
        return [Action("disable", state)]
    return []


def _running(want: Wanted, unit: Unit, world: World) -> list[Action]:
    if want.state == "stopped":
        return [Action("stop", unit.active)] if unit.is_running or unit.active == "deactivating" else []
    if not unit.is_running and not unit.has_run:
        return [_start(want, unit, world)] if want.state == "started" else []
    reason = _reason(want.restart_on, unit.left_inactive, world)
    if reason:
        return [Action("restart", reason)]
    reason = _reason(want.reload_on, unit.changed, world)
    if not reason and want.reload_on and not unit.reloaded:
        # It moved the time of the last change of state, but the unit still runs with what it had.
        reason = "its last reload failed"
    if not reason or not unit.is_running:
        return []
    coming = any(path in world.changed_paths for path in _own_files(want.name, world))
    if not unit.can_reload and not (world.check and coming):
        raise UnitError(want, "it cannot be reloaded, having no ExecReload=; name the files in restart_on instead")
    return [Action("reload", reason)]


def _start(want: Wanted, unit: Unit, world: World) -> Action:
    if unit.declined:
        # Asking again costs nothing, and its condition may hold by now. Whether it does, only the attempt shows.
        news = [path for path in (*want.restart_on, *_own_files(want.name, world)) if path in world.changed_paths]
        return Action(
            "start", "declined by a condition before", f"conditions of {want.name}", quiet=not (news and world.check)
        )
    why = f"failed ({unit.result})" if unit.active == "failed" else unit.active
    # systemd forgets an inactive unit that nothing wants, and with it that the unit declined.
    forgotten = want.enabled is not True and unit.file_state not in ("enabled", "enabled-runtime", "alias")
    conditional = forgotten and unit.left_inactive.stamp == 0 and has_conditions(unit)
    return Action("start", why, f"conditions of {want.name}" if conditional and world.check else "")


def _reason(paths: tuple[str, ...], since: Moment, world: World) -> str:
    """Return which of the files calls for it; empty when none does."""
    for path in paths:
        ctime = world.changed_at(path)
        if path in world.changed_paths or (ctime is not None and since.is_before(ctime, world.clock)):
            return f"{path} changed"
    return ""


def _own_files(name: str, world: World) -> list[str]:
    """Return every path that makes or extends the unit and is there or coming."""
    mains = _main_files(name, world)
    drop_ins = [path for path in sorted(world.changed_paths) for main in mains if path.startswith(f"{main}.d/")]
    return mains + drop_ins


def _main_files(name: str, world: World) -> list[str]:
    """Return every path that makes the unit."""
    return [f"{folder}/{entry}" for folder in world.folders for entry in dict.fromkeys((name, _file_name(name)))]


def _file_name(name: str) -> str:
    """Return the unit file's name: that of the template for an instance."""
    return re.sub(r"@.+\.", "@.", name)


def _is_mask(path: str) -> bool:
    return os.path.islink(path) and os.path.realpath(path) == os.devnull


def has_conditions(unit: Unit) -> bool:
    """Tell whether the unit's files name conditions for its start."""
    for path in (unit.fragment, *unit.drop_ins):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                if any(line.lstrip().startswith("Condition") for line in file):
                    return True
        except OSError:
            continue
    return False
