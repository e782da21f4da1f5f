"""The testinfra backend over evidence: a command that was asked answers at once, any other suspends who asks it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult

from hybridctl.checks.counts import Count
from hybridctl.checks.drifted import Drift
from hybridctl.checks.model import CannotTell
from hybridctl.evidence.answers import Answer, Miss, Told, Trouble

__all__ = ["EvidenceBackend"]


class EvidenceBackend(BaseBackend):  # type: ignore[misc]  # testinfra ships no types
    """Knows each command once: checks are pure, so the same command has the same answer.

    Args:
        fetch: asks commands on the host and puts their answers into `answers`.

    Attributes:
        answers: all that is known.
        earlier: what was counted when the host was last verified, by check.
        drift: what the control node knows of the host's.
        asked: the commands that checks have asked for, in order; more may be known.
        noted: those since whoever judges emptied it last: what the check that it runs has asked.
        suspending: raise `Miss` on a command that is not known; else it is fetched alone, in a trip of its own.
    """

    NAME = "hybridctl"

    def __init__(self, name: str, fetch: Callable[[Sequence[str]], None] | None = None) -> None:
        super().__init__(name)
        self.answers: dict[str, Told] = {}
        self.asked: dict[str, None] = {}
        self.noted: dict[str, None] = {}
        self.earlier: Mapping[str, Count] = {}
        self.drift: Drift | None = None
        self.suspending = True
        self._fetch = fetch
        # Else testinfra asks each host for it.
        self._encoding = "utf-8"

    def run(self, command: str, *args: str, **_kwargs: Any) -> CommandResult:
        """Return a command's answer; each `%s` in it takes one of `args`, quoted.

        Raises:
            Miss: it is not known, and this backend suspends.
            CannotTell: it was asked for and has no answer.
            ConnectionLost: the host went away while it was fetched.
        """
        text = str(self.get_command(command, *args))
        line = text.encode()  # what no host could be asked breaks this check and no other
        if b"\0" in line:
            raise CannotTell(f"no shell runs a command with a NUL in it: {text!r}")
        if text not in self.answers:
            if self.suspending or self._fetch is None:
                raise Miss(text)
            self._fetch([text])
        self.asked[text] = self.noted[text] = None
        told = self.answers[text]
        if isinstance(told, Trouble):
            raise CannotTell(told.reason)
        return self._result(line, told)

    def _result(self, line: bytes, answer: Answer) -> CommandResult:
        return self.result(answer.status, line, answer.stdout, answer.stderr)
