"""Plots as SVG, written by hand so that they follow the reader's light or dark screen."""

import math
from collections.abc import Sequence
from html import escape

__all__ = ["Point", "bars", "lines"]

# `ours` is what is measured for; the others stand beside it.
STYLE = """<style>
text { font: 13px sans-serif; fill: #24292f } .small { font-size: 11px; fill: #57606a }
.axis { stroke: #8c959f } .range { stroke: #24292f; stroke-width: 1.5 }
.ours { fill: #0969da; stroke: #0969da } .second { fill: #bc4c00; stroke: #bc4c00 }
.third { fill: #6e7781; stroke: #6e7781 } .curve { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .range { stroke: #e6edf3 }
  .ours { fill: #58a6ff; stroke: #58a6ff } .second { fill: #f0883e; stroke: #f0883e }
  .third { fill: #9198a1; stroke: #9198a1 }
}
</style>"""
WIDTH, LABELS, ROW = 720, 260, 24  # pixels
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


def lines(title: str, below: str, curves: Sequence[tuple[str, str, Sequence[Point]]], unit: str = "s") -> str:
    """Return a curve for each (class, name, points) over a logarithmic axis from 1; the vertical one begins at 0.

    Args:
        below: what the horizontal axis counts.
        unit: of the vertical one.
    """
    height, left, bottom = 320, 60, 270
    points = [point for _, _, curve in curves for point in curve]
    right, top = max(x for x, _ in points), max(y for _, y in points)

    def place(point: Point) -> Point:
        return left + math.log(point[0]) / math.log(right) * (WIDTH - left - 150), bottom - point[1] / top * (
            bottom - 50
        )

    parts = [_text(10, 22, title), f'<path class="axis curve" d="M{left} 50V{bottom}H{WIDTH - 140}"/>']
    for x in sorted({x for x, _ in points}):
        parts.append(_text(place((x, 0))[0] - 8, bottom + 18, f"{x:g}", "small"))
    parts.append(_text(left, bottom + 38, f"{below}, logarithmic", "small"))
    for style, name, curve in curves:
        spots = [place(point) for point in curve]
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
        parts.append(f'<path class="{style} curve" style="fill: none" d="M{way}"/>')
        for (x, y), (at, value) in zip(spots, curve, strict=True):
            parts += [f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>']
            # Below the lowest curve and above all others, so that no number lies on another one.
            beside = y + (16 if len(curves) > 1 and value == min(other for x, other in points if x == at) else -6)
            parts += [_text(x + 5, beside, f"{value:.1f} {unit}", "small")]
        parts.append(_text(spots[-1][0] + 65, beside, name))
    return _svg(title, height, parts)


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{f" class={chr(34)}{style}{chr(34)}" if style else ""}>{escape(text)}</text>'


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
    return "\n".join([head, f"<title>{escape(title)}</title>", STYLE, *parts, "</svg>"]) + "\n"
