"""What is raised instead of a guess: evidence that could not be had, or not be read."""

__all__ = ["CannotTell", "Unreadable"]


class CannotTell(Exception):
    """The evidence could not be had or read; the reason is the message. The verdict is UNKNOWN."""


class Unreadable(CannotTell):
    """A tool printed something that its parser does not understand.

    Attributes:
        tool: the command, such as `ibstat`.
        line: the line that could not be read, as printed, at most 160 characters; empty when nothing was printed.
    """

    def __init__(self, tool: str, line: str, why: str) -> None:
        """Quote the line in the message, escaped: what a host prints must not reach a terminal raw."""
        self.tool, self.line, self.why = tool, line[:160], why
        super().__init__(f"{tool}: {why}" + (f": {self.line!r}" if self.line else ""))
