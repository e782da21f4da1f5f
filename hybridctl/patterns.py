"""Ansible's host patterns, as `--limit` takes them, over hosts and groups that are already known.

A test holds every rule here against Ansible's own code.
"""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hybridctl.errors import InvalidInput

__all__ = ["match"]

_SUBSCRIPT = re.compile(r"^(.+)\[(?:(-?[0-9]+)|([0-9]+)[:-]([0-9]*))\]$")
# Parts between colons, without those inside brackets.
_BETWEEN_COLONS = re.compile(r"(?:[^\s:\[\]]|\[[^\]]*\])+")


def match(pattern: str, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Return the hosts a pattern names, in Ansible's order, and those of its parts that name nothing.

    Args:
        hosts: all of them, in the order of the inventory.
        groups: members of each group, those of its children included.

    Raises:
        InvalidInput: a part is not a pattern, its `@FILE` cannot be read, or there is no part at all.
    """
    parts = _split(pattern)
    if not parts:
        # Ansible takes it for all hosts: an empty variable in a script would reach the whole fleet.
        raise InvalidInput(
            f"--limit '{pattern}' is empty; nothing was contacted",
            "name hosts or groups, or leave --limit away for all",
        )
    wanted: list[str] = []
    nothing: list[str] = []
    for part in _ordered(parts):
        found = _one(part.lstrip("!&") if part[0] in "!&" else part, hosts, groups)
        if not found:
            nothing.append(part)
        if part[0] == "!":
            wanted = [host for host in wanted if host not in found]
        elif part[0] == "&":
            wanted = [host for host in wanted if host in found]
        else:
            wanted += [host for host in dict.fromkeys(found) if host not in wanted]
    chosen = set(wanted)
    return [host for host in hosts if host in chosen], nothing


def _split(pattern: str) -> list[str]:
    parts = pattern.split(",") if "," in pattern else _colons(pattern)
    result: list[str] = []
    for part in (part.strip() for part in parts):
        if part.startswith("@"):
            try:
                lines = Path(part[1:]).read_text(encoding="utf-8").split("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise InvalidInput(
                    f"--limit {part}: {error}", "name a file with a host or group in each line"
                ) from None
            result += [line.strip() for line in lines]
        else:
            result.append(part)
    return [part for part in result if part.strip("!&")]


def _colons(pattern: str) -> list[str]:
    """Split at colons, but not in IPv6 addresses and ranges, which Ansible takes whole."""
    is_address = pattern.count(":") > 1 and re.fullmatch(r"[0-9A-Fa-f:.]+", pattern)
    if is_address or pattern.startswith("~"):
        return [pattern]
    return _BETWEEN_COLONS.findall(pattern)


def _ordered(parts: list[str]) -> list[str]:
    """Put what adds first, then what intersects, then what excludes; without the first kind, begin with all."""
    adds = [part for part in parts if part[0] not in "!&"]
    return (adds or ["all"]) + [p for p in parts if p[0] == "&"] + [p for p in parts if p[0] == "!"]


def _one(pattern: str, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[str]:
    if pattern in hosts:
        return [pattern]
    word, first, last = pattern, None, None
    found = None if pattern[0] == "~" else _SUBSCRIPT.match(pattern)
    if found:
        word, index, begin, end = found.groups()
        first, last = (int(index), None) if index else (int(begin), int(end) if end else -1)
    expression = _expression(word)
    names = [name for name in groups if expression.match(name)]
    matching = [host for name in names for host in groups[name]]
    if not names or word[0] == "~" or any(mark in word for mark in ".?*["):
        matching += [host for host in hosts if expression.match(host)]
    if first is None or not matching:
        return matching
    if last is None:
        return matching[first : first + 1 or None]
    return matching[first : (len(matching) if last == -1 else last + 1)]


def _expression(word: str) -> re.Pattern[str]:
    try:
        return re.compile(word[1:] if word[0] == "~" else fnmatch.translate(word))
    except re.error as error:
        raise InvalidInput(
            f"--limit {word}: not a pattern: {error}", "quote it, and see ansible's host patterns"
        ) from None
