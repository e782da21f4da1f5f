"""The lab on real hosts: raised, used, broken, removed; and nothing stays behind."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lab_traces import Traces, assert_gone, nspawn_locks, traces

from hybridctl.lab.cgroup import cgroup_mount
from hybridctl.lab.container import processes
from hybridctl.lab.fleet import Lab

pytestmark = pytest.mark.lab

# Labs belong to the folder they are raised in. A fixed one: the next run finds and removes what a killed run left.
BASE = Path(__file__).resolve().parents[2] / ".hybridctl" / "integration"
BIN = Path(sys.executable).parent
HOSTS = ("gw1", "mon1", "mon2", "mon3")
FLEET = "hosts:\n  gw1: {groups: [gateway], profile: lab-gateway}\n" + "".join(
    f"  {name}: {{groups: [monitoring]}}\n" for name in HOSTS[1:]
)


def hybridctl(*args: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `hybridctl lab ARGS` in the tests' folder."""
    done = subprocess.run(
        [BIN / "hybridctl", "lab", *args],
        cwd=BASE,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **env},
    )
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


def on(host: str, command: str, name: str = "main") -> str:
    """Return what a shell command prints on a host."""
    return hybridctl("exec", "--name", name, host, "--", "sh", "-c", command).stdout.strip()


def shown(name: str = "main") -> dict[str, dict[str, object]]:
    """Return `lab status --json` by host."""
    hosts = json.loads(hybridctl("status", "--name", name, "--json").stdout)["hosts"]
    return {host["name"]: host for host in hosts}


def the(name: str) -> Lab:
    """Return the lab of that name."""
    return Lab(name, BASE)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Path]:
    """The fleet file in a folder without labs; whatever the tests leave is removed, before and after."""
    BASE.mkdir(parents=True, exist_ok=True)
    path = BASE / "fleet.yml"
    path.write_text(FLEET)
    names = ("main", "second", "killed", "short", "refused")
    for name in names:
        hybridctl("down", "--name", name)
    try:
        yield path
    finally:
        for name in names:
            hybridctl("down", "--name", name)
        shutil.rmtree(BASE)


@pytest.fixture(scope="module")
def clean(fleet: Path) -> Traces:
    """What the machine shows before the lab is up."""
    return traces(the("main"))


@pytest.fixture(scope="module")
def lab(fleet: Path, clean: Traces) -> Lab:
    """A lab of four hosts, raised once for this file; the fixture's first `up` also fills the cache."""
    assert [len(clean[what]) for what in ("links", "mounts", "processes", "inside", "groups", "folder")] == [0] * 6
    hybridctl("up", "--name", "main", "--hosts", str(fleet))
    return Lab("main", BASE)


def test_four_hosts_are_up_from_a_warm_cache_in_seconds(lab: Lab, fleet: Path, clean: Traces) -> None:
    """Removed and raised again, four hosts answer within 20 s, and the command says how many it took."""
    hybridctl("down", "--name", "main")
    assert_gone(the("main"), clean)
    done = hybridctl("up", "--name", "main", "--hosts", str(fleet), "--json")
    document = json.loads(done.stdout)
    assert set(document["seconds"]) == set(HOSTS)
    assert max(document["seconds"].values()) < 20
    assert f"lab main is up: 4 hosts up in {max(document['seconds'].values()):.1f} s" in done.stderr
    assert {host: (show["state"], show["ssh"]) for host, show in shown().items()} == dict.fromkeys(
        HOSTS, ("running", True)
    )


