"""Verify's connections on real hosts: the verdicts of testinfra's own backends, in few trips, the ways Ansible goes."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import testinfra
import yaml
from user_files import FILES

from hybridctl.access import Access, look_up
from hybridctl.checks import CATALOGUE
from hybridctl.checks.judge import judge_expectation, variables_of_checks
from hybridctl.checks.model import Kind
from hybridctl.comparing import without_comparisons
from hybridctl.connection import COMMAND_TIMEOUT, Connection
from hybridctl.evidence.counters import Counters
from hybridctl.evidence.keeping import Keeping
from hybridctl.evidence.record import Recorder
from hybridctl.evidence.replay import Replay, evidence_files
from hybridctl.evidence.seeds import Seeds
from hybridctl.profiles import load_profile
from hybridctl.redaction import Redactor
from hybridctl.site import Site
from hybridctl.verification import HostReport, HostState, Target, judge_targets

pytestmark = pytest.mark.lab

# Labs belong to the folder they are raised in. A fixed one: the next run finds and removes what a killed run left.
BASE = Path(__file__).resolve().parents[2] / ".hybridctl" / "evidence"
BIN = Path(sys.executable).parent
NAME = "evi"
HOSTS = ("evi1", "evi2")
INVENTORY = BASE / ".hybridctl" / "lab" / NAME / "site" / "inventory"
PROFILE = load_profile("lab-monitoring")


def lab(*args: str) -> str:
    """Run `hybridctl lab ARGS`; raises when it fails."""
    done = subprocess.run(
        [BIN / "hybridctl", "lab", args[0], "--name", NAME, *args[1:]],
        cwd=BASE,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def on(host: str, command: str) -> str:
    """Run a shell command on a host."""
    return lab("exec", host, "--", "sh", "-c", command)


@pytest.fixture(scope="module", autouse=True)
def fleet() -> Iterator[None]:
    """Two provisioned monitoring hosts; removed before and after."""
    BASE.mkdir(parents=True, exist_ok=True)
    hosts = "".join(f"  {name}: {{groups: [monitoring], profile: lab-monitoring, memory: 128}}\n" for name in HOSTS)
    (BASE / "fleet.yml").write_text(f"hosts:\n{hosts}")
    lab("down")
    try:
        lab("up", "--hosts", "fleet.yml")
        argv = [BIN / "hybridctl", "provision", "-i", INVENTORY]
        done = subprocess.run(argv, cwd=BASE, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        yield
    finally:
        lab("down")
        shutil.rmtree(BASE)


@pytest.fixture(scope="module")
def variables() -> dict[str, Any]:
    """What the lab's inventory says of every host: address, user, key, known hosts."""
    found: dict[str, Any] = yaml.safe_load((INVENTORY / "group_vars" / "all" / "lab.yml").read_text())
    hosts = yaml.safe_load((INVENTORY / "hosts.yml").read_text())["all"]["hosts"]
    return {**found, "addresses": {name: host["ansible_host"] for name, host in hosts.items()}}


@pytest.fixture
def config(tmp_path: Path, variables: dict[str, Any]) -> Path:
    """An ssh configuration for programs that read no inventory, with a jump host in it."""
    known = re.findall(r"UserKnownHostsFile=(\S+)", variables["ansible_ssh_common_args"])[0]
    path = tmp_path / "ssh_config"
    jump = f"Host jump\n  HostName {variables['addresses']['evi1']}\n"
    every = f"Host *\n  User root\n  IdentityFile {variables['ansible_ssh_private_key_file']}\n"
    path.write_text(f"{jump}{every}  UserKnownHostsFile {known}\n  StrictHostKeyChecking yes\n")
    return path


def accesses(folder: Path, hosts: dict[str, dict[str, Any]], common: dict[str, Any]) -> dict[str, Access]:
    """Ask Ansible how it would reach hosts of an inventory of their own."""
    shared = {key: value for key, value in common.items() if key != "addresses"}
    inventory = folder / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"vars": shared, "hosts": hosts}}))
    return look_up(Site(folder, inventory, "evidence"), list(hosts), variables_of_checks())


