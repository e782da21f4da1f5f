"""What the scenarios' tests share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def refused() -> Callable[..., str]:
    """Converge the scenario in check mode with bad variables; return what it says, fail when it does not refuse."""

    def run(*variables: str) -> str:
        scenario = os.environ["MOLECULE_SCENARIO_NAME"]
        done = subprocess.run(
            [
                *(Path(sys.executable).with_name("ansible-playbook"), "--check"),
                *("-i", ROOT / ".hybridctl" / "lab" / f"molecule-{scenario}" / "site" / "inventory"),
                *(word for variable in variables for word in ("-e", variable)),
                ROOT / ".config" / "molecule" / "converge.yml",
            ],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        )
        assert done.returncode == 2, done.stdout
        return " ".join((done.stdout + done.stderr).split())

    return run
