"""The end of a run, as text: a line for each host, what failed and why, where the record is, what to type next."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from hybridctl.events import HostState
from hybridctl.results import RunResult

__all__ = ["host_table", "say_next", "say_result"]

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
    for state in (HostState.UNREACHABLE, HostState.FAILED, HostState.UNFINISHED, HostState.NOT_CONTACTED):
        names = result.named(state)
        if names:
            click.secho(
                f"{len(names)} of {len(result.hosts)} hosts {state.value}: {', '.join(names)}", fg="red", err=True
            )
    if result.message:
        click.secho(result.message, fg="red", err=True)
    for remark in result.remarks:
        click.secho(f"Warning: the run went on, but showing or recording it failed: {remark}", fg="yellow", err=True)
    click.echo(f"record: {_relative(result.path)} ({', '.join(('events.jsonl', 'result.json', 'run.log'))})", err=True)


def say_next(command: str, inventory: Path | None, limit: str | None, layers: Sequence[str] = ()) -> None:
    """Say on stderr what to type next, for the same inventory, hosts and layers."""
    words = ["hybridctl", command]
    if inventory is not None:
        words += ["-i", os.path.relpath(inventory)]
    if limit is not None:
        words += ["--limit", limit]
    for layer in layers:
        words += ["--layer", layer]
    click.echo(f"next: {shlex.join(words)}", err=True)


def _relative(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("../..") else relative