def reach(variables: dict[str, Any], host: str, **more: Any) -> dict[str, Any]:
    """Return the variables that lead to a host."""
    return {"ansible_host": variables["addresses"][host], **more}


def judged(
    known: dict[str, Access], command_timeout: int = COMMAND_TIMEOUT, **more: Any
) -> tuple[Sequence[HostReport], list[Connection]]:
    """Judge hosts, and return their connections too."""
    made: list[Connection] = []

    def connect(name: str, access: Access) -> Connection:
        made.append(Connection(name, access, command_timeout=command_timeout))
        return made[-1]

    targets = [Target(name, PROFILE, access) for name, access in known.items()]
    return judge_targets(targets, connect, **more), made


def verdicts(report: HostReport) -> list[tuple[str, str]]:
    """Return each check with its verdict."""
    return [(result.name, result.verdict.value) for result in report.results]


# testinfra's paramiko backend reads no known hosts of a configuration.
@pytest.mark.filterwarnings("ignore:Unknown ssh-ed25519 host key:UserWarning")
def test_verdicts_are_those_of_testinfras_own_backends(tmp_path: Path, variables: dict[str, Any], config: Path) -> None:
    """For every check of the profile, over ssh and paramiko; as many trips as the deepest check asks, then one.

    And once more from the evidence, without the hosts. One unit is stopped, so that not everything passes.
    """
    known = accesses(tmp_path, {host: reach(variables, host) for host in HOSTS}, variables)
    recorder = Recorder(tmp_path / "kept", Redactor())
    keeping = Keeping(Seeds(tmp_path / "seeds", Redactor()), recorder, Counters(tmp_path / "counters"))
    on("evi2", "systemctl stop prometheus-node-exporter")
    try:
        cold, connections = judged(known, keeping=keeping)
        assert {connection.trips for connection in connections} == {2}  # packages.held is the deepest
        seeded, connections = judged(known, keeping=keeping)
        assert {connection.trips for connection in connections} == {1}
        for report, again in zip(cold, seeded, strict=True):
            assert verdicts(again) == verdicts(report)
            alone = without_comparisons(report)  # of one host testinfra cannot say more
            for backend in ("ssh", "paramiko"):
                host = testinfra.get_host(f"{backend}://{variables['addresses'][report.name]}", ssh_config=str(config))
                expected = [e for e in PROFILE.expectations.values() if CATALOGUE[e.check].kind is not Kind.ALIKE]
                found = [r for e in expected for r in judge_expectation(host, e, known[report.name].variables)]
                assert sorted((r.name, r.verdict.value) for r in found) == sorted(verdicts(alone)), backend
    finally:
        on("evi2", "systemctl start prometheus-node-exporter")
    assert {verdict for _, verdict in verdicts(cold[0])} == {"PASS"}
    assert "FAIL" in {verdict for _, verdict in verdicts(cold[1])}
    keeping.recorder.move_to(tmp_path)
    files = evidence_files(tmp_path)
    targets = [Target(name, PROFILE, access) for name, access in known.items()]
    offline = judge_targets(targets, lambda name, _access: Replay(name, files[name], Redactor()))
    assert [report.results for report in offline] == [report.results for report in seeded]


