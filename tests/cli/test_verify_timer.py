"""`hybridctl verify timer` as a user sees it; installing is tested over a systemctl of ours in tests/unit/timers."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from hybridctl.cli import cli
from hybridctl.timers import control

Ask = Callable[..., Result]


def test_show_prints_both_files(ask: Ask, tmp_path: Path) -> None:
    """What they call is a command line that we take; nothing is written."""
    told = "./alert.sh --to 'ops'"
    done = ask("timer", "show", "--every", "15min", "--textfile", "/x/verify.prom", "--on-change", told)
    assert done.exit_code == 0, done.output
    assert "# /etc/systemd/system/hybridctl-verify-bank.service\n" in done.stdout
    assert "OnCalendar=*-*-* *:00/15:00 UTC\n" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("ExecStart="))
    _, word, *arguments = shlex.split(line.removeprefix("ExecStart="))
    assert word == "verify"
    verify = cli.get_command(None, "verify")  # type: ignore[arg-type]
    assert verify is not None
    options = verify.make_context("verify", arguments).params
    wanted = {"inventory": tmp_path / "inventory", "textfile": Path("/x/verify.prom"), "on_change": told}
    assert {name: options[name] for name in wanted} == wanted
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hybridctl.yml", "inventory"]


def test_another_inventory_has_a_timer_of_its_own(ask: Ask, tmp_path: Path) -> None:
    """Named in the unit's name."""
    (tmp_path / "staging").mkdir()
    assert "/hybridctl-verify-bank-staging.service\n" in ask("timer", "show", "-i", "staging").stdout


@pytest.mark.parametrize("act", ["install", "remove"])
def test_the_timer_wants_systemd(ask: Ask, act: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine whose PID 1 is something else: exit 2, with another way to go."""
    real = control.require_control
    monkeypatch.setattr(control, "require_control", lambda kind: real(kind, tmp_path / "not-booted"))
    done = ask("timer", act)
    assert done.exit_code == 2
    assert "hybridctl verify timer show" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("timer", "install", "--on-change", "./none"), "the hook's program ./none is not there"),
        (("timer", "show", "--every", "7min"), "--every 7min"),
        (("--textfile", "x.prom", "timer", "show"), "hybridctl verify timer install"),
    ],
)
def test_bad_input_is_refused(ask: Ask, arguments: tuple[str, ...], told: str) -> None:
    """Exit 2; no unit is written that could not run."""
    done = ask(*arguments)
    assert done.exit_code == 2
    assert told in done.stderr
