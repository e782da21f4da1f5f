"""`hybridctl init`: a new site folder."""

import json
import shlex
from pathlib import Path

import click

from hybridctl.cli.options import check_option, json_option

__all__ = ["command"]


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the site, shown in reports. Default: the name of the folder.")
@check_option
@json_option
def command(folder: Path, name: str | None, check: bool, as_json: bool) -> None:
    """Make a site folder in DIR: a standard Ansible inventory with every variable explained, and a vault.

    The hosts are those of the reference site (2 Kunpeng 920, 2 servers with A100, gateway, monitoring) for you to
    replace. The vault holds random keys, encrypted with a random password in .vault-password, which only you can read
    and which .gitignore keeps out of version control. A folder that is not empty is refused and not touched.

    Exit codes: 0 made (with --check: could be made); 2 the folder is not empty or cannot be; 1 it could not be written.

    \b
    Example:
      hybridctl init rack7
      hybridctl init rack7 --name "Rack 7, Frankfurt" --check
    """
    from hybridctl import site_template

    title = name or folder.absolute().name
    site_template.check_target(folder)
    if check:
        files = sorted([*site_template.plain_files(title), *site_template.SECRET_FILES])
    else:
        files = [str(path) for path in site_template.create(folder, title)]
    if as_json:
        click.echo(json.dumps({"site": str(folder), "name": title, "written": not check, "files": files}, indent=2))
    else:
        click.echo("\n".join(str(folder / file) for file in files))
    if check:
        click.echo(f"{len(files)} files would be written; next: hybridctl init {shlex.quote(str(folder))}", err=True)
        return
    click.echo(f"site {title} is in {folder}; keep a copy of its .vault-password in a safe place", err=True)
    for line in (f"cd {shlex.quote(str(folder))}", "vi inventory/hosts.yml", "hybridctl doctor", "hybridctl plan"):
        click.echo(f"next: {line}", err=True)
