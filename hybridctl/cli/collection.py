"""`hybridctl collection`: where the Ansible content lies, for those who drive it without this CLI."""

import click

from hybridctl import content

__all__ = ["command"]


@click.command()
def command() -> None:
    """Print the folder to use as ANSIBLE_COLLECTIONS_PATH.

    \b
    Example:
      ANSIBLE_COLLECTIONS_PATH=$(hybridctl collection) \\
        ansible-playbook -i inventory hybridctl.site.site
    """
    click.echo(str(content.collections_path()))
