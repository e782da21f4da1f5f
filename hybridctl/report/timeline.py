"""Where the bars of a run's timeline stand: a row a host, a bar a layer; pure geometry, drawn by the page."""

from collections.abc import Iterable
from dataclasses import dataclass

from hybridctl.events import EventKind
from hybridctl.report.run_text import duration, many
from hybridctl.run_details import RunDetails, TaskTime

__all__ = ["COLOURS", "WIDTH", "Bar", "Mark", "Row", "Timeline", "timeline"]

WIDTH = 1000.0  # of the drawing; the page scales it
COLOURS = 8  # a ninth layer begins again with the first colour
_TOP = 22.0  # room for the figures of the axis
_CLOSE = 1.5  # pieces nearer than this become one: nobody sees such a gap, and a page of 100 hosts stays small
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)  # s
_FAILED = (EventKind.FAILED, EventKind.UNREACHABLE)


@dataclass(frozen=True)
class Bar:
    """One host in one play: pale from its first start to its last result, solid where it was at work itself."""

    layer: str
    colour: int
    x: float
    width: float
    work: tuple[tuple[float, float], ...]
    changes: tuple[tuple[float, float], ...]
    title: str


@dataclass(frozen=True)
class Mark:
    """A failure."""

    x: float
    title: str


@dataclass(frozen=True)
class Row:
    """One host."""

    host: str
    label: str
    y: float
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Timeline:
    """The whole drawing.

    Attributes:
        left: where second 0 is.
        pitch: from row to row.
        ticks: place and label of the lines of the axis.
        layers: name and colour, for the legend.
        words: what it shows, for who cannot see it.
    """

    left: float
    pitch: float
    height: float
    font: float
    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    layers: tuple[tuple[str, int], ...]
    words: str


def timeline(run: RunDetails) -> Timeline | None:
    """Return the drawing, None for a run without a timed task."""
    if not run.tasks:
        return None
    colours = {layer: number % COLOURS for number, layer in enumerate(run.layers)}
    by_host: dict[str, list[TaskTime]] = {host.name: [] for host in run.hosts}
    for task in run.tasks:
        by_host.setdefault(task.host, []).append(task)
    total = max(0.1, *(task.begin + task.seconds for task in run.tasks))
    pitch, font = (28.0, 12.0) if len(by_host) <= 12 else (19.0, 11.0) if len(by_host) <= 50 else (14.0, 10.0)
    labels = {host: host if len(host) <= 24 else host[:23] + "…" for host in by_host}
    left = 14.0 + max(map(len, labels.values())) * font * 0.62
    scale = (WIDTH - left - 16.0) / total
    rows = tuple(
        _row(host, labels[host], _TOP + number * pitch, tasks, left, scale, colours)
        for number, (host, tasks) in enumerate(by_host.items())
    )
    step = next((step for step in _STEPS if total / step <= 10), _STEPS[-1])
    ticks = tuple((round(left + n * step * scale, 1), _tick(n * step)) for n in range(int(total / step + 1e-9) + 1))
    height = _TOP + len(rows) * pitch + 6.0
    return Timeline(left, pitch, height, font, rows, ticks, tuple(colours.items()), _words(run, total))


def _row(
    host: str, label: str, y: float, tasks: list[TaskTime], left: float, scale: float, colours: dict[str, int]
) -> Row:
    plays: dict[tuple[int, str], list[TaskTime]] = {}
    for task in tasks:
        plays.setdefault((task.play, task.layer), []).append(task)

    def place(wanted: Iterable[TaskTime]) -> tuple[tuple[float, float], ...]:
        return _merged((left + t.begin * scale, max(1.0, t.seconds * scale)) for t in wanted)

    bars = []
    for (_, layer), done in plays.items():
        begin, end = min(t.begin for t in done), max(t.begin + t.seconds for t in done)
        changed = [task for task in done if task.kind is EventKind.CHANGED]
        at_work = sum(task.seconds for task in done)
        title = (
            f"{host}, {layer}: from {duration(begin)} to {duration(end)}, at work {duration(at_work)}, "
            f"{many(len(done), 'task')}, {len(changed)} changed"
        )
        bars.append(
            Bar(
                layer,
                colours[layer],
                round(left + begin * scale, 1),
                round(max(1.0, (end - begin) * scale), 1),
                place(done),
                place(changed),
                title,
            )
        )
    marks = tuple(
        Mark(round(left + (t.begin + t.seconds) * scale, 1), f"{host} {t.kind.value}: {t.title}")
        for t in tasks
        if t.kind in _FAILED
    )
    return Row(host, label, y, tuple(bars), marks)


def _merged(pieces: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Return (x, width) pieces in order, those that touch or nearly touch as one."""
    merged: list[list[float]] = []
    for x, width in sorted(pieces):
        if merged and x - merged[-1][1] < _CLOSE:
            merged[-1][1] = max(merged[-1][1], x + width)
        else:
            merged.append([x, x + width])
    return tuple((round(begin, 1), round(end - begin, 1)) for begin, end in merged)


def _tick(seconds: float) -> str:
    if seconds < 60 and seconds % 1:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _words(run: RunDetails, total: float) -> str:
    """Say in one paragraph what the drawing shows; the table of hosts has every number of it."""
    parts = []
    for layer in run.layers:
        tasks = [task for task in run.tasks if task.layer == layer]
        if tasks:
            begin, end = min(t.begin for t in tasks), max(t.begin + t.seconds for t in tasks)
            hosts = len({task.host for task in tasks})
            parts.append(f"{layer} on {many(hosts, 'host')} from {duration(begin)} to {duration(end)}")
    return f"{many(len(run.hosts), 'host')} in {duration(total)}: {'; '.join(parts)}."
