"""A draft of a profile from what a live host shows: a beginning for a person to read, not a reference."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from hybridctl.access import look_up
from hybridctl.checks.catalogue import CATALOGUE
from hybridctl.checks.judge import judge_expectation, variables_of_checks
from hybridctl.checks.model import Check, Expectation, Kind
from hybridctl.connection import Connection
from hybridctl.evidence.rounds import in_rounds
from hybridctl.site import Site

__all__ = ["Captured", "capture", "capture_host", "draft"]

# No host shows these: a check compares with them, misses, and tells what it measured.
_NOTHING: dict[Kind, Any] = {Kind.TEXT: "", Kind.NUMBER: float("nan")}
_BY_HAND = {
    Kind.NAMES: "a list of names: write those the host must have",
    Kind.ALIKE: "it compares the hosts of the profile: write {value: same} where they must be alike",
}


@dataclass(frozen=True)
class Captured:
    """What one check measured on the host.

    Attributes:
        measured: None when it could not be measured.
        reason: why a person must look at it; empty when it can stand as it is.
    """

    check: Check
    measured: str | int | float | None
    reason: str = ""


def capture_host(site: Site, name: str) -> tuple[Captured, ...]:
    """Measure a host of a site.

    Raises:
        ConnectionLost: it does not answer, or went away.
    """
    access = look_up(site, [name], variables_of_checks())[name]
    connection = Connection(name, access)
    try:
        connection.open()
        return capture(connection.host, access.variables, connection.fetch)
    finally:
        connection.close()


def capture(
    host: Any, variables: Mapping[str, Any], fetch: Callable[[Sequence[str]], None] = lambda _commands: None
) -> tuple[Captured, ...]:
    """Measure everything the catalogue knows on a testinfra host; changes nothing.

    Args:
        variables: of the site; what is not in there has the default of our roles.
        fetch: asks the commands that a suspending host does not know yet.

    Raises:
        ConnectionLost: the host went away.
    """
    given = {**variables_of_checks(), **variables}
    outcome = in_rounds([partial(_one, host, check, given) for check in CATALOGUE.values()], fetch)
    if outcome.lost is not None:
        raise outcome.lost
    never = (Captured(check, None, "not measured: it asked for ever new commands") for check in CATALOGUE.values())
    return tuple(one or other for one, other in zip(outcome.done, never, strict=True))


def draft(host: str, found: Iterable[Captured], day: date) -> str:
    """Return the YAML of a profile; what a person must decide stands in it as a comment with the reason."""
    lines = [
        "---",
        f"# A draft, captured from {host} on {day.isoformat()}: what it showed is not yet what a host must show.",
        "# Read each line, widen it where hosts may differ, and name a better source where there is one.",
        "schema: 1",
        f"title: {_text(f'draft from {host}')}",
        "expect:",
        *(line for one in found for line in _lines(host, one, day)),
    ]
    return "\n".join(lines) + "\n"


def _one(host: Any, check: Check, variables: Mapping[str, Any]) -> Captured:
    if check.kind not in _NOTHING:
        return Captured(check, None, _BY_HAND[check.kind])
    wanted = Expectation(check.id, "value", _NOTHING[check.kind], check.unit)
    result = judge_expectation(host, wanted, variables)[0]
    if result.measured is None:
        return Captured(check, None, f"not measured: {result.reason}")
    return Captured(check, result.measured, check.varies)


def _lines(host: str, one: Captured, day: date) -> Iterator[str]:
    unit = f", unit: {_text(one.check.unit)}" if one.check.unit else ""
    source = _text(f"measured on {host}, {day.isoformat()}")
    if one.measured is None:
        yield f"  # {one.check.id}: {_plain(one.reason)}"
        return
    value = _text(one.measured) if isinstance(one.measured, str) else json.dumps(one.measured)
    line = f"{one.check.id}: {{value: {value}{unit}, source: {source}}}"
    if one.reason:
        yield f"  # {_plain(one.reason)}; decide:"
        yield f"  # {line}"
    else:
        yield f"  {line}"


def _text(text: str) -> str:
    """Return a text as YAML's double-quoted scalar, which JSON's strings are."""
    return json.dumps(text, ensure_ascii=False)


def _plain(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
