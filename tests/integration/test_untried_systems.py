"""Systems that hybridctl or one of its roles does not know are refused before anything is touched."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


# What a site sets, so that nothing but the system is amiss.
SITE = {"vault_vllm_api_key": "k" * 16, "vault_gateway_api_key": "k" * 16, "hybridctl_mirror": "http://192.0.2.1"}


def play(
    folder: Path, playbook: str, distribution: str, version: str, release: str, architecture: str
) -> tuple[int, str]:
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
        "memtotal_mb": 65536,
    }
    groups = {"all": {"children": {group: {"hosts": {"kp1": None}} for group in ("gateway", "vllm_cpu")}}}
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps(groups))
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("ansible-playbook"), "--check", "--inventory", inventory),
            *("--connection", "local", "--extra-vars", json.dumps({"ansible_facts": facts})),
            *("--extra-vars", json.dumps({"ansible_python_interpreter": sys.executable, **SITE})),
            ROOT / "playbooks" / f"{playbook}.yml",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("system", "shown"),
    [
        (("Rocky", "9.4", "Blue Onyx", "x86_64"), "Rocky_9.4 on x86_64"),
        (("Ubuntu", "22.04", "jammy", "x86_64"), "Ubuntu_22.04 on x86_64"),
        (("openEuler", "22.03", "LTS-SP4", "aarch64"), "openEuler_22.03 on aarch64"),
        (("Debian", "12.11", "bookworm", "aarch64"), "Debian_12 on aarch64"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_preflight_refuses_what_the_lock_has_no_versions_for(
    system: tuple[str, str, str, str], shown: str, tmp_path: Path
) -> None:
    """The message names the host, what it runs, what is supported and what to do."""
    status, said = play(tmp_path, "preflight", *system)
    assert status == 2
    assert f"kp1 runs {shown}; the lock has versions for Debian_12 on x86_64. Take the host out" in said


def test_preflight_lets_a_point_release_pass(tmp_path: Path) -> None:
    """Debian 12.11 is the lock's Debian 12."""
    status, said = play(tmp_path, "preflight", "Debian", "12.11", "bookworm", "x86_64")
    assert status == 0, said


@pytest.mark.parametrize(
    ("playbook", "role"),
    [("base", "host_base"), ("serving", "vllm"), ("gateway", "gateway"), ("monitoring", "node_telemetry")],
)
def test_a_role_refuses_a_system_it_was_not_tried_on(playbook: str, role: str, tmp_path: Path) -> None:
    """What preflight lets pass but the role has no variables for is refused with a remedy."""
    status, said = play(tmp_path, playbook, "openEuler", "22.03", "LTS-SP4", "aarch64")
    assert status == 2
    assert f"{role} has not been tried on openEuler 22.03 (LTS-SP4)" in said
    assert "Take kp1 out of the role" in said
