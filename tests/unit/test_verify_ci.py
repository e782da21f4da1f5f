"""A verification in the log of a CI job."""

import re

import pytest
from verified import down, judged, result, verified

from hybridctl.report.ci import ci_lines
from hybridctl.report.text import summary_line
from hybridctl.verification import Verification

FLEET = verified(
    judged("gpu1", result("WARN", "os.release"), "FAIL", result("UNKNOWN", "gpu.ecc", measured=None), "PASS"),
    down("gw1"),
)
# As the runner reads a log: `::command props::data` at the beginning of a line, `##[command]data` anywhere in it.
COMMAND = re.compile(r"^\s*::[^:]*::|##\[[^\]]*\]")


def test_a_line_for_each_finding_and_one_of_sums() -> None:
    """The worst first; nothing of PASS; the remedy in the same line."""
    assert list(ci_lines(FLEET)) == [
        "UNREACHABLE gw1: No route to host",
        "FAIL gpu1 gpu.count: measured 1 GPUs, expected 2 GPUs: FAIL because -> mend gpu.count",
        "UNKNOWN gpu1 gpu.ecc: expected 2 GPUs: UNKNOWN because -> mend gpu.ecc",
        "WARN gpu1 os.release: measured 1 GPUs, expected 2 GPUs: WARN because -> mend os.release",
        summary_line(FLEET),
    ]


def test_a_good_fleet_is_one_line() -> None:
    """The sums."""
    good = verified(judged("a", "PASS"))
    assert list(ci_lines(good)) == list(ci_lines(good, github=True)) == [summary_line(good)]


def test_github_gets_annotations() -> None:
    """An error for what makes the job fail, a warning for WARN; the sums are a plain line."""
    lines = list(ci_lines(FLEET, github=True))
    assert [line.partition(" title=")[0] for line in lines[:-1]] == ["::error", "::error", "::error", "::warning"]
    assert lines[1] == (
        "::error title=FAIL gpu1 gpu.count::measured 1 GPUs, expected 2 GPUs: FAIL because -> mend gpu.count"
    )
    assert lines[-1] == summary_line(FLEET)


def test_percent_colon_and_comma_are_escaped_by_githubs_rules() -> None:
    """In a title all of them, in the text the percent sign only."""
    odd = verified(judged("a", result("FAIL", subject="100%,x::y", reason="50% ::, of it", remedy="")))
    (line, _) = ci_lines(odd, github=True)
    assert line == (
        "::error title=FAIL a gpu.count 100%25%2Cx%3A%3Ay::measured 1 GPUs, expected 2 GPUs: 50%25 ::, of it"
    )


ATTACKS = (
    "::stop-commands::x",
    "##[add-path]/tmp/evil",
    "x\r\n::set-env name=A::b",
    "###[error]x",
    "\x1b]0;x\x07##[a]b",
)


def attack(text: str) -> Verification:
    """A host that says the same wherever it can."""
    hostile = result("FAIL", measured=text, subject=text, expected=text, reason=text, remedy=text, unit=text)
    return verified(judged(text, hostile, result("WARN", subject=text)), down(text, text))


@pytest.mark.parametrize("text", ATTACKS)
def test_a_host_cannot_give_commands(text: str) -> None:
    """Neither as a plain line nor as an annotation: the only command of a line is ours, in front."""
    for line in ci_lines(attack(text)):
        assert not COMMAND.search(line), line
        assert line.isprintable()
    *annotations, last = ci_lines(attack(text), github=True)
    assert len(annotations) == 3
    assert not COMMAND.search(last)
    for line in annotations:
        ours = re.match(r"::(error|warning) title=([^:,\r\n]*)::", line)
        assert ours, line
        assert not re.search(r"##\[", line)
        assert line.isprintable()


def test_a_huge_answer_is_cut() -> None:
    """A log is for people."""
    (line, _) = ci_lines(verified(judged("a", result("FAIL", reason="x" * 100_000))))
    assert len(line) < 1100
