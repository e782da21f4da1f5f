"""A host that answers from a table, to test checks without one."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Answered", "FakeHost"]


@dataclass(frozen=True)
class Answered:
    """What a command came to, with the names testinfra gives it."""

    rc: int = 0
    stdout: str = ""
    stderr: str = ""


class FakeHost:
    """Stands in for a testinfra host.

    Args:
        answers: by a part of the command line; a text is what a command printed before it ended well. A command that no
            part stands in is not there.
    """

    def __init__(self, answers: Mapping[str, Answered | str | Exception]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def run(self, command: str, *args: str) -> Answered:
        """Answer a command."""
        line = command % tuple(map(shlex.quote, args)) if args else command
        self.asked.append(line)
        for part, answer in self.answers.items():
            if part in line:
                if isinstance(answer, Exception):
                    raise answer
                return Answered(0, answer) if isinstance(answer, str) else answer
        return Answered(127, "", f"sh: 1: {line.split(maxsplit=1)[0]}: not found")
