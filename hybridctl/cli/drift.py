"""`hybridctl drift`: what differs from what the site says, and since when."""

import json
import os
import sys
from pathlib import Path

import click

from hybridctl.cli import timer as timers
from hybridctl.cli.options import inventory_option, json_option, limit_option

__all__ = ["command"]


@click.group(invoke_without_command=True)
@inventory_option
@limit_option
@click.option("--layer", "layers", multiple=True, help="Only this layer (and preflight); may be given again.")
@click.option("--forks", default=20, show_default=True, type=click.IntRange(1, 500), help="Hosts worked on at a time.")
@timers.textfile_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    inventory: Path | None,
    limit: str | None,
    layers: tuple[str, ...],
    forks: int,
    textfile: Path | None,
    as_json: bool,
) -> None:
    """Show what differs on the hosts from what the site says, and since when; change nothing.

    A plan, read as drift: each resource that a provision would change is named. `since` is the first check (drift, plan
    or provision --check) that saw it so, without a clean check or a repair in between; it is kept in
    .hybridctl/drift.json beside hybridctl.yml. A host that could not be planned is unknown, never clean.

    Exit codes: 0 no drift; 7 drift; 3 a host could not be planned; 4 a host was unreachable; 2 invalid input; 130
    interrupted.

    \b
    Example:
      hybridctl drift
      hybridctl drift --limit gpu-07 --layer base
      hybridctl drift --textfile /var/lib/prometheus/node-exporter/hybridctl-drift.prom
      sudo hybridctl drift timer install --every 1h
    """
    if ctx.invoked_subcommand:
        timers.refuse_options_in_front(ctx)
        return
    from hybridctl.cli.progress import choose
    from hybridctl.cli.summary import say_result
    from hybridctl.drift.check import DriftReport
    from hybridctl.drift.store import remember
    from hybridctl.drift.textfile import metrics
    from hybridctl.execution import Execution, Options, execute
    from hybridctl.report.drift_text import drift_lines
    from hybridctl.report.run_text import clean
    from hybridctl.site import open_site
    from hybridctl.textfile import check_target, write_textfile

    site = open_site(inventory)
    if textfile is not None:
        check_target(textfile)
    execution = Execution.prepare(site, Options(limit, check=True, diff=True, layers=layers, forks=forks))
    with choose(verbose=False) as progress:
        result = execute(execution, "plan", [progress])
    memory, remark = remember(site, result.document, execution.inventory.hosts)
    report = DriftReport.of(result, memory, layers, remark)
    click.echo(json.dumps(report.document(), indent=2) if as_json else clean("\n".join(drift_lines(report))))
    if textfile is not None:
        write_textfile(textfile, metrics(site.name, memory, site.other_inventory))
    if remark:
        click.secho(f"Warning: {remark}", fg="yellow", err=True)
    say_result(result)
    if any(host.drifted for host in report.hosts):
        where = f" -i {os.path.relpath(site.inventory)}" if inventory else ""
        click.echo(f"next: hybridctl plan{where} shows the diffs, hybridctl provision{where} repairs", err=True)
    sys.exit(report.exit_code)


@command.group()
def timer() -> None:
    """Have this machine check the site by itself: a systemd timer, and its last result as Prometheus metrics.

    The check runs as the owner of the site's folder. It may write the site's .hybridctl folder and the textfile's,
    nothing else. Drift (exit 7) is no failure of the unit; a host that could not be planned is.

    \b
    Example:
      hybridctl drift timer show --every 15min
      sudo hybridctl drift timer install --textfile /var/lib/prometheus/node-exporter/hybridctl-drift.prom
      journalctl -u hybridctl-drift-bank
      sudo hybridctl drift timer remove
    """


@timer.command()
@inventory_option
@timers.every_option
@timers.textfile_option
def show(inventory: Path | None, every: str, textfile: Path | None) -> None:
    """Print the unit files; write nothing.

    \b
    Example:
      hybridctl drift timer show --every 6h
    """
    from hybridctl.timers.units import DRIFT

    timers.show(timers.spec_of(DRIFT, inventory, every, textfile))


@timer.command()
@inventory_option
@timers.every_option
@timers.textfile_option
def install(inventory: Path | None, every: str, textfile: Path | None) -> None:
    """Write the units and start the timer; twice is harmless. Root only.

    \b
    Example:
      sudo hybridctl drift timer install -i /srv/bank/inventory --every 1h
    """
    from hybridctl.timers.units import DRIFT

    timers.install(DRIFT, inventory, every, textfile)


@timer.command()
@inventory_option
def remove(inventory: Path | None) -> None:
    """Stop the timer and remove its units; exit 0 also when there were none. Root only.

    \b
    Example:
      sudo hybridctl drift timer remove -i /srv/bank/inventory
    """
    from hybridctl.timers.units import DRIFT

    timers.remove(DRIFT, inventory)
