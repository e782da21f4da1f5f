"""The first lines of what a host said to a command, for people who want to see what a verdict rests on."""

from dataclasses import dataclass

from hybridctl.evidence.answers import Told, Trouble

__all__ = ["LINES", "Excerpt", "excerpt"]

LINES = 12  # of stdout, and as many of stderr
WIDTH = 200  # characters of a line
_HEAD = LINES * WIDTH * 4  # bytes, UTF-8 at its longest: what lies behind them is counted, not read


@dataclass(frozen=True)
class Excerpt:
    """What is shown of an answer.

    Attributes:
        outcome: `exit 0`, or why there is no answer.
        left_out: lines that are not shown, of both outputs together.
    """

    outcome: str
    stdout: str = ""
    stderr: str = ""
    left_out: int = 0


def excerpt(told: Told) -> Excerpt:
    """Return the beginning of an answer; bytes that are no UTF-8 become a mark."""
    if isinstance(told, Trouble):
        return Excerpt(f"no answer: {told.reason}"[:WIDTH])
    stdout, more = _head(told.stdout)
    stderr, more_errors = _head(told.stderr)
    return Excerpt(f"exit {told.status}", stdout, stderr, more + more_errors)


def _head(output: bytes) -> tuple[str, int]:
    """Return the first lines, and how many there are behind them."""
    lines = output[:_HEAD].decode("utf-8", "replace").split("\n")[:LINES]
    total = output.rstrip(b"\n").count(b"\n") + 1 if output else 0
    shown = "\n".join(line if len(line) <= WIDTH else f"{line[:WIDTH]}…" for line in lines)
    return shown.rstrip(), max(0, total - len(lines))
