"""`verify` on real hosts: 0 all well, 5 a stopped unit, 6 evidence that cannot be read, 4 a dead host."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hybridctl.profiles import load_profile

pytestmark = pytest.mark.lab

# Labs belong to the folder they are raised in. A fixed one: the next run finds and removes what a killed run left.
BASE = Path(__file__).resolve().parents[2] / ".hybridctl" / "verify"
BIN = Path(sys.executable).parent
NAME = "verify"
FLEET = "hosts:\n" + "".join(
    f"  {name}: {{groups: [monitoring], profile: lab-monitoring, memory: 128}}\n" for name in ("mon1", "mon2")
)
INVENTORY = BASE / ".hybridctl" / "lab" / NAME / "site" / "inventory"


def hybridctl(*args: str) -> subprocess.CompletedProcess[str]:
    """Run hybridctl in the tests' folder; never raises on a bad exit."""
    return subprocess.run(
        [BIN / "hybridctl", *args],
        cwd=BASE,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def lab(*args: str) -> str:
    """Run `hybridctl lab ARGS`; raises when it fails."""
    done = hybridctl("lab", args[0], "--name", NAME, *args[1:])
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def on(host: str, command: str) -> str:
    """Run a shell command on a host."""
    return lab("exec", host, "--", "sh", "-c", command)


def verify(*args: str) -> tuple[int, dict[str, Any]]:
    """Return exit status and document of `verify --json`."""
    done = hybridctl("verify", "-i", str(INVENTORY), "--json", *args)
    assert done.stdout.startswith("{"), done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout)


def verdicts(document: dict[str, Any], verdict: str) -> set[tuple[str, str]]:
    """Return host and check of the results with this verdict."""
    return {(h["name"], c["id"]) for h in document["hosts"] for c in h["checks"] if c["verdict"] == verdict}


@pytest.fixture(scope="module", autouse=True)
def fleet() -> Iterator[None]:
    """Two provisioned monitoring hosts; removed before and after."""
    BASE.mkdir(parents=True, exist_ok=True)
    (BASE / "fleet.yml").write_text(FLEET)
    lab("down")
    try:
        lab("up", "--hosts", "fleet.yml")
        done = hybridctl("provision", "-i", str(INVENTORY))
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        yield
    finally:
        lab("down")
        shutil.rmtree(BASE)


@contextmanager
def changed(host: str, before: str, after: str) -> Iterator[None]:
    """Break a host by one command and mend it by another."""
    on(host, before)
    try:
        yield
    finally:
        on(host, after)


def test_all_is_well() -> None:
    """Exit 0: every check of the profile ran on both hosts and passed, through ssh, on hosts that are marked lab."""
    status, document = verify()
    assert status == 0, document
    assert (document["asked"], document["judged"]) == (2, 2)
    assert document["verdicts"]["PASS"] == sum(document["verdicts"].values())
    asked = load_profile("lab-monitoring").expectations
    assert all({check["id"] for check in host["checks"]} == {*asked} for host in document["hosts"])
    assert all(host["lab"] for host in document["hosts"])


def test_nothing_stays_behind() -> None:
    """No connection of ours outlives the command."""
    verify("--only", "os")
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    inventory = str(INVENTORY.parent)
    assert not [line for line in processes.splitlines() if "ssh" in line and inventory in line]


def test_a_stopped_unit() -> None:
    """Exit 5: the unit and what it should have answered, on that host only."""
    unit = "prometheus-node-exporter"
    with changed("mon1", f"systemctl stop {unit}", f"systemctl start {unit}"):
        status, document = verify()
    assert status == 5
    assert verdicts(document, "FAIL") == {
        ("mon1", "units.active"),
        ("mon1", "exporter.node_series"),
        ("mon1", "exporter.node_clock"),
    }
    # What it would have told of its collectors, nobody knows.
    assert {check.partition(".")[0] for _, check in verdicts(document, "UNKNOWN")} == {"exporter"}


def test_a_unit_that_would_not_start_at_boot() -> None:
    """Exit 5 although everything answers: after the next reboot it would not."""
    unit = "prometheus-node-exporter"
    with changed("mon1", f"systemctl disable -q {unit}", f"systemctl enable -q {unit}"):
        status, document = verify("--only", "units")
    assert (status, verdicts(document, "FAIL")) == (5, {("mon1", "units.active")})


def test_a_package_nobody_holds() -> None:
    """Exit 5: an upgrade may move it tonight."""
    with changed("mon2", "apt-mark unhold chrony", "apt-mark hold chrony"):
        status, document = verify("--only", "packages")
    assert (status, verdicts(document, "FAIL")) == (5, {("mon2", "packages.held")})


