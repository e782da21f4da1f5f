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
    told, metrics = "sh alert.sh --to 'ops'", tmp_path / "verify.prom"
    done = ask("timer", "show", "--every", "15min", "--textfile", str(metrics), "--on-change", told)
    assert done.exit_code == 0, done.output
    assert "# /etc/systemd/system/hybridctl-verify-bank.service\n" in done.stdout
    assert "OnCalendar=*-*-* *:00/15:00 UTC\n" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("ExecStart="))
    _, word, *arguments = shlex.split(line.removeprefix("ExecStart="))
    assert word == "verify"
    verify = cli.get_command(None, "verify")  # type: ignore[arg-type]
    assert verify is not None
    options = verify.make_context("verify", arguments).params
    wanted = {"inventory": tmp_path / "inventory", "textfile": metrics, "on_change": told}
    assert {name: options[name] for name in wanted} == wanted
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hybridctl.yml", "inventory"]


def test_another_inventory_has_a_timer_of_its_own(ask: Ask, tmp_path: Path) -> None:
    """Named in the unit's name."""
    (tmp_path / "staging").mkdir()
    assert "/hybridctl-verify-bank-staging.service\n" in ask("timer", "show", "-i", "staging").stdout


@pytest.mark.parametrize("act", ["install", "remove"])
def test_the_timer_wants_systemd(ask: Ask, act: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine whose PID 1 is something else: exit 2, with another way to go, whatever else is wrong."""
    real = control.require_control
    monkeypatch.setattr(control, "require_control", lambda kind: real(kind, tmp_path / "not-booted"))
    done = ask("timer", act, *(["--textfile", "none/x.prom"] if act == "install" else []))
    assert done.exit_code == 2
    assert "hybridctl verify timer show" in done.stderr


@pytest.mark.parametrize("act", ["show", "install"])
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--on-change", "./none"), "the hook's program ./none is not there"),
        (("--on-change", ""), "'' is not a command"),
        (("--on-change", "sh -c 'x"), "is not a command: No closing quotation"),
        (("--every", "7min"), "--every 7min"),
        (("--every", ""), "--every : not an interval"),
        (("--textfile", "x.txt"), "node_exporter reads *.prom only"),
        (("--textfile", "none/x.prom"), "none is not there"),
    ],
)
def test_no_unit_that_could_not_run(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, act: str, arguments: tuple[str, ...], told: str
) -> None:
    """Exit 2; what install refuses is not shown either."""
    monkeypatch.setattr(control, "require_control", lambda _kind: None)
    done = ask("timer", act, *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_options_in_front_of_timer_are_refused(ask: Ask) -> None:
    """Nobody would read them."""
    done = ask("--textfile", "x.prom", "timer", "show")
    assert done.exit_code == 2
    assert "hybridctl verify timer install" in done.stderr
