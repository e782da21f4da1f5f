"""Options that several commands share, as decorators."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hybridctl.errors import InvalidInput

__all__ = [
    "AS_JSON",
    "LANGUAGES",
    "check_option",
    "inventory_option",
    "json_option",
    "lang_option",
    "layer_option",
    "limit_option",
    "role_option",
    "rollout_options",
    "work_options",
]

F = TypeVar("F", bound=Callable[..., Any])

LANGUAGES = ("en", "zh")  # those of hybridctl.checks.wording, which to import would make every --help slow
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


def lang_option(function: F) -> F:
    """Add `--lang`: never guessed from LANG, for a script's output must not change with who runs it."""

    def readable(ctx: click.Context, _parameter: click.Parameter, lang: str) -> str:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        if lang != "en" and not ctx.meta.get(AS_JSON):
            try:
                "检".encode(encoding)
            except UnicodeEncodeError:
                raise InvalidInput(
                    f"--lang {lang}: the output is in {encoding}, which has no letters for it",
                    f"PYTHONUTF8=1 hybridctl {ctx.info_name} --lang {lang}",
                ) from None
        return lang

    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        default="en",
        show_default=True,
        callback=readable,
        envvar="HYBRIDCTL_LANG",
        help="Language of titles and remedies.",
    )(function)


def check_option(function: F) -> F:
    """Add `--check`: say what would be done, change nothing."""
    return click.option("--check", is_flag=True, help="Change nothing: say what would be done.")(function)


def layer_option(function: F) -> F:
    """Add `--layer`, which may be given again."""
    return click.option(
        "--layer", "layers", multiple=True, help="Only this layer (and preflight); may be given again."
    )(function)


def role_option(function: F) -> F:
    """Add `--role`, which may be given again."""
    return click.option(
        "--role",
        "roles",
        multiple=True,
        help="Only this role (and preflight); may be given again. With --layer: what is in both.",
    )(function)


def work_options(function: F) -> F:
    """Add `--forks` and `--verbose`."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Show tasks that change nothing, too."),
        click.option(
            "--forks", default=20, show_default=True, type=click.IntRange(1, 500), help="Hosts worked on at a time."
        ),
    ):
        function = option(function)
    return function


_ROLLOUT = (
    click.option(
        "--batch", metavar="SIZES", help="Batches, one after another: hosts or percentages, such as 1,10%,50%."
    ),
    click.option("--canary", metavar="HOST", help="This host first; alone, unless --batch says otherwise."),
    click.option("--max-fail", metavar="N|P%", help="With more failed hosts no further batch starts. Default: 0."),
    click.option(
        "--window", metavar="HH:MM-HH:MM", help="Start a batch only in these hours of this machine's clock, if it fits."
    ),
    click.option("--before-batch", metavar="CMD", help="Run this before each batch; if it fails, the batch waits."),
    click.option("--after-batch", metavar="CMD", help="Run this after each batch; if it fails, no other follows."),
    click.option("--hook-timeout", type=click.IntRange(1, 86400), help="Seconds for each of them. Default: 300."),
)


def rollout_options(function: F) -> F:
    """Add how the hosts follow one another; each is None when it is not given, and the site's settings count then."""
    for option in reversed(_ROLLOUT):
        function = option(function)
    return function
