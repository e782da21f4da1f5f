"""The end of a run, as text: a line for each host, what failed and why, where the record is, what to type next."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from hybridctl.errors import HybridctlError
from hybridctl.events import HostState
from hybridctl.results import RunResult

__all__ = ["host_table", "keep_page", "say_next", "say_result"]

PAGE = "report.html"  # in the folder of a run
_COLUMNS = ("ok", "changed", "failed", "unreachable", "skipped")


def host_table(result: RunResult) -> str:
    """Return one line for each host: counters, seconds, and its state where that is not plain ok."""
    width = max(4, *(len(host.name) for host in result.hosts))
    lines = [
        f"{'host':<{width}} {'ok':>5} {'changed':>8} {'failed':>7} {'unreachable':>12} {'skipped':>8} {'seconds':>8}"
    ]
    for host in result.hosts:
        numbers = f"{host.ok:>5} {host.changed:>8} {host.failed:>7} {host.unreachable:>12} {host.skipped:>8}"
        note = "" if host.state is HostState.OK else f"  {host.state.value}"
        lines.append(f"{host.name:<{width}} {numbers} {host.seconds:>8.1f}{note}")
    return "\n".join(lines)


def say_result(result: RunResult) -> None:
    """Say on stderr what failed, what to do about it, and where the record lies."""
    for host in result.hosts:
        for failure in host.failures:
            where = ", ".join(part for part in (failure.layer, failure.role, failure.task) if part)
            click.secho(f"{host.name} {host.state.value}: {where}: {failure.message}", fg="red", err=True)
            click.echo(f"  -> {failure.remedy}", err=True)
    for state in (
        HostState.UNREACHABLE,
        HostState.FAILED,
        HostState.UNFINISHED,
        HostState.NOT_CONTACTED,
        HostState.NOT_STARTED,
    ):
        names = result.named(state)
        if names:
            click.secho(
                f"{len(names)} of {len(result.hosts)} hosts {state.value}: {', '.join(names)}", fg="red", err=True
            )
    if result.message:
        click.secho(result.message, fg="red", err=True)
    for remark in result.remarks:
        click.secho(f"Warning: {remark}", fg="yellow", err=True)
    files = [name for name in ("events.jsonl", "result.json", "run.log", PAGE) if (result.path / name).exists()]
    click.echo(f"record: {_relative(result.path)} ({', '.join(files)})", err=True)


def keep_page(path: Path) -> None:
    """Put the page of a run beside its record; without it the run is none the worse.

    Args:
        path: the folder of the run's record.
    """
    from hybridctl.report.run_page import write_run_page
    from hybridctl.run_details import read_details
    from hybridctl.run_history import find_run

    try:
        write_run_page(read_details(find_run(path.parent, path.name)), path / PAGE, 0o600)
    except HybridctlError as error:
        click.secho(f"Warning: {error.message}", fg="yellow", err=True)


def say_next(
    command: str,
    inventory: Path | None,
    limit: str | None = None,
    layers: Sequence[str] = (),
    roles: Sequence[str] = (),
    more: Sequence[str] = (),
) -> None:
    """Say on stderr what to type next, for the same inventory, hosts, layers and roles."""
    words = ["hybridctl", command]
    if inventory is not None:
        words += ["-i", os.path.relpath(inventory)]
    if limit is not None:
        words += ["--limit", limit]
    for option, names in (("--layer", layers), ("--role", roles)):
        words += [word for name in names for word in (option, name)]
    click.echo(f"next: {shlex.join([*words, *more])}", err=True)


def _relative(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("../..") else relative
