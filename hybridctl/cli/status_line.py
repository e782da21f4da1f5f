"""One line on stderr that says what is going on."""

import shutil
import sys

import click

__all__ = ["StatusLine"]


class StatusLine:
    """The current state on stderr: in place on a terminal, elsewhere a line whenever it is another one."""

    def __init__(self) -> None:
        self._drawn = False
        self._last = ""

    def progress(self, done: int, asked: int) -> None:
        """Show how far a verification is; on a terminal only, for nobody reads that in a log."""
        if sys.stderr.isatty():
            self.show(f"{done} of {asked} hosts judged")

    def show(self, text: str) -> None:
        """Show a state that begins with its time."""
        if sys.stderr.isatty():
            width = shutil.get_terminal_size().columns - 1
            click.echo(f"\r\x1b[2K{text[:width]}", nl=False, err=True)
            self._drawn = True
        elif (state := text.partition(" ")[2]) != self._last:
            click.echo(text, err=True)
            self._last = state

    def clear(self) -> None:
        """Make room for other lines."""
        if self._drawn:
            click.echo("\r\x1b[2K", nl=False, err=True)
            self._drawn = False
