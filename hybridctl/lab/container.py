"""A host as a systemd-nspawn container: an overlay over the shared root, a real systemd in its own namespaces.

Everything that runs or is mounted is found again by the lab's own names, so that `down` needs no record of what an
interrupted `up` had done.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Container", "kill_processes", "processes", "unmount_below"]


@dataclass(frozen=True)
class Container:
    """One host of a lab.

    Attributes:
        machine: name of the container, unique on this machine; at most 64 characters.
        folder: holds the overlay's parts and the console log.
    """

    machine: str
    folder: Path
    lower: Path
    bridge: str

    @property
    def root(self) -> Path:
        """The host's root file system as this machine sees it while it is mounted."""
        return self.folder / "root"

    def mount(self) -> None:
        """Mount the overlay, if it is not mounted."""
        if os.path.ismount(self.root):
            return
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        options = f"lowerdir={self.lower},upperdir={self.folder}/upper,workdir={self.folder}/work"
        subprocess.run(["mount", "-t", "overlay", f"hybridctl-{self.machine}", "-o", options, self.root], check=True)

    def start(self) -> None:
        """Boot the host; does nothing when it runs. It boots again after `reboot` (nspawn then exits 133)."""
        if self.pids():
            return
        self.mount()
        nspawn = (
            f"systemd-nspawn --quiet --register=no --keep-unit --boot --directory={self.root}"
            f" --network-bridge={self.bridge} --machine={self.machine} --console=pipe"
        )
        with (self.folder / "console.log").open("ab") as log:
            subprocess.Popen(
                ["sh", "-c", f"while {nspawn}; [ $? = 133 ]; do :; done"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                cwd="/",
            )

    def pids(self) -> list[int]:
        """Return the processes that hold the host: the restarting shell and nspawn."""
        return processes(f"--machine={self.machine} ")

    def kill(self) -> None:
        """Take the power away: nothing in the host is asked. Its network link goes with it."""
        kill_processes(self.pids)
        # nspawn makes the link under this name, shortened, with the whole name as an alternative one. The kernel
        # frees it some time after the last process, and a start before that would find it taken.
        link = f"vb-{self.machine}"
        subprocess.run(["ip", "link", "delete", link], capture_output=True, check=False)
        shutil.rmtree(f"/run/systemd/nspawn/propagate/{self.machine}", ignore_errors=True)

    def clean(self) -> None:
        """Kill the host and unmount its root."""
        self.kill()
        unmount_below(self.folder)


def processes(needle: str) -> list[int]:
    """Return the processes with `needle` in their command line, parents before children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it ended meanwhile
            if needle in command:
                found.append(int(entry.name))
    return sorted(found)


def kill_processes(find: Callable[[], list[int]], patience: float = 20) -> None:
    """Kill what `find` returns, with the children of each, until it returns nothing; patience in seconds."""
    deadline = time.monotonic() + patience
    while pids := find():
        # Children are read before anything is killed: a dead nspawn no longer tells which PID 1 was its own.
        for target in [*pids, *(child for pid in pids for child in _children(pid))]:
            with suppress(ProcessLookupError):
                os.kill(target, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {pids} do not end")
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    """Return the direct children of a process; nspawn's child is the host's PID 1, whose end ends all in there."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def unmount_below(folder: Path) -> None:
    """Unmount everything mounted in `folder`, deepest first."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in sorted((m for m in mounts if Path(m).is_relative_to(folder)), key=len, reverse=True):
        subprocess.run(["umount", "--lazy", point], check=True)
