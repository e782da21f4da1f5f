"""perftest's bandwidth tests: `ib_write_bw`, `ib_read_bw`, `ib_send_bw`."""

import re
from dataclasses import dataclass

from hybridctl.parsers._text import lines_of
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Bandwidth", "read_bandwidth"]

UNPROVEN = "perftest"

_TOOL = "perftest"
_HEAD = re.compile(r" *#bytes +#iterations +BW peak\[(\w+/sec)\] +BW average\[(\w+/sec)\] +MsgRate\[Mpps\] *")
_ROW = re.compile(r" *(\d+) +(\d+) +(\d+\.\d+) +(\d+\.\d+)\s+(\d+\.\d+) *", re.ASCII)
_GIGABITS = {"Gb/sec": 1.0, "MB/sec": 8e-3, "MiB/sec": 8 * 2**20 / 1e9}


@dataclass(frozen=True)
class Bandwidth:
    """One size: bytes, and Gb/s (10**9 bits) whatever was printed; `peak` is None where it was not measured."""

    size: int
    iterations: int
    peak: float | None
    average: float


def read_bandwidth(text: str) -> tuple[Bandwidth, ...]:
    """Read the rows; warnings between header and rows are left out.

    Raises:
        Unreadable: no header or no row, an average of nothing, or a peak below the average.
    """
    lines, _ = lines_of(_TOOL, text)
    head = next((found for found in map(_HEAD.fullmatch, lines) if found), None)
    if head is None or head[1] != head[2] or head[1] not in _GIGABITS:
        raise Unreadable(_TOOL, text.strip().split("\n")[-1], "there is no header of bandwidths")
    factor = _GIGABITS[head[1]]
    found = []
    for line in lines:
        row = _ROW.fullmatch(line)
        if row:
            # Some adapters (soft-RoCE) are not measured for their peak: it is 0.00 then.
            peak = float(row[3]) * factor or None
            average = float(row[4]) * factor
            if average <= 0 or (peak is not None and peak < average * 0.99):
                raise Unreadable(_TOOL, line, "these bandwidths cannot be")
            found.append(Bandwidth(int(row[1]), int(row[2]), peak, average))
    if not found:
        raise Unreadable(_TOOL, text.strip().split("\n")[-1], "there is no row")
    return tuple(found)
