"""A host as a systemd-nspawn container: an overlay over the shared root, a real systemd in its own namespaces.

Everything that runs or is mounted is found again by the host's own names, so that `down` needs no record of what an
interrupted `up` had done.
"""

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hybridctl.lab import commands
from hybridctl.lab.cgroup import cgroup_mount, kill_all, members, remove_tree

__all__ = ["Container", "processes", "unmount_below"]

_NSPAWN = Path("/run/systemd/nspawn")

# nspawn exits 133 when the host asked for a reboot. Each boot gets a control group of its own below the host's:
# a group that nspawn has once divided takes no processes any more.
_POWER = """
group=$1; shift; boot=0
echo 0 >"$group/cgroup.procs"
while boot=$((boot + 1)); mkdir "$group/$boot"
      sh -c 'echo 0 >"$0/cgroup.procs"; exec "$@"' "$group/$boot" "$@"; [ $? = 133 ]
do :; done
"""


@dataclass(frozen=True)
class Container:
    """One host of a lab; another kind of host would offer the same methods.

    Attributes:
        machine: name of the container, unique on this machine; at most 64 characters.
        folder: holds the overlay's parts and the console log.
        lower: the shared root file system.
        bridge: the link it is plugged into.
    """

    machine: str
    folder: Path
    lower: Path
    bridge: str

    @property
    def root(self) -> Path:
        """The host's root file system as this machine sees it while it is mounted."""
        return self.folder / "root"

    @property
    def group(self) -> Path:
        """The control group that holds all of the host's processes."""
        return cgroup_mount() / self.machine

    def mount(self) -> None:
        """Mount the overlay, if it is not mounted."""
        if os.path.ismount(self.root):
            return
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        options = f"lowerdir={self.lower},upperdir={self.folder}/upper,workdir={self.folder}/work"
        commands.run(
            ["mount", "-t", "overlay", f"hybridctl-{self.machine}", "-o", options, str(self.root)],
            f"the overlay of lab host {self.machine} could not be mounted on {self.root}",
            "see what the kernel says of it: dmesg | tail",
        )

    def start(self) -> None:
        """Boot the host; does nothing when it runs. It boots again after a `reboot` inside."""
        if self.pids():
            return
        self.mount()
        remove_tree(self.group)
        self.group.mkdir()
        nspawn = [
            *("systemd-nspawn", "--quiet", "--settings=no", "--register=no", "--keep-unit", "--link-journal=no"),
            *("--boot", f"--directory={self.root}", f"--network-bridge={self.bridge}", "--console=pipe"),
            f"--machine={self.machine}",
        ]
        with (self.folder / "console.log").open("ab") as log:
            subprocess.Popen(
                ["sh", "-c", _POWER, "sh", str(self.group), *nspawn],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                cwd="/",
            )

    def pids(self) -> list[int]:
        """Return all processes of the host, in and around it.

        The command line finds what has not reached its control group yet; the group finds the host's own processes,
        which outlive an nspawn that was killed.
        """
        return sorted({*processes(f"--machine={self.machine} "), *members(self.group)})

    def pid(self) -> int | None:
        """Return the process that holds the host, its lowest one on this machine."""
        return min(self.pids(), default=None)

    def kill(self) -> None:
        """Take the power away: nothing in the host is asked. Its network link goes with it."""
        kill_all(self.pids, f"lab host {self.machine}")
        # nspawn makes the link under this name, shortened, with the whole name as an alternative one. The kernel
        # frees it some time after the last process, and a start before that would find it taken.
        subprocess.run(["ip", "link", "delete", f"vb-{self.machine}"], capture_output=True, check=False)
        remove_tree(self.group)
        # What nspawn would have removed itself, had it not been killed: its lock on the root's device and inode, and
        # folders under the host's name. From systemd 256 on one of them holds a mount, and a start refuses to find it.
        with suppress(OSError):
            root = self.root.stat()
            (_NSPAWN / "locks" / f"inode-{root.st_dev}:{root.st_ino}").unlink()
        for folder in (_NSPAWN / "propagate" / self.machine, _NSPAWN / "unix-export" / self.machine):
            unmount_below(folder)
            shutil.rmtree(folder, ignore_errors=True)

    def clean(self) -> None:
        """Kill the host and unmount its root."""
        self.kill()
        unmount_below(self.folder)


def processes(needle: str) -> list[int]:
    """Return the processes with `needle` in their command line, its words joined by spaces."""
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


def unmount_below(folder: Path) -> None:
    """Unmount everything mounted in `folder`, deepest first."""
    # /proc/mounts writes a space in a path as \\040.
    text = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    mounts = [line.split()[1].replace("\\040", " ") for line in text.splitlines()]
    for point in sorted((m for m in mounts if Path(m).is_relative_to(folder)), key=len, reverse=True):
        commands.run(["umount", "--lazy", point], f"{point} could not be unmounted", f"umount {point}")
