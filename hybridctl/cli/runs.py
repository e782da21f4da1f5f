"""`hybridctl runs`: what was done, when, by whom, on which host."""

import itertools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from hybridctl.cli.options import check_option, inventory_option, json_option
from hybridctl.errors import HybridctlError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridctl.run_details import RunDetails
    from hybridctl.run_history import RunRecord

__all__ = ["command"]

DIFF_LINES = 20  # of one change on the screen; --json and --full have more


def _complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the identifiers that begin like this; none when there is no site here."""
    from hybridctl.run_history import run_ids
    from hybridctl.site import open_site

    try:
        known = run_ids(open_site(ctx.params.get("inventory")).runs)
    except (HybridctlError, OSError):
        return []
    return [CompletionItem(name) for name in ("latest", *known) if known and name.startswith(incomplete)]


@click.group()
def command() -> None:
    """Show the recorded runs of a site: what changed when on which host, by whom, with the diff.

    Every provision, plan and verify is recorded in .hybridctl/runs/ID beside hybridctl.yml, without secrets. RUN is an
    ID, the beginning of one, or `latest`.

    \b
    Example:
      hybridctl runs list
      hybridctl runs show latest --html report.html
      hybridctl runs diff 20261124T120000Z latest
      hybridctl runs prune --keep 50
    """


@command.command(name="list")
@inventory_option
@click.option("-n", "count", default=20, show_default=True, type=click.IntRange(1), help="How many, the newest first.")
@click.option("--host", help="Only runs that were for this host.")
@json_option
def list_(inventory: Path | None, count: int, host: str | None, as_json: bool) -> None:
    """List the runs, newest first.

    The numbers are hosts: asked for, ok, with at least one change, failed, unreachable. A run that was killed, or that
    still goes on, has no result.

    \b
    Example:
      hybridctl runs list -n 5 --host gpu-07
      hybridctl runs list --json | jq -r '.runs[] | select(.status != "ok") | .id'
    """
    from hybridctl.report.run_text import clean, runs_document, runs_lines
    from hybridctl.run_history import list_runs
    from hybridctl.site import open_site

    folder = open_site(inventory).runs
    runs = list(itertools.islice(_of_host(list_runs(folder), host), count))
    if as_json:
        click.echo(json.dumps(runs_document(runs), indent=2))
    elif runs:
        click.echo(clean("\n".join(runs_lines(runs))))
    else:
        click.echo(f"no run is recorded in {os.path.relpath(folder)}; next: hybridctl plan", err=True)
    _tell_damage([line for run in runs for line in run.damage])


@command.command()
@click.argument("run", shell_complete=_complete)
@inventory_option
@click.option("--host", help="Only this host.")
@click.option("--full", is_flag=True, help="Show up to 200 lines of every diff.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the page of the run, too.")
@json_option
def show(run: str, inventory: Path | None, host: str | None, full: bool, html: Path | None, as_json: bool) -> None:
    """Show one run: failures with their remedies, hosts, seconds per layer, changes with diffs, slowest tasks.

    The page that --html writes is one file that needs no network: give it to whoever has to see what was done.

    \b
    Example:
      hybridctl runs show latest
      hybridctl runs show 20261124T1200 --host gw1 --full
      hybridctl runs show latest --html report.html
    """
    from hybridctl.report.run_text import clean, run_document, run_lines
    from hybridctl.run_details import read_details

    if html is not None and not (html.absolute().parent.is_dir() and os.access(html.absolute().parent, os.W_OK)):
        raise InvalidInput(f"--html {html}: the folder is not there or not writable", f"mkdir -p {html.parent}")
    details = read_details(_find(inventory, run)).only(host)
    if as_json:
        click.echo(json.dumps(run_document(details), indent=2))
    else:
        click.echo(clean("\n".join(run_lines(details, 200 if full else DIFF_LINES))))
    _tell_damage(details.damage)
    if html is not None:
        _write_page(details, html)


@command.command()
@click.argument("a", shell_complete=_complete)
@click.argument("b", shell_complete=_complete)
@inventory_option
@click.option("--host", help="Only this host.")
@json_option
def diff(a: str, b: str, inventory: Path | None, host: str | None, as_json: bool) -> None:
    """Show what differs between two runs: hosts, changes only in A or only in B, which layers took longer.

    Ends with 0 whether or not they differ.

    \b
    Example:
      hybridctl runs diff 20261124T120000Z-1a2b latest
      hybridctl runs diff 20261124 20261125 --host gw1 --json
    """
    from hybridctl.report.run_diff_text import diff_run_lines
    from hybridctl.report.run_text import clean
    from hybridctl.run_details import read_details
    from hybridctl.run_diff import compare

    first, second = (read_details(_find(inventory, name)).only(host) for name in (a, b))
    difference = compare(first, second)
    if as_json:
        click.echo(json.dumps(difference.document(), indent=2))
    else:
        click.echo(clean("\n".join(diff_run_lines(difference))))
    _tell_damage([*first.damage, *second.damage])


@command.command()
@inventory_option
@click.option("--keep", required=True, type=click.IntRange(1), metavar="N", help="Keep the newest N runs.")
@click.option("--older-than", metavar="AGE", help="Keep younger runs, too: 12h, 90d, 8w.")
@check_option
@json_option
def prune(inventory: Path | None, keep: int, older_than: str | None, check: bool, as_json: bool) -> None:
    """Remove old runs.

    A run that goes on stays, and so does the latest provision, which `provision --resume latest` would take. With the
    records of a host's provisions goes what --window knows of how long its batch takes.

    \b
    Example:
      hybridctl runs prune --keep 50 --check
      hybridctl runs prune --keep 20 --older-than 90d
    """
    from datetime import UTC, datetime

    from hybridctl.report.run_text import clean, pruned_document, pruned_lines
    from hybridctl.run_prune import parse_age, prune
    from hybridctl.site import open_site

    try:
        age = None if older_than is None else parse_age(older_than)
    except InvalidInput as error:
        raise InvalidInput(f"--older-than {error.message}", error.hint) from None
    pruned = prune(open_site(inventory).runs, keep, datetime.now(UTC), age, check=check)
    if as_json:
        click.echo(json.dumps(pruned_document(pruned, check), indent=2))
    else:
        click.echo(clean("\n".join(pruned_lines(pruned, check))))
    for name, why in pruned.spared:
        click.echo(f"kept {name}: {why}", err=True)


def _find(inventory: Path | None, name: str) -> "RunRecord":
    from hybridctl.run_history import find_run
    from hybridctl.site import open_site

    return find_run(open_site(inventory).runs, name)


def _of_host(runs: "Iterator[RunRecord]", host: str | None) -> "Iterator[RunRecord]":
    """Yield the runs that name the host; the mistyped host of no run is an error."""
    from hybridctl.problems import nearest
    from hybridctl.run_details import read_details

    if host is None:
        yield from runs
        return
    met: dict[str, None] = {}
    found = False
    for run in runs:
        # A run without a result names its hosts in its events only.
        names = [row.name for row in (run.hosts if run.has_ended else read_details(run).hosts)]
        met.update(dict.fromkeys(names))
        if host in names:
            found = True
            yield run
    if not found:
        near = nearest(host, met)
        hint = f"did you mean {near}?" if near else f"hosts of the runs: {', '.join(list(met)[:12]) or 'none'}"
        raise InvalidInput(f"--host {host}: no recorded run has such a host", hint)


def _write_page(details: "RunDetails", path: Path) -> None:
    from hybridctl.problems import shown_path
    from hybridctl.report.run_page import write_run_page

    write_run_page(details, path)
    click.echo(f"page: {shown_path(path)}", err=True)


def _tell_damage(damage: "list[str] | tuple[str, ...]") -> None:
    for line in damage:
        click.secho(f"Warning: {line}", fg="yellow", err=True)
