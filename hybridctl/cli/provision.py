"""`hybridctl provision`: bring the hosts to what the site says."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from hybridctl.cli.options import (
    check_option,
    inventory_option,
    json_option,
    layer_option,
    limit_option,
    role_option,
    rollout_options,
    work_options,
)

if TYPE_CHECKING:
    from hybridctl.execution import Execution
    from hybridctl.resume import Record
    from hybridctl.rollout import Rollout
    from hybridctl.site import Site

__all__ = ["command"]


@click.command()
@inventory_option
@limit_option
@check_option
@layer_option
@role_option
@rollout_options
@click.option("--plan", "approved", type=click.Path(path_type=Path), help="Do what this plan says, or refuse.")
@click.option("--resume", metavar="RUN", help="Go on with the hosts that did not end well in RUN (an id, or latest).")
@click.option("--break-locks", is_flag=True, help="Break locks of other runs, unless they are known to go on.")
@work_options
@json_option
def command(
    inventory: Path | None, verbose: bool, as_json: bool, break_locks: bool, approved: Path | None, **chosen: Any
) -> None:
    """Bring every host to what the site folder says.

    The inventory is validated before any host is contacted. A host that fails or dies does not stop the others. Ctrl-C
    ends the run with all its processes and says how far it came. Every run is recorded in .hybridctl/runs/ID beside
    hybridctl.yml, without secrets, with a page to read (report.html).

    With --batch or --canary the hosts go one batch after another, in the order of the inventory. When more hosts failed
    or could not be reached than --max-fail allows, when the --window does not fit or a hook fails, no further batch
    starts; what is left is named. --resume goes on there, with the options of that run. hybridctl.yml may set batch,
    max_fail, window and hooks; an option comes before it. With --check, batches are those of the options only, and
    window and hooks do not count.

    Hooks run in the site folder, without a shell, and get HYBRIDCTL_RUN, HYBRIDCTL_BATCH, HYBRIDCTL_BATCHES,
    HYBRIDCTL_HOSTS and, afterwards, HYBRIDCTL_STATUS: ok, failed, or `not started` when the first hook took so long
    that the batch no longer fits into the window. After a Ctrl-C none is started.

    With --plan FILE, of `hybridctl plan --out FILE`, the same hosts, layers and roles are planned anew. Where that
    differs from the file, what moved is named and nothing is changed; otherwise just that is done.

    Each host has a lock, so that two provisions never work on it at once. A lock whose process is dead is asked about.

    Exit codes: 0 ok; 3 a host failed (also when others were unreachable) or was not started; 4 a host was unreachable;
    2 invalid input, nothing was contacted; 1 Ansible itself could not run; 130 interrupted.

    \b
    Example:
      hybridctl provision
      hybridctl provision --check --limit gateway
      hybridctl provision --canary cpu1 --batch 1,10%,50% --max-fail 2
      hybridctl provision --resume latest
      hybridctl provision --plan monday.plan --batch 1,50%
      hybridctl provision --batch 25% --window 22:00-05:00 --before-batch './silence-alerts 90'
      hybridctl provision -i .hybridctl/lab/lab/site/inventory --layer base --role vllm
      hybridctl provision --json | jq '.hosts[] | {name, changed}'
    """
    from hybridctl.cli.progress import choose
    from hybridctl.cli.summary import host_table, keep_page, say_next, say_result
    from hybridctl.plan_file import strayed
    from hybridctl.provisioning import Conduct, provision
    from hybridctl.site import open_site

    site = open_site(inventory)
    plan = _approved(approved, chosen) if approved else None
    resumed, execution, rollout = _prepare(site, **chosen)
    if plan and approved:
        _hold(plan, approved, execution, verbose)
    if resumed and not execution.hosts:
        click.echo(f"run {resumed.id} has nothing left: all of its hosts ended well", err=True)
        if as_json:
            click.echo(json.dumps(resumed.document, indent=2))
        return
    click.echo(_headline(execution, resumed), err=True)
    with choose(verbose) as progress:
        ask = progress.ask if sys.stdin.isatty() and sys.stderr.isatty() else None
        resumes = (resumed.id, *resumed.goes_on_with) if resumed else ()
        conduct = Conduct(ask=ask, resumes=resumes, break_locks=break_locks)
        result = provision(execution, rollout, [progress], conduct)
    click.echo(json.dumps(result.document, indent=2) if as_json else host_table(result))
    keep_page(result.path)
    say_result(result)
    for line in strayed(plan, result.document) if plan and result.exit_code == 0 else ():
        click.secho(f"Warning: {line}", fg="yellow", err=True)
    if result.exit_code == 0:
        # verify judges hosts, not layers; of a resumed run, all that the run was for.
        options = execution.options
        again = (options.layers, options.roles) if options.check else ((), ())
        say_next("provision" if options.check else "verify", inventory and site.inventory, options.limit, *again)
    elif not chosen["check"]:
        say_next("provision", inventory and site.inventory, more=("--resume", result.path.name))
    sys.exit(result.exit_code)


def _prepare(
    site: "Site",
    *,
    limit: str | None,
    check: bool,
    layers: tuple[str, ...],
    roles: tuple[str, ...],
    forks: int,
    resume: str | None,
    **given: Any,
) -> "tuple[Record | None, Execution, Rollout]":
    """Return what is resumed, the run that is ready, and how its hosts follow one another."""
    from hybridctl.errors import InvalidInput
    from hybridctl.execution import Execution, Options
    from hybridctl.resume import open_record
    from hybridctl.rollout import Rollout

    if resume is None:
        rollout = (Rollout() if check else site.rollout).over(given)
        execution = Execution.prepare(site, Options(limit, check, True, layers, roles, forks))
        record = None
    else:
        for option, value in (("--limit", limit), ("--check", check), ("--layer", layers), ("--role", roles)):
            if value:
                raise click.UsageError(f"--resume has the options of its run; {option} cannot be given with it")
        record = open_record(site, resume)
        rollout = Rollout.from_document(record.document["rollout"], given).without_canary_unless_in(record.left)
        options = record.options
        source = click.get_current_context().get_parameter_source("forks")
        if source is not None and source is not ParameterSource.DEFAULT:
            options = replace(options, forks=forks)
        execution = Execution.prepare(site, options, record.left)
    if given.get("max_fail") is not None and not rollout.shares:
        raise InvalidInput(
            "--max-fail: all hosts begin at once, there is no further batch to hold back",
            "say how many at a time, --batch 1,10%,50%, or who goes first, --canary HOST",
        )
    rollout.check_programs(site.root)
    rollout.check_canary(execution.hosts)
    return record, execution, rollout


def _approved(path: Path, chosen: dict[str, Any]) -> dict[str, Any]:
    """Read a plan file; what the run is for is what the plan was made for."""
    from hybridctl.plan_file import read_plan

    names = {"limit": "--limit", "layers": "--layer", "roles": "--role", "check": "--check", "resume": "--resume"}
    for name, option in names.items():
        if chosen[name]:
            raise click.UsageError(
                f"--plan has the hosts, layers and roles of its plan; {option} cannot be given with it"
            )
    plan = read_plan(path)
    chosen.update(limit=plan["limit"], layers=tuple(plan["layers"]), roles=tuple(plan["roles"]))
    return plan


def _hold(plan: dict[str, Any], path: Path, execution: "Execution", verbose: bool) -> None:
    """Plan anew and refuse where that is not the plan of the file."""
    from hybridctl.cli.progress import choose
    from hybridctl.execution import execute
    from hybridctl.hostlock import look
    from hybridctl.plan_file import hold
    from hybridctl.planning import Plan

    click.echo(f"holding {path} against the hosts", err=True)
    check = replace(execution, options=replace(execution.options, check=True, diff=True))
    with choose(verbose) as progress:
        now = Plan.of(execute(check, "plan", [progress], extra_vars=look()))
    hold(plan, now.document(), path)


def _headline(execution: "Execution", resumed: "Record | None") -> str:
    """Say what begins: how many hosts, of which site, going on with what."""
    count, options = len(execution.hosts), execution.options
    what = "check of" if options.check else "provision"
    left = f", left over from run {resumed.id}" if resumed else ""
    return f"{what} {count} host{'s' * (count != 1)} of {execution.site.name}{left}"
