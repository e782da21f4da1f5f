"""`hybridctl verify timer`: this machine verifies the site by itself."""

from pathlib import Path

import click

from hybridctl.cli import timer as timers
from hybridctl.cli.options import inventory_option

__all__ = ["on_change_option", "timer"]

on_change_option = click.option(
    "--on-change",
    metavar="COMMAND",
    help="Run this when verdicts or hosts changed since the last run; it reads them as JSON on stdin.",
)


@click.group()
def timer() -> None:
    """Have this machine verify the site by itself: a systemd timer, with an alert when a verdict changes.

    The verification runs as the owner of the site's folder. It may write the site's .hybridctl folder and the
    textfile's, nothing else; so may the command of --on-change, which runs in the site's folder. FAIL (exit 5) and
    UNKNOWN (6) are no failure of the unit; a host that could not be reached is.

    \b
    Example:
      hybridctl verify timer show --every 15min
      sudo hybridctl verify timer install --every 15min --on-change './alert.sh --to ops'
      journalctl -u hybridctl-verify-bank
      sudo hybridctl verify timer remove
    """


@timer.command()
@inventory_option
@timers.every_option
@timers.textfile_option
@on_change_option
def show(inventory: Path | None, every: str, textfile: Path | None, on_change: str | None) -> None:
    """Print the unit files; write nothing.

    \b
    Example:
      hybridctl verify timer show --every 6h
    """
    from hybridctl.timers.units import VERIFY

    timers.show(timers.spec_of(VERIFY, inventory, every, textfile, on_change))


@timer.command()
@inventory_option
@timers.every_option
@timers.textfile_option
@on_change_option
def install(inventory: Path | None, every: str, textfile: Path | None, on_change: str | None) -> None:
    """Write the units and start the timer; twice is harmless. Root only.

    \b
    Example:
      sudo hybridctl verify timer install -i /srv/bank/inventory --on-change ./alert.sh
    """
    from hybridctl.timers.units import VERIFY

    timers.install(VERIFY, inventory, every, textfile, on_change)


@timer.command()
@inventory_option
def remove(inventory: Path | None) -> None:
    """Stop the timer and remove its units; exit 0 also when there were none. Root only.

    \b
    Example:
      sudo hybridctl verify timer remove -i /srv/bank/inventory
    """
    from hybridctl.timers.units import VERIFY

    timers.remove(VERIFY, inventory)
