"""The report of `verify` for the log of a CI job: a line for each result that is not PASS, then one line of sums.

GitHub reads the log of a job for commands: a line that begins with `::`, and of old anything behind `##[`. A host's
words must become neither.
"""

from collections.abc import Iterator

from hybridctl.checks import Verdict
from hybridctl.checks.wording import wording_in
from hybridctl.report.lines import not_passed, one_line, said, shown, unreachable
from hybridctl.report.text import summary_line
from hybridctl.verification import Verification

__all__ = ["ci_lines", "harmless"]

_LEVELS = {Verdict.FAIL: "error", Verdict.UNKNOWN: "error", Verdict.WARN: "warning"}  # any other is a notice


def ci_lines(verification: Verification, *, github: bool = False) -> Iterator[str]:
    """Yield the lines, the worst first.

    Args:
        github: write annotations, which GitHub shows beside the job.
    """
    for level, title, text in _findings(verification):
        yield f"::{level} title={_property(title)}::{_data(text)}" if github else f"{title}: {text}"
    yield harmless(summary_line(verification), 2000)


def _findings(verification: Verification) -> Iterator[tuple[str, str, str]]:
    for host in unreachable(verification):
        yield "error", harmless(f"UNREACHABLE {shown(host)}"), harmless(host.reason)
    wording = wording_in(verification.lang)
    for host, result in not_passed(verification):
        remedy = f" -> {result.remedy}" if result.remedy else ""
        title = f"{result.verdict} {shown(host)} {result.name}"
        yield _LEVELS.get(result.verdict, "notice"), harmless(title), harmless(f"{said(result, wording)}{remedy}")


def harmless(text: str, most: int = 500) -> str:
    """Return one line that is no command of GitHub's, unless it begins with one."""
    return one_line(text, most).replace("##[", "# #[")


def _data(text: str) -> str:
    """Escape what the runner unescapes (actions/runner, src/Runner.Common/ActionCommand.cs)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