def test_through_a_jump_host_and_by_sudo_with_a_password(
    tmp_path: Path, variables: dict[str, Any], config: Path
) -> None:
    """The same verdicts as root gets directly, also from a login that prints; a wrong password is tried once."""
    user = (
        "useradd -m -s /bin/bash ops && echo ops:become-me | chpasswd && echo 'ops ALL=(ALL) ALL' > /etc/sudoers.d/ops"
        " && mkdir ~ops/.ssh && cp /root/.ssh/authorized_keys ~ops/.ssh/ && chown -R ops: ~ops/.ssh"
        " && sed -i '1i echo Welcome to $HOSTNAME; echo oops >&2' ~ops/.bashrc"
    )
    on("evi2", user)
    through = {"ansible_ssh_common_args": f"-F {config} -o ProxyJump=jump"}
    ops = {"ansible_user": "ops", "ansible_become": True, "ansible_become_password": "become-me"}
    hosts = {
        "root": reach(variables, "evi2"),
        "ops": reach(variables, "evi2", **through, **ops),
        "wrong": reach(variables, "evi2", **ops | {"ansible_become_password": "wrong"}),
    }
    reports, connections = judged(accesses(tmp_path, hosts, variables))
    root, ops_, wrong = reports
    assert verdicts(ops_) == verdicts(root)
    assert {verdict for _, verdict in verdicts(root)} == {"PASS"}
    assert connections[1].trips == connections[0].trips
    assert {verdict for _, verdict in verdicts(wrong)} == {"UNKNOWN"}
    assert "commands cannot be run there: sudo: " in wrong.results[0].reason
    tries = on("evi2", "journalctl -q _COMM=sudo --grep 'authentication failure' | wc -l")
    assert int(tries) == connections[2].trips


def test_a_server_that_turns_away_whom_it_has_no_room_for(tmp_path: Path, variables: dict[str, Any]) -> None:
    """80 names of one host whose sshd has MaxStartups 10: all are judged."""
    on("evi1", "echo MaxStartups 10 > /etc/ssh/sshd_config.d/few.conf && systemctl reload ssh")
    try:
        known = accesses(tmp_path, {f"n{number}": reach(variables, "evi1") for number in range(80)}, variables)
        reports, _ = judged(known, checks=frozenset({"os.release"}), forks=40)
    finally:
        on("evi1", "rm /etc/ssh/sshd_config.d/few.conf && systemctl reload ssh")
    assert {(report.state, report.reason) for report in reports} == {(HostState.JUDGED, "")}


# One thing after another that a host may have wrong, each with what puts it right again.
HANGS = r"""mv /usr/bin/lscpu /root/
printf '#!/bin/sh\nexec sleep 600\n' >/usr/bin/lscpu && chmod +x /usr/bin/lscpu"""
FULL = "mount -t tmpfs -o size=4k,noexec tmpfs /tmp && head -c 4096 /dev/zero >/tmp/full"
CHATTY = r"""cp /root/.bashrc /root/kept
sed -i '1i export LC_ALL=zh_CN.GB18030; printf "Willkommen \\033[2J\\377"; echo oops >&2' /root/.bashrc
printf 'Banner /etc/issue.net\n' >/etc/ssh/sshd_config.d/chatty.conf && systemctl reload ssh"""
MEND = """mv /root/lscpu /usr/bin/lscpu; umount /tmp; mv /root/kept /root/.bashrc
rm /etc/ssh/sshd_config.d/chatty.conf; systemctl reload ssh"""


def test_a_host_that_hangs_is_full_and_chatty(tmp_path: Path, variables: dict[str, Any]) -> None:
    """The check whose command hangs is UNKNOWN in its time; every other verdict is what it was before."""
    known = accesses(tmp_path, {"evi1": reach(variables, "evi1")}, variables)
    (before,), _ = judged(known)
    for command in (HANGS, FULL, CHATTY):
        on("evi1", command)
    try:
        (report,), (connection,) = judged(known, command_timeout=8)
    finally:
        on("evi1", MEND)
    hung = [result for result in report.results if result.verdict.value != "PASS"]
    assert [(result.name, result.verdict.value, result.reason) for result in hung] == [
        ("cpu.threads", "UNKNOWN", "lscpu did not end in time")
    ]
    assert [name for name, _ in verdicts(report)] == [name for name, _ in verdicts(before)]
    assert connection.trips == 2


