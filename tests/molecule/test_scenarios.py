"""Each scenario in molecule/ from its fresh hosts to their end, as `molecule test` has it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SCENARIOS = sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
LIMIT = 25 * 60  # seconds; ends a hang, judges no slow machine


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str, tmp_path: Path) -> None:
    """Check mode on fresh hosts, converged, again without a change, its checks; what it said shows when it fails."""
    said = tmp_path / "said"
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    # Into a file: what molecule started would hold a pipe open after its end.
    with said.open("w") as file:
        try:
            subprocess.run(
                [BIN / "molecule", "test", "-s", scenario],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=True,
                timeout=LIMIT, env=environment,
            )  # fmt: skip
        finally:
            sys.stdout.write(said.read_text())
