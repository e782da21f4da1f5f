"""`hybridctl completion`: the script that teaches a shell our commands."""

import click
from click.shell_completion import get_completion_class

__all__ = ["command"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    Example:
      hybridctl completion bash > /etc/bash_completion.d/hybridctl
    """
    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101 - the choices above are the classes click has
    click.echo(completion(ctx.find_root().command, {}, "hybridctl", "_HYBRIDCTL_COMPLETE").source())
