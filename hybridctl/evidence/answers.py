"""What a host said to a command, or why nothing is known of it."""

from dataclasses import dataclass

__all__ = ["Answer", "Miss", "Told", "Trouble"]


@dataclass(frozen=True)
class Answer:
    """A command that was run to its end: its own exit status and all it printed, as bytes."""

    status: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Trouble:
    """A command that was asked for and has no answer; what rests on it is UNKNOWN for this reason."""

    reason: str


Told = Answer | Trouble


class Miss(BaseException):
    """Suspends a check: this command was never asked.

    Not an Exception, so that no `except Exception` of a check or of testinfra takes it for an answer.
    """

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self.command = command
