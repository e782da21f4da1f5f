"""Checks may be run any number of times: each asks the same commands again, and only such that read."""

import re
import shlex
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "checks"))

from all_cases import ASKS_NOTHING, CASES, READS
from check_cases import VARIABLES
from test_checks import expectation

from hybridctl.checks import CATALOGUE
from hybridctl.checks.fake import FakeHost
from hybridctl.checks.judge import judge_expectation
from hybridctl.checks.request import _SCRIPT


def asked(check: str, times: int) -> list[list[str]]:
    """Return what a check asks, each time it is run on each of its hosts."""
    answers = [*CASES[check].passes, *CASES[check].fails, *CASES[check].warns, *CASES[check].unknown]
    found = []
    for _ in range(times):
        hosts = [FakeHost(given) for given in answers]
        for host in hosts:
            judge_expectation(host, expectation(check, dict(CASES[check].expect)), VARIABLES)
        found.append([command for host in hosts for command in host.asked])
    return found


@pytest.mark.parametrize("check", CATALOGUE)
def test_a_check_asks_the_same_again(check: str) -> None:
    """No time, no random number, nothing remembered: else it would be suspended for ever."""
    first, second = asked(check, 2)
    assert first == second
    assert bool(first) == (check not in ASKS_NOTHING)


@pytest.mark.parametrize("check", CATALOGUE)
def test_a_check_only_reads(check: str) -> None:
    """Every command begins with one that reads, and has nothing of the shell that writes or goes on."""
    for command in asked(check, 1)[0]:
        words = shlex.split(command)
        if words[0] == "env":
            words = [word for word in words[1:] if "=" not in word]
        assert " ".join(words).startswith(READS), command
        bare = re.sub(r"'[^']*'", "", command)
        assert not re.search(r"[;&|<>`$]", bare), command


def test_the_request_only_reads() -> None:
    """The one program of ours opens files to read only."""
    assert not re.search(r"(?<!\.)open\([^)]*,|write|unlink|remove|mkdir|subprocess|os\.", _SCRIPT)
