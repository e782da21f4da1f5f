"""What `hybridctl.site.units` would do to a unit, from what systemd says of it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridctl.site.plugins.module_utils.unit_planning import UnitError, Wanted, World, plan
from ansible_collections.hybridctl.site.plugins.module_utils.unit_states import (
    PROPERTIES,
    Clock,
    Moment,
    Unit,
    changed_at,
    parse,
)

# Recorded on real hosts: Debian 12 has systemd 252, Ubuntu 22.04 and openEuler 22.03 have 249.
# `systemctl show --timestamp=us+utc --property=...` of these, in order.
RECORDED = {version: (Path(__file__).parent / f"show-systemd-{version}.txt").read_text() for version in (249, 252)}
NAMES = [
    "runs.service",
    "once.service",
    "declined.service",
    "broken.service",
    "fstrim.timer",
    "nope.service",
    "t1.service",
]
NOW = 1_000_000.0
CLOCK = Clock(NOW, 5_000.0)
AN_HOUR_AGO = Moment(NOW - 3600, 5_000.0 - 3600)
RUNNING = Unit("x.service", active="active", file_state="enabled", left_inactive=AN_HOUR_AGO, changed=AN_HOUR_AGO)
STOPPED = replace(RUNNING, active="inactive")
NEW = Unit("x.service", load="not-found", file_state="")


def actions(unit: Unit, *, check: bool = False, changed: tuple[str, ...] = (), ages: Any = None, **want: Any) -> Any:
    """Return (verb, why, depends_on) of each action; `ages` maps a file to the seconds since its change."""
    times = {path: NOW - age for path, age in (ages or {}).items()}
    world = World(CLOCK, frozenset(changed), check, changed_at=times.get)
    return [(act.verb, act.why, act.depends_on) for act in plan(Wanted(0, unit.name, **want), unit, world)]


@pytest.mark.parametrize("version", RECORDED)
def test_the_recorded_units_are_read(version: int) -> None:
    """Each state that a real systemd showed is told from the others."""
    runs, once, declined, broken, fstrim, nope, static = units = parse(RECORDED[version], NAMES)
    assert [unit.name for unit in units] == NAMES
    assert [unit.is_known for unit in units] == [True, True, True, True, False, False, True]
    assert [unit.is_running for unit in units] == [True] + [False] * 6
    assert [unit.has_run for unit in units] == [False, True] + [False] * 5
    started = {249: (1796023692.820051, 4127.117054), 252: (1795578464.961618, 2522.202971)}
    assert (runs.left_inactive.stamp, runs.left_inactive.uptime) == started[version]
    assert once.drop_ins == ("/etc/systemd/system/once.service.d/10-x.conf",)
    assert (declined.declined, static.declined) == (True, False), "one that was never asked has not declined"
    assert actions(static, check=True, state="started") == [("start", "inactive", "")]
    assert (broken.active, broken.result) == ("failed", "exit-code")
    assert (fstrim.is_masked, nope.is_masked) == (True, False)
    assert {line.split("=")[0] for line in RECORDED[version].splitlines() if line} == set(PROPERTIES)


def test_seconds_only_and_other_bad_shows() -> None:
    """An older systemctl prints whole seconds; too few blocks are an error and no guess."""
    (unit,) = parse("ActiveState=active\nStateChangeTimestamp=Wed 2026-11-25 03:47:45 UTC\n", ["a.service"])
    assert (unit.changed.stamp, unit.left_inactive.stamp) == (1795578465.0, 0.0)
    with pytest.raises(ValueError, match="systemctl shows 1 units where 2 were asked for"):
        parse("ActiveState=active\n", ["a.service", "b.service"])


@pytest.mark.parametrize(
    ("unit", "want", "expected"),
    [
        (RUNNING, {"enabled": True, "state": "started"}, []),
        (STOPPED, {"state": "stopped", "enabled": True}, []),
        (STOPPED, {"state": "started"}, [("start", "inactive", "")]),
        (replace(STOPPED, active="failed", result="signal"), {"state": "started"}, [("start", "failed (signal)", "")]),
        (replace(RUNNING, active="activating"), {"state": "started"}, []),
        (RUNNING, {"state": "stopped", "enabled": False}, [("disable", "enabled", ""), ("stop", "active", "")]),
        (replace(STOPPED, file_state="disabled"), {"enabled": True, "state": "started"},
         [("enable", "disabled", ""), ("start", "inactive", "")]),
        (replace(STOPPED, file_state="enabled-runtime"), {"enabled": True}, [("enable", "enabled-runtime", "")]),
        (replace(STOPPED, file_state="linked"), {"enabled": True}, [("enable", "linked", "")]),
        (replace(STOPPED, file_state="static"), {"enabled": False}, []),
        (RUNNING, {}, []),
        (RUNNING, {"masked": True, "state": "stopped"}, [("stop", "active", ""), ("mask", "not masked", "")]),
        (replace(STOPPED, load="masked", file_state="masked"), {"masked": True, "enabled": False}, []),
        (NEW, {"masked": True}, [("mask", "not masked", "")]),
        (NEW, {"state": "stopped", "enabled": False}, []),
        (replace(STOPPED, runs_once=True), {"state": "started"}, []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("check", [False, True])
def test_states(unit: Unit, want: dict[str, Any], expected: list[tuple[str, str, str]], check: bool) -> None:
    """Check mode and the real run plan the very same actions, all certain."""
    assert actions(unit, check=check, **want) == expected


@pytest.mark.parametrize(
    ("unit", "want", "problem"),
    [
        (NEW, {"state": "started"}, "units[0] x.service: no such unit; install the package that brings it"),
        (NEW, {"enabled": True}, "units[0] x.service: no such unit"),
        (replace(STOPPED, load="masked", file_state="masked"), {"state": "started"}, "it is masked; `masked: false`"),
        (replace(STOPPED, load="masked", file_state="masked"), {"enabled": True}, "it is masked; `masked: false`"),
        (replace(STOPPED, file_state="static"), {"enabled": True}, "it cannot be enabled, its unit file is static;"),
        (replace(STOPPED, file_state="bad"), {"enabled": True}, "its unit file is bad; `systemd-analyze verify` says"),
        (replace(STOPPED, fragment="/etc/systemd/system/x.service"), {"masked": True}, "it cannot be masked"),
        (replace(RUNNING, can_reload=False), {"reload_on": ("/f",)}, "it cannot be reloaded, having no ExecReload="),
    ],
)  # fmt: skip
def test_refusals(unit: Unit, want: dict[str, Any], problem: str) -> None:
    """What cannot be is refused before any unit is touched, with what to do."""
    with pytest.raises(UnitError) as caught:
        actions(unit, changed=("/f",), **want)
    assert problem in str(caught.value)


def test_restart_and_reload_by_time() -> None:
    """A file changed after the start calls for a restart, also in a later run; an older one does not."""
    want = {"state": "started", "restart_on": ("/gone", "/r"), "reload_on": ("/l",)}
    assert actions(RUNNING, ages={"/r": 3601, "/l": 3601}, **want) == []
    assert actions(RUNNING, ages={"/r": 3599}, **want) == [("restart", "/r changed", "")]
    assert actions(RUNNING, ages={"/l": 3599}, **want) == [("reload", "/l changed", "")]
    assert actions(RUNNING, ages={"/r": 1, "/l": 1}, **want) == [("restart", "/r changed", "")]
    reloaded = replace(RUNNING, changed=Moment(NOW - 10, CLOCK.uptime - 10))
    assert actions(reloaded, ages={"/l": 20, "/r": 3601}, **want) == []
    assert actions(reloaded, ages={"/r": 20}, **want) == [("restart", "/r changed", "")], "a reload is no restart"


@pytest.mark.parametrize("check", [False, True])
def test_restart_and_reload_by_what_this_run_changed(check: bool) -> None:
    """changed_paths calls for it in both modes, also for a file that was removed; only of a running unit."""
    want = {"restart_on": ("/r",), "reload_on": ("/l",)}
    assert actions(RUNNING, check=check, changed=("/r", "/l"), **want) == [("restart", "/r changed", "")]
    assert actions(RUNNING, check=check, changed=("/l",), **want) == [("reload", "/l changed", "")]
    assert actions(RUNNING, check=check, changed=("/other",), **want) == []
    assert actions(STOPPED, check=check, changed=("/r", "/l"), **want) == []
    assert actions(STOPPED, check=check, changed=("/r",), state="started", **want) == [("start", "inactive", "")]
    assert actions(RUNNING, check=check, changed=("/r",), state="stopped", **want) == [("stop", "active", "")]
    crashing = replace(RUNNING, active="activating")
    assert actions(crashing, check=check, changed=("/r",), state="started", **want) == [("restart", "/r changed", "")]
    ran = replace(STOPPED, runs_once=True)
    assert actions(ran, check=check, changed=("/r",), state="started", **want) == [("restart", "/r changed", "")]


def test_a_failed_reload_is_tried_again() -> None:
    """It moved the time that says when the last reload was, but the unit runs with what it had."""
    failed = replace(RUNNING, reloaded=False, changed=Moment(NOW - 1, CLOCK.uptime - 1))
    assert actions(failed, reload_on=("/l",), ages={"/l": 20}) == [("reload", "its last reload failed", "")]
    assert actions(failed, restart_on=("/l",), ages={"/l": 4000}) == [], "who has no files to reload does not"


@pytest.mark.parametrize(
    ("ctime", "stamp", "uptime", "due"),
    [
        # The clock was an hour behind at the start and at the change after it, and was set right since.
        (NOW - 3600 - 50, NOW - 3600 - 100, 4900.0, True),
        # The same, but the change came first.
        (NOW - 3600 - 150, NOW - 3600 - 100, 4900.0, False),
        # The clock was an hour ahead at the start, was set right, then the file was changed.
        (NOW - 50, NOW + 3600 - 100, 4900.0, True),
        # Change and start both under a clock that was ahead: the change lies in the future, and is left for later ...
        (NOW + 3600 - 150, NOW + 3600 - 100, 4900.0, False),
        # ... when it costs one restart more than needed.
        (NOW - 150, NOW - 100, 4800.0, True),
    ],
)  # fmt: skip
def test_a_clock_that_was_stepped(ctime: float, stamp: float, uptime: float, due: bool) -> None:
    """No change is missed for good, and at worst there is one restart more."""
    assert Moment(stamp, uptime).is_before(ctime, CLOCK) is due


def test_a_unit_to_come() -> None:
    """In check mode a unit that is not known depends on its file: the one this run writes, or whatever brings it."""
    want = {"enabled": True, "state": "started"}
    unknown = [
        ("enable", "not there yet", "unit file of x.service"),
        ("start", "not there yet", "unit file of x.service"),
    ]
    assert actions(NEW, check=True, **want) == unknown
    path = "/etc/systemd/system/x.service"
    ours = [(verb, "not there yet", f"file {path}") for verb in ("enable", "start")]
    assert actions(NEW, check=True, changed=(path,), **want) == ours
    instance, template = replace(NEW, name="x@a.service"), "/etc/systemd/system/x@.service"
    assert actions(instance, check=True, changed=(template,), state="started")[0][2] == f"file {template}"
    assert actions(NEW, check=True, masked=True, state="stopped") == [("mask", "not masked", "")]


def test_an_unmasked_unit_is_read_from_its_files(tmp_path: Path) -> None:
    """Without its mask a unit is enabled when a target wants it, disabled otherwise, and unknown without a file."""
    masked = Unit("x.service", load="masked", file_state="masked")
    etc, lib = tmp_path / "etc", tmp_path / "lib"
    (etc / "multi-user.target.wants").mkdir(parents=True)
    lib.mkdir()
    (etc / "x.service").symlink_to(os.devnull)
    world = World(CLOCK, check=True, folders=(str(etc), str(lib)))
    want = Wanted(0, "x.service", enabled=True, state="started", masked=False)
    assert [(act.verb, act.depends_on) for act in plan(want, masked, world)] == [
        ("unmask", ""), ("enable", "unit file of x.service"), ("start", "unit file of x.service"),
    ]  # fmt: skip
    with pytest.raises(UnitError, match="no such unit"):
        plan(want, masked, replace(world, check=False))
    (lib / "x.service").touch()
    assert [act.verb for act in plan(want, masked, world)] == ["unmask", "enable", "start"]
    (etc / "multi-user.target.wants" / "x.service").symlink_to(lib / "x.service")
    assert [act.verb for act in plan(want, masked, replace(world, check=False))] == ["unmask", "start"]


def test_conditions(tmp_path: Path) -> None:
    """One that declined is asked again quietly; one that may decline and would be forgotten is no certain start."""
    declined = replace(STOPPED, declined=True)
    (again,) = plan(Wanted(0, "x.service", state="started"), declined, World(CLOCK))
    assert (again.verb, again.quiet) == ("start", True)
    world = World(CLOCK, frozenset({"/r"}), check=True)
    (again,) = plan(Wanted(0, "x.service", state="started", restart_on=("/r",)), declined, world)
    assert (again.quiet, again.depends_on) == (False, "conditions of x.service")
    file = tmp_path / "x.service"
    file.write_text("[Unit]\nConditionPathExists=/x\n")
    never = Unit("x.service", file_state="static", fragment=str(file))
    assert actions(never, check=True, state="started") == [("start", "inactive", "conditions of x.service")]
    assert actions(replace(never, file_state="enabled"), check=True, state="started") == [("start", "inactive", "")]
    file.write_text("[Unit]\nDescription=Condition\n")
    assert actions(never, check=True, state="started") == [("start", "inactive", "")]


def test_when_a_file_changed(tmp_path: Path) -> None:
    """The later of the link's and the file's change counts; a mode counts as well; what is not there never changed."""
    path, link = tmp_path / "f", tmp_path / "l"
    assert changed_at(str(path)) is None
    link.symlink_to("f")
    assert changed_at(str(link)) == link.lstat().st_ctime, "a link into nowhere is a change of its own"
    path.touch()
    os.utime(path, (1, 1))
    path.chmod(0o600)
    assert changed_at(str(path)) == path.stat().st_ctime > 1
    assert changed_at(str(link)) == max(path.stat().st_ctime, link.lstat().st_ctime)
