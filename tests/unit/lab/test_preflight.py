"""What this machine must have for a lab, each lack told with its remedy before anything is created."""

import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.lab import cgroup, mirror, preflight
from hybridctl.lab.fleet import Lab
from hybridctl.lab.spec import LabHost

GATEWAY = LabHost("gw1", ("gateway",), memory=256)
WORKER = LabHost("cpu1", ("vllm_cpu",), memory=2560)
Usage = namedtuple("Usage", "total used free")


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root the error says how to get it."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(HybridctlError, match="needs root") as caught:
        preflight.check_root()
    assert caught.value.hint == "sudo hybridctl lab up"


def test_missing_commands_name_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every missing command is listed, with one apt-get line that brings them all."""
    monkeypatch.setattr(shutil, "which", lambda tool: None if tool in ("systemd-nspawn", "mmdebstrap") else "/bin/x")
    with pytest.raises(HybridctlError) as caught:
        preflight.check_tools()
    assert caught.value.message == "not installed: mmdebstrap, systemd-nspawn"
    assert caught.value.hint == "apt-get install -y mmdebstrap systemd-container"


def test_memory_is_summed_over_the_fleet(tmp_path: Path) -> None:
    """A fleet that wants more than is available is refused with both numbers; one that fits is not."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  9000000 kB\nMemAvailable:  2883584 kB\n")  # 2816 MiB
    preflight.check_memory([GATEWAY, WORKER], meminfo)
    with pytest.raises(HybridctlError, match="wants 3072 MiB of memory, 2816 MiB are available") as caught:
        preflight.check_memory([GATEWAY, GATEWAY, WORKER], meminfo)
    assert "--hosts FILE" in caught.value.hint


def test_disk_is_asked_where_it_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder without room is named, also when it does not exist yet; workers want more."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 4096 * 2**20))
    folder = tmp_path / "not" / "there"
    preflight.check_disk([GATEWAY], [folder])
    with pytest.raises(HybridctlError, match=f"{folder} has 4096 MiB of disk free") as caught:
        preflight.check_disk([WORKER], [folder])
    assert "XDG_CACHE_HOME" in caught.value.hint


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


@pytest.mark.parametrize("check", ["check_root", "check_tools", "check_bridged_traffic", "check_memory", "check_disk"])
def test_up_asks_before_it_creates_anything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, check: str) -> None:
    """Each check that fails stops `up` while neither the lab's folder nor the cache exists."""
    for name in ("check_root", "check_tools", "check_bridged_traffic", "check_memory", "check_disk"):
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
