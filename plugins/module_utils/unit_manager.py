"""The host's systemd: shows units, and does what a plan says, by systemctl."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.hybridctl.site.plugins.module_utils.unit_planning import (
    FOLDERS,
    Action,
    UnitError,
    Wanted,
    has_conditions,
)
from ansible_collections.hybridctl.site.plugins.module_utils.unit_states import PROPERTIES, Unit, parse

__all__ = ["Manager", "ManagerError", "Run", "declined", "resource", "touches_unit_files"]

# Runs a command; returns exit status, stdout, stderr.
Run = Callable[[list[str]], "tuple[int, str, str]"]
JOURNAL_LINES = 20
PAUSE = 0.5  # seconds between two calls of a `ready` command


class ManagerError(Exception):
    """systemd itself does not answer."""


class Manager:
    """systemd of the host.

    Attributes:
        done: what was changed, as entries of `resources`.
        warnings: what a person should know although nothing failed.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.done: list[dict[str, Any]] = []
        self.warnings: list[str] = []

    def show(self, names: list[str]) -> list[Unit]:
        """Return the units, by one call of systemctl.

        Raises:
            ManagerError: it is no host with systemd, or systemctl says something else than units.
        """
        argv = ["systemctl", "show", "--no-pager", f"--property={','.join(PROPERTIES)}"]
        status, out, said = self._run([*argv, "--timestamp=us+utc", "--", *names])
        if status and "timestamp" in said:  # older than systemd 247
            status, out, said = self._run([*argv, "--", *names])
        if status:
            raise ManagerError(f"systemctl does not answer; is this a host run by systemd? {(said or out).strip()}")
        try:
            return parse(out, names)
        except ValueError as error:
            raise ManagerError(str(error)) from error

    def daemon_reload(self) -> None:
        """Have systemd read its unit files anew.

        Raises:
            ManagerError: it does not.
        """
        status, _, said = self._run(["systemctl", "daemon-reload"])
        if status:
            raise ManagerError(f"systemctl daemon-reload: {said.strip()}")

    def do(self, want: Wanted, action: Action, before: Unit) -> None:
        """Carry out one action, wait until the unit is ready, and note it.

        Raises:
            UnitError: it failed; with the end of the unit's journal.
        """
        status, _, said = self._run(["systemctl", action.verb, "--", want.name])
        if status:
            raise UnitError(want, f"{action.verb} failed: {said.strip()}{self._journal(want)}")
        if action.verb not in ("start", "restart", "reload"):
            self._note(want, action)
            return
        (after,) = self.show([want.name])
        if after.is_running or (after.runs_once and after.active == "inactive" and not after.declined):
            self._await_ready(want)
            self._note(want, action)
            return
        # systemd forgets an inactive unit that nothing wants, and shows it as never asked.
        forgotten = after.active == "inactive" and after.left_inactive.stamp == 0 and has_conditions(after)
        if not after.declined and not forgotten:
            how = "failed" if after.active == "failed" else "ended"
            raise UnitError(want, f"it {how} right after its {action.verb} ({after.result}){self._journal(want)}")
        self.warnings.append(declined(want))
        if action.verb != "start" or (after.declined and not before.declined and not action.quiet):
            # From now on systemd knows that it declined, so that the next run has nothing to report.
            self._note(want, Action(action.verb, f"{action.why}; declined by a condition of its unit file"))

    def _await_ready(self, want: Wanted) -> None:
        if not want.ready:
            return
        deadline = time.monotonic() + want.ready_timeout
        while True:
            said = _try(want.ready, max(deadline - time.monotonic(), 0.1))
            if not said:
                return
            failed = self._run(["systemctl", "is-failed", "--quiet", "--", want.name])[0] == 0
            if failed or time.monotonic() + PAUSE > deadline:
                what = "it failed while it was waited for" if failed else f"not ready within {want.ready_timeout:g} s"
                raise UnitError(want, f"{what}: `{' '.join(want.ready)}` {said}{self._journal(want)}")
            time.sleep(PAUSE)

    def _journal(self, want: Wanted) -> str:
        argv = ["journalctl", "--no-pager", "--quiet", f"--lines={JOURNAL_LINES}", f"--unit={want.name}"]
        lines = self._run(argv)[1].strip()
        return f"\nThe end of its journal:\n{lines}" if lines else f"\nIts journal is empty: journalctl -u {want.name}"

    def _note(self, want: Wanted, action: Action) -> None:
        self.done.append(resource(want, action))


def declined(want: Wanted) -> str:
    """Return the warning about a unit that will not start."""
    return f"units[{want.index}] {want.name}: not started, a condition of its unit file does not hold"


def resource(want: Wanted, action: Action) -> dict[str, Any]:
    """Return an action as an entry of `resources`."""
    return {
        "kind": "unit",
        "name": want.name,
        "action": action.verb,
        "why": action.why,
        "depends_on": action.depends_on,
        "diff": {"prepared": f"{action.verb}: {action.why}"},
    }


def touches_unit_files(paths: list[str]) -> bool:
    """Tell whether any of the paths makes or extends a unit."""
    return any(path.startswith(f"{folder}/") for path in paths for folder in FOLDERS)


def _try(argv: tuple[str, ...], seconds: float) -> str:
    """Return what kept a `ready` command from success; empty when it exits 0."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "does not end"
    except OSError as error:
        return f"cannot be run: {error.strerror}"
    said = (done.stderr.strip() or done.stdout.strip())[-500:]
    return f"exits {done.returncode}: {said}" if done.returncode else ""
