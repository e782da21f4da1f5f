"""Root file system and mirror: what a build step borrows, what it is held to, and that a killed one ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

from hybridctl.errors import HybridctlError
from hybridctl.lab import rootfs
from hybridctl.lab.container import processes

INDEX = """Package: haproxy
Version: 2.6.12-1+deb12u2
Description: fast
 Version: of another time

Package: chrony
Version: 1:4.3-2
"""


@pytest.mark.parametrize(
    ("wanted", "have"),
    [
        ({"haproxy": "2.6.*", "chrony": "4.3-2"}, None),
        ({"haproxy": "2.8.*"}, "2.6.12-1+deb12u2"),
        ({"haproxy": "2.6.*", "chrony": "4.4*"}, "4.3-2"),
        ({"nginx": "*.*"}, "nothing"),
    ],
)
def test_the_mirror_is_held_to_the_lock(tmp_path: Path, wanted: dict[str, str], have: str | None) -> None:
    """Another version than the lock's, or none, is an error that names both; an epoch does not count."""
    (tmp_path / "Packages").write_text(INDEX)
    if have is None:
        rootfs._hold_to_lock(tmp_path, wanted)
        return
    name, pattern = list(wanted.items())[-1]
    with pytest.raises(HybridctlError) as caught:
        rootfs._hold_to_lock(tmp_path, wanted)
    assert caught.value.message == f"the lock names {name} {pattern}, this machine's apt sources have {have}"
    assert "HYBRIDCTL_LAB_MIRROR" in caught.value.hint


@pytest.mark.parametrize(("lower", "refused"), [("rootfs-1", True), ("rootfs-12", False), ("rootfs-2", False)])
def test_a_root_under_a_running_host_is_not_rebuilt(tmp_path: Path, lower: str, refused: bool) -> None:
    """Only the very folder that is some overlay's lower one."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"hybridctl-x /lab/root overlay rw,lowerdir=/cache/{lower},upperdir=/lab/upper 0 0\n")
    if not refused:
        rootfs._refuse_in_use(Path("/cache/rootfs-1"), mounts)
        return
    with pytest.raises(HybridctlError, match="cannot be rebuilt now") as caught:
        rootfs._refuse_in_use(Path("/cache/rootfs-1"), mounts)
    assert "hybridctl lab down --name NAME" in caught.value.hint


def test_a_build_reaches_what_apt_here_reaches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources, their keys and the proxy are lent; what else this machine's apt is told is not."""
    program = tmp_path / "bin" / "apt-config"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        "echo 'Acquire::http::Proxy \"http://proxy.example:3128\";'\n"
        "echo 'APT::Install-Recommends \"1\";'\n"
        "echo 'Dir::Cache::archives \"/elsewhere\";'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    key = tmp_path / "key.gpg"
    key.write_text("key")
    source = f"deb [signed-by={key}] http://mirror.example/debian bookworm main"
    copy = tmp_path / "copy"
    (copy / "etc/apt").mkdir(parents=True)
    rootfs._lend_apt_settings(copy, [source])
    assert (copy / "etc/apt/sources.list").read_text() == f"{source}\n"
    assert (copy / key.relative_to("/")).read_text() == "key"
    assert (copy / "etc/apt/apt.conf.d/99lab").read_text().splitlines() == [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'APT::Sandbox::User "root";',
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces of this kind need root")
def test_a_step_that_fails_is_told_in_its_own_words() -> None:
    """The end of what it said, with the message and the remedy of the step."""
    with pytest.raises(HybridctlError, match="no mirror:\nE: not found") as caught:
        rootfs._run(["sh", "-c", "echo E: not found >&2; exit 100"], "no mirror", "apt-get update")
    assert caught.value.hint == "apt-get update"


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces of this kind need root")
def test_a_step_ends_with_the_program_that_wanted_it() -> None:
    """`kill -9` of `lab up` in the middle of a build: the build's own processes end too, the deepest of them."""
    seconds = f"3600.{os.getpid()}"
    code = f"from hybridctl.lab.rootfs import _run; _run(['sh', '-c', 'sleep {seconds}; true'], '', '')"
    with subprocess.Popen([sys.executable, "-c", code]) as program:
        until(lambda: bool(_sleepers(seconds)), "it sleeps")
        program.send_signal(signal.SIGKILL)
    until(lambda: not processes(seconds), "nothing of it is left")


def _sleepers(seconds: str) -> list[int]:
    return [pid for pid in processes(f"sleep {seconds} ") if Path(f"/proc/{pid}/comm").read_text() == "sleep\n"]
