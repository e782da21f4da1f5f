"""`nvidia-smi --query-gpu=... --format=csv`, and the same of `--query-compute-apps`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import whole_lines
from hybridctl.parsers.gpu import COMPLAINT
from hybridctl.refusals import Unreadable

__all__ = ["Row", "read_csv"]

_TOOL = "nvidia-smi --query"
_COLUMN = re.compile(r"([A-Za-z][\w.]*)(?: \[(.+)\])?", re.ASCII)
# A cell that says why there is no value: [N/A], [Not Supported], [Unknown Error], [GPU requires reset] ...
_NOTHING = re.compile(r"\[.*\]|N/A|.*ERR!.*|Unknown Error|")


@dataclass(frozen=True)
class Row:
    """One GPU, or one process.

    Attributes:
        cells: by the column's name, as printed.
        units: of the columns that have one.
    """

    cells: Mapping[str, str]
    units: Mapping[str, str]

    def text(self, column: str) -> str:
        """Return a cell.

        Raises:
            Unreadable: there is no such column, or it says why it has no value.
        """
        if column not in self.cells:
            raise Unreadable(_TOOL, "", f"no column {column} was printed")
        cell = self.cells[column]
        if _NOTHING.fullmatch(cell):
            raise Unreadable(_TOOL, f"{column}: {cell}", "there is no value")
        return cell

    def number(self, column: str, unit: str = "") -> float:
        """Return a number, whose unit must be this one, in the cell or (with `nounits`) in the header."""
        cell = self.text(column)
        found = re.fullmatch(r"(-?\d+(?:\.\d+)?)(?: (\S+))?", cell, re.ASCII)
        if found is None or (found[2] or self.units.get(column, "")) != unit:
            raise Unreadable(_TOOL, f"{column}: {cell}", f"a number{' in ' if unit else ''}{unit} was expected")
        return float(found[1])

    def flag(self, column: str) -> bool:
        """Return whether it is on."""
        words = {"Enabled": True, "Active": True, "Yes": True, "Disabled": False, "Not Active": False, "No": False}
        cell = self.text(column)
        if cell not in words:
            raise Unreadable(_TOOL, f"{column}: {cell}", "neither on nor off")
        return words[cell]


def read_csv(text: str) -> tuple[Row, ...]:
    """Read header and rows; no row is an answer too (no process).

    Raises:
        Unreadable: no header, a row with other cells than the header, fewer rows than the column `count` says.
    """
    lines = [line for line in whole_lines(_TOOL, text) if line.strip()]
    complaint = next((line for line in lines if COMPLAINT.search(line) and ", " not in line), None)
    if complaint:
        raise Unreadable(_TOOL, complaint, "it complains")
    columns = [_COLUMN.fullmatch(name.strip()) for name in lines[0].split(", ")]
    names = [column[1] for column in columns if column]
    if len(names) != len(columns) or len(set(names)) != len(names):
        raise Unreadable(_TOOL, lines[0], "it is no header of columns")
    units = {column[1]: column[2] for column in columns if column and column[2]}
    rows = []
    for line in lines[1:]:
        cells = [cell.strip() for cell in line.split(", ")]
        if len(cells) != len(names):
            raise Unreadable(_TOOL, line, f"{len(cells)} cells under {len(names)} columns")
        rows.append(Row(dict(zip(names, cells, strict=True)), units))
    for row in rows:
        if "count" in names and row.cells["count"] != str(len(rows)):
            raise Unreadable(_TOOL, f"count: {row.cells['count']}", f"{len(rows)} rows were printed")
    return tuple(rows)
