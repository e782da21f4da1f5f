"""`hybridctl provision`."""

import click

__all__ = ["command"]


@click.command()
def command() -> None:
    """Not written yet."""
