"""The errors a user can meet: what failed, what to type next, and the exit status that goes with it."""

from enum import IntEnum

__all__ = ["ExitCode", "HybridctlError", "Interrupted", "InvalidInput", "Unreachable"]


class ExitCode(IntEnum):
    """Exit status of every command (design, section 1)."""

    OK = 0
    ERROR = 1
    USAGE = 2
    HOST_FAILED = 3
    HOST_UNREACHABLE = 4
    VERIFY_FAILED = 5
    VERIFY_INCOMPLETE = 6
    CHANGES_PENDING = 7  # of `drift` and `plan --detailed-exitcode` only
    INTERRUPTED = 130  # Ctrl-C, as a shell reports it


class HybridctlError(Exception):
    """Something failed that the user should know about.

    Args:
        message: what failed, on which host, file or line.
        hint: the remedy, best a command to type. Empty when there is none.
    """

    exit_code: ExitCode = ExitCode.ERROR

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(HybridctlError):
    """A file, variable or option of the user's is wrong; nothing was contacted or changed."""

    exit_code = ExitCode.USAGE


class Unreachable(HybridctlError):
    """A host does not answer."""

    exit_code = ExitCode.HOST_UNREACHABLE


class Interrupted(HybridctlError):
    """Ctrl-C, before or beside a run: a run itself tells how far it came."""

    exit_code = ExitCode.INTERRUPTED
