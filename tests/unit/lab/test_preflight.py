"""What this machine must have for a lab, each lack told with its remedy before anything is created."""

import os
import re
import shutil
import subprocess
import tomllib
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.lab import cgroup, mirror, preflight
from hybridctl.lab.fleet import Lab
from hybridctl.lab.spec import LabHost
from hybridctl.lab.state import State, write_state

GATEWAY = LabHost("gw1", ("gateway",), memory=256)
WORKER = LabHost("cpu1", ("vllm_cpu",), memory=2560)
CHECKS = [name for name in preflight.__all__ if name.startswith("check_")]
Usage = namedtuple("Usage", "total used free")


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root the error says how to do the same as root: this command, on this lab."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(HybridctlError, match="needs root") as caught:
        preflight.check_root("hybridctl lab down --name mine")
    assert caught.value.hint == "sudo hybridctl lab down --name mine"


@pytest.mark.parametrize("act", ["up", "down", "poweron", "poweroff"])
def test_each_command_without_root_names_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, act: str) -> None:
    """The remedy is what was typed, by root, not another command on another lab."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    lab = Lab("mine", tmp_path)
    lab.folder.mkdir(parents=True)
    write_state(lab.folder, State("10.231.0.0/24", (GATEWAY,), {"gw1": "10.231.0.11"}))
    fleet = tmp_path / "my fleet.yml"
    fleet.write_text("hosts: {gw1: {groups: [gateway]}}\n")
    acts: dict[str, tuple[Callable[[], object], str]] = {
        "up": (lambda: lab.up(fleet, "10.231.0.0/24"), f" --hosts '{fleet}' --subnet 10.231.0.0/24"),
        "down": (lab.down, ""),
        "poweron": (lambda: lab.power("gw1", on=True), " gw1"),
        "poweroff": (lambda: lab.power("gw1", on=False), " gw1"),
    }
    call, words = acts[act]
    with pytest.raises(HybridctlError, match="needs root") as caught:
        call()
    assert caught.value.hint == f"sudo hybridctl lab {act} --name mine{words}"


def test_a_key_of_another_user_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without root, ssh would blame the host's key; the error says whose key it is and how to use it."""
    lab = Lab("mine", tmp_path)
    lab.keys.mkdir(parents=True)
    write_state(lab.folder, State("10.231.0.0/24", (GATEWAY,), {"gw1": "10.231.0.11"}))
    assert lab.ssh_argv("gw1")[-1] == "root@10.231.0.11"
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(HybridctlError, match="for root, who raised it") as caught:
        lab.ssh_argv("gw1")
    assert caught.value.hint == "sudo hybridctl lab ssh --name mine gw1"


def test_missing_commands_name_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every missing command is listed, with one apt-get line that brings them all."""
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool in ("systemd-nspawn", "mmdebstrap") else "/bin/x")
    with pytest.raises(HybridctlError) as caught:
        preflight.check_tools()
    assert caught.value.message == "not installed: mmdebstrap, systemd-nspawn"
    assert caught.value.hint == "apt-get install -y mmdebstrap systemd-container"


def test_the_extra_is_asked_for_before_anything_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain `pip install hybridctl` lacks what makes the model: told by name, and only when workers want it."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in ("tokenizers", "pip") else object())
    preflight.check_modules([GATEWAY])
    with pytest.raises(HybridctlError, match=r"lacks: tokenizers, pip$") as caught:
        preflight.check_modules([GATEWAY, WORKER])
    assert caught.value.hint.startswith("pipx install --force 'hybridctl[lab]', or: ")
    assert caught.value.hint.endswith(" install tokenizers pip")


def test_the_modules_asked_for_are_those_of_the_extra() -> None:
    """pyproject.toml and the preflight name the same, pip apart."""
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    extra = {re.split("[<>=!~]", wanted)[0] for wanted in project["optional-dependencies"]["lab"]}
    assert extra == {*preflight._MODULES} - {"pip"}


def test_memory_is_summed_over_the_fleet(tmp_path: Path) -> None:
    """A fleet that wants more than is available is refused with both numbers; one that fits is not."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  9000000 kB\nMemAvailable:  2883584 kB\n")  # 2816 MiB
    preflight.check_memory([GATEWAY, WORKER], "hybridctl lab up --name mine", meminfo)
    with pytest.raises(HybridctlError, match="wants 3072 MiB of memory, 2816 MiB are available") as caught:
        preflight.check_memory([GATEWAY, GATEWAY, WORKER], "hybridctl lab up --name mine", meminfo)
    assert caught.value.hint.endswith(": hybridctl lab up --name mine --hosts FILE")


def test_instances_of_inotify_are_counted(tmp_path: Path) -> None:
    """Systemd in a host that gets none hangs at boot without a word; what is open already counts."""
    limit = tmp_path / "sys/fs/inotify/max_user_instances"
    limit.parent.mkdir(parents=True)
    limit.write_text("16\n")
    fds = tmp_path / "7/fd"
    fds.mkdir(parents=True)
    for number, target in enumerate(("anon_inode:inotify", "anon_inode:[eventpoll]", "anon_inode:inotify")):
        (fds / str(number)).symlink_to(target)
    preflight.check_inotify([GATEWAY, WORKER], "hybridctl lab up --name mine", tmp_path)
    limit.write_text("15\n")
    with pytest.raises(HybridctlError, match=r"2 more hosts need about 16 .* is 15: they would hang at boot") as caught:
        preflight.check_inotify([GATEWAY, WORKER], "hybridctl lab up --name mine", tmp_path)
    assert caught.value.hint == "sysctl fs.inotify.max_user_instances=512 && hybridctl lab up --name mine"


