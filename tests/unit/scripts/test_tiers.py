"""The runner of the tiers: what hangs is named, failed and ended with all it started."""

import importlib.util
import shutil
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from hybridctl.processes import processes_with

SOURCE = Path(__file__).parents[3] / "scripts" / "tiers.py"
# Deaf to SIGINT, as is its child: only the group's end by SIGKILL ends both.
DEAF = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)', sys.argv[1]]); time.sleep(3600)"
)


@pytest.fixture
def tiers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with short limits."""
    spec = importlib.util.spec_from_file_location("tiers", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "tiers", module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    for name, seconds in (("COMMAND_LIMIT", 1.5), ("TIER_LIMIT", 30), ("GRACE", 0.2)):
        monkeypatch.setattr(module, name, seconds)
    return module


def test_a_command_that_hangs_fails_by_name(
    tiers: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It counts as failed, its words say how long was waited, its whole group is gone, and the next one runs."""
    tier = tiers.Tier("lint")
    tiers._commands(tier, ((sys.executable, "-c", DEAF, str(tmp_path)), (sys.executable, "-c", "")))
    assert (tier.passed, tier.failed) == (1, 1)
    assert f"FAILED {sys.executable} -c {DEAF} {tmp_path}: not done after 0.025 min" in capsys.readouterr().out
    deadline = time.monotonic() + 10
    while processes_with(str(tmp_path)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_tier_that_hangs_is_failed(tiers: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that never ends is one failure, though pytest could not say so."""
    monkeypatch.setattr(tiers, "TIER_LIMIT", 1.5)
    (tmp_path / "test_hang.py").write_text("import time\n\ndef test_hang():\n    time.sleep(3600)\n")
    tier = tiers.Tier("unit")
    tiers._pytest(tier, str(tmp_path))
    assert tier.failed == 1


@pytest.mark.parametrize(("body", "counts"), [("", (1, 0)), ("assert False", (0, 1))])
def test_a_tier_that_ends_is_counted(tiers: ModuleType, tmp_path: Path, body: str, counts: tuple[int, int]) -> None:
    """Tests passed and failed, as pytest's own report has them."""
    (tmp_path / "test_one.py").write_text(f"def test_one():\n    {body or 'pass'}\n")
    tier = tiers.Tier("unit")
    tiers._pytest(tier, str(tmp_path))
    assert counts == (tier.passed, tier.failed)


def test_labs_are_raised_one_after_the_other(tiers: ModuleType, tmp_path: Path) -> None:
    """As the integration tests are run: all files with labs in one process, and tests without them in others."""
    shutil.copy(SOURCE.parents[1] / "tests" / "integration" / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = lab: raises hosts\n")
    test = (
        "import os, pathlib, pytest\n{mark}\n@pytest.mark.parametrize('number', range(4))\n"
        "def test_one(number):\n    pathlib.Path('{kind}-' + os.environ['PYTEST_XDIST_WORKER']).touch()\n"
    ).replace("Path('", f"Path('{tmp_path}/")
    for name, kind, mark in (("a", "lab", "pytestmark = pytest.mark.lab"), ("b", "free", "")):
        (tmp_path / f"test_{name}.py").write_text(test.format(kind=kind, mark=mark))
        (tmp_path / f"test_{name}2.py").write_text(test.format(kind=kind, mark=mark))
    how = ("2" if word == "auto" else word for word in tiers.HOW["integration"])
    tier = tiers.Tier("integration")
    tiers._pytest(tier, *how, f"--rootdir={tmp_path}", f"-c={tmp_path / 'pytest.ini'}", str(tmp_path))
    assert (tier.passed, tier.failed) == (16, 0)
    labs, free = ({path.name.partition("-")[2] for path in tmp_path.glob(f"{kind}-*")} for kind in ("lab", "free"))
    assert len(labs) == 1
    assert free - labs
