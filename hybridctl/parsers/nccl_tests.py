"""The tables of nccl-tests (`all_reduce_perf` and the like)."""

import re
from dataclasses import dataclass

from hybridctl.parsers._text import lines_of
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Measured", "Report", "read_nccl_tests"]

UNPROVEN = "the tables of nccl-tests"

_TOOL = "nccl-tests"
_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_ROW = re.compile(
    rf" *(\d+) +(\d+) +([a-z]\w*) +(\w+) +(-?\d+)((?: +{_NUMBER} +{_NUMBER} +{_NUMBER} +(?:\d+|N/A)){{2}}) *",
    re.ASCII,
)


@dataclass(frozen=True)
class Measured:
    """One size: bytes, and per direction (out of place, in place) microseconds, GB/s and wrong values (None: N/A)."""

    size: int
    out_time: float
    out_algbw: float
    out_busbw: float
    out_wrong: int | None
    in_time: float
    in_algbw: float
    in_busbw: float
    in_wrong: int | None


@dataclass(frozen=True)
class Report:
    """The table, with the average bus bandwidth in GB/s and the values out of bounds that it sums up."""

    rows: tuple[Measured, ...]
    average_busbw: float
    out_of_bounds: int


def read_nccl_tests(text: str) -> Report:
    """Read the table; lines of other programs between its rows are left out.

    Raises:
        Unreadable: no row or no summary, sizes that do not grow, or values out of bounds are not counted.
    """
    lines, _ = lines_of(_TOOL, text)
    rows: list[Measured] = []
    for line in lines:
        row = _ROW.fullmatch(line)
        if row:
            cells = row[6].split()
            numbers = [None if cell == "N/A" else float(cell) for cell in cells]
            if rows and int(row[1]) <= rows[-1].size:
                raise Unreadable(_TOOL, line, "the sizes do not grow: several tables in one?")
            rows.append(_measured(int(row[1]), numbers))
    whole = "\n".join(lines)
    average = re.search(rf"^# Avg bus bandwidth *: ({_NUMBER}) *$", whole, re.MULTILINE | re.ASCII)
    bounds = re.search(r"^# Out of bounds values : (\d+) (?:OK|FAILED) *$", whole, re.MULTILINE | re.ASCII)
    if not rows or average is None or bounds is None:
        raise Unreadable(_TOOL, text.strip().split("\n")[-1], "the table is cut: no rows, or no summary")
    return Report(tuple(rows), float(average[1]), int(bounds[1]))


def _measured(size: int, numbers: list[float | None]) -> Measured:
    out, back = numbers[:4], numbers[4:]
    wrong = [None if one is None else int(one) for one in (out[3], back[3])]
    times = [float(one or 0) for one in (*out[:3], *back[:3])]
    return Measured(size, times[0], times[1], times[2], wrong[0], times[3], times[4], times[5], wrong[1])
