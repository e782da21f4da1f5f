"""Lines of a tool's output, and what several parsers do with them."""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from hybridctl.refusals import Unreadable

__all__ = ["blocks_of", "document", "key_values", "lines_of", "number", "printed", "whole_lines"]

_ENDLESS = re.compile(r"\d{300}")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def printed(tool: str, text: str) -> str:
    """Return the text without colours and carriage returns.

    Raises:
        Unreadable: nothing was printed, or a number of hundreds of digits, at which Python itself gives up.
    """
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").removeprefix("\ufeff")
    if not text.strip():
        raise Unreadable(tool, "", "it printed nothing")
    if endless := _ENDLESS.search(text):
        raise Unreadable(tool, endless[0], "it is no number of any host")
    return text


def lines_of(tool: str, text: str) -> tuple[list[str], str]:
    """Return the lines that are whole, and the last one when it lacks its line break (else an empty string)."""
    *lines, last = printed(tool, text).split("\n")  # and at no other character that Unicode calls a line end
    return lines, last


def whole_lines(tool: str, text: str, closed: str = "") -> list[str]:
    """Return the lines.

    Args:
        closed: regular expression of a last line that is surely whole without a line break.

    Raises:
        Unreadable: nothing was printed, or the text ends in the middle of a line.
    """
    lines, last = lines_of(tool, text)
    if last.strip():
        if not closed or not re.fullmatch(closed, last):
            raise Unreadable(tool, last, "the output ends in the middle of a line")
        lines.append(last)
    return lines


def blocks_of(lines: list[str], head: str) -> list[list[str]]:
    """Return the lines from each one that matches `head`, a regular expression, up to the next."""
    starts = [at for at, line in enumerate(lines) if re.match(head, line)]
    return [lines[start:end] for start, end in pairwise([*starts, len(lines)])]


def key_values(tool: str, lines: Iterable[str], separator: str = ":") -> dict[str, str]:
    """Read lines of `Key: value`; other lines are left out.

    Raises:
        Unreadable: a key has two different values.
    """
    found: dict[str, str] = {}
    for line in lines:
        key, sign, value = line.partition(separator)
        if sign and key.strip() and found.setdefault(key.strip(), value.strip()) != value.strip():
            raise Unreadable(tool, line, f"{key.strip()} is said twice, differently")
    return found


def number(tool: str, line: str, value: str, base: int = 10) -> int:
    """Return a whole number.

    Raises:
        Unreadable: it is none; `line` is quoted.
    """
    digits = {10: r"-?\d+", 16: r"(?:0x)?[0-9a-fA-F]+"}[base]
    if not re.fullmatch(digits, value, re.ASCII) or len(value) > 24:
        raise Unreadable(tool, line, "a number was expected")
    return int(value, base)


def document(tool: str, text: str) -> Mapping[str, Any]:
    """Return a JSON object; what stands before its first brace is a warning of the tool.

    Raises:
        Unreadable: there is none, or it is cut.
    """
    text = printed(tool, text)
    start = re.search(r"^\{", text, re.MULTILINE)
    if start is None:
        raise Unreadable(tool, text.strip().split("\n")[0], "no JSON object was printed")
    try:
        found, _ = json.JSONDecoder().raw_decode(text, start.start())
    except (ValueError, RecursionError) as error:
        last = text.strip().split("\n")[-1]
        raise Unreadable(tool, last, f"the JSON is broken ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise Unreadable(tool, text, "no JSON object was printed")
    return found
