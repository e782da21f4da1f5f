"""What the `timer` commands of `drift` and `verify` have in common."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from hybridctl.errors import HybridctlError

if TYPE_CHECKING:
    from hybridctl.timers.units import TimerKind, TimerSpec

__all__ = ["every_option", "install", "refuse_options_in_front", "remove", "show", "spec_of", "textfile_option"]

F = TypeVar("F", bound=Callable[..., Any])


def textfile_option(function: F) -> F:
    """Add `--textfile`."""
    return click.option(
        "--textfile",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write Prometheus metrics there, for node_exporter's textfile collector (FILE.prom).",
    )(function)


def every_option(function: F) -> F:
    """Add `--every`."""
    return click.option("--every", default="1h", show_default=True, help="30s, 5min, 1h, 6h, 1d ...")(function)


def refuse_options_in_front(ctx: click.Context) -> None:
    """Refuse an option before `timer`, which would be read by nobody.

    Raises:
        UsageError: there is one.
    """
    for name in ctx.params:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"options of the timer come last: hybridctl {ctx.info_name} timer install -i PATH --textfile FILE"
            )


def spec_of(
    kind: "TimerKind",
    inventory: Path | None,
    every: str = "1h",
    textfile: Path | None = None,
    on_change: str | None = None,
) -> "TimerSpec":
    """Return the timer of the site that is meant; refuse one whose runs would be refused."""
    from hybridctl.site import open_site
    from hybridctl.timers.control import timer_spec

    return timer_spec(kind, open_site(inventory), _program(), every, textfile, on_change)


def show(spec: "TimerSpec") -> None:
    """Print the unit files."""
    from hybridctl.timers.control import UNITS
    from hybridctl.timers.units import unit_files

    for name, text in unit_files(spec).items():
        click.echo(f"# {UNITS / name}\n{text}")


def install(
    kind: "TimerKind",
    inventory: Path | None,
    every: str,
    textfile: Path | None,
    on_change: str | None = None,
) -> None:
    """Write the units, start the timer, say what was done."""
    from hybridctl.timers import control

    control.require_control(kind)
    spec = spec_of(kind, inventory, every, textfile, on_change)
    _say(control.install(spec, control.Control()), f"{spec.name}.timer is installed already")
    click.echo(f"next: systemctl list-timers {spec.name}.timer", err=True)


def remove(kind: "TimerKind", inventory: Path | None) -> None:
    """Stop the timer, remove the units, say what was done."""
    from hybridctl.timers import control

    control.require_control(kind)
    spec = spec_of(kind, inventory)
    _say(control.remove(spec, control.Control()), f"there is no {spec.name}.timer")


def _say(done: list[str], nothing: str) -> None:
    click.echo("\n".join(done) if done else nothing, err=True)


def _program() -> Path:
    """Find our own executable; it lies beside our Python, and under sudo not always on PATH."""
    beside = Path(sys.executable).with_name("hybridctl")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("hybridctl")
    if found is None:
        raise HybridctlError("there is no hybridctl to call from a unit", "reinstall: pipx reinstall hybridctl")
    return Path(found).absolute()
