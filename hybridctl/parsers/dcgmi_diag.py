"""`dcgmi diag -r N`: a table whose cells are broken in the middle of words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import lines_of
from hybridctl.refusals import Unreadable

__all__ = ["Diagnosis", "read_diag"]

_TOOL = "dcgmi diag"
_ROW = re.compile(r"\| ([^|]*?) *\| (.*?)(  \|)?")
_VERDICT = re.compile(r"(Pass|Fail|Skip|Warn)(?:(?: - All)?|(?: - GPUs?: ([\d, ]+)))", re.ASCII)


@dataclass(frozen=True)
class Diagnosis:
    """One test.

    Attributes:
        gpus: by verdict (`Pass`, `Fail`, `Skip`, `Warn`); an empty tuple means all that were tested.
        warnings: the texts below it, put together again.
    """

    name: str
    gpus: Mapping[str, tuple[int, ...]]
    warnings: tuple[str, ...] = ()


def read_diag(text: str) -> tuple[Diagnosis, ...]:
    """Read the rows that carry a verdict, and the warnings below each.

    Raises:
        Unreadable: no test has a verdict, the table ends in the middle of a row, or a verdict has another form.
    """
    lines, last = lines_of(_TOOL, text)
    if last.strip() and not re.fullmatch(r"\+[-+=]*\+|\|.*\|", last):
        raise Unreadable(_TOOL, last, "the table ends in the middle of a row")
    rows: list[tuple[str, str, bool]] = []  # label, text, whether the text goes on without a blank
    for line in [*lines, last]:
        row = _ROW.fullmatch(line.rstrip())
        if row is None:
            if rows and line.startswith("+"):
                rows[-1] = (*rows[-1][:2], False)
            continue
        if not row[1] and rows and rows[-1][2] and not _VERDICT.fullmatch(row[2].strip()):
            rows[-1] = (rows[-1][0], rows[-1][1] + row[2], _is_full(line))
        else:
            rows.append((row[1], row[2], _is_full(line)))
    if rows and rows[-1][2]:
        raise Unreadable(_TOOL, rows[-1][1][-160:], "the table ends in the middle of a text")
    return _tests(rows)


def _is_full(line: str) -> bool:
    # A cell that is filled to its last column goes on in the next row, even in the middle of a word.
    return re.search(r"\S  \|$", line) is not None


def _tests(rows: list[tuple[str, str, bool]]) -> tuple[Diagnosis, ...]:
    found: list[Diagnosis] = []
    for label, said, _ in rows:
        verdict = _VERDICT.fullmatch(said.strip())
        if verdict:
            gpus = tuple(int(one) for one in (verdict[2] or "").replace(",", " ").split())
            if label:
                found.append(Diagnosis(label, {verdict[1]: gpus}))
            elif found and verdict[1] not in found[-1].gpus:
                found[-1] = Diagnosis(found[-1].name, {**found[-1].gpus, verdict[1]: gpus}, found[-1].warnings)
            else:
                raise Unreadable(_TOOL, said, "a verdict without a test")
        elif re.match(r"(?:Pass|Fail)\b", said):
            raise Unreadable(_TOOL, said, "it is no verdict")
        elif label.startswith(("Warning", "Error")) and found:
            last = found[-1]
            found[-1] = Diagnosis(last.name, last.gpus, (*last.warnings, said.strip()))
    if not found:
        raise Unreadable(_TOOL, rows[0][1] if rows else "", "no test has a verdict")
    return tuple(found)
