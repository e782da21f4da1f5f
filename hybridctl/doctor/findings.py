"""What an examination found."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hybridctl.checks.model import Verdict
from hybridctl.errors import ExitCode

__all__ = ["Examination", "Finding"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: a word or two, such as `clock`.
        measured: what was seen; for UNKNOWN, why nothing was.
        remedy: what to do about it; empty when it is fine.
    """

    topic: str
    verdict: Verdict
    measured: str
    remedy: str = ""


@dataclass(frozen=True)
class Examination:
    """The findings of all.

    Attributes:
        control: of this machine.
        hosts: of each host that was asked for, reached or not.
        unreachable: the hosts that were not reached.
        trouble: why the examination itself broke; empty when it did not.
        interrupted: it was ended by Ctrl-C.
    """

    control: tuple[Finding, ...]
    hosts: Mapping[str, tuple[Finding, ...]]
    unreachable: tuple[str, ...] = ()
    trouble: str = ""
    interrupted: bool = False

    @property
    def findings(self) -> Iterable[Finding]:
        """All of them."""
        return [*self.control, *(finding for findings in self.hosts.values() for finding in findings)]

    def count(self, verdict: Verdict) -> int:
        """Return how many findings have a verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)

    @property
    def exit_code(self) -> ExitCode:
        """The worst of it: what failed, who was not reached, what could not be measured."""
        reached = [finding for name, some in self.hosts.items() if name not in self.unreachable for finding in some]
        verdicts = {finding.verdict for finding in [*self.control, *reached]}
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.trouble:
            return ExitCode.ERROR
        if Verdict.FAIL in verdicts:
            return ExitCode.HOST_FAILED
        if self.unreachable:
            return ExitCode.HOST_UNREACHABLE
        return ExitCode.VERIFY_INCOMPLETE if Verdict.UNKNOWN in verdicts else ExitCode.OK

    def document(self) -> dict[str, Any]:
        """Return it as JSON-like data."""
        return {
            "control": [_plain(finding) for finding in self.control],
            "hosts": [
                {
                    "name": name,
                    "reached": name not in self.unreachable,
                    "findings": [_plain(finding) for finding in findings],
                }
                for name, findings in self.hosts.items()
            ],
            "summary": {verdict.value: self.count(verdict) for verdict in Verdict if verdict is not Verdict.WAIVED},
            "unreachable": list(self.unreachable),
            "exit_code": int(self.exit_code),
        }


def _plain(finding: Finding) -> dict[str, str]:
    return {**asdict(finding), "verdict": finding.verdict.value}
