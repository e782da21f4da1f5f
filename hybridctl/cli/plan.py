"""`hybridctl plan`: what a provision would change."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridctl.cli.options import inventory_option, json_option, limit_option

if TYPE_CHECKING:
    from hybridctl.planning import Change, Plan

__all__ = ["command"]

DIFF_LINES = 20  # of one change on the screen; --json and --full have more


@click.command()
@inventory_option
@limit_option
@click.option("--layer", "layers", multiple=True, help="Only this layer (and preflight); may be given again.")
@click.option("--forks", default=20, show_default=True, type=click.IntRange(1, 500), help="Hosts worked on at a time.")
@click.option("--full", is_flag=True, help="Show up to 200 lines of every diff.")
@click.option("-v", "--verbose", is_flag=True, help="Show tasks that change nothing, too.")
@json_option
def command(
    inventory: Path | None,
    limit: str | None,
    layers: tuple[str, ...],
    forks: int,
    full: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Show host by host and layer by layer what a provision would change; change nothing.

    Runs the roles in check mode with diff. Secrets in diffs are masked. Hosts with the very same changes are shown
    together.

    Exit codes: 0 planned, whether or not there is anything to do; 3 a host could not be planned; 4 a host was
    unreachable; 2 invalid input; 130 interrupted.

    \b
    Example:
      hybridctl plan
      hybridctl plan --limit gw1 --layer gateway --full
      hybridctl plan --json | jq '.hosts[] | {name, changes: (.changes | length)}'
    """
    from hybridctl.cli.progress import choose
    from hybridctl.cli.summary import say_next, say_result
    from hybridctl.execution import Execution, Options, execute
    from hybridctl.planning import Planner
    from hybridctl.site import open_site

    site = open_site(inventory)
    execution = Execution.prepare(site, Options(limit, check=True, diff=True, layers=layers, forks=forks))
    planner = Planner()
    with choose(verbose) as progress:
        result = execute(execution, "plan", [planner, progress])
    plan = planner.plan(result)
    if as_json:
        click.echo(json.dumps(plan.document(), indent=2))
    else:
        click.echo("\n".join(_text(plan, 200 if full else DIFF_LINES)))
    say_result(result)
    if result.exit_code == 0 and any(plan.changes.values()):
        say_next("provision", inventory and site.inventory, limit, layers)
    sys.exit(result.exit_code)


def _text(plan: "Plan", longest: int) -> Iterator[str]:
    """Yield the plan line by line: the changes of each group of hosts, then a summary of every host."""
    from hybridctl.events import HostState

    for hosts, changes in plan.grouped():
        if changes:
            yield f"{', '.join(hosts)}: {len(changes)} change{'s' * (len(changes) != 1)}"
            yield from _changes(changes, longest)
            yield ""
    width = max(4, *(len(name) for name in plan.changes))
    states = {host.name: host.state for host in plan.result.hosts}
    for name, changes in plan.changes.items():
        would = f"{len(changes)} would change" if changes else "nothing to change"
        if states[name] not in (HostState.OK, HostState.NOTHING_TO_DO):
            would = f"could not be planned ({states[name].value}); until then {would}"
        yield f"{name:<{width}}  {would}"


def _changes(changes: "tuple[Change, ...]", longest: int) -> Iterator[str]:
    layer = ""
    for change in changes:
        if change.layer != layer:
            layer = change.layer
            yield f"  {layer}"
        items = f" ({', '.join(change.items)})" if change.items else ""
        yield f"    {change.role + ' : ' if change.role else ''}{change.task}{items}"
        for line in change.diff[:longest]:
            yield f"      {line}"
        if len(change.diff) > longest:
            yield f"      ... {len(change.diff) - longest} more lines: hybridctl plan --full"
