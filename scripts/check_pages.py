"""Write docs/checks.md from the catalogue, the hosts its checks are tried on, and the profiles; `--check` compares."""

import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "checks.md"
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "unit" / "checks")]

from all_cases import CASES
from test_checks import ATTRIBUTES, judged

from hybridctl.checks import CATALOGUE, Check, Verdict
from hybridctl.checks.judge import NOT_AS_EXPECTED
from hybridctl.checks.tools import tool_of
from hybridctl.profiles import load_profile, profile_names

_LONGEST = 120  # letters of what a check said; the rest is in the test


def rendered() -> str:
    """Return the whole page."""
    checks = list(CATALOGUE.values())
    asking = {name: set(load_profile(name).expectations) for name in profile_names()}
    unproven = [check for check in checks if check.unproven]
    cases = sum(len(getattr(CASES[check.id], name)) for check in checks for name in ATTRIBUTES.values())
    parts = [
        "# Checks",
        "<!-- Written by scripts/check_pages.py: make docs. -->",
        f"{len(checks)} checks, tried on {cases} hosts: each on some that pass, some that must FAIL and some that must "
        f"be UNKNOWN. {len(unproven)} are unproven: no recording of a real machine has confirmed yet what they read.",
        "Behind FAIL, WARN and UNKNOWN stands what the check says of each such host. A case is run alone by the name "
        "of its test: `pytest tests/unit/checks/test_checks.py -k gpu.count-FAIL-0`.",
        "## Unproven",
        "\n".join(_unproven(unproven)),
    ]
    for topic, group in groupby(sorted(checks, key=lambda check: _topics().index(check.topic)), lambda c: c.topic):
        parts.append(f"## {topic}")
        for check in group:
            asked = [name for name, ids in asking.items() if check.id in ids]
            parts.append("\n".join([*_section(check), f"- asked by: {', '.join(asked) or 'a profile of your own'}"]))
    return "\n\n".join(parts) + "\n"


def _topics() -> list[str]:
    return list(dict.fromkeys(check.topic for check in CATALOGUE.values()))


def _unproven(checks: list[Check]) -> Iterator[str]:
    """Yield what was never recorded, each with the checks that rest on it."""
    by_reading: dict[str, list[str]] = {}
    for check in checks:
        by_reading.setdefault(check.unproven, []).append(f"`{check.id}`")
    for reading, ids in by_reading.items():
        yield f"- {reading}: {', '.join(ids)}"


def _section(check: Check) -> Iterator[str]:
    yield f"### `{check.id}`"
    yield ""
    unit = f" ({check.unit})" if check.unit else ""
    yield f"*{check.title}*{unit}: {(check.function.__doc__ or '').splitlines()[0]}"
    yield ""
    yield f"- measured with: `{tool_of(check.id)}`"
    for name, one in check.parameters.items():
        yield f"- parameter: `{name}`, {one.allowed}; {one.default} where a profile says nothing"
    yield f"- remedy: {_code(check.remedy)}"
    for verdict in (Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN):
        if said := list(dict.fromkeys(_said(check, verdict))):
            yield f"- {verdict}: {'; '.join(said)}"
    if check.unproven:
        yield f"- unproven: {check.unproven}"


def _said(check: Check, verdict: Verdict) -> Iterator[str]:
    """Yield what it says of each host that must get the verdict."""
    for answers in getattr(CASES[check.id], ATTRIBUTES[verdict]):
        result = next(result for result in judged(check.id, answers) if result.verdict is verdict)
        measured = "" if result.measured is None else str(result.measured)
        reason = "" if result.reason.endswith(f": {NOT_AS_EXPECTED}") else result.reason
        yield _code(", ".join(filter(None, (measured, reason))))


def _code(text: str) -> str:
    """Return the text as Markdown's code, which shows every sign as it is; one line of it."""
    line = " ".join(text.split())
    line = line if len(line) <= _LONGEST else f"{line[:_LONGEST].rstrip()} ..."
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence} {line} {fence}" if "`" in line else f"`{line}`"


def main(check: bool) -> int:
    """Write the page, or say whether it is out of date."""
    text = rendered()
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if check:
        print(f"{PAGE.relative_to(ROOT)} is out of date: make docs")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
