"""Systems that hybridctl or one of its roles does not know are refused before anything is touched."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def play(playbook: str, distribution: str, version: str, release: str, architecture: str) -> tuple[int, str]:
    """Run a playbook in check mode against this machine with the facts of another; return its status and words."""
    facts = {
        "distribution": distribution,
        "distribution_version": version,
        "distribution_major_version": version.partition(".")[0],
        "distribution_release": release,
        "architecture": architecture,
        "kernel": "5.10.0",
        "virtualization_type": "NA",
        "virtualization_role": "NA",
    }
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("ansible-playbook"), "--check", "--inventory", "kp1,"),
            *("--connection", "local", "--extra-vars", json.dumps({"ansible_facts": facts})),
            *("--extra-vars", json.dumps({"ansible_python_interpreter": sys.executable})),
            ROOT / "playbooks" / f"{playbook}.yml",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join(done.stdout.split())


def test_preflight_refuses_what_no_role_knows() -> None:
    """The message names the host, what it runs and what is supported."""
    status, said = play("preflight", "Rocky", "9.4", "Blue Onyx", "x86_64")
    assert status == 2
    assert "kp1 runs Rocky_9.4_x86_64; supported are Debian_12_x86_64, Ubuntu_22.04_x86_64" in said


@pytest.mark.parametrize(
    "system",
    [
        ("Debian", "12.11", "bookworm", "x86_64"),
        ("Ubuntu", "22.04", "jammy", "aarch64"),
        ("openEuler", "22.03", "LTS-SP4", "aarch64"),
    ],
    ids=lambda system: system[0],
)
def test_preflight_lets_the_named_systems_pass(system: tuple[str, str, str, str]) -> None:
    """A point release of Debian and a service pack of openEuler are what their names say."""
    status, said = play("preflight", *system)
    assert status == 0, said


@pytest.mark.parametrize(("playbook", "role"), [("base", "host_base"), ("monitoring", "node_telemetry")])
def test_a_role_refuses_a_system_it_was_not_tried_on(playbook: str, role: str) -> None:
    """What preflight lets pass but the role has no variables for is refused with a remedy."""
    status, said = play(playbook, "openEuler", "22.03", "LTS-SP4", "aarch64")
    assert status == 2
    assert f"{role} has not been tried on openEuler 22.03 (LTS-SP4)" in said
    assert "Take kp1 out of the role" in said
