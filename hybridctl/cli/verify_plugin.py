"""`hybridctl verify --nagios`: whatever goes wrong is a line on stdout and status 3, also what click refuses."""

from typing import Any

import click

from hybridctl.errors import HybridctlError

__all__ = ["PluginGroup"]


class PluginGroup(click.Group):
    """A group whose own options may make it a monitoring plugin, which has no other exit statuses than 0 to 3."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the command line."""
        is_plugin = "--nagios" in args
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            if not is_plugin:
                raise
            raise _unknown(HybridctlError(error.format_message())) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        if not ctx.params.get("nagios"):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, BrokenPipeError):
            raise
        except HybridctlError as error:
            raise _unknown(error) from error
        except click.UsageError as error:
            raise _unknown(HybridctlError(error.format_message())) from error
        except KeyboardInterrupt as error:
            raise _unknown(HybridctlError("interrupted")) from error
        except Exception as error:
            raise _unknown(HybridctlError(f"hybridctl itself broke: {type(error).__name__}: {error}")) from error


def _unknown(error: HybridctlError) -> SystemExit:
    from hybridctl.report.nagios import NagiosStatus, nagios_error

    click.echo(nagios_error(error))
    return SystemExit(int(NagiosStatus.UNKNOWN))
