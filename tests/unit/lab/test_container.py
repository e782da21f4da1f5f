"""What a killed nspawn leaves below /run, and what is mounted there, goes with the host's power."""

import os
import subprocess
from pathlib import Path

import pytest

from hybridctl.lab import container
from hybridctl.lab.container import Container


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Container:
    """A host that does not run, with control groups and nspawn's folder of its own."""
    monkeypatch.setattr(container, "_NSPAWN", tmp_path / "nspawn")
    monkeypatch.setattr(container, "cgroup_mount", lambda: tmp_path / "cgroup")
    host = Container("hybtest00-gw1", tmp_path / "hosts/gw1", tmp_path / "lower", "hybtest00")
    host.root.mkdir(parents=True)
    return host


def test_the_traces_of_a_killed_nspawn_are_removed(host: Container, tmp_path: Path) -> None:
    """Its lock and its folders go; those of other hosts stay."""
    root = host.root.stat()
    mine = [tmp_path / f"nspawn/locks/inode-{root.st_dev}:{root.st_ino}"]
    mine += [tmp_path / f"nspawn/{kind}/hybtest00-gw1/socket" for kind in ("propagate", "unix-export")]
    others = [tmp_path / "nspawn/locks/inode-1:2", tmp_path / "nspawn/unix-export/hybtest00-gw10/socket"]
    for path in (*mine, *others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    host.kill()
    left = sorted(path for path in (tmp_path / "nspawn").rglob("*") if path.is_file())
    assert sorted(others) == left
    assert not (tmp_path / "nspawn/unix-export/hybtest00-gw1").exists()
    host.kill()  # nothing there: nothing happens


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_what_is_mounted_for_the_host_is_unmounted(host: Container, tmp_path: Path) -> None:
    """systemd 256 mounts a tmpfs where the host's sockets appear, and refuses one that is there at the next start."""
    export = tmp_path / "nspawn/unix-export/hybtest00-gw1"
    export.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", export], check=True)
    try:
        host.kill()
        assert str(export) not in Path("/proc/mounts").read_text()
        assert not export.exists()
    finally:
        subprocess.run(["umount", "--quiet", export], check=False)
