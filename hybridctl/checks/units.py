"""Checks of systemd's units."""

from collections.abc import Iterator
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import run
from hybridctl.parsers.systemctl import parse_show

__all__ = ["CHECKS"]

_PROPERTIES = ("LoadState", "ActiveState", "SubState", "UnitFileState")
# States of a unit file that bring the unit up at boot.
_STARTS = {"enabled", "generated", "alias"}
# States that leave it to other units: whether one of them does was not measured.
_LEFT_TO_OTHERS = {"static", "indirect"}


def active(host: Any, want: Want) -> Iterator[Result]:
    """Each unit is active, and will be after a reboot."""
    for unit in want.expectation.wanted:
        yield _one(host, want, unit)


def _one(host: Any, want: Want, unit: str) -> Result:
    expected = "active, enabled"
    try:
        shown = run(host, f"systemctl show --no-pager --property={','.join(_PROPERTIES)} -- %s", unit)
        state = parse_show(shown.stdout, _PROPERTIES)
    except CannotTell as error:
        return want.result(Verdict.UNKNOWN, None, subject=unit, expected=expected, reason=str(error))
    measured = f"{state['ActiveState']} ({state['SubState']}), {state['UnitFileState'] or 'no unit file'}"
    if state["LoadState"] == "not-found":
        reason, measured = "there is no such unit: it was never installed", "not found"
    elif state["LoadState"] != "loaded":
        reason, measured = f"systemd could not load it: {state['LoadState']}", state["LoadState"]
    elif state["ActiveState"] not in ("active", "reloading"):
        reason = f"it is {state['ActiveState']}"
    elif state["UnitFileState"] in _LEFT_TO_OTHERS:
        reason = f"it runs; being {state['UnitFileState']}, it comes back after a reboot only if another unit wants it"
        return want.result(Verdict.UNKNOWN, None, subject=unit, expected=expected, reason=reason)
    elif state["UnitFileState"] not in _STARTS:
        reason = "it runs, but will not after a reboot"
    else:
        return want.result(Verdict.PASS, measured, subject=unit, expected=expected)
    return want.result(Verdict.FAIL, measured, subject=unit, expected=expected, reason=reason)


CHECKS = (
    Check(
        "units.active",
        "units active and enabled",
        Kind.NAMES,
        active,
        "on {host}: systemctl status {subject}; journalctl -u {subject} -n 50; or: hybridctl provision --limit {host}",
    ),
)
