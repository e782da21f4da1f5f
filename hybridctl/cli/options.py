"""Options that several commands share, as decorators."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["check_option", "inventory_option", "json_option", "limit_option"]

F = TypeVar("F", bound=Callable[..., Any])


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
    return click.option(
        "--json", "as_json", is_flag=True, envvar="HYBRIDCTL_JSON", help="Print one JSON document on stdout."
    )(function)


def check_option(function: F) -> F:
    """Add `--check`: say what would be done, change nothing."""
    return click.option("--check", is_flag=True, help="Change nothing: say what would be done.")(function)
