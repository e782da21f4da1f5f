"""Titles, remedies, units and the words of reports in other languages than English: one file each, `LANG.yml`.

A check speaks English; what it said is worded anew for the report. Ids, verdicts and reasons stay as they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import yaml

from hybridctl.checks.catalogue import CATALOGUE
from hybridctl.checks.judge import NOT_AS_EXPECTED
from hybridctl.checks.model import Check, Result

__all__ = ["ENGLISH", "LANGUAGES", "Wording", "wording_in"]

ENGLISH = "en"
_FILES = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.yml"))}
LANGUAGES: tuple[str, ...] = (ENGLISH, *_FILES)
_BLANK = re.compile(r"\{(host|subject|check)\}")


@dataclass(frozen=True)
class Wording:
    """The words of one language; what is not in it is said in English.

    Attributes:
        checks: title and remedy by the id of the check.
        remedies: those that are no check's own, by their English words.
        units: by their English words; `report` likewise, what reports say around the results.
    """

    lang: str = ENGLISH
    checks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    remedies: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    report: Mapping[str, str] = field(default_factory=dict)

    def title(self, check: Check) -> str:
        """Return what the check is called."""
        return self.checks.get(check.id, {}).get("title", check.title)

    def remedy(self, check: Check) -> str:
        """Return the check's own remedy, its `{host}` and `{subject}` open."""
        return self.checks.get(check.id, {}).get("remedy", check.remedy)

    def unit(self, english: str) -> str:
        """Return a unit as people read it."""
        return self.units.get(english, english)

    def word(self, english: str) -> str:
        """Return a word of a report."""
        return self.report.get(english, english)

    def result(self, result: Result) -> Result:
        """Return the result with its remedy in this language, and its reason where that is but the title."""
        if self.lang == ENGLISH:
            return result
        reason, check = result.reason, CATALOGUE.get(result.check)
        if check is not None and reason == f"{check.title}: {NOT_AS_EXPECTED}":
            reason = f"{self.title(check)}: {self.word(NOT_AS_EXPECTED)}"
        return replace(result, reason=reason, remedy=self.said(result.remedy, check))

    def said(self, remedy: str, check: Check | None = None) -> str:
        """Return a remedy that has its host and subject; one that no wording is known of stays as it is.

        Args:
            check: whose own remedy it may be.
        """
        known = [(check.remedy, self.remedy(check))] if check is not None else []
        for english, ours in (*known, *self.remedies.items()):
            if found := _form(english).fullmatch(remedy):
                return _filled(ours, found.groupdict())
        return remedy


@cache
def wording_in(lang: str) -> Wording:
    """Return the words of one of LANGUAGES."""
    if lang == ENGLISH:
        return Wording()
    return Wording(lang, **yaml.safe_load(_FILES[lang].read_text(encoding="utf-8")))


def _filled(template: str, values: Mapping[str, str]) -> str:
    return _BLANK.sub(lambda blank: values[blank[1]], template)


@cache
def _form(template: str) -> re.Pattern[str]:
    """Return what matches the template with its blanks filled in, the same each time."""
    pattern, seen = "", set()
    for place, part in enumerate(_BLANK.split(template)):
        if place % 2 == 0:
            pattern += re.escape(part)
        else:
            pattern += f"(?P={part})" if part in seen else f"(?P<{part}>.*)"
            seen.add(part)
    return re.compile(pattern, re.DOTALL)
