"""The results: a JSON file written after every run, so that a kill loses nothing that was measured."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from hybridctl.atomic import write_whole

__all__ = ["Results", "Spread", "spread"]


class Results:
    """Rows of measurements by part; a part that is measured again loses its old rows first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def begin(self, part: str, machine: Mapping[str, Any]) -> None:
        """Start a part anew."""
        self.data[part] = {"machine": dict(machine), "rows": [], "left_out": []}
        self._write()

    def add(self, part: str, **row: Any) -> None:
        """Append a row and write the file."""
        self.data[part]["rows"].append(row)
        self._write()

    def note(self, part: str, **facts: Any) -> None:
        """Say what holds for the whole part."""
        self.data[part].update(facts)
        self._write()

    def leave_out(self, part: str, what: str) -> None:
        """Say what was not measured, and why."""
        self.data[part]["left_out"].append(what)
        self._write()

    def rows(self, part: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return the rows of a part that have these values."""
        rows = self.data.get(part, {}).get("rows", [])
        return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, json.dumps(self.data, indent=1) + "\n", 0o644)


class Spread:
    """Median and range of some values."""

    def __init__(self, values: Iterable[float]) -> None:
        self.values = sorted(values)
        self.median = median(self.values)

    def __format__(self, form: str) -> str:
        low, high = self.values[0], self.values[-1]
        form = form or ".1f"
        return f"{self.median:{form}} ({low:{form}}-{high:{form}})"

    def __str__(self) -> str:
        return format(self)


def spread(rows: Iterable[Mapping[str, Any]], key: str = "seconds") -> Spread | None:
    """Return the spread of the rows' values, None without rows."""
    values = [float(row[key]) for row in rows]
    return Spread(values) if values else None
