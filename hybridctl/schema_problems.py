"""A user's YAML held against a JSON Schema: every mistake with its file and line, in words of ours."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from hybridctl.problems import Problem, nearest
from hybridctl.yamlmarks import entries, line_of

__all__ = ["schema_problems"]

Words = tuple[str, str] | None


def schema_problems(
    path: Path,
    node: yaml.Node,
    data: Any,
    schema: Path,
    what: str,
    said: Callable[[Any], Words] = lambda _error: None,
) -> Iterator[Problem]:
    """Yield what the schema forbids.

    Args:
        data: the value of `node`, as JSON would have it.
        what: the whole file in one word, for mistakes that are of no key.
        said: message and remedy for an error of jsonschema; None where our usual words do.
    """
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).iter_errors(data):
        place = list(error.absolute_path)
        message, remedy = said(error) or _usual(error)
        keys = ".".join(part for part in place if isinstance(part, str)) or what
        yield Problem(path, _line(node, [*place, *_extra(error)[:1]]), f"{keys}: {message}", remedy)


def _usual(error: Any) -> tuple[str, str]:
    extra = _extra(error)
    if extra:
        allowed = sorted(error.schema["properties"])
        near = nearest(extra[0], allowed)
        guess = f"; did you mean {near}?" if near else ""
        return f"unknown key {extra[0]}{guess}", f"allowed: {', '.join(allowed)}"
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"{missing} is missing", f"add it: {missing}: ..."
    return error.message[:200], f"allowed: {json.dumps(error.validator_value)[:200]}"


def _extra(error: Any) -> list[str]:
    """Return the keys that should not be there."""
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return []
    return sorted(str(key) for key in error.instance if key not in error.schema.get("properties", {}))


def _line(node: yaml.Node, place: Sequence[str | int]) -> int:
    """Return the line of the deepest part of `place` that is there."""
    line = line_of(node)
    for part in place:
        if isinstance(node, yaml.SequenceNode):
            node = node.value[int(part)]
            line = line_of(node)
            continue
        entry = next((entry for entry in entries(node) if entry.key == str(part)), None)
        if entry is None:
            break
        line, node = entry.line, entry.node
    return line
