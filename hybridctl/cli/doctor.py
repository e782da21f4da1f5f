"""`hybridctl doctor`: what stands in the way, before anything is changed."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridctl.cli.options import inventory_option, json_option, limit_option

if TYPE_CHECKING:
    from hybridctl.doctor import Examination, Finding

__all__ = ["command"]

_COLOURS = {"PASS": "green", "WARN": "yellow", "FAIL": "red", "UNKNOWN": "magenta"}


@click.command()
@inventory_option
@limit_option
@click.option("--forks", default=20, show_default=True, type=click.IntRange(1, 500), help="Hosts asked at a time.")
@click.option("-v", "--verbose", is_flag=True, help="Show what is fine, too.")
@json_option
def command(inventory: Path | None, limit: str | None, forks: int, verbose: bool, as_json: bool) -> None:
    """Examine this machine and every host for what stands in the way of a provision; change nothing.

    Of this machine: Python, Ansible, ssh, the collection, locale, disk, proxies. Of every host, in one round trip over
    the same connection that Ansible uses: system, Python, root, clock, disk, memory, ports, held packages, package
    locks and running upgrades, proxies; for the groups kunpeng and nvidia also kernel headers and Secure Boot. Each
    finding is PASS, WARN, FAIL or UNKNOWN (not measured) and comes with its remedy.

    Exit codes: 0 nothing failed (warnings are allowed); 3 something FAILed; 4 a host was unreachable; 6 something is
    UNKNOWN and nothing worse; 2 invalid input, nothing was contacted; 1 the examination itself broke; 130 interrupted.
    When several hold, 130 comes before 1, 1 before 3, 3 before 4, and 4 before 6.

    \b
    Example:
      hybridctl doctor
      hybridctl doctor -l gateway -v
      hybridctl doctor --json | jq '.hosts[].findings[] | select(.verdict == "FAIL")'
    """
    from hybridctl.doctor import Examination, examine_control, examine_hosts
    from hybridctl.errors import HybridctlError, Interrupted
    from hybridctl.inventory import load_inventory
    from hybridctl.site import open_site

    try:
        site = open_site(inventory)
        hosts = load_inventory(site)
        chosen = hosts.select(limit)
    except Interrupted:
        raise
    except HybridctlError:
        # The machine itself is worth a look, even where there is no site yet.
        if not as_json:
            _show(Examination(examine_control(None), {}), verbose)
        raise
    count = len(chosen)
    click.echo(f"examining this machine and {count} host{'s' * (count != 1)} of {site.name}", err=True)
    found = examine_hosts(site, hosts, chosen, forks=forks)
    if as_json:
        click.echo(json.dumps({"site": site.name, **found.document()}, indent=2))
    else:
        _show(found, verbose)
    _conclude(found, inventory, limit)
    sys.exit(found.exit_code)


def _show(found: "Examination", verbose: bool) -> None:
    _subject("this machine", found.control, verbose)
    for name, findings in found.hosts.items():
        _subject(name, findings, verbose)


def _subject(name: str, findings: "tuple[Finding, ...]", verbose: bool) -> None:
    fine = sum(finding.verdict == "PASS" for finding in findings)
    click.echo(f"{name}: {fine} of {len(findings)} findings are fine")
    for finding in findings:
        if verbose or finding.verdict != "PASS":
            verdict = click.style(f"{finding.verdict:<8}", fg=_COLOURS[finding.verdict])
            click.echo(f"  {verdict}{finding.topic:<15} {finding.measured}")
            if finding.remedy:
                click.echo(f"  {'':<8}{'':<15} -> {finding.remedy}")


def _conclude(found: "Examination", inventory: Path | None, limit: str | None) -> None:
    from hybridctl.cli.summary import say_next

    summary = found.document()["summary"]
    click.echo(", ".join(f"{number} {verdict}" for verdict, number in summary.items()), err=True)
    if found.unreachable:
        names = ", ".join(found.unreachable)
        click.secho(f"{len(found.unreachable)} of {len(found.hosts)} hosts unreachable: {names}", fg="red", err=True)
    if found.interrupted:
        click.secho("interrupted: who had not answered was not examined; nothing was changed", fg="red", err=True)
    if found.trouble:
        click.secho(f"the examination broke: {found.trouble}", fg="red", err=True)
    if found.exit_code == 0:
        say_next("plan", inventory, limit)
