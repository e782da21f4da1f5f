"""Read evidence from a host: what cannot be read raises `CannotTell`, so that it becomes UNKNOWN and nothing else."""

from typing import Any

from hybridctl.checks.model import CannotTell
from hybridctl.refusals import MOST_QUOTED

__all__ = ["file_text", "output", "run"]

# Exit statuses that say nothing about the host: our own time limit, no permission, no such command, ended by a signal.
_NOT_EVIDENCE = {124: "did not end in time", 126: "cannot be run", 127: "cannot be run", 137: "was killed"}


def run(host: Any, command: str, *args: str, ok: tuple[int, ...] = (0,)) -> Any:
    """Run a command and return its result.

    Args:
        host: a testinfra host.
        command: the command; each `%s` takes one of `args`, quoted.
        ok: exit statuses whose output is evidence.

    Raises:
        CannotTell: any other exit status.
    """
    done = host.run(command, *args)
    if done.rc in ok:
        return done
    word = command.split(maxsplit=1)[0].rpartition("/")[2]
    if word == "env":
        word = next(part for part in command.split()[1:] if "=" not in part)
    said = " ".join(str(done.stderr).split())[:MOST_QUOTED]
    why = _NOT_EVIDENCE.get(done.rc, f"ended with status {done.rc}")
    raise CannotTell(f"{word} {why}" + (f": {said}" if said else ""))


def output(host: Any, command: str, *args: str) -> str:
    """Return what a command printed; nothing is not an answer.

    Raises:
        CannotTell: it did not succeed, or printed nothing.
    """
    text = str(run(host, command, *args).stdout)
    if not text.strip():
        raise CannotTell(f"{command.split(maxsplit=1)[0]} printed nothing")
    return text


def file_text(host: Any, path: str) -> str:
    """Return the content of a file.

    Raises:
        CannotTell: it is not there, may not be read, or is empty.
    """
    return output(host, "cat -- %s", path)
