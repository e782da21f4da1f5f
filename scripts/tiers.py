"""Run the tiers of tests in order and print how long each took.

Every tier named is run even when one before it failed; none is skipped silently.
The last line counts.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LINT = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("mypy", "--explicit-package-bases", "plugins"),
    ("yamllint", "--strict", "."),
    ("ansible-lint", "--offline", "-q"),
)


# Contracts of runner, events, plan and modules.
ON_BOTH_ANSIBLES = (
    *(
        "tests/integration/test_runner.py",
        "tests/integration/test_execution.py",
        "tests/integration/test_provisioning.py",
    ),
    *("tests/unit/plugins", "tests/unit/test_changes.py", "tests/unit/test_events.py", "tests/unit/test_planning.py"),
    *("tests/contract/test_plugins.py", "tests/contract/test_roles.py"),
)
# Tests that are independent of one another are spread over the cores.
SPREAD = ("-n", "auto", "--dist", "worksteal")
HOW: dict[str, tuple[str, ...]] = {
    # By the scheduler of its conftest.py: labs one after the other, and what needs none beside them.
    "integration": ("-n", "auto", "--dist", "loadscope"),
    # One play on one host keeps one core busy (measured: 74 s of CPU in 82 s).
    "molecule": ("-n", "2", "--dist", "worksteal", "--durations=0"),
    # One rack, whose tests are a story.
    "e2e": (),
}
NO_OTHER_PYTHON = 3  # exit status of scripts/other_ansible

# Seconds; generous: they end a hang, which would otherwise never be told, and do not judge a slow machine.
COMMAND_LIMIT = 25 * 60
TIER_LIMIT = 60 * 60
GRACE = 90  # seconds between asking and killing: fixtures take their labs down


@dataclass
class Tier:
    """What one tier showed: tests passed, failed and skipped, and the seconds it took.

    Attributes:
        excused: 1 when this machine cannot run the tier, which has said why.
    """

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    excused: int = 0
    seconds: float = 0.0


def _run(argv: Sequence[str], limit: float) -> bool:
    """Run a command in a process group of its own; one that is not done after `limit` seconds is ended, and failed."""
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL, process_group=0) as process:
        try:
            return process.wait(limit) == 0
        except subprocess.TimeoutExpired:
            why = f"not done after {limit / 60:g} min, a limit that only a hang should meet"
            print(f"  FAILED {' '.join(argv)}: {why}", flush=True)
            return False
        finally:
            # Also on Ctrl-C, which the terminal sends to our own group only.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _commands(tier: Tier, commands: tuple[tuple[str, ...], ...]) -> None:
    """Run each command as one test."""
    for argv in commands:
        started = time.monotonic()
        ok = _run(argv, COMMAND_LIMIT)
        tier.passed += ok
        tier.failed += not ok
        print(
            f"  {'ok    ' if ok else 'FAILED'} {' '.join(argv)}  {time.monotonic() - started:.0f} s",
            flush=True,
        )


def _pytest(tier: Tier, *arguments: str, python: str = sys.executable) -> None:
    """Run the tests; an empty tier is a failed one."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        argv = [python, "-m", "pytest", "-q", f"--junit-xml={report}", *arguments]
        ok = _run(argv, TIER_LIMIT)
        suite = ET.parse(report).getroot().find("testsuite") if report.exists() else None  # noqa: S314 - our own file
    if suite is not None:
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        tier.failed, tier.skipped = bad, int(suite.get("skipped", 0))
        tier.passed = int(suite.get("tests", 0)) - bad - tier.skipped
    if not ok and tier.failed == 0:
        tier.failed = 1


def _other_ansible(tier: Tier) -> None:
    """Run what rests on Ansible's own code under the other ansible-core that we support."""
    done = subprocess.run([ROOT / "scripts" / "other_ansible"], capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr, end="", flush=True)
    if done.returncode == NO_OTHER_PYTHON:
        tier.skipped = tier.excused = 1
    elif done.returncode != 0:
        tier.failed = 1
    else:
        binaries = ROOT / ".venv-other" / "bin"
        before = os.environ["PATH"]
        os.environ["PATH"] = f"{binaries}:{before}"
        _pytest(tier, *SPREAD, *ON_BOTH_ANSIBLES, python=str(binaries / "python"))
        os.environ["PATH"] = before


def main(names: list[str]) -> int:
    """Run the tiers; return 0 when nothing failed and nothing named was missing."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    tiers = []
    for name in names:
        print(f"== {name}", flush=True)
        tier, started = Tier(name), time.monotonic()
        if name == "lint":
            _commands(tier, LINT)
        elif name == "ansibles":
            _other_ansible(tier)
        else:
            _pytest(tier, *HOW.get(name, SPREAD), f"tests/{name}")
        tier.seconds = time.monotonic() - started
        if tier.passed + tier.failed + tier.excused == 0:
            tier.failed = 1  # a tier that tested nothing has not passed
        tiers.append(tier)

    print(f"\n{'tier':<12} {'passed':>6} {'failed':>6} {'skipped':>7} {'time':>8}")
    for tier in tiers:
        minutes, seconds = divmod(round(tier.seconds), 60)
        counts = f"{tier.passed:>6} {tier.failed:>6} {tier.skipped:>7}"
        print(f"{tier.name:<12} {counts} {minutes:>4}m{seconds:02d}s")
    passed, failed, skipped = (sum(getattr(t, key) for t in tiers) for key in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
