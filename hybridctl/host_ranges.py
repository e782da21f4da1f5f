"""The hosts that one name of an inventory stands for: `gw[1:3]` is three, `gw1:2222` one with its port.

A test holds every rule of `expand` against Ansible's own code. The other way round, `short_list` is for people only.
"""

import re
from collections.abc import Iterable
from string import ascii_letters

__all__ = ["expand", "short_list"]

_RANGE = re.compile(r"(.*?)\[([^\[\]:]*):([^\[\]:]*)(?::([0-9]+))?\](.*)")
_WITH_PORT = re.compile(r"\[(.+)\]:[0-9]+|((?:[^:\[\]]|\[[^\]]*\])+):[0-9]+")


def expand(name: str) -> list[str]:
    """Return the names, without a port.

    Raises:
        ValueError: it is a range that Ansible refuses, or one of no host; the message says why.
    """
    port = _WITH_PORT.fullmatch(name)
    if port:
        name = port[1] or port[2]
    found = _RANGE.fullmatch(name)
    if found is None:
        if "[" in name or "]" in name:
            raise ValueError("it has brackets and no colon in them")
        return [name]
    head, first, last, step, tail = found.groups()
    return [head + middle + rest for middle in _between(first or "0", last, int(step or 1)) for rest in expand(tail)]


def short_list(names: Iterable[str]) -> str:
    """Return names for people, three or more that count on as one: `gw1, cpu01-cpu14`."""
    rows: list[list[str]] = []
    for name in names:
        if rows and name == _after(rows[-1][-1]):
            rows[-1].append(name)
        else:
            rows.append([name])
    return ", ".join(f"{row[0]}-{row[-1]}" if len(row) > 2 else ", ".join(row) for row in rows)


def _after(name: str) -> str | None:
    """Return the name that counts on: cpu10 after cpu9, cpu10 after cpu09, b after nothing."""
    head, number = re.fullmatch(r"(.*?)([0-9]*)", name, re.DOTALL | re.ASCII).groups()  # type: ignore[union-attr]
    return f"{head}{int(number) + 1:0{len(number)}d}" if number else None


def _between(first: str, last: str, step: int) -> list[str]:
    if not last:
        raise ValueError("it has no end")
    if step < 1:
        raise ValueError("its step is 0")
    if first in ascii_letters and last in ascii_letters:
        letters = list(ascii_letters[ascii_letters.index(first) : ascii_letters.index(last) + 1 : step])
    elif first.isdecimal() and last.isdecimal():
        width = len(first) if first.startswith("0") and len(first) > 1 else 0
        if width and width != len(last):
            raise ValueError("begin and end with leading zeros must be of one length")
        letters = [str(number).zfill(width) for number in range(int(first), int(last) + 1, step)]
    else:
        raise ValueError("begin and end must be two numbers or two letters")
    if not letters:
        raise ValueError("its end comes before its begin")
    return letters
