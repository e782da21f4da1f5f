"""The plots as SVG, written by hand so that they follow the reader's light or dark screen."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from benchmarks.provision.compare import SCENARIOS
from benchmarks.provision.report import TITLES, nothing_to_change
from benchmarks.provision.results import Results, spread
from benchmarks.provision.tools import TOOLS

__all__ = ["bars", "lines", "write"]

STYLE = """<style>
text { font: 13px sans-serif; fill: #24292f } .small { font-size: 11px; fill: #57606a }
.axis { stroke: #8c959f } .range { stroke: #24292f; stroke-width: 1.5 }
.ours { fill: #0969da; stroke: #0969da } .pyinfra { fill: #bc4c00; stroke: #bc4c00 }
.naive { fill: #6e7781; stroke: #6e7781 } .curve { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .range { stroke: #e6edf3 }
  .ours { fill: #58a6ff; stroke: #58a6ff } .pyinfra { fill: #f0883e; stroke: #f0883e }
  .naive { fill: #9198a1; stroke: #9198a1 }
}
</style>"""
NAMES = {"ours": "hybridctl", "pyinfra": "pyinfra", "naive": "naive"}
WIDTH, LABELS, ROW = 720, 210, 24  # pixels
Point = tuple[float, float]


def bars(title: str, rows: Sequence[tuple[str, str, float, float, float]]) -> str:
    """Return a bar for each row of (class, label, lowest, median, highest) seconds, with its range."""
    scale = (WIDTH - LABELS - 70) / max(row[4] for row in rows)
    parts = [_text(10, 22, title)]
    for number, (style, label, low, middle, high) in enumerate(rows):
        y = 40 + number * ROW
        parts += [
            _text(10, y + 14, label),
            f'<rect class="{style}" x="{LABELS}" y="{y + 3}" width="{max(1, middle * scale):.1f}" height="14"/>',
            f'<path class="range" d="M{LABELS + low * scale:.1f} {y + 10}H{LABELS + high * scale:.1f}"/>',
            _text(LABELS + high * scale + 6, y + 14, f"{middle:.1f} s", "small"),
        ]
    return _svg(title, 50 + len(rows) * ROW, parts)


def lines(title: str, unit: str, curves: Sequence[tuple[str, Sequence[Point]]]) -> str:
    """Return a curve for each (class, points of (x, seconds)); both axes begin at 0."""
    height, left, bottom = 320, 60, 270
    points = [point for _, curve in curves for point in curve]
    right, top = max(x for x, _ in points), max(y for _, y in points)

    def place(point: Point) -> Point:
        return left + point[0] / right * (WIDTH - left - 150), bottom - point[1] / top * (bottom - 50)

    parts = [_text(10, 22, title), f'<path class="axis curve" d="M{left} 50V{bottom}H{WIDTH - 140}"/>']
    for x in sorted({x for x, _ in points}):
        parts.append(_text(place((x, 0))[0] - 8, bottom + 18, f"{x:g}", "small"))
    parts.append(_text(left, bottom + 38, unit, "small"))
    for style, curve in curves:
        spots = [place(point) for point in curve]
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
        parts.append(f'<path class="{style} curve" style="fill: none" d="M{way}"/>')
        for (x, y), (_, seconds) in zip(spots, curve, strict=True):
            parts += [f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>']
            parts += [_text(x + 5, y - 6, f"{seconds:.1f} s", "small")]
        parts.append(_text(spots[-1][0] + 50, spots[-1][1] + 4, NAMES[style]))
    return _svg(title, height, parts)


def write(results: Results, folder: Path) -> list[Path]:
    """Write what there are rows for, and return the files."""
    pictures = {}
    for hosts in sorted({row["hosts"] for row in results.rows("compare")}):
        rows = []
        for scenario in SCENARIOS:
            for tool in TOOLS:
                found = spread(results.rows("compare", hosts=hosts, tool=tool, scenario=scenario))
                if found:
                    label = f"{TITLES[scenario]}: {NAMES[tool]}"
                    rows.append((tool, label, found.values[0], found.median, found.values[-1]))
        pictures[f"compare-{hosts}-hosts.svg"] = bars(f"The same resources on {hosts} hosts, seconds", rows)
    for key, other, unit in (("hosts", "resources", "hosts"), ("resources", "hosts", "resources on each host")):
        curves = _curves(results, key, other)
        if curves:
            pictures[f"growth-{key}.svg"] = lines(f"Nothing to change: seconds by {unit}", unit, curves)
    for name, text in pictures.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pictures]


def _curves(results: Results, key: str, other: str) -> list[tuple[str, list[Point]]]:
    """Return the curves over `key` at the value of `other` that has most points."""
    rows = nothing_to_change(results)
    spans = {value: {row[key] for row in rows if row[other] == value} for value in {row[other] for row in rows}}
    if not spans:
        return []
    fixed = max(spans, key=lambda value: len(spans[value]))
    curves = []
    for tool in TOOLS:
        chosen = [row for row in rows if row["tool"] == tool and row[other] == fixed]
        points = []
        for x in sorted({row[key] for row in chosen}):
            found = spread([row for row in chosen if row[key] == x])
            points.append((float(x), found.median if found else 0.0))
        if points:
            curves.append((tool, points))
    return curves


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{f" class={chr(34)}{style}{chr(34)}" if style else ""}>{escape(text)}</text>'


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
    return "\n".join([head, f"<title>{escape(title)}</title>", STYLE, *parts, "</svg>"]) + "\n"
