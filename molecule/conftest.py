"""What the scenarios' tests share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def converged() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Converge the scenario once more, or play another playbook, with more words on the command line.

    Return how it ended and what it said.
    """

    def run(*words: str, playbook: str = ".config/molecule/converge.yml") -> subprocess.CompletedProcess[str]:
        scenario = os.environ["MOLECULE_SCENARIO_NAME"]
        return subprocess.run(
            [
                Path(sys.executable).with_name("ansible-playbook"),
                *("-i", ROOT / ".hybridctl" / "lab" / f"molecule-{scenario}" / "site" / "inventory"),
                *words,
                ROOT / playbook,
            ],
            # Refusals come on one, the recap on the other: in one stream they keep their order.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        )

    return run


@pytest.fixture
def refused(converged: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., str]:
    """Converge the scenario in check mode with bad variables; return what it says, fail when it does not refuse."""

    def run(*variables: str) -> str:
        done = converged("--check", *(word for variable in variables for word in ("-e", variable)))
        assert done.returncode == 2, done.stdout
        return " ".join(done.stdout.split())

    return run
