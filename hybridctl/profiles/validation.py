"""What is wrong with one profile's file, told with file and line: by the schema first, then by the checks."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridctl.checks.catalogue import CATALOGUE
from hybridctl.checks.model import Check, Kind
from hybridctl.problems import Problem, nearest
from hybridctl.yamlmarks import Entry, entries, line_of, value_of

if TYPE_CHECKING:
    import yaml

__all__ = ["FORMS", "expected_in", "problems_of"]

FORMS = ("value", "any_of", "at_least", "at_most", "range")
_SCHEMA = Path(__file__).parent / "schema.json"


def problems_of(path: Path, node: "yaml.Node") -> Iterator[Problem]:
    """Hold the file against the schema, then each expectation against its check."""
    from jsonschema import Draft202012Validator

    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    data = value_of(node)
    broken = False
    for error in Draft202012Validator(schema).iter_errors(data):
        broken = True
        place = [str(part) for part in error.absolute_path]
        message, remedy = _said(error)
        extra = _extra(error)
        yield Problem(path, _line(node, [*place, *extra[:1]]), f"{'.'.join(place) or 'profile'}: {message}", remedy)
    if broken:
        return
    for entry in expected_in(node):
        for message, remedy in _against_check(entry.key, data["expect"][entry.key]):
            yield Problem(path, entry.line, f"{entry.key}: {message}", remedy)


def expected_in(node: "yaml.Node") -> tuple[Entry, ...]:
    """Return the expectations of a file that keeps to the schema, with their lines."""
    return next((tuple(entries(entry.node)) for entry in entries(node) if entry.key == "expect"), ())


def _extra(error: Any) -> list[str]:
    """Return the keys that should not be there."""
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return []
    return sorted(str(key) for key in error.instance if key not in error.schema.get("properties", {}))


def _said(error: Any) -> tuple[str, str]:
    """Put what jsonschema found into words of ours."""
    extra = _extra(error)
    if extra:
        allowed = sorted(error.schema["properties"])
        near = nearest(extra[0], allowed)
        guess = f"; did you mean {near}?" if near else ""
        return f"unknown key {extra[0]}{guess}", f"allowed: {', '.join(allowed)}"
    if error.validator == "oneOf":
        return "says not exactly one of " + ", ".join(FORMS), "name one: value: 64"
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"{missing} is missing", f"add it: {missing}: ..."
    return error.message[:200], f"allowed: {json.dumps(error.validator_value)[:200]}"


def _against_check(name: str, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    check = CATALOGUE.get(name)
    if check is None:
        if "later" not in given:
            near = nearest(name, CATALOGUE)
            yield (
                "unknown check" + (f"; did you mean {near}?" if near else ""),
                "hybridctl verify --list shows them; an expectation without one needs `later: why`",
            )
        return
    if "later" in given:
        yield "a check judges this: `later` would hide its verdict", "remove the key later"
    if given.get("unit", "") != check.unit:
        yield f"unit {given.get('unit') or '(none)'}; the check measures in {check.unit or '(no unit)'}", "correct it"
    yield from _of_kind(check, given)


def _of_kind(check: Check, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    form = next(key for key in FORMS if key in given)
    values = given[form] if isinstance(given[form], list) else [given[form]]
    if check.kind is Kind.ALIKE:
        if given[form] != "same":
            yield f"{form}: {given[form]!r}; the check compares the hosts of the profile", "write value: same"
    elif check.kind is Kind.NAMES:
        if form != "value" or not isinstance(given[form], list):
            yield f"{form}: {given[form]!r}; the check takes a list of names", "write value: [NAME, ...]"
    elif isinstance(given[form], list) and form == "value":
        yield "a list; the check measures one thing", "write one value, or any_of: [...]"
    elif check.kind is Kind.TEXT and (
        form in ("at_least", "at_most", "range") or not all(isinstance(v, str) for v in values)
    ):
        yield f"{form}: {given[form]!r}; the check measures text", 'quote it: value: "22.04"'
    elif check.kind is Kind.TEXT and not all(any(letter.isalnum() for letter in v) for v in values):
        yield f"{form}: {given[form]!r} holds no letter and no digit", "write what the host must show"
    elif check.kind is Kind.NUMBER and not all(isinstance(v, int | float) for v in values):
        yield f"{form}: {given[form]!r}; the check measures a number", "write it without quotes"
    if "tolerance" in given and (check.kind is not Kind.NUMBER or form != "value"):
        yield "a tolerance goes with the value of a number only", "remove the key tolerance"
    if "warn" in given and (check.kind is not Kind.NUMBER or form == "any_of"):
        yield "a warn band goes with a number that has bounds", "remove the key warn"
    if form == "range" and given["range"][0] >= given["range"][1]:
        yield f"range: {given['range']}; the first is not below the second", "write range: [LOWEST, HIGHEST]"


def _line(node: "yaml.Node", place: list[str]) -> int:
    """Return the line of the deepest key of `place` that is there."""
    line = line_of(node)
    for part in place:
        entry = next((entry for entry in entries(node) if entry.key == part), None)
        if entry is None:
            break
        line, node = entry.line, entry.node
    return line
