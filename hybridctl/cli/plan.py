"""`hybridctl plan`: what a provision would change."""

import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridctl.cli.options import inventory_option, json_option, layer_option, limit_option, role_option, work_options
from hybridctl.errors import ExitCode

if TYPE_CHECKING:
    from hybridctl.planning import Group, Plan, PlannedChange

__all__ = ["command"]

WIDTH = 100  # columns; a diff is shown as it is
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
    Hosts with the same changes are shown together, with the diffs of the first; where others have another, that is
    said. A provision that goes on at the same time is told and hinders nothing.

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
    from hybridctl.host_ranges import short_list

    for group in plan.grouped():
        if group.changes:
            number = f"{len(group.changes)} change{'s' * (len(group.changes) != 1)}"
            each = f" on each of {len(group.hosts)} hosts" if len(group.hosts) > 1 else ""
            yield from _wrapped(f"{short_list(group.hosts)}: {number}{each}", "  ")
            yield from _changes(group, longest)
            yield ""
    yield from _summary(plan)
    width = max(4, *(len(name) for name in plan.changes))
    states = {host.name: host.state for host in plan.result.hosts}
    for name, changes in plan.changes.items():
        would = f"{len(changes)} would change, {_reboot(changes)}" if changes else "nothing to change"
        if not plan.is_planned(name):
            would = f"could not be planned ({states[name].value}); until then {would}"
        yield f"{name:<{width}}  {would}"


def _changes(group: "Group", longest: int) -> Iterator[str]:
    layer = ""
    for change, others in group.changes:
        if change.layer != layer:
            layer = change.layer
            yield f"  {layer}"
        yield from _line(change)
        diff = [line for line in change.diff if line != f"{change.action}: {change.why}"]  # the line above says so
        if others:
            yield f"      this is {group.hosts[0]}'s; {others} of the others differ here: hybridctl plan --limit HOST"
        for line in diff[:longest]:
            yield f"      {line}"
        if len(diff) > longest:
            rest = len(diff) - longest
            yield f"      ... {rest} more line{'s' * (rest != 1)}: hybridctl plan --full"


def _line(change: "PlannedChange") -> Iterator[str]:
    """Yield one change: what becomes of which resource, why, and whether it is certain."""
    from hybridctl.report.run_text import size

    versions = " -> ".join(version for version in (change.old, change.new) if version)
    takes = f", {size(change.size)}" if change.size else ""
    said = f" {versions}{takes}" if versions else ""
    why = f": {change.why}" if change.why else ""
    how = f"depends on {change.depends_on}" if change.depends_on else "certain"
    yield from _wrapped(f"    {change.action} {change.kind} {change.name}{said}{why}  [{how}]", " " * 8)


def _wrapped(line: str, indent: str) -> list[str]:
    """Break a line that is longer than WIDTH; a path is never broken."""
    if len(line) <= WIDTH:
        return [line]
    *head, how = line.rpartition("  [")  # what it depends on goes into a line of its own before anything is broken
    if head[0] and len(how) + len(indent) < WIDTH:
        return [*_wrapped(head[0], indent), f"{indent}[{how}"]
    return textwrap.wrap(
        line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def _summary(plan: "Plan") -> Iterator[str]:
    from hybridctl.report.run_text import size

    for kind, actions in sorted(plan.summary().items()):
        yield f"{kind + ':':<11} {', '.join(f'{number} to {action}' for action, number in sorted(actions.items()))}"
    everything = [change for changes in plan.changes.values() for change in changes]
    if everything:
        uncertain = sum(bool(change.depends_on) for change in everything)
        download = sum(change.size for change in everything)
        yield f"{'in all:':<11} {len(everything) - uncertain} certain, {uncertain} depend on others" + (
            f", {size(download)} to download" if download else ""
        )
        yield ""


def _reboot(changes: "tuple[PlannedChange, ...]") -> str:
    from hybridctl.planning import reboot

    wanted = reboot(changes)
    return f"reboot: {wanted['why']}" if wanted["needed"] else "no reboot"
