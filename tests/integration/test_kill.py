"""Whatever is killed in the middle of a provision, the next one ends in the state of an uninterrupted one.

docs/kill-matrix.md is the table of these tests. Hosts begin with their base done; each blow falls at a moment that is
waited for, most of them while dpkg has unpacked a file that is not yet in place.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from blows import Victim
from host_checksum import differences
from lab_site import BIN, LabSite, raised
from waiting import until

from hybridctl.processes import processes_with

pytestmark = pytest.mark.lab

FLEET = """
hosts:
  gw1: {groups: [gateway], profile: lab-gateway, memory: 128}
  mon1: {groups: [monitoring], profile: lab-monitoring, memory: 128}
  mon2: {groups: [monitoring], profile: lab-monitoring, memory: 128}
"""
# The gateway's worker is in the inventory only, at an address that refuses at once.
WORKER = "gateway_workers: [{name: cpu1, address: 127.0.0.1, port: 9}]\n"
MONITORS = ("mon1", "mon2")
HOSTS = ("gw1", *MONITORS)
HAPROXY, EXPORTER = "usr/sbin/haproxy", "usr/bin/prometheus-node-exporter"
CUT = 60  # seconds without a network

# Pattern of a path -> why it may differ from the uninterrupted run beside what is volatile anyway.
MAY_DIFFER = {
    "*:/etc/*-": "the state before the last one, kept by shadow's tools",
    "*:/var/lib/dpkg/*-old": "the state before the last one, kept by dpkg",
    "*:/var/cache/debconf/*-old": "the state before the last one, kept by debconf",
    "*:/var/lib/ucf/*.[0-9]": "the states before the last one, kept by ucf",
    "*:/var/cache/apt/*.bin.??????": "what apt leaves, empty, where it could not write that cache: on a full disk",
    "*:/var/cache/ldconfig/aux-cache": "inode numbers and times of the libraries",
    "gw1:/etc/haproxy/tls/gateway.pem*": "a random key and its certificate; that they belong together is looked at",
}


@dataclass
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def hosts(self) -> dict[str, dict[str, Any]]:
        """Return the hosts of its JSON document by name."""
        return {host["name"]: host for host in json.loads(self.out)["hosts"]}

    @property
    def run(self) -> str:
        """Return the identifier of its run."""
        return str(json.loads(self.out)["id"])


class Work:
    """A provision in a process of its own."""

    def __init__(self, fleet: "Fleet", *args: str) -> None:
        before = fleet.runs()
        self.fleet = fleet
        self.process = subprocess.Popen(
            [BIN / "hybridctl", "provision", "-i", fleet.site.lab.inventory, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=fleet.environment,
        )  # fmt: skip
        until(lambda: bool(fleet.runs() - before) or self.process.poll() is not None, "the run has a record")
        (self.run,) = fleet.runs() - before

    def reaches(self, kind: str, task: str, host: str) -> None:
        """Wait until a task of a host starts or ends so."""
        until(lambda: self._has(kind, task, host), f"{host}: {kind} {task}")

    def _has(self, kind: str, task: str, host: str) -> bool:
        lines = (self.fleet.site.lab.site / ".hybridctl/runs" / self.run / "events.jsonl").read_text().splitlines()
        return any(f'"kind": "{kind}"' in x and f'"host": "{host}"' in x and f'"task": "{task}"' in x for x in lines)

    def end(self) -> Done:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=600)
        return Done(self.process.returncode, out, err)


class Fleet:
    """The hosts, and how they are at the end of an uninterrupted provision."""

    def __init__(self, site: LabSite, temporary: Path) -> None:
        self.site = site
        self.victims = {name: Victim(site.lab, name) for name in HOSTS}
        self.environment = {**os.environ, "TMPDIR": str(temporary)}
        self.temporary = temporary
        self.reference: dict[str, str] = {}

    def runs(self) -> set[str]:
        """Return the identifiers of all runs."""
        return {path.name for path in (self.site.lab.site / ".hybridctl/runs").glob("*T*")}

    def provision(self, *args: str) -> Done:
        """Run `provision --json` to its end."""
        return Work(self, "--json", *args).end()

    def show(self, run: str) -> str:
        """Return what `runs show` says."""
        argv = [BIN / "hybridctl", "runs", "show", run, "-i", self.site.lab.inventory]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def put_back(self, *names: str, **sizes: str) -> None:
        """Have hosts at the state the blows begin from."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: self.victims[name].put_back(sizes.get(name)), names))

    def checksums(self, *names: str) -> dict[str, str]:
        """Return the checksums of what must be equal on these hosts."""
        found = self.site.checksums(*names)
        return {
            path: entry for path, entry in found.items() if not any(fnmatch(path, pattern) for pattern in MAY_DIFFER)
        }

    def is_as_uninterrupted(self, *names: str) -> None:
        """Hold hosts to the uninterrupted run: every file, dpkg's books, the lock given back."""
        wanted = {path: entry for path, entry in self.reference.items() if path.partition(":")[0] in names}
        assert differences(wanted, self.checksums(*names)) == []
        for name in names:
            assert self.site.on(name, "dpkg --audit; ls /run/hybridctl").split() == ["guard"]
        assert not list(self.temporary.iterdir())


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Hosts with their base done, and that kept."""
    with raised("kill", tmp_path_factory.mktemp("lab"), FLEET) as lab, tempfile.TemporaryDirectory() as temporary:
        fleet = Fleet(LabSite(lab, HOSTS), Path(temporary))
        (lab.inventory / "group_vars/gateway").mkdir(exist_ok=True)
        (lab.inventory / "group_vars/gateway/worker.yml").write_text(WORKER)
        fleet.site.run("provision", "--layer", "base")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Victim.keep, fleet.victims.values()))
        yield fleet


UNREACHED = r"is the host up and its SSH port open\? hybridctl doctor -i \S+ --limit "


@dataclass
class Twice:
    """Two provisions at once."""

    fleet: Fleet
    first: Done
    second: Done


@pytest.fixture(scope="module")
def twice(fresh: Fleet) -> Twice:
    """The uninterrupted run, which a second one meets in its middle. It is what all else is compared with."""
    work = Work(fresh, "--json", "-l", ",".join(HOSTS), "--layer", "gateway", "--layer", "monitoring")
    frozen = fresh.victims["gw1"].freeze_dpkg(HAPROXY)
    second = fresh.provision("-l", "gw1,mon1", "--layer", "monitoring")
    fresh.victims["gw1"].thaw(frozen)
    first = work.end()
    fresh.reference = fresh.checksums(*HOSTS)
    return Twice(fresh, first, second)


@pytest.fixture
def fleet(twice: Twice) -> Fleet:
    """The hosts, with a state to compare with."""
    return twice.fleet


def test_two_provisions_at_once(twice: Twice) -> None:
    """The second is refused on each host with the owner named; the first ends as if alone."""
    assert (twice.first.code, twice.second.code) == (0, 3), twice.first.err + twice.second.err
    for name in ("gw1", "mon1"):
        (failure,) = twice.second.hosts[name]["failures"]
        assert re.match(rf"locked by \S+@\S+ since \S+ \(run {twice.first.run}, pid \d+", failure["message"])
        assert re.search(r"hybridctl provision -i \S+ --limit", failure["remedy"])
        assert f"{name} failed: preflight, Take the lock of the host: locked by" in twice.fleet.show(twice.second.run)
    assert {host["changed"] > 0 for host in twice.first.hosts.values()} == {True}
    twice.fleet.is_as_uninterrupted(*HOSTS)


def test_kill_of_hybridctl(fleet: Fleet) -> None:
    """Ansible ends its present task, and until then the lock holds; then --resume needs no other option."""
    fleet.put_back("gw1")
    gw1 = fleet.victims["gw1"]
    work = Work(fleet, "-l", "gw1", "--layer", "gateway", "--layer", "monitoring")
    frozen = gw1.freeze_dpkg(HAPROXY)
    work.process.send_signal(signal.SIGKILL)
    assert work.end().code == -signal.SIGKILL
    shown = fleet.show(work.run)
    sys.stderr.write(shown)
    assert "was killed: it ended without a result" in shown
    assert f"  -> hybridctl provision --resume {work.run}" in shown
    assert re.search(r"^gw1 +unfinished ", shown, re.MULTILINE)
    early = fleet.provision("--resume", "latest")
    assert early.code == 3
    assert f"(run {work.run}, " in early.err
    gw1.thaw(frozen)
    until(lambda: not processes_with(f"HYBRIDCTL_PLAY={work.run}"), "Ansible has ended its task")
    done = fleet.provision("--resume", "latest")
    assert done.code == 0, done.err
    fleet.is_as_uninterrupted("gw1")
    told = fleet.site.on("gw1", "cd /etc/haproxy/tls; openssl x509 -in gateway.pem -noout -pubkey | sha1sum; "
                         "openssl pkey -in gateway.pem.key -pubout | sha1sum").split()  # fmt: skip
    assert told[0] == told[2]


def test_kill_of_ansible_playbook(fleet: Fleet) -> None:
    """While `files` runs: the run says so, gives the lock back, and the same command ends it."""
    fleet.put_back("gw1")
    args = ("-l", "gw1", "--layer", "gateway", "--layer", "monitoring")
    work = Work(fleet, "--json", *args)
    work.reaches("start", "Write keys, and what keeps drained workers drained", "gw1")
    children = Path(f"/proc/{work.process.pid}/task")
    pids = {int(pid) for path in children.glob("*/children") for pid in path.read_text().split()}
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    killed = work.end()
    sys.stderr.write(killed.err)
    assert killed.code == 1
    assert "ansible-playbook was killed" in killed.err
    assert "1 of 1 hosts unfinished: gw1" in killed.err
    assert f"--resume {killed.run}" in killed.err
    assert re.search(r"^gw1 +unfinished ", fleet.show(killed.run), re.MULTILINE)
    assert "not given back" not in killed.err
    done = fleet.provision(*args)
    assert done.code == 0, done.err
    fleet.is_as_uninterrupted("gw1")


@dataclass
class Struck:
    """One run in which two hosts are struck, each by something else, and the one that goes on with it."""

    fleet: Fleet
    run: Done
    resumed: Done
    shown: str

    def host(self, name: str) -> tuple[str, str, str]:
        """Return what the run says of a host: its state, the last failure's message and its remedy."""
        host = self.run.hosts[name]
        failure = host["failures"][-1]
        return host["state"], failure["message"], failure["remedy"]

    def ends_well(self, name: str) -> None:
        """Hold the host to the uninterrupted run, and the report to what became of it and what to type next."""
        assert f"{name} {self.run.hosts[name]['state']}: monitoring, " in self.shown
        assert self.run.err.splitlines()[-1].endswith(f"--resume {self.run.run}")
        assert self.resumed.code == 0, self.resumed.err
        assert self.resumed.hosts[name]["state"] == "ok"
        self.fleet.is_as_uninterrupted(name)


