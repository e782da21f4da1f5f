"""A result as reports show it: without secrets and without what would drive a terminal, wherever a host printed it."""

from dataclasses import replace

from hybridctl.checks.model import Result
from hybridctl.printable import printable
from hybridctl.redaction import Redactor

__all__ = ["for_reports", "shown_text"]

_MOST = 500  # letters of one text; a host may print anything, and the table is as wide as its widest cell


def for_reports(result: Result, redactor: Redactor, texts: dict[str, str]) -> Result:
    """Return the result for reports.

    Args:
        texts: what hosts said before; what hundreds of them say alike is one text in memory, not one of each.
    """

    def clean(text: str) -> str:
        text = shown_text(text, redactor)
        return texts.setdefault(text, text)

    # As the evidence has them, for they are looked up there.
    commands = map(redactor.text, result.commands)
    return replace(
        result,
        subject=clean(result.subject),
        measured=clean(result.measured) if isinstance(result.measured, str) else result.measured,
        expected=clean(result.expected),
        reason=clean(result.reason),
        remedy=shown_text(result.remedy, redactor),  # names its host, so no other has it
        commands=tuple(texts.setdefault(command, command) for command in commands),
    )


def shown_text(text: str, redactor: Redactor) -> str:
    """Return a text for reports."""
    return printable(redactor.text(text), _MOST)
