"""A molecule scenario that fails, or is interrupted, goes red and ends its hosts."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab_traces import assert_gone, traces

from hybridctl.lab.fleet import Lab

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
# A fixed folder: the next run finds and removes what a killed run left.
BASE = ROOT / ".hybridctl" / "molecule"
BIN = Path(sys.executable).parent
SCENARIO = "broken"
LAB = Lab(f"molecule-{SCENARIO}", BASE)
HOSTS = {"hosts": {"base1": {"groups": ["monitoring"], "profile": "lab-monitoring", "memory": 256}}}
GOOD = {"converge_roles": ["host_base"], "host_base_time_servers": ["192.0.2.1"]}


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(document))


def _remove() -> None:
    subprocess.run([BIN / "hybridctl", "lab", "down", "--name", LAB.name], cwd=BASE, capture_output=True, check=True)


@pytest.fixture
def project() -> Iterator[Path]:
    """A checkout whose only scenario does nothing but what a test asks of it."""
    scenario = BASE / "molecule" / SCENARIO
    (scenario / "tests").mkdir(parents=True, exist_ok=True)
    for name in (".config", "ansible_collections"):
        (BASE / name).unlink(missing_ok=True)
        (BASE / name).symlink_to(ROOT / name)
    _write(scenario / "hosts.yml", HOSTS)
    _remove()
    try:
        yield scenario
    finally:
        _remove()
        shutil.rmtree(BASE)


def _start(scenario: Path, *steps: str) -> subprocess.Popen[str]:
    _write(scenario / "molecule.yml", {"scenario": {"test_sequence": list(steps)}})
    return subprocess.Popen(
        [BIN / "molecule", "-c", ".config/molecule/config.yml", "test", "-s", SCENARIO],
        cwd=BASE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", "NO_COLOR": "1"},
    )


@pytest.mark.parametrize(
    ("variables", "test", "steps", "reason"),
    [
        pytest.param(
            {**GOOD, "host_base_limits": "lots"},
            "def test_host(host): pass",
            ["converge"],
            "host_base_limits",
            id="converge",
        ),
        pytest.param(
            {"converge_roles": []},
            "def test_host(host): assert host.file('/none').exists",
            ["verify"],
            "/none",
            id="verify",
        ),
    ],
)
def test_a_failing_scenario_is_red_and_ends_its_hosts(
    project: Path, variables: Mapping[str, Any], test: str, steps: list[str], reason: str
) -> None:
    """A role that fails, or a test that does: exit status not 0, the reason printed, nothing left of the hosts."""
    before = traces(LAB)
    _write(project / "vars.yml", variables)
    (project / "tests" / "test_broken.py").write_text(f"{test}\n")
    process = _start(project, "create", *steps, "destroy")
    said, _ = process.communicate(timeout=300)
    assert process.returncode != 0, said
    assert reason in said, said
    assert "base1" in said
    assert_gone(LAB, before)


def test_hosts_of_an_interrupted_scenario_end_with_the_next_run(project: Path) -> None:
    """Killed with its hosts up, nobody can clean up; the next run starts by ending them."""
    before = traces(LAB)
    _write(project / "vars.yml", {"converge_roles": []})
    running = BASE / "running"
    test = project / "tests" / "test_slow.py"
    test.write_text(f"import time\ndef test_slow(host): open({str(running)!r}, 'x').close(); time.sleep(300)\n")
    process = _start(project, "create", "verify", "destroy")
    deadline = time.monotonic() + 120
    while not running.exists():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert traces(LAB)["inside"]
    test.write_text("def test_host(host): assert host.system_info\n")
    process = _start(project, "create", "verify", "destroy")
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert_gone(LAB, before)
