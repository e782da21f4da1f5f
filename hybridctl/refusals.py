"""What is raised instead of a guess: evidence that could not be had, or not be read."""

__all__ = ["MOST_QUOTED", "CannotTell", "Unreadable"]

# Letters that a reason quotes of what a host said, far more than a report shows: secrets are taken out before it
# cuts, and the half of one is not known for one.
MOST_QUOTED = 10_000


class CannotTell(Exception):
    """The evidence could not be had or read; the reason is the message. The verdict is UNKNOWN."""


class Unreadable(CannotTell):
    """A tool printed something that its parser does not understand.

    Attributes:
        tool: the command, such as `ibstat`.
        line: the line that could not be read, as printed, `MOST_QUOTED` letters at most; empty if nothing was printed.
    """

    def __init__(self, tool: str, line: str, why: str) -> None:
        """Quote the line in the message, escaped: what a host prints must not reach a terminal raw."""
        self.tool, self.line, self.why = tool, line[:MOST_QUOTED], why
        super().__init__(f"{tool}: {why}" + (f": {self.line!r}" if self.line else ""))
