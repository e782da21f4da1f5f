"""What `examine.sh` says of a host, as facts by name. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Facts", "parse_facts"]


@dataclass(frozen=True)
class Facts:
    """Lines of values by name.

    Attributes:
        offset: seconds the host's clock is ahead (+) or behind (-) at least; 0 when it lies within `blur`.
        blur: seconds between asking and hearing the answer, less those that the script itself took by the host's
            clock; None when the clock could not be compared.
    """

    lines: Mapping[str, tuple[tuple[str, ...], ...]]
    offset: float = 0.0
    blur: float | None = None

    def all(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Return every line of a name."""
        return self.lines.get(name, ())

    def one(self, name: str, size: int = 1) -> tuple[str, ...] | None:
        """Return the values of the first line of a name; None when it is missing, short or empty."""
        for values in self.all(name):
            if len(values) >= size and all(values[:size]):
                return values
        return None


def parse_facts(output: str, asked: float, heard: float) -> Facts | None:
    """Read the output of the script; None when it was cut short.

    Args:
        asked, heard: our clock before and after, in seconds. The host looked at its own in between.
    """
    lines: dict[str, list[tuple[str, ...]]] = {}
    for line in output.replace("\r", "").split("\n"):
        mark, _, rest = line.partition("\t")
        if mark == "hd":
            name, *values = rest.split("\t")
            lines.setdefault(name, []).append(tuple(value.strip() for value in values))
    if "begin" not in lines or "end" not in lines:
        return None
    found = {name: tuple(values) for name, values in lines.items()}
    started, ended = _number(found, "started"), _number(found, "clock")
    if started is None or ended is None or not 0 <= ended - started <= heard - asked:
        return Facts(found)
    # The script began at `asked` at the earliest, and so early that it was over when we heard of it at the latest.
    latest = heard - (ended - started)
    offset = started - latest if started > latest else min(0.0, started - asked)
    return Facts(found, offset, latest - asked)


def _number(found: Mapping[str, tuple[tuple[str, ...], ...]], name: str) -> float | None:
    try:
        return float(found[name][0][0])
    except (KeyError, IndexError, ValueError):
        return None
