"""`ipmitool sel list|elist`: the events that the BMC recorded."""

import re
from dataclasses import dataclass

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "BmcEvent", "read_sel"]

UNPROVEN = "ipmitool sel of a Kunpeng board"

_TOOL = "ipmitool sel"


@dataclass(frozen=True)
class BmcEvent:
    """One event.

    Attributes:
        record: number of the record; ipmitool prints it in hexadecimal.
        stamp: by the BMC's clock, as printed; `Pre-Init` before it had one.
        is_asserted: False when the event ended; None where it is not said.
        detail: what follows, such as a DIMM's name.
    """

    record: int
    stamp: str
    sensor: str
    event: str
    is_asserted: bool | None
    detail: str


def read_sel(text: str) -> tuple[BmcEvent, ...]:
    """Read it; `SEL has no entries` is an answer too.

    Raises:
        Unreadable: the BMC does not answer, or a line has another form.
    """
    found = []
    for line in whole_lines(_TOOL, text):
        if not line.strip() or line.strip() == "SEL has no entries":
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 5 or not re.fullmatch(r"[0-9a-fA-F]{1,4}", cells[0]):
            raise Unreadable(_TOOL, line, "it is no event")
        sign = {"Asserted": True, "Deasserted": False}.get(cells[5] if len(cells) > 5 else "")
        stamp = f"{cells[1]} {cells[2]}"
        found.append(BmcEvent(int(cells[0], 16), stamp, cells[3], cells[4], sign, " ".join(cells[6:])))
    return tuple(found)