@pytest.mark.parametrize(
    ("check", "before", "after"),
    [
        ("packages.held", "chmod -x /usr/bin/dpkg-query", "chmod +x /usr/bin/dpkg-query"),
        ("units.active", "chmod -x /usr/bin/systemctl", "chmod +x /usr/bin/systemctl"),
        ("cpu.threads", "mv /usr/bin/lscpu /usr/bin/lscpu.away", "mv /usr/bin/lscpu.away /usr/bin/lscpu"),
        (
            "os.release",
            "cp /etc/os-release /root/ && echo 'not an assignment' >> /usr/lib/os-release",
            "cat /root/os-release > /usr/lib/os-release",
        ),
    ],
)
def test_evidence_that_cannot_be_read(check: str, before: str, after: str) -> None:
    """Exit 6: UNKNOWN on that host, never PASS, never FAIL."""
    with changed("mon1", before, after):
        status, document = verify("--only", check)
    assert status == 6
    assert {host for host, _ in verdicts(document, "UNKNOWN")} == {"mon1"}
    assert not verdicts(document, "FAIL")
    assert {host for host, _ in verdicts(document, "PASS")} == {"mon2"}


def test_a_host_without_a_profile() -> None:
    """Exit 6, by name: nothing expected is nothing passed."""
    hosts = INVENTORY / "hosts.yml"
    text = hosts.read_text()
    hosts.write_text(text.replace("hybridctl_profile: lab-monitoring", "", 1))
    try:
        status, document = verify()
    finally:
        hosts.write_text(text)
    assert (status, document["without_profile"]) == (6, ["mon1"])
    assert document["judged"] == 1


def test_an_ordinary_user_who_may_not_become_root() -> None:
    """Exit 6: what only root may read is UNKNOWN with sudo's own words, not a failure of the host."""
    user = "useradd -m ops && mkdir -p ~ops/.ssh && cp /root/.ssh/authorized_keys ~ops/.ssh/ && chown -R ops: ~ops/.ssh"
    with changed("mon1", user, "userdel -r ops"):
        variables = INVENTORY / "host_vars"
        variables.mkdir(exist_ok=True)
        (variables / "mon1.yml").write_text("ansible_user: ops\nansible_become: true\n")
        try:
            status, document = verify("--limit", "mon1", "--only", "units")
        finally:
            (variables / "mon1.yml").unlink()
    assert status == 6
    (check,) = {c["reason"] for c in document["hosts"][0]["checks"]}
    assert "commands cannot be run there" in check


def test_plain_testinfra_judges_the_same(tmp_path: Path) -> None:
    """An ordinary test file with testinfra's own backend gets the same verdicts."""
    test = tmp_path / "test_hosts.py"
    test.write_text(
        "import pytest\nfrom hybridctl.checks import assert_passes\nfrom hybridctl.profiles import load_profile\n"
        "ASKED = load_profile('lab-monitoring').expectations\n"
        "@pytest.mark.parametrize('check', [c for c in ASKED if c.startswith(('os.', 'units.', 'exporter.'))])\n"
        "def test_check(host, check):\n    assert_passes(host, check, 'lab-monitoring')\n"
    )
    argv = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--hosts=ansible://mon1",
        f"--ansible-inventory={INVENTORY}",
    ]
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "ANSIBLE_VAULT_PASSWORD_FILE": f"{INVENTORY.parent}/.vault-password"}
    done = subprocess.run(
        [sys.executable, *argv, str(test)], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stdout[-3000:]
    asked = load_profile("lab-monitoring").expectations
    assert f"{sum(check.startswith(('os.', 'units.', 'exporter.')) for check in asked)} passed" in done.stdout


@pytest.mark.parametrize(
    "trouble",
    ["mount -t tmpfs -o size=4k tmpfs $kept", "mount --bind $kept $kept && mount -o remount,bind,ro $kept"],
    ids=["full", "read-only"],
)
def test_a_site_folder_that_takes_nothing(trouble: str) -> None:
    """The report is printed with its exit status, and a warning says what could not be kept."""
    kept = INVENTORY.parent / ".hybridctl"
    kept.mkdir(exist_ok=True)
    command = [BIN / "hybridctl", "verify", "-i", INVENTORY, "--only", "os"]
    argv = ["unshare", "--mount", "sh", "-ec", f'kept=$1; shift; {trouble}; exec "$@"', "sh", kept, *command]
    done = subprocess.run(argv, cwd=BASE, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("hosts asked 2, judged 2; ")
    assert "Warning: the hosts were judged, but cannot write" in done.stderr


def test_a_dead_host() -> None:
    """Exit 4 within seconds: the dead one named, the other judged; once it is back, 0."""
    lab("poweroff", "mon2")
    try:
        started = time.monotonic()
        status, document = verify()
        assert time.monotonic() - started < 40
    finally:
        lab("poweron", "mon2")
    assert status == 4
    assert (document["asked"], document["judged"], document["unreachable"]) == (2, 1, ["mon2"])
    (dead,) = [host for host in document["hosts"] if host["name"] == "mon2"]
    assert dead["reason"]
    assert not dead["checks"]
    assert not verdicts(document, "FAIL")
    status, document = verify()
    assert status == 0, document
