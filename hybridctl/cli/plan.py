"""`hybridctl plan`: what a provision would change."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridctl.cli.options import inventory_option, json_option, layer_option, limit_option, role_option, work_options
from hybridctl.errors import ExitCode

if TYPE_CHECKING:
    from hybridctl.planning import Plan, PlannedChange

__all__ = ["command"]

DIFF_LINES = 20  # of one change on the screen; --json and --full have more


@click.command()
@inventory_option
@limit_option
@layer_option
@role_option
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Keep the plan for `provision --plan FILE`."
)
@click.option("--detailed-exitcode", is_flag=True, help="End with 7 when something would change: for drift checks.")
@click.option("--full", is_flag=True, help="Show up to 200 lines of every diff.")
@work_options
@json_option
def command(
    inventory: Path | None,
    limit: str | None,
    layers: tuple[str, ...],
    roles: tuple[str, ...],
    forks: int,
    out: Path | None,
    detailed_exitcode: bool,
    full: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Show host by host and layer by layer what a provision would change; change nothing.

    Each change names its resource, why, and whether it is certain or what it depends on. Secrets in diffs are masked.
    Hosts with the very same changes are shown together. A provision that goes on at the same time is told and hinders
    nothing.

    Exit codes: 0 planned, whether or not there is anything to do; with --detailed-exitcode 7 when there is; 3 a host
    could not be planned; 4 a host was unreachable; 2 invalid input; 130 interrupted.

    \b
    Example:
      hybridctl plan
      hybridctl plan --limit gw1 --layer gateway --full
      hybridctl plan --out monday.plan
      hybridctl plan --limit kunpeng --detailed-exitcode
      hybridctl plan --json | jq '.hosts[] | {name, changes: (.changes | length)}'
    """
    from hybridctl.cli.progress import choose
    from hybridctl.cli.summary import say_next, say_result
    from hybridctl.execution import Execution, Options, execute
    from hybridctl.hostlock import look
    from hybridctl.plan_file import write_plan
    from hybridctl.planning import Plan
    from hybridctl.site import open_site

    site = open_site(inventory)
    execution = Execution.prepare(site, Options(limit, True, True, layers, roles, forks))
    with choose(verbose) as progress:
        result = execute(execution, "plan", [progress], extra_vars=look())
    plan = Plan.of(result)
    if as_json:
        click.echo(json.dumps(plan.document(), indent=2))
    else:
        click.echo("\n".join(_text(plan, 200 if full else DIFF_LINES)))
    if out is not None:
        write_plan(plan, out)
    say_result(result)
    pending = result.exit_code == 0 and any(plan.changes.values())
    if pending:
        kept = ("--plan", str(out)) if out else ()
        say_next("provision", inventory and site.inventory, limit, layers, roles, kept)
    sys.exit(ExitCode.CHANGES_PENDING if pending and detailed_exitcode else result.exit_code)


def _text(plan: "Plan", longest: int) -> Iterator[str]:
    """Yield the plan line by line: the changes of each group of hosts, a summary by kind, a line for every host."""
    for hosts, changes in plan.grouped():
        if changes:
            yield f"{', '.join(hosts)}: {len(changes)} change{'s' * (len(changes) != 1)}"
            yield from _changes(changes, longest)
            yield ""
    yield from _summary(plan)
    width = max(4, *(len(name) for name in plan.changes))
    states = {host.name: host.state for host in plan.result.hosts}
    for name, changes in plan.changes.items():
        would = f"{len(changes)} would change, {_reboot(changes)}" if changes else "nothing to change"
        if not plan.is_planned(name):
            would = f"could not be planned ({states[name].value}); until then {would}"
        yield f"{name:<{width}}  {would}"


def _changes(changes: "tuple[PlannedChange, ...]", longest: int) -> Iterator[str]:
    layer = ""
    for change in changes:
        if change.layer != layer:
            layer = change.layer
            yield f"  {layer}"
        yield f"    {_line(change)}"
        for line in change.diff[:longest]:
            yield f"      {line}"
        if len(change.diff) > longest:
            yield f"      ... {len(change.diff) - longest} more lines: hybridctl plan --full"


def _line(change: "PlannedChange") -> str:
    """Return one change: what becomes of which resource, why, and whether it is certain."""
    versions = " -> ".join(version for version in (change.old, change.new) if version)
    size = f", {_bytes(change.size)}" if change.size else ""
    said = f" {versions}{size}" if versions else ""
    why = f": {change.why}" if change.why else ""
    how = f"depends on {change.depends_on}" if change.depends_on else "certain"
    return f"{change.action} {change.kind} {change.name}{said}{why}  [{how}]"


def _summary(plan: "Plan") -> Iterator[str]:
    for kind, actions in sorted(plan.summary().items()):
        yield f"{kind + ':':<11} {', '.join(f'{number} to {action}' for action, number in sorted(actions.items()))}"
    everything = [change for changes in plan.changes.values() for change in changes]
    if everything:
        uncertain = sum(bool(change.depends_on) for change in everything)
        size = sum(change.size for change in everything)
        yield f"{'in all:':<11} {len(everything) - uncertain} certain, {uncertain} depend on others" + (
            f", {_bytes(size)} to download" if size else ""
        )
        yield ""


def _reboot(changes: "tuple[PlannedChange, ...]") -> str:
    from hybridctl.planning import reboot

    wanted = reboot(changes)
    return f"reboot: {wanted['why']}" if wanted["needed"] else "no reboot"


def _bytes(number: int) -> str:
    """Return a size as people write it; 1 kB is 1000 bytes, as apt counts."""
    size = float(number)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
