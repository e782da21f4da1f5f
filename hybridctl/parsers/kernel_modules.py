"""`lsmod` and `modinfo`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import number, whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Module", "read_lsmod", "read_modinfo"]

UNPROVEN = "modinfo, and lsmod with the modules of KAE"


@dataclass(frozen=True)
class Module:
    """A loaded module: bytes, and who uses it. `uses` is larger than the names: devices count too; -1 is `in use`."""

    name: str
    size: int
    uses: int
    users: tuple[str, ...]


def read_lsmod(text: str) -> Mapping[str, Module]:
    """Read `lsmod`: modules by name.

    Raises:
        Unreadable: no header, a line of another form, or the last one is cut.
    """
    tool = "lsmod"
    lines = [line for line in whole_lines(tool, text) if line.strip()]
    head = next((i for i, line in enumerate(lines) if re.fullmatch(r"Module +Size +Used by *", line)), None)
    if head is None:
        raise Unreadable(tool, lines[0], "there is no header 'Module Size Used by'")
    found: dict[str, Module] = {}
    for line in lines[head + 1 :]:
        parts = re.fullmatch(r"(\w+) +(\d+) +(-?\d+) ?([\w,-]*) *", line, re.ASCII)
        if parts is None or parts[1] in found:
            raise Unreadable(tool, line, "it is no line of a module")
        users = tuple(filter(None, parts[4].strip("-").split(",")))
        found[parts[1]] = Module(parts[1], int(parts[2]), number(tool, line, parts[3]), users)
    return found


def read_modinfo(text: str) -> Mapping[str, tuple[str, ...]]:
    """Read `modinfo MODULE`: values by field (`version`, `filename`, `parm` ...).

    Raises:
        Unreadable: it names no file (no such module), or the last line is cut.
    """
    tool = "modinfo"
    found: dict[str, tuple[str, ...]] = {}
    for line in whole_lines(tool, text):
        field = re.match(r"([a-z_]+): +", line)
        if field and field.end() >= 16:  # modinfo's own lines are aligned
            found[field[1]] = (*found.get(field[1], ()), line[field.end() :].strip())
    if "filename" not in found:
        raise Unreadable(tool, text.strip().split("\n")[0], "it names no file")
    return found