def test_ansible_takes_the_inventory(lab: Lab) -> None:
    """Plain Ansible reaches every host, with the vault opened and profiles and mirror set."""
    site = [*("-i", str(lab.inventory)), "--vault-password-file", str(lab.site / ".vault-password")]
    environment = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "0", "HOME": str(BASE)}
    done = subprocess.run(
        [BIN / "ansible", *site, "all", "-m", "ansible.builtin.ping"],
        capture_output=True,
        text=True,
        check=False,
        cwd=BASE,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {host for host in HOSTS if f"{host} | SUCCESS" in done.stdout} == set(HOSTS)
    listed = subprocess.run(
        [BIN / "ansible-inventory", *site, "--host", "gw1"], capture_output=True, text=True, check=True, env=environment
    )
    variables = json.loads(listed.stdout)
    assert variables["hybridctl_profile"] == "lab-gateway"
    assert variables["hybridctl_mirror"].endswith(":8900")
    assert len(variables["vault_gateway_api_key"]) >= 32


def test_host_keys_are_checked(lab: Lab) -> None:
    """With another host's key in known_hosts, ssh refuses."""
    known = lab.keys / "known_hosts"
    right = known.read_text()
    first, second, *_ = right.splitlines()
    try:
        known.write_text(f"{first.split()[0]} {second.split(' ', 1)[1]}\n")
        done = hybridctl("exec", "--name", "main", "gw1", "--", "true", check=False)
    finally:
        known.write_text(right)
    assert done.returncode == 255
    assert "Host key verification failed" in done.stderr


def test_up_twice_starts_nothing(lab: Lab) -> None:
    """A second `up` leaves every host's process and the secrets as they are; it needs no fleet file."""
    before, vault = shown(), (lab.inventory / "group_vars" / "all" / "vault.yml").read_bytes()
    done = hybridctl("up", "--name", "main")
    assert "nothing was missing" in done.stderr
    assert shown() == before
    assert (lab.inventory / "group_vars" / "all" / "vault.yml").read_bytes() == vault


def test_a_fleet_that_lost_a_host_is_refused(lab: Lab, fleet: Path) -> None:
    """`up` with a fleet file that lacks a running host says which, and that the lab must go down first."""
    smaller = fleet.with_name("smaller.yml")
    smaller.write_text("hosts:\n  gw1: {groups: [gateway]}\n")
    done = hybridctl("up", "--name", "main", "--hosts", str(smaller), check=False)
    assert done.returncode == 2
    assert "is up with mon1, mon2, mon3, which the fleet file lacks" in done.stderr


def test_exec_passes_the_exit_status_through(lab: Lab) -> None:
    """The status of the command on the host is ours."""
    assert hybridctl("exec", "--name", "main", "gw1", "--", "sh", "-c", "exit 7", check=False).returncode == 7


def test_hosts_know_each_other_and_no_way_out(lab: Lab) -> None:
    """Every name resolves, hosts reach each other; there is no default route, and no resolver of this machine's."""
    address = str(shown()["mon1"]["address"])
    assert on("gw1", "getent hosts mon1").split() == [address, "mon1"]
    assert on("gw1", "timeout 5 bash -c 'head -c 4 </dev/tcp/mon1/22'") == "SSH-"
    assert on("gw1", "ip route show default") == ""
    assert on("gw1", "cat /etc/resolv.conf") == ""
    assert int(on("gw1", "df --output=avail -B1M /dev/shm | tail -1")) > 160


def test_packages_come_from_the_mirror_and_services_are_the_hosts_own(lab: Lab) -> None:
    """apt installs from the lab's mirror; stopping the service on one host leaves the other's alone."""
    for host in ("gw1", "mon1"):
        on(host, "apt-get update -qq && apt-get install -y -qq prometheus-node-exporter >/dev/null 2>&1")
    policy = on("gw1", "apt-cache policy prometheus-node-exporter")
    assert f"http://{shown()['gw1']['address'].rpartition('.')[0]}.1:8900/apt" in policy  # type: ignore[attr-defined]
    on("gw1", "systemctl stop prometheus-node-exporter")
    assert "Failed to kill" not in on("gw1", "journalctl --no-pager -u prometheus-node-exporter")
    assert on("mon1", "systemctl is-active prometheus-node-exporter") == "active"
    assert on("gw1", "pgrep -c prometheus-node || true") == "0"


def test_a_host_survives_reboots(lab: Lab) -> None:
    """`reboot` inside boots the host anew: /run is fresh, the disk keeps, ssh answers again."""
    for turn in range(2):
        on("mon2", f"touch /run/before /kept-{turn}")
        hybridctl("exec", "--name", "main", "mon2", "--", "systemctl", "reboot", check=False)
        deadline = time.monotonic() + 30
        while hybridctl(
            "exec", "--name", "main", "mon2", "--", "test", "!", "-e", "/run/before", check=False
        ).returncode:
            assert time.monotonic() < deadline, (lab.folder / "hosts/mon2/console.log").read_text()[-2000:]
            time.sleep(0.2)
    assert on("mon2", "ls / | grep -c ^kept-") == "2"


@pytest.mark.parametrize("way", ["cord", "poweroff inside", "nspawn killed"])
def test_a_host_without_power_comes_back(lab: Lab, way: str) -> None:
    """However a host ended, status shows it, the others run on, and `poweron` brings it back with its disk."""
    on("mon3", "touch /kept; sync")
    if way == "poweroff inside":
        hybridctl("exec", "--name", "main", "mon3", "--", "systemctl", "poweroff", check=False)
    elif way == "nspawn killed":
        for pid in processes(f"--machine={lab.id}-mon3 "):
            os.kill(pid, signal.SIGKILL)
    if way != "poweroff inside":
        hybridctl("poweroff", "--name", "main", "mon3")
    deadline = time.monotonic() + 30
    while shown()["mon3"]["state"] != "stopped":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert shown()["gw1"]["ssh"] is True
    hybridctl("poweron", "--name", "main", "mon3")
    assert on("mon3", "ls /kept") == "/kept"


def test_up_brings_back_what_is_missing(lab: Lab) -> None:
    """A host that stands still is started by `up`, and only that one."""
    hybridctl("poweroff", "--name", "main", "mon3")
    before = shown()["gw1"]["pid"]
    assert set(json.loads(hybridctl("up", "--name", "main", "--json").stdout)["seconds"]) == {"mon3"}
    assert shown()["mon3"]["ssh"] is True
    assert shown()["gw1"]["pid"] == before


def test_two_labs_side_by_side(lab: Lab, fleet: Path) -> None:
    """A second lab takes another subnet; its end leaves the first one alone."""
    before = traces(the("second"))
    small = fleet.with_name("small.yml")
    small.write_text("hosts:\n  gw1: {groups: [gateway]}\n")
    hybridctl("up", "--name", "second", "--hosts", str(small))
    theirs, ours = str(shown("second")["gw1"]["address"]), str(shown()["gw1"]["address"])
    assert theirs.rpartition(".")[0] != ours.rpartition(".")[0]
    assert on("gw1", "hostname -I", "second") == theirs
    hybridctl("down", "--name", "second")
    assert_gone(the("second"), before)
    assert on("gw1", "hostname -I") == ours


def test_a_subnet_in_use_is_refused(lab: Lab, fleet: Path) -> None:
    """The network of the running lab is not given to another one, and nothing is created."""
    before = traces(the("refused"))
    address = str(shown()["gw1"]["address"])
    done = hybridctl(
        *("up", "--name", "refused", "--hosts", str(fleet), "--subnet", f"{address.rpartition('.')[0]}.0/24"),
        check=False,
    )
    assert done.returncode == 2
    assert "which this machine uses" in done.stderr
    assert traces(the("refused")) == before


def test_a_cache_file_cut_short_is_noticed(lab: Lab, fleet: Path, tmp_path: Path) -> None:
    """A short file in the cached root is an error that names it and the remedy, before anything is created."""
    lower, cache = Path((lab.folder / "hosts" / "gw1" / "lower").read_text()), tmp_path / "hybridctl"
    shutil.copytree(lower, cache / lower.name, copy_function=_link, symlinks=True, ignore=_devices)
    shutil.copy(lower.with_suffix(".manifest"), cache)
    victim = cache / lower.name / "usr/bin/systemctl"
    content = victim.read_bytes()
    victim.unlink()  # a hard link to the real cache: that one must stay whole
    victim.write_bytes(content[:1000])
    before = traces(the("short"))
    done = hybridctl("up", "--name", "short", "--hosts", str(fleet), check=False, XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert f"damaged cache: {victim} should have {len(content)} bytes, is 1000 bytes" in done.stderr
    assert f"-> hybridctl lab up --name short --hosts {fleet} --rebuild-cache" in done.stderr
    assert traces(the("short")) == before


def _devices(folder: str, names: list[str]) -> list[str]:
    """Leave out device nodes, which cannot be copied."""
    return [name for name in names if name == "dev" or (Path(folder) / name).is_block_device()]


def _link(source: str, target: str) -> None:
    """Link the file, or copy it where the cache lies on another file system."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copy2(source, target)


@contextmanager
def started(fleet: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start `lab up --name killed`; what it says goes to `up.log`."""
    argv = [BIN / "hybridctl", "lab", "up", "--name", "killed", "--hosts", str(fleet)]
    with (BASE / "up.log").open("w") as log, subprocess.Popen(argv, cwd=BASE, stdout=log, stderr=log) as up:
        yield up


MOMENTS: dict[str, Callable[[Lab], bool]] = {
    "state written": lambda lab: (lab.folder / "state.json").exists(),
    "bridge made": lambda lab: Path("/sys/class/net", lab.id).exists(),
    "mirror started": lambda lab: bool(processes(f"--directory {lab.www} ")),
    "first mount": lambda lab: lab.id in Path("/proc/mounts").read_text(),
    "first host starts": lambda lab: any(lab.folder.glob("hosts/*/console.log")),
    "first host boots": lambda lab: any(cgroup_mount().glob(f"{lab.id}-*/1/payload/init.scope")),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_down_after_a_kill_of_up(lab: Lab, fleet: Path, moment: str) -> None:
    """Wherever `kill -9` meets `up`, `down` leaves nothing behind."""
    killed = Lab("killed", BASE)
    before = traces(the("killed"))
    with started(fleet) as up:
        deadline = time.monotonic() + 60
        while not MOMENTS[moment](killed):
            assert up.poll() is None, (moment, (BASE / "up.log").read_text())
            assert time.monotonic() < deadline
        up.kill()
    assert killed.folder.exists()
    locks = nspawn_locks(killed)
    assert locks or moment != "first host boots"
    hybridctl("down", "--name", "killed")
    assert_gone(the("killed"), before)
    assert [path for path in locks if path.exists()] == []


def test_ctrl_c_of_up_says_what_is_left(lab: Lab, fleet: Path) -> None:
    """Interrupted while the hosts boot, `up` exits 130 and names the command that removes them, which does."""
    killed = Lab("killed", BASE)
    before = traces(killed)
    with started(fleet) as up:
        deadline = time.monotonic() + 60
        while not MOMENTS["first host starts"](killed):
            assert up.poll() is None, (BASE / "up.log").read_text()
            assert time.monotonic() < deadline
        up.send_signal(signal.SIGINT)
        assert up.wait(120) == 130
    said = (BASE / "up.log").read_text().splitlines()
    assert said[-2:] == ["Error: interrupted: lab killed is partly up", "  -> hybridctl lab down --name killed"]
    hybridctl("down", "--name", "killed")
    assert_gone(killed, before)


def test_down_while_up_is_at_work_is_refused(lab: Lab, fleet: Path) -> None:
    """`down` does not pull the lab from under an `up` that runs; afterwards it does."""
    killed = Lab("killed", BASE)
    with started(fleet) as up:
        while not MOMENTS["bridge made"](killed):
            assert up.poll() is None, (BASE / "up.log").read_text()
        up.send_signal(signal.SIGSTOP)  # held there, so that `down` surely meets it
        done = hybridctl("down", "--name", "killed", check=False)
        up.send_signal(signal.SIGCONT)
        assert up.wait(60) == 0, (BASE / "up.log").read_text()
    assert done.returncode == 1
    assert "another command is at work on the lab" in done.stderr
    hybridctl("down", "--name", "killed")


def test_down_leaves_nothing(lab: Lab, clean: Traces) -> None:
    """After all of the above, `down` leaves no process, mount, link, control group, table or folder."""
    assert len(traces(the("main"))["inside"]) > len(HOSTS)
    hybridctl("down", "--name", "main")
    assert_gone(the("main"), clean)
    assert hybridctl("down", "--name", "main").stderr.startswith("there is no lab main here")
