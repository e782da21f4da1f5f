"""What checks are made of: an expectation from a profile, a measurement on a host, the result of comparing them."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hybridctl.checks.counts import Count
from hybridctl.checks.drifted import Drift
from hybridctl.refusals import CannotTell

if TYPE_CHECKING:
    from hybridctl.waivers import Waiver

__all__ = ["CannotTell", "Check", "ConnectionLost", "Expectation", "Kind", "Parameter", "Result", "Verdict", "Want"]


class Verdict(StrEnum):
    """What a check says; UNKNOWN when it could not measure, WAIVED for a FAIL that the site has put up with."""

    PASS = "PASS"  # noqa: S105 - not a password
    WARN = "WARN"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    WAIVED = "WAIVED"


class ConnectionLost(Exception):
    """The host cannot be reached, or not any more; the reason is the message. It ends all checks of the host."""


class Kind(StrEnum):
    """What an expectation's value is."""

    TEXT = "text"
    NUMBER = "number"
    NAMES = "names"  # a list of packages or units, each judged on its own
    ALIKE = "alike"  # text that all hosts of a profile share; a profile says `same`


@dataclass(frozen=True)
class Expectation:
    """One line of a profile.

    Attributes:
        check: the id, such as `memory.total`.
        form: how `wanted` is meant: `value`, `any_of`, `at_least`, `at_most` or `range` (two numbers, both allowed).
        tolerance: percent of `wanted` to either side; only with a number in the form `value`.
        source: where the number comes from.
        later: why no check judges it yet; empty when one does. The verdict is then UNKNOWN.
        warn: percent of the nearest allowed number by which a measured one may miss it and is a WARN only.
        severity: the verdict of what misses it by more: FAIL, or WARN where a host may serve all the same.
        form_factors: of boards it applies to; none means all.
        origin: the profile and line that asks, such as `a100-2x80g-reference.yml:12`.
        tool: with what its number was measured; empty where that makes no difference.
        parameters: how the check is to measure, where not by its defaults.
    """

    check: str
    form: str
    wanted: Any
    unit: str = ""
    tolerance: float = 0.0
    source: str = ""
    later: str = ""
    warn: float = 0.0
    severity: Verdict = Verdict.FAIL
    form_factors: tuple[str, ...] = ()
    origin: str = ""
    tool: str = ""
    parameters: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """The expectation in words, without its unit; one text for the results of all hosts."""
        match self.form:
            case "any_of":
                return " or ".join(map(str, self.wanted))
            case "at_least":
                return f">= {self.wanted}"
            case "at_most":
                return f"<= {self.wanted}"
            case "range":
                return f"{self.wanted[0]} to {self.wanted[1]}"
        if isinstance(self.wanted, list | tuple):
            return ", ".join(map(str, self.wanted))
        return f"{self.wanted} ±{self.tolerance:g} %" if self.tolerance else str(self.wanted)

    def verdict_of(self, measured: Any) -> Verdict:
        """Judge a measured value; text is compared without regard to case, a number that is none never passes."""
        if isinstance(measured, float) and math.isnan(measured):
            return self.severity
        bounds = self._bounds()
        if bounds is None:
            wanted = self.wanted if self.form == "any_of" else (self.wanted,)
            return Verdict.PASS if _plain(measured) in map(_plain, wanted) else self.severity
        low, high = bounds
        if low <= measured <= high:
            return Verdict.PASS
        missed = low if measured < low else high
        return Verdict.WARN if abs(measured - missed) <= abs(missed) * self.warn / 100 else self.severity

    def _bounds(self) -> tuple[float, float] | None:
        """Return the lowest and the highest number allowed; None where equality counts."""
        match self.form:
            case "at_least":
                return self.wanted, math.inf
            case "at_most":
                return -math.inf, self.wanted
            case "range":
                return self.wanted[0], self.wanted[1]
            case "value" if self.tolerance or self.warn:
                margin = abs(self.wanted) * self.tolerance / 100
                return self.wanted - margin, self.wanted + margin
        return None


