"""What is wrong with one profile's file, told with file and line: by the schema first, then by the checks."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridctl.checks.catalogue import CATALOGUE
from hybridctl.checks.model import Check, Kind
from hybridctl.checks.tools import tool_of
from hybridctl.problems import Problem, nearest
from hybridctl.schema_problems import schema_problems
from hybridctl.yamlmarks import Entry, entries, value_of

if TYPE_CHECKING:
    import yaml

__all__ = ["FORMS", "expected_in", "problems_of"]

FORMS = ("value", "any_of", "at_least", "at_most", "range")
_SCHEMA = Path(__file__).parent / "schema.json"


def problems_of(path: Path, node: "yaml.Node") -> Iterator[Problem]:
    """Hold the file against the schema, then each expectation against its check."""
    data = value_of(node)
    broken = list(schema_problems(path, node, data, _SCHEMA, "profile", _said))
    yield from broken
    if broken:
        return
    for entry in expected_in(node):
        for message, remedy in _against_check(entry.key, data["expect"][entry.key]):
            yield Problem(path, entry.line, f"{entry.key}: {message}", remedy)


def expected_in(node: "yaml.Node") -> tuple[Entry, ...]:
    """Return the expectations of a file that keeps to the schema, with their lines."""
    return next((tuple(entries(entry.node)) for entry in entries(node) if entry.key == "expect"), ())


def _said(error: Any) -> tuple[str, str] | None:
    if error.validator == "oneOf":
        return "says not exactly one of " + ", ".join(FORMS), "name one: value: 64"
    return None


def _against_check(name: str, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    check = CATALOGUE.get(name)
    if check is None:
        if "later" not in given:
            near = nearest(name, CATALOGUE)
            yield (
                "unknown check" + (f"; did you mean {near}?" if near else ""),
                "hybridctl verify --list shows them; an expectation without one needs `later: why`",
            )
        for key in sorted({"tool", "parameters"} & set(given)):
            yield f"{key} goes with a check that judges", f"remove the key {key}"
        return
    if "later" in given:
        yield "a check judges this: `later` would hide its verdict", "remove the key later"
    if given.get("unit", "") != check.unit:
        yield f"unit {given.get('unit') or '(none)'}; the check measures in {check.unit or '(no unit)'}", "correct it"
    yield from _of_kind(check, given)
    yield from _of_measuring(check, given)


def _of_measuring(check: Check, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    tool = given.get("tool")
    if tool is not None and tool != tool_of(check.id):
        yield f"tool {tool}; the check measures with {tool_of(check.id)}", "name a value measured with that"
    for name, value in given.get("parameters", {}).items():
        parameter = check.parameters.get(name)
        if parameter is None:
            yield f"parameters: the check has no {name}", f"it has: {', '.join(check.parameters) or 'none'}"
            continue
        try:
            parameter.read(value)
        except ValueError:
            yield f"parameters: {name}: {value}", f"allowed: {parameter.allowed}"


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
