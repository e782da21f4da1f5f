"""Options that several commands share, as decorators."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["AS_JSON", "check_option", "inventory_option", "json_option", "limit_option"]

F = TypeVar("F", bound=Callable[..., Any])

AS_JSON = "hybridctl.as_json"  # in click's meta: whether errors are wanted as JSON too, by flag or by variable


def inventory_option(function: F) -> F:
    """Add `--inventory/-i`; without it, the site folder around the current directory is used."""
    return click.option(
        "-i",
        "--inventory",
        type=click.Path(path_type=Path),
        envvar="HYBRIDCTL_INVENTORY",
        help="Ansible inventory, file or folder. Default: the site folder you are in.",
    )(function)


def limit_option(function: F) -> F:
    """Add `--limit/-l`, with Ansible's own patterns."""
    return click.option(
        "-l", "--limit", envvar="HYBRIDCTL_LIMIT", help="Only these hosts or groups (an Ansible pattern)."
    )(function)


def json_option(function: F) -> F:
    """Add `--json`: one JSON document on stdout, talk on stderr."""

    def note(ctx: click.Context, _parameter: click.Parameter, value: bool) -> bool:
        ctx.meta[AS_JSON] = value
        return value

    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,  # known before any other option can be refused
        callback=note,
        envvar="HYBRIDCTL_JSON",
        help="Print one JSON document on stdout.",
    )(function)


def check_option(function: F) -> F:
    """Add `--check`: say what would be done, change nothing."""
    return click.option("--check", is_flag=True, help="Change nothing: say what would be done.")(function)