def test_who_is_not_let_in_is_told_why(tmp_path: Path, variables: dict[str, Any]) -> None:
    """Login shells that are no shell, and another host key than the known one; a login shell that is none of bash."""
    shells = {"dash": "/bin/dash", "python": "/usr/bin/python3", "nologin": "/usr/sbin/nologin", "false": "/bin/false"}
    for user, shell in shells.items():
        made = f"useradd -m -s {shell} {user} && cp -r /root/.ssh ~{user}/ && chown -R {user}: ~{user}/.ssh"
        on("evi1", made)
    known = re.findall(r"UserKnownHostsFile=(\S+)", variables["ansible_ssh_common_args"])[0]
    other = tmp_path / "known"
    one, two = variables["addresses"].values()
    swapped = {one: two, two: one}
    keys = Path(known).read_text()
    other.write_text(re.sub(r"^[\d.]+", lambda found: swapped.get(found[0], found[0]), keys, flags=re.MULTILINE))
    hosts = {user: reach(variables, "evi1", ansible_user=user) for user in shells}
    strict = f"-o UserKnownHostsFile={other} -o StrictHostKeyChecking=yes"
    hosts["stranger"] = reach(variables, "evi1", ansible_ssh_common_args=strict)
    reports, _ = judged(accesses(tmp_path, hosts, variables), checks=frozenset({"os.release"}))
    dash, *refused = reports
    assert verdicts(dash) == [("os.release", "PASS")]
    assert {report.state for report in refused} == {HostState.UNREACHABLE}
    no_shell = "the login shell does not run /bin/sh (status 1): "
    python, nologin, false, stranger = (report.reason for report in refused)
    assert python.startswith(f"{no_shell}TypeError: unsupported operand type(s) for /: ")
    assert nologin == f"{no_shell}This account is currently not available."
    assert false == f"{no_shell}it says nothing"
    assert stranger.startswith(f"Host key verification failed. It shows another key than {other}:")


def test_a_session_that_is_cut_in_the_middle(tmp_path: Path, variables: dict[str, Any]) -> None:
    """What came back whole is kept, the rest is asked over a second connection."""
    cut = "[ -e /root/cut ] || { touch /root/cut; pkill -KILL -f '[s]shd: root@notty'; sleep 5; }; echo c"
    (access,) = accesses(tmp_path, {"evi1": reach(variables, "evi1")}, variables).values()
    connection = Connection("evi1", access)
    try:
        connection.open(["echo a", cut, "echo b"])
    finally:
        connection.close()
        on("evi1", "rm /root/cut")
    assert {command: told.stdout for command, told in connection.backend.answers.items()} == {
        "echo a": b"a\n",
        cut: b"c\n",
        "echo b": b"b\n",
    }
    assert connection.trips == 2


def outcomes(folder: Path, hosts: str, *args: str) -> tuple[dict[str, str], str]:
    """Run the users' files; return the outcome of each test and what was printed."""
    argv = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", f"--hosts={hosts}", *args, str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=folder)
    found = re.findall(r"^(PASSED|FAILED|ERROR) \S*?(test_\w+\.py::\S+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return {re.sub(r"\w+://[\w.]+", "HOST", name): outcome for outcome, name in found}, done.stdout


def test_a_users_own_files_run_unchanged(tmp_path: Path, config: Path, variables: dict[str, Any]) -> None:
    """Three files in testinfra's style end as over its ssh backend, failures told as usual; then in one trip."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "conftest.py").write_text(
        "import pytest\n\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionfinish():\n"
        "    from hybridctl.evidence.site_backend import SiteBackend\n"
        "    print('trips', *(backend.trips for backend in SiteBackend.opened))\n"
    )
    ours = ("-s", "-p", "hybridctl.pytest_plugin", f"--ansible-inventory={INVENTORY}")
    plain, _ = outcomes(tmp_path, f"ssh://{variables['addresses']['evi1']}", f"--ssh-config={config}")
    cold, said = outcomes(tmp_path, "hybridctl://evi1", *ours)
    assert cold == plain
    assert sorted(plain.values()) == ["FAILED"] * 4 + ["PASSED"] * 11
    assert "assert host.package(name).is_installed" in said
    seeded, told = outcomes(tmp_path, "hybridctl://evi1", *ours)
    assert seeded == plain
    assert re.findall(r"trips (\d+)", told, re.MULTILINE) == ["1"]
    assert int(re.findall(r"trips (\d+)", said, re.MULTILINE)[0]) < 20
    assert on("evi1", "test ! -e /must-not-be-run && echo well") == "well\n"