def strike(fleet: Fleet, blow: Callable[[Victim, Victim, dict[str, list[int]]], Callable[[], None]]) -> Struck:
    """Provision two hosts, strike while dpkg unpacks on both, resume.

    Args:
        blow: strikes, lets go on what is frozen, and returns what puts right what was broken from outside.
    """
    victims = [fleet.victims[name] for name in MONITORS]
    work = Work(fleet, "--json", "-l", ",".join(MONITORS), "--layer", "monitoring")
    with ThreadPoolExecutor(2) as pool:
        frozen = dict(zip(MONITORS, pool.map(lambda victim: victim.freeze_dpkg(EXPORTER), victims), strict=True))
    put_right = blow(*victims, frozen)
    run = work.end()
    put_right()
    sys.stderr.write(run.err)
    return Struck(fleet, run, fleet.provision("--resume", "latest"), fleet.show(run.run))


@pytest.fixture(scope="module")
def dead(twice: Twice) -> Struck:
    """sshd is killed on mon1, mon2 is rebooted."""
    twice.fleet.put_back(*MONITORS)

    def blow(mon1: Victim, mon2: Victim, frozen: dict[str, list[int]]) -> Callable[[], None]:
        assert mon1.kill("sshd") > 1
        mon1.thaw(frozen["mon1"])
        mon2.reboot()
        return lambda: None

    return strike(twice.fleet, blow)


