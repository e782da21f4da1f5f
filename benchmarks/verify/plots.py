"""The plots: bars for one host, curves for the fleet."""

from pathlib import Path

from benchmarks.common.results import Results, spread
from benchmarks.common.svg import Point, bars, lines
from benchmarks.verify import fleet, one
from benchmarks.verify.backends import OTHERS
from benchmarks.verify.report import TITLES

__all__ = ["write"]


def write(results: Results, folder: Path) -> list[Path]:
    """Write what there are rows for, and return the files."""
    pictures = {}
    rows = []
    for tool in (*one.OURS, *OTHERS):
        if found := spread(results.rows(one.PART, tool=tool)):
            style = "ours" if tool in one.OURS else "third"
            rows.append((style, TITLES[tool], found.values[0], found.median, found.values[-1]))
    if rows:
        pictures["one-host.svg"] = bars("The same checks of one host, seconds", rows)
    if results.rows(fleet.PART):
        pictures["fleet-seconds.svg"] = lines("Verify: seconds by hosts", "hosts", _curves(results, "seconds"))
        memory = [
            ("ours", "hybridctl", _points(results, "peak_mib", "cold")),
            ("third", "ssh, Ansible", _points(results, "others_mib", "cold")),
        ]
        pictures["fleet-memory.svg"] = lines("Verify, cold: memory by hosts", "hosts", memory, "MiB")
    for name, text in pictures.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pictures]


def _curves(results: Results, key: str) -> list[tuple[str, str, list[Point]]]:
    styles = {"cold": "ours", "seeded": "second"}
    return [(styles[kind], kind, points) for kind in styles if (points := _points(results, key, kind))]


def _points(results: Results, key: str, kind: str) -> list[Point]:
    counts = sorted({row["hosts"] for row in results.rows(fleet.PART, kind=kind)})
    found = [(hosts, spread(results.rows(fleet.PART, hosts=hosts, kind=kind), key)) for hosts in counts]
    return [(float(hosts), values.median) for hosts, values in found if values]
