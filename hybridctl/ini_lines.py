"""An INI inventory, line by line: what stands where. Ansible itself names no line in its errors about them."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hybridctl.host_ranges import expand

__all__ = ["IniLine", "read_ini"]

_KINDS = ("hosts", "vars", "children")
_SECTION = re.compile(r"^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$")


@dataclass(frozen=True)
class IniLine:
    """One thing a line says.

    Attributes:
        kind: `group`, `child`, `host`, `variable` or `mistake`.
        name: of the group, host or variable; what is wrong, for a mistake.
        scope: the group or host it belongs to; what is allowed, for a mistake.
        value: of a variable, as Ansible reads it.
    """

    number: int
    kind: str
    name: str
    scope: str = ""
    value: Any = None


def read_ini(text: str) -> Iterator[IniLine]:
    """Yield what the lines say. Values are in no mistake: they may be secrets."""
    group, kind = "ungrouped", "hosts"
    groups, children = {"all", "ungrouped"}, []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and "=" not in line:
            header = _SECTION.match(line)
            if header is None or header[2] not in (None, *_KINDS):
                wrong = f"section {line[:60]} is none; allowed: [GROUP], [GROUP:vars], [GROUP:children]"
                yield IniLine(number, "mistake", wrong, "correct the section's name")
                kind = "unknown"
                continue
            group, kind = header[1], header[2] or "hosts"
            if kind != "vars":
                groups.add(group)
                yield IniLine(number, "group", group)
            continue
        if kind == "children":
            child = line.split("#")[0].strip()
            children.append((number, child, group))
            yield IniLine(number, "child", child, group)
        elif kind == "vars":
            yield from _variable(number, line, group)
        elif kind == "hosts":
            yield from _host(number, line, group)
    for number, child, parent in children:
        if child not in groups:
            wrong = f"group {parent} has the child {child}, and there is no section [{child}]"
            yield IniLine(number, "mistake", wrong, f"add a section [{child}], or remove the line")


def _variable(number: int, line: str, scope: str) -> Iterator[IniLine]:
    name, equals, value = line.partition("=")
    if equals:
        yield IniLine(number, "variable", name.strip(), scope, _value(value.strip()))
    else:
        wrong = f"a line of [{scope}:vars] without `=`; allowed: NAME=VALUE"
        yield IniLine(number, "mistake", wrong, "one variable a line: NAME=VALUE")


def _host(number: int, line: str, group: str) -> Iterator[IniLine]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        yield IniLine(number, "mistake", f"a host line with {str(error).lower()}", "close the quote")
        return
    try:
        names = expand(words[0])
    except ValueError as error:
        yield IniLine(number, "mistake", f"host range {words[0]}: {error}", "write it so: gw[1:3]")
        return
    for name in names:
        yield IniLine(number, "host", name, group)
    for word in words[1:]:
        variable, equals, value = word.partition("=")
        if not equals:
            wrong = f"host {words[0]}: a word without `=` behind its name; allowed: NAME=VALUE"
            yield IniLine(number, "mistake", wrong, "quote values with spaces: NAME='A B'")
            continue
        for name in names:
            yield IniLine(number, "variable", variable, name, _value(value))


def _value(text: str) -> Any:
    """Return a value as Ansible's INI plugin does: a Python literal, else text."""
    try:
        value = ast.literal_eval(text.partition(" #")[0])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, bool | int | float | str | list | dict | None) else text
