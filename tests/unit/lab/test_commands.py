"""A command of this machine that fails is told in its own words, with the remedy."""

import pytest

from hybridctl.errors import HybridctlError
from hybridctl.lab import commands


def test_what_a_command_prints_is_returned() -> None:
    """Its standard output, and nothing of its input."""
    assert commands.run(["sh", "-c", "cat; echo said"], "it failed", "try again") == "said\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["sh", "-c", "echo out; echo RTNETLINK answers >&2; exit 2"], "it failed:\nRTNETLINK answers"),
        (["sh", "-c", "echo only out; exit 1"], "it failed:\nonly out"),
        (["sh", "-c", "exit 3"], "it failed:\nsh exited 3"),
        (["/no/such/command"], "it failed: /no/such/command: No such file or directory"),
    ],
)
def test_a_failure_is_an_error_with_its_words_and_the_remedy(argv: list[str], said: str) -> None:
    """Never a traceback: what failed, what the command said of it, what to do."""
    with pytest.raises(HybridctlError) as caught:
        commands.run(argv, "it failed", "try again")
    assert (said, "try again") == (caught.value.message, caught.value.hint)
