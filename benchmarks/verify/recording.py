"""What a host of the lab said to every command, and how long it took, for the servers that replay it."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import quote

from testinfra.host import Host

from benchmarks.verify.sites import PROFILE
from hybridctl.access import Access
from hybridctl.checks.judge import judge_expectation
from hybridctl.checks.model import Expectation
from hybridctl.connection import Connection
from hybridctl.evidence.answers import Answer, Told
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.evidence.rounds import in_rounds
from hybridctl.profiles import Profile, load_profile

__all__ = ["Recording", "load", "record"]


@dataclass(frozen=True)
class Recording:
    """A host, recorded.

    Attributes:
        answers: its words, by command.
        delay: seconds a command took on average, in one script with all the others.
        depth: trips that the deepest check needs, asked alone and cold.
        verdicts: what it was judged.
    """

    answers: Mapping[str, Told]
    delay: float
    depth: int
    verdicts: list[tuple[str, str]]

    def write(self, path: Path) -> None:
        """Write it for the servers: of each command, as it stands quoted in a script, its frame without numbers."""
        frames = {quote(command): _frame(told) for command, told in self.answers.items() if isinstance(told, Answer)}
        document = {"delay": self.delay, "verdicts": self.verdicts, "frames": frames}
        path.write_text(json.dumps(document), encoding="utf-8")


def load(path: Path) -> tuple[float, list[tuple[str, str]], int]:
    """Return delay, verdicts and number of commands of a recording that was written."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return document["delay"], [tuple(pair) for pair in document["verdicts"]], len(document["frames"])


def record(host: str, config: Path, site: Path) -> Recording:
    """Judge a host, and ask all it was asked once more in one script."""
    profile = load_profile(PROFILE, site)
    connection, again = (Connection(host, Access(host, ssh=("-F", str(config)))) for _ in range(2))
    try:
        connection.open()
        jobs = [partial(judge_expectation, connection.host, e, {}) for e in profile.expectations.values()]
        done = in_rounds(jobs, connection.fetch).done
        again.open()
        began = time.perf_counter()
        again.fetch(connection.backend.answers)
        seconds = time.perf_counter() - began
    finally:
        connection.close()
        again.close()
    answers = connection.backend.answers
    verdicts = sorted((result.name, result.verdict.value) for results in done for result in results or ())
    return Recording(answers, round(seconds / len(answers), 4), _depth(profile, answers), verdicts)


def _depth(profile: Profile, answers: Mapping[str, Told]) -> int:
    """Return the trips of the check that needs most of them, each asked alone."""
    return max(_trips(expectation, answers) for expectation in profile.expectations.values())


def _trips(expectation: Expectation, answers: Mapping[str, Told]) -> int:
    backend, asked = EvidenceBackend("recorded"), []

    def fetch(commands: Sequence[str]) -> None:
        asked.append(commands)
        backend.answers |= {command: answers[command] for command in commands}

    in_rounds([partial(judge_expectation, Host(backend), expectation, {})], fetch)
    return len(asked)


def _frame(answer: Answer) -> tuple[str, str]:
    output = base64.encodebytes(answer.stdout + b".").decode()
    errors = base64.encodebytes(answer.stderr + b".").decode()
    return output, f"#s{answer.status}##b0#{errors}"
