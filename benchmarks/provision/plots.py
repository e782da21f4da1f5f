"""The plots: bars for the comparison, curves for growth."""

from pathlib import Path

from benchmarks.common.results import Results, spread
from benchmarks.common.svg import Point, bars, lines
from benchmarks.provision.compare import SCENARIOS
from benchmarks.provision.report import TITLES, nothing_to_change
from benchmarks.provision.tools import TOOLS

__all__ = ["write"]

STYLES = {"ours": "ours", "pyinfra": "second", "naive": "third"}
NAMES = {"ours": "hybridctl", "pyinfra": "pyinfra", "naive": "naive"}


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
                    rows.append((STYLES[tool], label, found.values[0], found.median, found.values[-1]))
        pictures[f"compare-{hosts}-hosts.svg"] = bars(f"The same resources on {hosts} hosts, seconds", rows)
    for key, other, unit in (("hosts", "resources", "hosts"), ("resources", "hosts", "resources on each host")):
        curves = _curves(results, key, other)
        if curves:
            pictures[f"growth-{key}.svg"] = lines(f"Nothing to change: seconds by {unit}", unit, curves)
    for name, text in pictures.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pictures]


def _curves(results: Results, key: str, other: str) -> list[tuple[str, str, list[Point]]]:
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
            curves.append((STYLES[tool], NAMES[tool], points))
    return curves
