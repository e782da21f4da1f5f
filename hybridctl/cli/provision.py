"""`hybridctl provision`: bring the hosts to what the site says."""

import json
import sys
from pathlib import Path

import click

from hybridctl.cli.options import check_option, inventory_option, json_option, limit_option

__all__ = ["command"]


@click.command()
@inventory_option
@limit_option
@check_option
@click.option("--layer", "layers", multiple=True, help="Only this layer (and preflight); may be given again.")
@click.option("--forks", default=20, show_default=True, type=click.IntRange(1, 500), help="Hosts worked on at a time.")
@click.option("-v", "--verbose", is_flag=True, help="Show tasks that change nothing, too.")
@json_option
def command(
    inventory: Path | None,
    limit: str | None,
    check: bool,
    layers: tuple[str, ...],
    forks: int,
    verbose: bool,
    as_json: bool,
) -> None:
    """Bring every host to what the site folder says.

    The inventory is validated before any host is contacted. A host that fails or dies does not stop the others. Ctrl-C
    ends the run with all its processes and says how far it came; provision again to go on. Every run is recorded in
    .hybridctl/runs/ID beside hybridctl.yml, without secrets.

    Exit codes: 0 ok; 3 a host failed (also when others were unreachable); 4 a host was unreachable; 2 invalid input,
    nothing was contacted; 1 Ansible itself could not run; 130 interrupted.

    \b
    Example:
      hybridctl provision
      hybridctl provision --check --limit gateway
      hybridctl provision -i .hybridctl/lab/lab/site/inventory --layer base --layer serving
      hybridctl provision --json | jq '.hosts[] | {name, changed}'
    """
    from hybridctl.cli.progress import choose
    from hybridctl.cli.summary import host_table, say_next, say_result
    from hybridctl.execution import Execution, Options, execute
    from hybridctl.site import open_site

    site = open_site(inventory)
    execution = Execution.prepare(site, Options(limit, check=check, diff=check, layers=layers, forks=forks))
    count = len(execution.hosts)
    click.echo(f"{'check of' if check else 'provision'} {count} host{'s' * (count != 1)} of {site.name}", err=True)
    with choose(verbose) as progress:
        result = execute(execution, "provision", [progress])
    click.echo(json.dumps(result.document, indent=2) if as_json else host_table(result))
    say_result(result)
    if result.exit_code == 0:
        # verify judges hosts, not layers.
        say_next("provision" if check else "verify", inventory and site.inventory, limit, layers if check else ())
    sys.exit(result.exit_code)
