"""Show a run while it goes on: a live table on a terminal, plain lines elsewhere. All of it on stderr."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import click

from hybridctl.events import Event, EventKind, HostOutcome, HostState, Outcomes
from hybridctl.runs import describe

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["LiveProgress", "PlainProgress", "Progress", "choose"]

_TROUBLE = (EventKind.FAILED, EventKind.UNREACHABLE)
# Told on every screen; ok tasks only with --verbose.
_WORTH_A_LINE = (*_TROUBLE, EventKind.IGNORED, EventKind.HOOK)
_COLOURS = {EventKind.CHANGED: "yellow", EventKind.FAILED: "red", EventKind.UNREACHABLE: "red"}


class Progress(Protocol):
    """Something that shows a run: a context that is called with every event."""

    def __call__(self, event: Event, outcomes: Outcomes) -> None:
        """Show the event."""

    def ask(self, question: str) -> bool:
        """Ask for yes or no, with nothing drawn meanwhile."""

    def __enter__(self) -> "Progress":
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""


def _confirm(question: str) -> bool:
    """Ask on stderr; who presses Ctrl-C there means the run."""
    try:
        return click.confirm(question, default=False, err=True)
    except click.Abort:
        raise KeyboardInterrupt from None


def choose(verbose: bool) -> Progress:
    """Return the live table when stderr is a terminal, plain lines when it is not."""
    return LiveProgress(verbose) if sys.stderr.isatty() else PlainProgress(verbose)


class PlainProgress:
    """One line for each layer, each host that enters it, each change and each failure."""

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose
        self._started = time.monotonic()
        self._entered: set[tuple[str, str]] = set()

    def ask(self, question: str) -> bool:
        """Ask for yes or no."""
        return _confirm(question)

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, event: Event, outcomes: Outcomes) -> None:
        """Write the event's line, if it deserves one."""
        # Ansible validates the arguments of roles in layers that were not asked for; that is no start.
        if event.kind is EventKind.BATCH:
            self._entered.clear()
        if event.layer == outcomes.layer and event.host and (event.layer, event.host) not in self._entered:
            self._entered.add((event.layer, event.host))
            self._line(f"{event.layer} {event.host} started")
        wanted = (EventKind.BATCH, EventKind.PLAY, EventKind.CHANGED, EventKind.TEXT, *_WORTH_A_LINE)
        if event.kind is EventKind.TEXT and not self._verbose and not event.message.startswith(("ERROR", "[ERROR]")):
            return
        if event.kind in wanted or self._verbose:
            self._line(describe(event), _COLOURS.get(event.kind))

    def _line(self, text: str, colour: str | None = None) -> None:
        if text:
            minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
            click.secho(f"{minutes:02d}:{seconds:02d} {text}", fg=colour, err=True)


class LiveProgress:
    """A table of hosts and layers that is drawn in place; failures stand above it and stay."""

    def __init__(self, verbose: bool = False, console: "Console | None" = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = console or Console(stderr=True)
        self._verbose = verbose
        self._outcomes: Outcomes | None = None
        self._started = time.monotonic()
        self._live = Live(
            console=self._console, get_renderable=self.table, refresh_per_second=4, transient=True, auto_refresh=True
        )

    def ask(self, question: str) -> bool:
        """Ask for yes or no, with the table away meanwhile."""
        self._live.stop()
        try:
            return _confirm(question)
        finally:
            self._live.start()

    def __enter__(self) -> "LiveProgress":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, event: Event, outcomes: Outcomes) -> None:
        """Remember where all hosts are; the table is redrawn by its own clock."""
        self._outcomes = outcomes
        if event.kind in _WORTH_A_LINE or (self._verbose and event.kind is not EventKind.START):
            text = describe(event)
            if text:
                self._console.print(
                    text, style="red" if event.kind in _TROUBLE else None, markup=False, highlight=False
                )

    def table(self) -> "Table":
        """Return the table as it stands now, no longer than the screen."""
        from rich import box
        from rich.table import Table

        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        outcomes = self._outcomes
        layers = list(dict.fromkeys(layer for layer, _ in outcomes.patterns)) if outcomes else []
        batch = f"batch {outcomes.batch}: " if outcomes and outcomes.batch else ""
        layer = (outcomes.layer if outcomes else "") or "starting"
        # Lines only where they help: with seven columns a grid takes the room of the names.
        table = Table(
            title=f"{minutes:02d}:{seconds:02d} {batch}{layer}",
            title_justify="left",
            expand=True,
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )
        hosts = sorted(outcomes.hosts.values(), key=_urgency) if outcomes else []
        longest = max((len(host.name) for host in hosts), default=4)
        table.add_column("host", no_wrap=True, min_width=min(longest, 24))
        for column in (*layers, "changed"):
            table.add_column(column, no_wrap=True, justify="right", min_width=len(column))
        table.add_column("now", no_wrap=True, ratio=1)  # what the others leave
        room = max(3, self._console.height - 8)
        for host in hosts[:room]:
            cells = [_cell(host, layer) for layer in layers]
            table.add_row(host.name, *cells, str(host.changed), _now(host), style=_style(host))
        if len(hosts) > room:
            table.caption = f"and {len(hosts) - room} more hosts"
        return table


def _urgency(host: HostOutcome) -> int:
    """Order: trouble first, then who works, then who waits."""
    return 0 if host.failed or host.unreachable else 1 if host.task else 2


def _style(host: HostOutcome) -> str:
    return "red" if host.failed or host.unreachable else "" if host.task else "dim"


def _cell(host: HostOutcome, layer: str) -> str:
    if layer not in host.layers:
        return "..." if host.layer == layer and host.task else ""
    return f"{host.layers[layer]:.0f} s"


def _now(host: HostOutcome) -> str:
    if host.failures:
        return f"{HostState.FAILED if host.failed else HostState.UNREACHABLE}: {host.failures[-1].task}"
    return host.task[:60]
