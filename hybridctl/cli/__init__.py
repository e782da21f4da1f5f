"""The `hybridctl` command: its group, its commands, its error boundary."""

import importlib
import json
import sys
from typing import Any

import click

from hybridctl import __version__
from hybridctl.errors import HybridctlError

__all__ = ["cli", "main"]

# One module a command, imported only when it is asked for: `--help` and completion stay fast.
COMMANDS = ("init", "doctor", "plan", "provision", "drift", "verify", "runs", "lab", "collection", "completion")


class _Group(click.Group):
    """Commands by name, in the order of the user's day; our errors become messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"hybridctl.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HybridctlError as error:
            _report(error)
            ctx.exit(error.exit_code)


def _report(error: HybridctlError) -> None:
    """Write the error to stderr, and to stdout as JSON when the command was asked for JSON."""
    click.secho(f"Error: {error.message}", fg="red", err=True)
    if error.hint:
        click.echo(f"  -> {error.hint}", err=True)
    if "--json" in sys.argv:
        payload = {"message": error.message, "hint": error.hint, "exit_code": int(error.exit_code)}
        click.echo(json.dumps({"error": payload}, indent=2))


@click.group(
    cls=_Group,
    context_settings={"auto_envvar_prefix": "HYBRIDCTL", "help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 1 our fault, 2 usage or invalid input, 3 a host failed, 4 a host is unreachable, "
    "5 verification failed, 6 verification incomplete, 7 something differs (drift), 130 interrupted.",
)
@click.version_option(__version__, prog_name="hybridctl")
def cli() -> None:
    """From bare Kunpeng and A100 servers to a verified vLLM service.

    A day with it: init, doctor, plan, provision, verify. Try it without hardware: hybridctl lab up.
    """


def main() -> None:
    """Run the command line."""
    cli(prog_name="hybridctl")
