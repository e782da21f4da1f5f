"""Find, read and validate profiles; every mistake is told with its file and line."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridctl.checks.catalogue import CATALOGUE
from hybridctl.checks.model import Check, Expectation, Kind
from hybridctl.errors import InvalidInput
from hybridctl.problems import Problem, invalid, nearest
from hybridctl.yamlmarks import entries, line_of, parse, value_of

if TYPE_CHECKING:
    import yaml

__all__ = ["Profile", "load_profile", "profile_names"]

_OURS = Path(__file__).parent
_FORMS = ("value", "any_of", "at_least", "at_most")


@dataclass(frozen=True)
class Profile:
    """What a host must show.

    Attributes:
        name: the file's name without `.yml`.
        lab: whether it is for hosts with stand-ins, so that reports mark them.
        expectations: by check, those that no check judges yet included.
    """

    name: str
    title: str
    path: Path
    lab: bool
    expectations: Mapping[str, Expectation]


def profile_names(site_root: Path | None = None) -> tuple[str, ...]:
    """Return the names a host's `hybridctl_profile` may have: ours, and those of the site."""
    return tuple(sorted(_files(site_root)))


def load_profile(name: str, site_root: Path | None = None) -> Profile:
    """Read a profile.

    Args:
        site_root: the folder whose `profiles/` is looked into beside ours.

    Raises:
        InvalidInput: there is no such profile, or it is not valid; with file, line and what is allowed.
    """
    files = _files(site_root)
    if name not in files:
        near = nearest(name, files)
        raise InvalidInput(
            f"profile {name}: there is no such profile" + (f"; did you mean {near}?" if near else ""),
            f"name one of: {', '.join(sorted(files))}",
        )
    path = files[name]
    node, problems = parse(path)
    if not problems:
        nothing = Problem(path, 1, "says nothing", "copy a profile of ours")
        problems = list(_problems(path, node)) if node is not None else [nothing]
    if problems or node is None:
        raise invalid(problems, f"profile {name}")
    data = value_of(node)
    expectations = {check: _expectation(check, given) for check, given in data["expect"].items()}
    return Profile(name, data["title"], path, data.get("lab", False), expectations)


def _files(site_root: Path | None) -> dict[str, Path]:
    found = {path.stem: path for path in sorted(_OURS.glob("*.yml"))}
    for path in sorted((site_root / "profiles").glob("*.yml")) if site_root else ():
        if path.stem in found:
            # A host judged by another profile than its name says would be the worst of reports.
            problem = Problem(path, 0, f"{path.stem} is the name of a profile of ours", "give it a name of its own")
            raise invalid([problem], "the site's profiles")
        found[path.stem] = path
    return found


def _problems(path: Path, node: "yaml.Node") -> Iterator[Problem]:
    """Hold the file against the schema, then each expectation against its check."""
    from jsonschema import Draft202012Validator

    schema = json.loads((_OURS / "schema.json").read_text(encoding="utf-8"))
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
    for entry in entries(next(entry.node for entry in entries(node) if entry.key == "expect")):
        for message, remedy in _against_check(entry.key, data["expect"][entry.key]):
            yield Problem(path, entry.line, f"{entry.key}: {message}", remedy)


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
        return "says not exactly one of " + ", ".join(_FORMS), "name one: value: 64"
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
    form = next(key for key in _FORMS if key in given)
    values = given[form] if isinstance(given[form], list) else [given[form]]
    if check.kind is Kind.NAMES:
        if form != "value" or not isinstance(given[form], list):
            yield f"{form}: {given[form]!r}; the check takes a list of names", "write value: [NAME, ...]"
    elif isinstance(given[form], list) and form == "value":
        yield "a list; the check measures one thing", "write one value, or any_of: [...]"
    elif check.kind is Kind.TEXT and (form.startswith("at_") or not all(isinstance(v, str) for v in values)):
        yield f"{form}: {given[form]!r}; the check measures text", 'quote it: value: "22.04"'
    elif check.kind is Kind.TEXT and not all(any(letter.isalnum() for letter in v) for v in values):
        yield f"{form}: {given[form]!r} holds no letter and no digit", "write what the host must show"
    elif check.kind is Kind.NUMBER and not all(isinstance(v, int | float) for v in values):
        yield f"{form}: {given[form]!r}; the check measures a number", "write it without quotes"
    if "tolerance" in given and (check.kind is not Kind.NUMBER or form != "value"):
        yield "a tolerance goes with the value of a number only", "remove the key tolerance"


def _line(node: "yaml.Node", place: list[str]) -> int:
    """Return the line of the deepest key of `place` that is there."""
    line = line_of(node)
    for part in place:
        entry = next((entry for entry in entries(node) if entry.key == part), None)
        if entry is None:
            break
        line, node = entry.line, entry.node
    return line


def _expectation(check: str, given: Mapping[str, Any]) -> Expectation:
    form = next(key for key in _FORMS if key in given)
    wanted = tuple(given[form]) if isinstance(given[form], list) else given[form]
    return Expectation(
        check=check,
        form=form,
        wanted=wanted,
        unit=given.get("unit", ""),
        tolerance=float(given.get("tolerance", "0%").rstrip("%")),
        source=given["source"],
        later=given.get("later", ""),
    )
