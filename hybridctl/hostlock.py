"""The lock on each host: who holds it, which hosts hold ours, which locks of others may be broken.

The lock itself is `data/hostlock.sh`, run by one task at the start of the site's playbook and one at its end; hosts
that never come to the end are unlocked by that last playbook alone.
"""

import os
import re
import socket
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hybridctl.events import Event, EventKind, Outcomes
from hybridctl.processes import processes_with, started
from hybridctl.results import who
from hybridctl.runner import MARK

__all__ = ["FOLDER", "GIVE_BACK", "TAKE", "Locks", "Owner", "breakable", "look"]

FOLDER = "/run/hybridctl"
# Names of the tasks in playbooks/host_lock.yml and host_unlock.yml; a test compares them.
TAKE, GIVE_BACK = "Take the lock of the host", "Give the lock of the host back"

_OWNER = re.compile(
    r"(?P<name>\S+)@(?P<control>\S+) since (?P<since>\S+) "
    r"\(run (?P<run>\S+), pid (?P<pid>[0-9]+), started (?P<started>[0-9]+), boot (?P<boot>\w+)\)"
)


@dataclass(frozen=True)
class Owner:
    """Who holds a lock.

    Attributes:
        control: host name of the control node.
        since: ISO 8601, UTC.
        started: of the process, clock ticks after boot; with it a number that is used again is told apart.
        boot: of the control node's kernel; two machines of the same name differ in it.
    """

    name: str
    control: str
    since: str
    run: str
    pid: int
    started: int
    boot: str

    @classmethod
    def ourselves(cls, run: str) -> "Owner":
        """Return this process as the owner of the locks of a run."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(
            who().replace(" ", "-"), socket.gethostname(), since, run, os.getpid(), started(os.getpid()) or 0, _boot()
        )

    @classmethod
    def parse(cls, text: str) -> "Owner | None":
        """Return the owner that a message names, None when it names none."""
        found = _OWNER.search(text)
        if not found:
            return None
        part = found.groupdict()
        return cls(
            part["name"], part["control"], part["since"], part["run"], int(part["pid"]), int(part["started"]),
            part["boot"],
        )  # fmt: skip

    @property
    def is_here(self) -> bool:
        """Whether its process is or was one of this machine, since it was booted."""
        return self.control == socket.gethostname() and self.boot == _boot()

    @property
    def is_alive(self) -> bool:
        """Whether its process runs, or what that started and left behind; meaningful only where it `is_here`."""
        return started(self.pid) == self.started or bool(processes_with(f"{MARK}={self.run}"))

    def __str__(self) -> str:
        return (
            f"{self.name}@{self.control} since {self.since} "
            f"(run {self.run}, pid {self.pid}, started {self.started}, boot {self.boot})"
        )


@dataclass
class Locks:
    """The locks of one run: an observer that knows which hosts hold one.

    Attributes:
        held: hosts that hold it, or may: an interrupted task tells nothing.
    """

    owner: Owner
    held: dict[str, None] = field(default_factory=dict)

    def __call__(self, event: Event, _outcomes: Outcomes) -> None:
        """Follow the two tasks."""
        if event.task == TAKE:
            if event.kind in (EventKind.START, EventKind.OK, EventKind.UNREACHABLE):
                self.held[event.host] = None
            elif event.kind in (EventKind.FAILED, EventKind.SKIPPED):
                self.held.pop(event.host, None)
        elif event.task == GIVE_BACK and event.kind is EventKind.OK:
            self.held.pop(event.host, None)

    def take(self, broken: Mapping[str, Owner] | None = None) -> dict[str, Any]:
        """Return the variable with which the playbook takes the locks.

        Args:
            broken: locks of others that may be broken, by host.
        """
        return _variable("take", str(self.owner), {host: str(owner) for host, owner in (broken or {}).items()})

    def refused(self, hosts: Iterable[str], outcomes: Outcomes) -> dict[str, Owner]:
        """Return those of `hosts` that somebody else holds, with the owner."""
        found = {}
        for host in hosts:
            for failure in outcomes.hosts[host].failures:
                owner = Owner.parse(failure.message) if failure.task == TAKE else None
                if owner is not None:
                    found[host] = owner
        return found


def look() -> dict[str, Any]:
    """Return the variable with which the playbook only tells of locks."""
    return _variable("look", "nobody", {})


def breakable(
    refused: Mapping[str, Owner], break_locks: bool, ask: Callable[[str], bool] | None, resumes: Container[str] = ()
) -> dict[str, Owner]:
    """Return the locks that may be broken.

    The lock of a process that lives, or whose ansible-playbook does, is never broken. That of a dead process of this
    machine is, when the user agrees, or goes on with that very run. Of a process on another control node nobody here
    can tell: it takes the option.

    Args:
        break_locks: the user asked for it from the start.
        ask: asks a question of yes or no; None when nobody is there to answer.
        resumes: the runs that the user goes on with.
    """
    found: dict[str, Owner] = {}
    for owner in dict.fromkeys(refused.values()):
        hosts = [host for host, other in refused.items() if other == owner]
        if owner.is_here and owner.is_alive:
            continue
        agreed = break_locks or (owner.is_here and owner.run in resumes)
        if not agreed and owner.is_here and ask is not None:
            agreed = ask(f"Break the lock of {owner}, whose process is dead, on {', '.join(hosts)}?")
        if agreed:
            found |= dict.fromkeys(hosts, owner)
    return found


def _variable(action: str, owner: str, broken: Mapping[str, str]) -> dict[str, Any]:
    script = (Path(__file__).parent / "data" / "hostlock.sh").read_text(encoding="utf-8")
    return {
        "hybridctl_lock": {
            "action": action,
            "folder": FOLDER,
            "owner": owner,
            "broken": dict(broken),
            "script": script,
        }
    }


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").replace("-", "")[:12]
    except OSError:
        return "unknown"
