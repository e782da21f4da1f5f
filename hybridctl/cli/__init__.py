"""The `hybridctl` command: its group, its commands, its error boundary."""

import importlib
import io
import json
import os
import sys
import traceback
from typing import Any

import click

from hybridctl import __version__
from hybridctl.cli.options import AS_JSON
from hybridctl.errors import HybridctlError, Interrupted
from hybridctl.printable import printable

__all__ = ["cli", "main"]

# One module a command, imported only when it is asked for: `--help` and completion stay fast.
COMMANDS = (
    "init",
    "doctor",
    "plan",
    "provision",
    "drift",
    "verify",
    "profile",
    "runs",
    "lab",
    "collection",
    "completion",
)


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
        if os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except HybridctlError as error:
            _report(ctx, error)
            ctx.exit(error.exit_code)
        except (click.exceptions.Exit, click.Abort, click.ClickException, BrokenPipeError):
            raise  # click's own; it is quiet about a reader that went away, as in `| head`
        except KeyboardInterrupt:
            interrupted = Interrupted("interrupted")
            _report(ctx, interrupted)
            ctx.exit(interrupted.exit_code)
        except Exception as error:
            if os.environ.get("HYBRIDCTL_DEBUG"):
                click.echo(traceback.format_exc(), err=True)
            ours = _ours(error)
            _report(ctx, ours)
            ctx.exit(ours.exit_code)


def _ours(error: Exception) -> HybridctlError:
    """Return an error nobody foresaw as one a user can read; a file that failed is named first."""
    from hybridctl.redaction import Redactor

    hint = "to see where: HYBRIDCTL_DEBUG=1 before the same command; send that to the maintainers"
    if isinstance(error, OSError) and error.filename is not None:
        return HybridctlError(f"{error.filename}: {error.strerror}", hint)
    # What it quotes may look like a secret.
    said = " ".join(Redactor().text(str(error)).split())[:300]
    return HybridctlError(f"hybridctl itself broke, the fault is ours: {type(error).__name__}: {said}", hint)


def _report(ctx: click.Context, error: HybridctlError) -> None:
    """Write the error to stderr, and to stdout as JSON when the command was asked for JSON."""
    # They may quote a file or a host, that is anything.
    message, hint = (printable(text, keep="\n") for text in (error.message, error.hint))
    click.secho(f"Error: {message}", fg="red", err=True)
    if hint:
        click.echo(f"  -> {hint}", err=True)
    if ctx.meta.get(AS_JSON):
        payload = {"message": error.message, "hint": error.hint, "exit_code": int(error.exit_code)}
        click.echo(json.dumps({"error": payload}, indent=2))


@click.group(
    cls=_Group,
    context_settings={"auto_envvar_prefix": "HYBRIDCTL", "help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 1 our fault, 2 usage or invalid input, 3 a host failed or was not started, 4 a host is "
    "unreachable, 5 verification failed, 6 verification incomplete, 7 something differs (drift), 130 interrupted.",
)
@click.version_option(__version__, prog_name="hybridctl")
def cli() -> None:
    """From bare Kunpeng and A100 servers to a verified vLLM service.

    A day with it: init, doctor, plan, provision, verify. Try it without hardware: hybridctl lab up.
    """


def main() -> None:
    """Run the command line."""
    # A terminal that lacks a letter gets its code: a report is not lost for a degree sign.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    cli(prog_name="hybridctl")