@dataclass(frozen=True, slots=True)  # a fleet has tens of thousands
class Result:
    """What one check said about one host.

    Attributes:
        subject: the package, unit or the like it is about; empty when the check has only one.
        measured: None when it was not measured.
        reason: why the verdict is not PASS.
        remedy: what to type or do next; empty with PASS.
        origin: the profile and line that asks for it.
        waiver: of a WAIVED one.
        commands: what was asked on the host for it, in order; none with PASS.
    """

    check: str
    verdict: Verdict
    measured: str | int | float | None = None
    expected: str = ""
    unit: str = ""
    subject: str = ""
    reason: str = ""
    remedy: str = ""
    source: str = ""
    origin: str = ""
    waiver: "Waiver | None" = None
    commands: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The check with its subject, as a report shows it."""
        return f"{self.check} {self.subject}".rstrip()


@dataclass(frozen=True)
class Want:
    """What a check gets beside the host: the expectation, and the site's variables that it asked for.

    Attributes:
        parameters: all that the check has, with what the profile says or their defaults.
        remedy: of the check; `{subject}` stands for the subject.
        earlier: what the check counted when the host was last verified.
        drift: what the control node knows of the host's drift; None where nobody asked it.
    """

    expectation: Expectation
    variables: Mapping[str, Any] = field(default_factory=dict)
    remedy: str = ""
    parameters: Mapping[str, int] = field(default_factory=dict)
    earlier: Count | None = None
    drift: Drift | None = None

    def variable(self, name: str) -> Any:
        """Return a variable of the host.

        Raises:
            CannotTell: it has none.
        """
        value = self.variables.get(name)
        if value is None:
            raise CannotTell(f"the variable {name} has no value for this host")
        return value

    def judge(self, measured: str | float, *, subject: str = "", reason: str = "", remedy: str = "") -> Result:
        """Hold a measured value against the expectation; `reason` and `remedy` are for what misses it."""
        verdict = self.expectation.verdict_of(measured)
        if verdict is Verdict.PASS:
            return self.result(verdict, measured, subject=subject)
        return self.result(verdict, measured, subject=subject, reason=reason, remedy=remedy)

    def result(
        self,
        verdict: Verdict,
        measured: str | float | None,
        *,
        subject: str = "",
        expected: str = "",
        reason: str = "",
        remedy: str = "",
    ) -> Result:
        """Return a result that the check judged itself; a FAIL weighs what the profile says it does."""
        if verdict is Verdict.FAIL:
            verdict = self.expectation.severity
        if verdict is not Verdict.PASS and not remedy:
            remedy = self.remedy.replace("{subject}", subject)
        return Result(
            check=self.expectation.check,
            verdict=verdict,
            measured=measured,
            expected=expected or self.expectation.text,
            unit=self.expectation.unit,
            subject=subject,
            reason=reason,
            remedy="" if verdict is Verdict.PASS else remedy,
            source=self.expectation.source,
            origin=self.expectation.origin,
        )


@dataclass(frozen=True)
class Parameter:
    """A whole number by which a profile says how a check measures.

    Attributes:
        default: where the profile says nothing.
        lowest: still allowed, and `highest` likewise.
    """

    default: int
    lowest: int
    highest: int
    unit: str = ""

    @property
    def allowed(self) -> str:
        """What a profile may write, in words."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.lowest}{unit} to {self.highest}{unit}"

    def read(self, given: Any) -> int:
        """Return the number in what a profile says: `16`, or `30 s` where there is a unit.

        Raises:
            ValueError: it is no such number, or out of bounds.
        """
        number, _, unit = str(given).partition(" ")
        if unit != self.unit or not re.fullmatch("[0-9]{1,9}", number):
            raise ValueError(given)
        if not self.lowest <= int(number) <= self.highest:
            raise ValueError(given)
        return int(number)


@dataclass(frozen=True)
class Check:
    """An entry of the catalogue.

    Attributes:
        function: an ordinary function over a testinfra host: pure, re-runnable, changes nothing.
        unit: what it measures in; a profile must use the same.
        variables: names of the site's variables it reads.
        remedy: what to do when it fails.
        varies: why one host's value is not what another must show; a captured profile leaves it to a person.
        unproven: which part of its parser no recording of a real machine has confirmed yet.
        parameters: what a profile may say of how it measures.
    """

    id: str
    title: str
    kind: Kind
    function: Callable[[Any, Want], Result | Iterable[Result]]
    remedy: str
    unit: str = ""
    variables: tuple[str, ...] = ()
    unproven: str = ""
    varies: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]


def _plain(value: Any) -> Any:
    return re.sub(r"\s+", " ", value).strip().casefold() if isinstance(value, str) else value