def test_disk_is_asked_where_it_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder without room is named, with what moves that one; it need not exist yet; workers want more."""
    lab, cache = tmp_path / "lab" / "not" / "there", tmp_path / "cache"
    for small, remedy in ((lab, "cd /big && again"), (cache, "XDG_CACHE_HOME=/big again")):
        small.parent.mkdir(parents=True, exist_ok=True)
        place = next(path for path in (small, *small.parents) if path.exists())
        monkeypatch.setattr(
            shutil, "disk_usage", lambda path, place=place: Usage(0, 0, (4096 if path == place else 10000) * 2**20)
        )
        preflight.check_disk([GATEWAY], lab, cache, "again")
        with pytest.raises(HybridctlError, match=f"{small} has 4096 MiB of disk free") as caught:
            preflight.check_disk([WORKER], lab, cache, "again")
        assert remedy in caught.value.hint


@pytest.mark.parametrize("name", ["a,b", "a:b", "a b", "a\\b", "a%hb", 'a"b', "a\nb", "a$b", "a#b"])
def test_a_path_that_mount_or_ssh_would_misread(name: str) -> None:
    """A comma or colon ends an overlay's option, a space one of ssh: the path is refused with what moves it."""
    good, bad = Path("/srv/a-b_c.d/Größe"), Path("/srv") / name
    preflight.check_paths(good, good, "again")
    with pytest.raises(HybridctlError, match="cannot stand in the path") as caught:
        preflight.check_paths(bad, good, "again")
    assert "cd /plain && again" in caught.value.hint
    with pytest.raises(HybridctlError, match="cannot stand in the path") as caught:
        preflight.check_paths(good, bad, "again")
    assert "XDG_CACHE_HOME=/plain again" in caught.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_an_overlay_is_tried_where_the_hosts_will_stand(tmp_path: Path) -> None:
    """A file system that cannot carry one (here /proc) is told in mount's words; the trial leaves nothing."""
    folder = tmp_path / "not" / "there"
    preflight.check_overlay(folder, "again")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(HybridctlError, match="an overlay cannot be mounted below /proc") as caught:
        preflight.check_overlay(Path("/proc/hybridctl"), "again")
    assert caught.value.hint.endswith("cd /srv && again")


@pytest.mark.parametrize(
    ("switch", "rules", "refused"),
    [
        ("1", "-P FORWARD DROP\n", True),
        ("1", "-P FORWARD DROP\n-A FORWARD -m physdev --physdev-is-bridged -j ACCEPT\n", False),
        ("1", "-P FORWARD ACCEPT\n", False),
        ("0", "-P FORWARD DROP\n", False),
    ],
)
def test_a_packet_filter_in_the_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, switch: str, rules: str, refused: bool
) -> None:
    """Bridged traffic that iptables would drop is told with the rule that lets it pass."""
    path = tmp_path / "bridge-nf-call-iptables"
    path.write_text(f"{switch}\n")
    monkeypatch.setattr(shutil, "which", lambda _: "/sbin/iptables")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, rules, ""))
    if not refused:
        preflight.check_bridged_traffic(path)
        return
    with pytest.raises(HybridctlError, match="FORWARD policy is DROP") as caught:
        preflight.check_bridged_traffic(path)
    assert caught.value.hint.startswith("iptables -I FORWARD")


@pytest.mark.parametrize(
    ("local", "state", "refused"),
    [
        ("00000000:22C4", "0A", True),
        ("00000000:22C4", "01", False),
        ("0100E70A:22C4", "0A", False),
        ("00000000:22C5", "0A", False),
    ],
)
def test_the_mirrors_port(tmp_path: Path, local: str, state: str, refused: bool) -> None:
    """Only a listener on every address is in the way: another lab's mirror is not."""
    table = tmp_path / "tcp"
    table.write_text(f"  sl  local_address rem_address   st\n   0: {local} 00000000:0000 {state} 0 0 0\n")
    tables = {"0" * 8: table, "0" * 32: tmp_path / "tcp6"}
    if not refused:
        mirror.check_port(tables)
        return
    with pytest.raises(HybridctlError, match="port 8900 is taken") as caught:
        mirror.check_port(tables)
    assert "ss -ltnp" in caught.value.hint


def test_no_unified_control_groups(tmp_path: Path) -> None:
    """A machine without cgroup2 is told how to mount it."""
    mounts = tmp_path / "mounts"
    mounts.write_text("cgroup2 /cg cgroup2 rw 0 0\n")
    assert cgroup.cgroup_mount(mounts) == Path("/cg")
    mounts.write_text("proc /proc proc rw 0 0\n")
    with pytest.raises(HybridctlError) as caught:
        cgroup.cgroup_mount(mounts)
    assert caught.value.hint.startswith("mount -t cgroup2")


@pytest.mark.parametrize("check", CHECKS)
def test_up_asks_before_it_creates_anything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check: str) -> None:
    """Each check that fails stops `up` while neither the lab's folder nor the cache exists."""
    for name in CHECKS:
        monkeypatch.setattr(preflight, name, lambda *_: None)

    def fail(*_: object) -> None:
        raise HybridctlError("this machine lacks something")

    def build(*_: object) -> None:
        raise AssertionError(f"{check} was not asked in time")

    monkeypatch.setattr(preflight, check, fail)
    monkeypatch.setattr("hybridctl.lab.rootfs.build_rootfs", build)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lab = Lab("t", tmp_path)
    with pytest.raises(HybridctlError, match="lacks something"):
        lab.up()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "x" * 41, "lab\n"])
def test_a_bad_lab_name_is_refused(name: str) -> None:
    """The name becomes part of a path, so it is letters, digits and dashes."""
    with pytest.raises(InvalidInput, match="bad lab name"):
        Lab(name)
