"""`lsblk --pairs --bytes` and `findmnt --json`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridctl.parsers._text import document, whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["BlockDevice", "Mount", "read_findmnt", "read_lsblk"]

_PAIR = re.compile(r'([A-Z][A-Z0-9:%_-]*)="((?:[^"\\]|\\.)*)"', re.ASCII)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}


@dataclass(frozen=True)
class BlockDevice:
    """One device.

    Attributes:
        size: bytes.
        is_rotational: None where lsblk was not asked.
        said: every column, as printed without blanks at its ends.
    """

    name: str
    type: str
    size: int
    is_rotational: bool | None
    said: Mapping[str, str]


@dataclass(frozen=True)
class Mount:
    """One mount; sizes in bytes, None where findmnt was not asked, rounded where it was not asked for `--bytes`."""

    target: str
    source: str
    fstype: str
    options: tuple[str, ...]
    size: float | None
    available: float | None


def read_lsblk(text: str) -> tuple[BlockDevice, ...]:
    """Read `lsblk --pairs --bytes --output NAME,TYPE,SIZE,...`.

    Raises:
        Unreadable: a line is not made of pairs, lacks NAME, TYPE or a SIZE in bytes, or has columns of its own.
    """
    tool = "lsblk"
    found = []
    columns: list[str] = []
    # Without a line break a last line is whole when it has all the columns of the first: seen below.
    for line in whole_lines(tool, text, r'(?:[A-Z][^=" ]*="(?:[^"\\]|\\.)*" ?)+'):
        pairs = _PAIR.findall(line)
        if not line.strip() or line.startswith("lsblk: "):
            continue
        if " ".join(f'{name}="{value}"' for name, value in pairs) != line.strip():
            raise Unreadable(tool, line, "it is not made of pairs")
        said = {name: value.strip() for name, value in pairs}
        columns = columns or list(said)
        if list(said) != columns or not said.get("SIZE", "").isdecimal() or not {"NAME", "TYPE"} <= said.keys():
            raise Unreadable(tool, line, "NAME, TYPE and SIZE in bytes were expected, the same columns in every line")
        rotational = {"0": False, "1": True}.get(said.get("ROTA", ""))
        found.append(BlockDevice(said["NAME"], said["TYPE"], int(said["SIZE"]), rotational, said))
    if not found:
        raise Unreadable(tool, text.strip().split("\n")[0], "it lists no device")
    return tuple(found)


def read_findmnt(text: str) -> tuple[Mount, ...]:
    """Read `findmnt --json`, nested or as a list.

    Raises:
        Unreadable: it is no such JSON, or a mount has no target.
    """
    answer = document("findmnt", text)
    try:
        return tuple(mount for one in answer["filesystems"] for mount in _mounts(one))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable("findmnt", text.strip(), f"it is another JSON ({error})") from None


def _mounts(one: Mapping[str, Any]) -> list[Mount]:
    options = str(one.get("options") or "")
    mount = Mount(
        str(one["target"]),
        str(one.get("source") or ""),
        str(one.get("fstype") or ""),
        tuple(filter(None, options.split(","))),
        _bytes(one.get("size")),
        _bytes(one.get("avail")),
    )
    return [mount, *(below for child in one.get("children") or () for below in _mounts(child))]


def _bytes(said: Any) -> float | None:
    if said is None:
        return None
    found = re.fullmatch(r"(\d+(?:[.,]\d+)?)([KMGTP]?)", str(said), re.ASCII)
    if found is None:
        raise Unreadable("findmnt", str(said), "it is no size")
    return float(found[1].replace(",", ".")) * _UNITS[found[2]]
