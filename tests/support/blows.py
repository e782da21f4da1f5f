"""What strikes a lab host in the middle of a provision: frozen at a chosen moment, hit, let go."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from lab_site import BIN
from waiting import until

from hybridctl.lab.cgroup import cgroup_mount, members
from hybridctl.lab.container import unmount_below
from hybridctl.lab.fleet import Lab

__all__ = ["Victim"]


class Victim:
    """One host of a lab.

    Its disk can be put back to what it was at a former moment, and can be made small, so that it can be filled without
    filling this machine's.
    """

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.folder = lab.folder / "hosts" / name

    def power(self, what: str) -> None:
        """Cut the power (`off`) or give it back (`on`); returns when that is done, when SSH answers."""
        # By the command: what it starts is no child of the tests, which would have to wait for it.
        argv = [BIN / "hybridctl", "lab", f"power{what}", "--name", self.lab.name, self.name]
        subprocess.run(argv, cwd=self.lab.folder.parents[2], capture_output=True, check=True)

    def keep(self) -> None:
        """Keep a copy of the disk as it is."""
        self.power("off")
        _copy(self.folder / "upper", self.folder / "kept")
        self.power("on")

    def put_back(self, size: str | None = None) -> None:
        """Have the kept disk again, and the host up on it.

        Args:
            size: of the disk, in the words of tmpfs(5); None leaves it as large as this machine's.
        """
        self.power("off")
        unmount_below(self.folder)
        for part in ("upper", "work"):
            with suppress(FileNotFoundError):
                (os.unlink if (self.folder / part).is_symlink() else shutil.rmtree)(self.folder / part)
        disk = self.folder
        if size:
            disk = self.folder / "disk"
            disk.mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=True)
            (disk / "work").mkdir()
            for part in ("upper", "work"):
                (self.folder / part).symlink_to(disk / part)
        _copy(self.folder / "kept", disk / "upper")
        self.power("on")

    def pids(self, *needles: str) -> list[int]:
        """Return the host's processes whose command lines hold all of `needles`."""
        found = []
        for pid in members(cgroup_mount() / f"{self.lab.id}-{self.name}"):
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if all(needle in command for needle in needles):
                    found.append(pid)
        return found

    def kill(self, *needles: str) -> int:
        """Kill those processes; return how many there were."""
        pids = self.pids(*needles)
        _signal(pids, signal.SIGKILL)
        return len(pids)

    def freeze_dpkg(self, unpacked: str) -> list[int]:
        """Stop dpkg when a file is unpacked and not yet in place; return what `thaw` takes.

        dpkg goes from one file to the next in milliseconds: it is led there step by step.

        Args:
            unpacked: the file, relative to the root.
        """
        half = self.folder / "upper" / f"{unpacked}.dpkg-new"
        stopped: list[int] = []

        def there() -> bool:
            stopped[:] = self.pids("dpkg ", "--unpack")
            _signal(stopped, signal.SIGSTOP)
            return bool(stopped)

        until(there, f"dpkg unpacks on {self.name}")
        while not half.exists():
            self.thaw(stopped)
            time.sleep(0.001)  # one step
            _signal(stopped, signal.SIGSTOP)
            assert Path(f"/proc/{stopped[0]}/cmdline").exists(), f"dpkg on {self.name} ended before it was stopped"
        return stopped

    def thaw(self, pids: list[int]) -> None:
        """Let them go on."""
        _signal(pids, signal.SIGCONT)

    def reboot(self) -> None:
        """Cut the power and give it back; returns when SSH answers."""
        self.power("off")
        self.power("on")

    def fill_disk(self) -> None:
        """Take all that is free on a small disk, from beside the host's files."""
        with suppress(OSError), (self.folder / "disk" / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free_disk(self) -> None:
        """Give it back."""
        (self.folder / "disk" / "ballast").unlink()

    def network(self, up: bool) -> None:
        """Plug the network cable in or out."""
        link = f"vb-{self.lab.id}-{self.name}"
        subprocess.run(["ip", "link", "set", "dev", link, "up" if up else "down"], check=True)


def _copy(source: Path, target: Path) -> None:
    """Copy a tree with owners, times, devices (overlay's whiteouts) and its extended attributes."""
    subprocess.run(["cp", "-a", "--no-target-directory", source, target], check=True)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
