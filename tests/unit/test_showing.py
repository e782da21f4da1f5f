"""Texts of hosts in reports: a secret is taken out of the whole text before any of it is cut off."""

from collections.abc import Callable

import pytest

from hybridctl.checks import Expectation
from hybridctl.checks.fake import Answered, FakeHost
from hybridctl.checks.judge import judge_expectation
from hybridctl.checks.reading import output
from hybridctl.evidence.answers import Trouble
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.evidence.replay import Replay
from hybridctl.redaction import MASK, Redactor
from hybridctl.refusals import CannotTell, Unreadable
from hybridctl.showing import shown_text

SECRET = "Zq9w" * 10


def of_stderr(text: str) -> str:
    """Why a command that complains is no evidence."""
    with pytest.raises(CannotTell) as told:
        output(FakeHost({"tool": Answered(1, "", text)}), "tool")
    return str(told.value)


def of_a_broken_check(text: str) -> str:
    """Why a check that breaks has measured nothing."""
    broken = FakeHost({"uname": RuntimeError(text)})
    return judge_expectation(broken, Expectation("os.architecture", "value", "x86_64"), {})[0].reason


def of_a_line(text: str) -> str:
    """Why a firmware's version is none."""
    said = FakeHost({"bios_version": f"{text}{'x' * 200}\n"})
    return judge_expectation(said, Expectation("fleet.bios", "value", "same"), {})[0].reason


def of_words(text: str) -> str:
    """Why a kernel's command line is none."""
    said = FakeHost({"cmdline": f"{text}\n"})
    return judge_expectation(said, Expectation("fleet.command_line", "value", "same"), {})[0].reason


def of_a_command_nul(text: str) -> str:
    """Why a command is not run."""
    with pytest.raises(CannotTell) as told:
        EvidenceBackend("h").run(f"{text}\0")
    return str(told.value)


def of_evidence(text: str) -> str:
    """Why a command has no answer."""
    replay = Replay("h", None, Redactor())
    replay.fetch([text])
    told = replay.backend.answers[text]
    assert isinstance(told, Trouble)
    return told.reason


@pytest.mark.parametrize(
    ("reason_of", "cut"),
    [
        (of_stderr, 200),
        (of_a_broken_check, 300),
        (of_a_line, 80),
        (of_words, 80),
        (of_a_command_nul, 80),
        (of_evidence, 80),
        (lambda text: str(Unreadable("tool", text, "it is none")), 160),
    ],
)
def test_no_head_of_a_secret_is_left_at_a_cut(reason_of: Callable[[str], str], cut: int) -> None:
    """It begins before the place where the text was once cut, and ends behind it."""
    reason = reason_of("x" * (cut - 12) + SECRET)
    shown = shown_text(reason, Redactor([SECRET]))
    assert SECRET[:8] not in shown
    assert f"xxx{MASK}" in shown