def test_kill_of_sshd(dead: Struck) -> None:
    """The host is unreachable; what ran there has ended by itself when the next run comes."""
    state, message, remedy = dead.host("mon1")
    assert state == "unreachable"
    assert re.fullmatch(UNREACHED + "mon1", remedy)
    assert message
    assert dead.run.code == 4
    dead.ends_well("mon1")


def test_host_rebooted(dead: Struck) -> None:
    """A package is left half installed, and repaired; the lock in /run went with the reboot, and no word of it."""
    state, message, remedy = dead.host("mon2")
    assert state == "unreachable"
    assert re.fullmatch(UNREACHED + "mon2", remedy)
    assert message
    assert json.loads(dead.run.out)["remarks"] == []
    dead.ends_well("mon2")


@pytest.fixture(scope="module")
def stuck(twice: Twice) -> Struck:
    """The disk of mon1 is full, the network of mon2 is cut for 60 s."""
    twice.fleet.put_back(*MONITORS, mon1="128m")

    def blow(mon1: Victim, mon2: Victim, frozen: dict[str, list[int]]) -> Callable[[], None]:
        mon2.network(up=False)
        cut = time.monotonic()
        mon1.fill_disk()
        for victim in (mon1, mon2):
            victim.thaw(frozen[victim.name])

        def put_right() -> None:
            until(lambda: time.monotonic() - cut >= CUT, "the network was away for as long as it should be")
            mon2.network(up=True)
            mon1.free_disk()

        return put_right

    return strike(twice.fleet, blow)


def test_disk_full(stuck: Struck) -> None:
    """The host fails with what to do about it, and gives its lock back on a full disk, too."""
    state, message, remedy = stuck.host("mon1")
    assert (state, remedy) == ("failed", "free space on mon1: df -h"), message
    assert stuck.run.code == 3
    stuck.ends_well("mon1")


def test_network_cut(stuck: Struck) -> None:
    """After 15 s of silence the host is given up; its lock stays, which is said, and --resume breaks it."""
    state, _, remedy = stuck.host("mon2")
    assert state == "unreachable"
    assert re.fullmatch(UNREACHED + "mon2", remedy)
    (remark,) = json.loads(stuck.run.out)["remarks"]
    told = f"the lock of mon2 was not given back: hybridctl provision --resume {stuck.run.run} breaks it"
    assert remark.startswith(told)
    stuck.ends_well("mon2")
