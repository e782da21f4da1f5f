"""`hybridctl profile`: the profiles there are, what they ask, how two differ, and a draft from a live host."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from hybridctl.cli.options import inventory_option, json_option
from hybridctl.errors import HybridctlError, InvalidInput, Unreachable

if TYPE_CHECKING:
    from hybridctl.checks import Expectation
    from hybridctl.profiles import Profile

__all__ = ["command"]


def _complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from hybridctl.profiles import profile_names

    try:
        names = profile_names(_root(ctx.params.get("inventory")))
    except (HybridctlError, OSError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.group()
def command() -> None:
    """Show, validate and compare profiles: what hardware and software a host must show.

    A host's profile is its variable hybridctl_profile. Ours come with hybridctl; those of a site are the files in
    profiles/ beside its hybridctl.yml, and may inherit from ours.

    \b
    Example:
      hybridctl profile list
      hybridctl profile show kunpeng-920-reference
      hybridctl profile diff lab-gateway lab-worker
      hybridctl profile capture gw1 > profiles/ours.yml
    """


@command.command(name="list")
@inventory_option
@json_option
def list_(inventory: Path | None, as_json: bool) -> None:
    """List the profiles there are, ours and the site's.

    \b
    Example:
      hybridctl profile list
      hybridctl profile list --json | jq -r '.[].name'
    """
    from hybridctl.profiles import load_profile, profile_names

    root = _root(inventory)
    found = [load_profile(name, root) for name in profile_names(root)]
    if as_json:
        click.echo(json.dumps([_head(profile) for profile in found], indent=2, ensure_ascii=False))
        return
    width = max(len(profile.name) for profile in found)
    for profile in found:
        click.echo(f"{profile.name:<{width}}  {len(profile.expectations):>4}  {profile.title}")


@command.command()
@click.argument("name", shell_complete=_complete)
@inventory_option
@json_option
def show(name: str, inventory: Path | None, as_json: bool) -> None:
    """Show what a profile asks for, inherited lines included, and the file and line that asks.

    \b
    Example:
      hybridctl profile show a100-2x80g-reference
      hybridctl profile show lab-worker --json | jq '.expect[] | select(.later != "")'
    """
    from hybridctl.profiles import load_profile
    from hybridctl.profiles.comparison import in_words

    profile = load_profile(name, _root(inventory))
    if as_json:
        click.echo(json.dumps(_document(profile), indent=2, ensure_ascii=False))
        return
    click.echo(f"{profile.name}: {profile.title}")
    for label, value in (
        ("inherits", " <- ".join(profile.lineage)),
        ("board", profile.form_factor),
        ("for", "hosts of the lab, with stand-ins" if profile.lab else ""),
    ):
        if value:
            click.echo(f"{label}: {value}")
    rows = [(check, in_words(asked), asked.origin, _source(asked)) for check, asked in profile.expectations.items()]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        click.echo("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]))
    for check, why in profile.inapplicable.items():
        click.echo(f"not here: {check}: {why}")


@command.command()
@click.argument("names", nargs=-1, shell_complete=_complete)
@inventory_option
def validate(names: tuple[str, ...], inventory: Path | None) -> None:
    """Validate profiles by name; all there are when none is named. Every mistake has its file and line.

    \b
    Example:
      hybridctl profile validate
      hybridctl profile validate kunpeng-920-reference
    """
    from hybridctl.profiles import load_profile, profile_names

    root = _root(inventory)
    wanted = names or profile_names(root)
    for name in wanted:
        load_profile(name, root)
    click.echo(f"{len(wanted)} profiles are valid: {', '.join(wanted)}")


@command.command()
@click.argument("a", shell_complete=_complete)
@click.argument("b", shell_complete=_complete)
@inventory_option
@json_option
def diff(a: str, b: str, inventory: Path | None, as_json: bool) -> None:
    """Show which checks two profiles would not judge alike. Ends with 0 whether or not they differ.

    \b
    Example:
      hybridctl profile diff lab-gateway debian-12-gateway
    """
    from hybridctl.profiles import load_profile
    from hybridctl.profiles.comparison import compare_profiles, in_words

    root = _root(inventory)
    found = compare_profiles(load_profile(a, root), load_profile(b, root))
    if as_json:
        rows = [{"check": one.check, a: _expectation(one.first), b: _expectation(one.second)} for one in found]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for one in found:
        click.echo(one.check)
        click.echo(f"  {a}: {in_words(one.first)}")
        click.echo(f"  {b}: {in_words(one.second)}")
    if not found:
        click.echo(f"{a} and {b} ask for the same")


@command.command()
@click.argument("host")
@inventory_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the draft to this new file.")
def capture(host: str, inventory: Path | None, out: Path | None) -> None:
    """Draft a profile from what a live host shows; changes nothing on it.

    What belongs to that host or that moment alone, and what could not be measured, stands in the draft as a comment
    with the reason: a person decides.

    \b
    Example:
      hybridctl profile capture gw1 > profiles/ours.yml
      hybridctl profile capture gw1 --out profiles/ours.yml
    """
    from hybridctl.checks.model import ConnectionLost
    from hybridctl.inventory import load_inventory
    from hybridctl.profiles.capture import capture_host, draft
    from hybridctl.redaction import Redactor
    from hybridctl.site import open_site

    if out is not None and out.exists():
        raise InvalidInput(f"--out {out}: the file is there already", "name a new file; compare the two by hand")
    site = open_site(inventory)
    known = load_inventory(site)
    hosts = known.select(host)
    if len(hosts) != 1:
        names = ", ".join(one.name for one in hosts[:5])
        raise InvalidInput(f"{host}: {len(hosts)} hosts ({names}); a draft comes from one", "name one host")
    name = hosts[0].name
    try:
        found = capture_host(site, name)
    except ConnectionLost as lost:
        raise Unreachable(f"{name}: {lost}", f"hybridctl doctor --limit {name}") from None
    redactor = Redactor.for_inventory(known, password_file=site.vault_password_file)
    text = redactor.text(draft(name, found, datetime.now(UTC).date()))
    measured = sum(one.measured is not None for one in found)
    if out is None:
        click.echo(text, nl=False)
    else:
        from hybridctl.atomic import write_whole

        write_whole(out, text, 0o644)
    click.echo(f"{name}: {measured} of {len(found)} checks measured; the rest stands as comments", err=True)
    if out is not None:
        click.echo(f"next: read {os.path.relpath(out)}, then: hybridctl profile validate {out.stem}", err=True)


def _root(inventory: Path | None) -> Path | None:
    """Return the folder of the site; None where there is none, and only our own profiles are known then."""
    from hybridctl.site import open_site

    try:
        return open_site(inventory).root
    except InvalidInput:
        if inventory is not None:
            raise
        return None


def _head(profile: "Profile") -> dict[str, Any]:
    return {
        "name": profile.name,
        "title": profile.title,
        "inherits": list(profile.lineage),
        "form_factor": profile.form_factor,
        "lab": profile.lab,
        "expectations": len(profile.expectations),
    }


def _document(profile: "Profile") -> dict[str, Any]:
    asked = [_expectation(one) for one in profile.expectations.values()]
    return {**_head(profile), "expect": asked, "inapplicable": dict(profile.inapplicable)}


def _source(one: "Expectation") -> str:
    return one.source + (f" ({one.tool})" if one.tool else "")


def _expectation(one: Any) -> dict[str, Any] | None:
    if one is None:
        return None
    wanted = list(one.wanted) if isinstance(one.wanted, tuple) else one.wanted
    return {
        "check": one.check,
        one.form: wanted,
        "unit": one.unit,
        "tolerance_percent": one.tolerance,
        "warn_percent": one.warn,
        "severity": one.severity.value,
        "source": one.source,
        "tool": one.tool,
        "parameters": dict(one.parameters),
        "later": one.later,
        "origin": one.origin,
    }
