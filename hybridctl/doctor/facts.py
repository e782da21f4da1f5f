"""What `examine.sh` says of a host, as facts by name. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Facts", "parse_facts"]


@dataclass(frozen=True)
class Facts:
    """Lines of values by name.

    Attributes:
        offset: seconds the host's clock is ahead (+) or behind (-) at least; 0 when it lies within `blur`.
        blur: seconds between asking and hearing the answer; None when the clock could not be compared.
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
    try:
        clock = float(lines["clock"][0][0])
    except (KeyError, IndexError, ValueError):
        return Facts({name: tuple(values) for name, values in lines.items()})
    offset = clock - heard if clock > heard else min(0.0, clock - asked)
    return Facts({name: tuple(values) for name, values in lines.items()}, offset, heard - asked)
