"""HAProxy's `show stat` and `show info`."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import key_values, printed, whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Stat", "read_info", "read_stat"]

UNPROVEN = "show info"


@dataclass(frozen=True)
class Stat:
    """One row: a frontend, a backend, a server or a listener.

    Attributes:
        cells: by column; empty where the row's kind has none.
    """

    proxy: str
    server: str
    status: str
    cells: Mapping[str, str]

    @property
    def is_server(self) -> bool:
        """It is a server, not a frontend, backend or listener (column `type`)."""
        return self.cells.get("type") == "2"

    @property
    def is_up(self) -> bool:
        """It takes requests: UP, also on its way down (`UP 1/3`), OPEN, or without a check; DRAIN and MAINT do not.

        Raises:
            Unreadable: a status this parser does not know.
        """
        word = self.status.split(" ")[0]
        known = {"UP": True, "OPEN": True, "DOWN": False, "MAINT": False, "DRAIN": False, "NOLB": False, "STOP": False}
        if self.status == "no check":
            return True
        if word not in known:
            raise Unreadable("show stat", f"{self.proxy}/{self.server}: {self.status}", "an unknown status")
        return known[word]

    def count(self, column: str) -> int:
        """Return a number.

        Raises:
            Unreadable: this row has none there.
        """
        cell = self.cells.get(column, "")
        if not re.fullmatch(r"-?\d+", cell, re.ASCII):
            raise Unreadable("show stat", f"{self.proxy}/{self.server} {column}: {cell}", "a number was expected")
        return int(cell)


def read_stat(text: str) -> tuple[Stat, ...]:
    """Read `show stat`.

    Raises:
        Unreadable: no header, a row with other cells than the header, a server listed twice, or the last line is cut.
    """
    tool = "show stat"
    lines = [line for line in whole_lines(tool, text) if line.strip()]
    head = next((i for i, line in enumerate(lines) if line.startswith("# pxname,svname,")), None)
    if head is None:
        raise Unreadable(tool, lines[0], "there is no header '# pxname,svname,...'")
    names = lines[head][2:].split(",")
    found = []
    for line in lines[head + 1 :]:
        # A check's output may hold commas, and is quoted then.
        try:
            cells = next(csv.reader([line]))
        except csv.Error:
            raise Unreadable(tool, line, "it is no row") from None
        if len(cells) != len(names):
            raise Unreadable(tool, line, f"{len(cells)} cells under {len(names)} columns")
        said = dict(zip(names, cells, strict=True))
        if not said.get("status"):
            raise Unreadable(tool, line, "it has no status")
        found.append(Stat(said["pxname"], said["svname"], said["status"], {k: v for k, v in said.items() if k}))
    if len({(row.proxy, row.server) for row in found}) != len(found):
        raise Unreadable(tool, "", "a server is listed twice")
    return tuple(found)


def read_info(text: str) -> Mapping[str, str]:
    """Read `show info`.

    Raises:
        Unreadable: it names no version, or the last line is cut.
    """
    tool = "show info"
    said = key_values(tool, (line for line in whole_lines(tool, text) if re.match(r"[A-Za-z]\w*:", line)))
    if not said.get("Version"):
        raise Unreadable(tool, printed(tool, text).strip().split("\n")[0], "it names no version")
    return said
