"""What is wrong with a user's files: collected first, told together, on one screen."""

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hybridctl.errors import InvalidInput

__all__ = ["Problem", "invalid", "nearest", "shown_path"]

SCREEN = 10  # problems told at once; with its remedy each takes two or three lines


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in a file.

    Attributes:
        path: the file, or the folder that lacks one.
        line: counted from 1; 0 when the mistake has no line of its own.
        message: the bad value and what is allowed; secrets are never in it.
        remedy: what to do about it, best a command.
    """

    path: Path
    line: int
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        where = shown_path(self.path) + (f":{self.line}" if self.line else "")
        return f"{where}: {self.message}"


def invalid(problems: Iterable[Problem], what: str) -> InvalidInput:
    """Return the error that tells the problems in the order of files and lines.

    Args:
        what: what they are problems of, such as `site rack-7`.
    """
    found = sorted(set(problems))
    if len(found) == 1:
        return InvalidInput(f"{found[0]}; nothing was contacted", found[0].remedy)
    lines = [f"{len(found)} problems in {what}; nothing was contacted"]
    for problem in found[:SCREEN]:
        lines.append(f"  {problem}")
        if problem.remedy:
            lines.append(f"      -> {problem.remedy}")
    if len(found) > SCREEN:
        lines.append(f"  and {len(found) - SCREEN} more")
    return InvalidInput("\n".join(lines), "correct them and run the same command again")


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known name that looks most like `word`, None when none does."""
    near = difflib.get_close_matches(word, sorted(set(known)), n=1, cutoff=cutoff)
    return near[0] if near else None


def shown_path(path: Path) -> str:
    """Return the path as a user would type it: relative where that is shorter than climbing up."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("../..") else relative
