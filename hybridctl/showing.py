"""A result as reports show it: without secrets and without what would drive a terminal, wherever a host printed it."""

import sys
from dataclasses import replace
from typing import Any

from hybridctl.checks.model import Result
from hybridctl.printable import printable
from hybridctl.redaction import Redactor

__all__ = ["shown", "shown_text"]

_ALIKE = ("subject", "measured", "expected", "reason")  # a remedy names its host
_MOST = 500  # letters of one text; a host may print anything, and the table is as wide as its widest cell


def shown(result: Result, redactor: Redactor) -> Result:
    """Return the result for reports; what hundreds of hosts say alike is one text in memory, not one of each."""
    texts = {name: text for name in _ALIKE if isinstance(text := getattr(result, name), str)}
    alike: dict[str, Any] = {name: _shared(shown_text(text, redactor)) for name, text in texts.items()}
    return replace(
        result,
        **alike,
        remedy=shown_text(result.remedy, redactor),
        # As the evidence has them, for they are looked up there.
        commands=tuple(_shared(redactor.text(command)) for command in result.commands),
    )


def shown_text(text: str, redactor: Redactor) -> str:
    """Return a text for reports."""
    return printable(redactor.text(text), _MOST)


def _shared(text: str) -> str:
    return sys.intern(str(text))  # takes no subclass of str
