"""What a run came to: a state for every host that was asked for, an exit code, the content of result.json."""

import getpass
import importlib.metadata
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from hybridctl import __version__
from hybridctl.errors import ExitCode, InvalidInput
from hybridctl.events import HostOutcome, HostState, Outcomes
from hybridctl.inventory import Inventory
from hybridctl.runner import PlayResult, PlayStatus

__all__ = ["RUN_SCHEMA", "Batch", "BatchStatus", "RunFacts", "RunResult", "expected_hosts", "verdict", "who"]

RUN_SCHEMA = 1  # of result.json; described by data/run-result.schema.json


class BatchStatus(StrEnum):
    """What became of a batch."""

    WAITING = "waiting"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"  # at least one of its hosts is not ok
    INTERRUPTED = "interrupted"
    NOT_STARTED = "not started"


@dataclass
class Batch:
    """Hosts of a run that are worked on together.

    Attributes:
        number: counted from 1.
        seconds: from its start to the end of its playbook; hooks not included.
    """

    number: int
    hosts: tuple[str, ...]
    status: BatchStatus = BatchStatus.WAITING
    started: datetime | None = None
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "number": self.number,
            "hosts": list(self.hosts),
            "status": self.status.value,
            "started": self.started and self.started.isoformat(timespec="seconds"),
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run before its first event.

    Attributes:
        command: `provision` or `plan`.
        roles: only these; empty means all.
        batches: all of them, in their order; their states follow the run.
        rollout: the options of batches, budget, window and hooks, redacted.
        resumes: the run that this one goes on with.
        inventory: a path from the site's folder.
    """

    id: str
    command: str
    site: str
    started: datetime
    check: bool
    limit: str | None
    layers: tuple[str, ...]
    batches: Sequence[Batch]
    roles: tuple[str, ...] = ()
    forks: int = 20
    rollout: Mapping[str, Any] = field(default_factory=dict)
    resumes: str | None = None
    inventory: str = ""

    def document(self, status: str = "running") -> dict[str, Any]:
        """Return the beginning of result.json, which stands alone while the run goes on."""
        return {
            "schema": RUN_SCHEMA,
            "id": self.id,
            "command": self.command,
            "site": self.site,
            "inventory": self.inventory,
            "who": who(),
            "status": status,
            "check": self.check,
            "limit": self.limit,
            "layers": list(self.layers),
            "roles": list(self.roles),
            "forks": self.forks,
            "rollout": dict(self.rollout),
            "resumes": self.resumes,
            "versions": {"hybridctl": __version__, "ansible": importlib.metadata.version("ansible-core")},
            "started": self.started.isoformat(timespec="seconds"),
            "asked": sum(len(batch.hosts) for batch in self.batches),
            "batches": [batch.document() for batch in self.batches],
        }


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes:
        path: the folder of its record.
        document: the content of result.json.
        message: what to tell beside the hosts; empty when all is well.
        remarks: what to know beside that, such as a screen that could not be written.
    """

    path: Path
    exit_code: ExitCode
    hosts: tuple[HostOutcome, ...]
    document: dict[str, Any]
    message: str = ""
    remarks: tuple[str, ...] = ()

    @classmethod
    def build(
        cls,
        facts: RunFacts,
        path: Path,
        ended: PlayResult,
        outcomes: Outcomes,
        finished: datetime,
        stopped: str = "",
        remarks: Sequence[str] = (),
    ) -> "RunResult":
        """Judge a run whose outcomes have got their final states.

        Args:
            stopped: why the run ended before its time, empty when it did not.
            remarks: what else the user should know.
        """
        hosts = tuple(outcomes.hosts.values())
        status, code, message = verdict(ended, hosts, outcomes, stopped)
        document = {
            **facts.document(status),
            "finished": finished.isoformat(timespec="seconds"),
            "seconds": round((finished - facts.started).total_seconds(), 1),
            "exit_code": int(code),
            "message": message,
            "remarks": list(dict.fromkeys(remarks)),
            "tasks": outcomes.tasks,
            "judged": sum(host.state not in _NOT_JUDGED for host in hosts),
            "hosts": [_host(host) for host in hosts],
        }
        return cls(path, code, hosts, document, message, tuple(document["remarks"]))

    def named(self, *states: HostState) -> list[str]:
        """Return the names of the hosts in one of these states."""
        return [host.name for host in self.hosts if host.state in states]


_LOST = (HostState.UNFINISHED, HostState.NOT_CONTACTED)
_NOT_JUDGED = (*_LOST, HostState.NOT_STARTED)


def verdict(
    ended: PlayResult, hosts: Sequence[HostOutcome], outcomes: Outcomes, stopped: str = ""
) -> tuple[str, ExitCode, str]:
    """Return status, exit code and message; a failed host weighs more than an unreachable one.

    A run that was stopped before its last batch is never ok, though all of its hosts may be.
    """
    states = {host.state for host in hosts}
    missing = [host.name for host in hosts if host.state in _LOST]
    stopped = _stopped(hosts, stopped)
    match ended.status:
        case PlayStatus.CANCELLED:
            status, code, message = "interrupted", ExitCode.INTERRUPTED, _interrupted(hosts, outcomes)
        case PlayStatus.NO_HOSTS:
            status, code, message = "broken", ExitCode.USAGE, "no host matched any play: nothing was done"
        case PlayStatus.BROKEN if HostState.FAILED not in states:
            status, code, message = "broken", ExitCode.ERROR, ended.message
        case _ if HostState.FAILED in states or (missing and HostState.UNREACHABLE not in states):
            status, code, message = "failed", ExitCode.HOST_FAILED, ended.message
        case _ if stopped:
            status, code, message = "stopped", ExitCode.HOST_FAILED, ""
        case _ if HostState.UNREACHABLE in states:
            status, code, message = "unreachable", ExitCode.HOST_UNREACHABLE, ""
        case _:
            return "ok", ExitCode.OK, ""
    if missing and ended.status is not PlayStatus.CANCELLED:
        message = f"{message}\nnever finished or never contacted: {', '.join(missing)}".strip()
    return status, code, f"{message}\n{stopped}".strip()


def _stopped(hosts: Sequence[HostOutcome], reason: str) -> str:
    count = sum(host.state is HostState.NOT_STARTED for host in hosts)
    were = f"{count} of {len(hosts)} hosts were not started: " if count else ""
    return were + reason if reason else ""


def expected_hosts(inventory: Inventory, outcomes: Outcomes, asked: Sequence[str], layers: Sequence[str]) -> set[str]:
    """Return the hosts of those asked for that a play of this run names."""
    if not outcomes.patterns:
        # The play broke before its first event and judged nobody.
        return set(asked)
    named: set[str] = set()
    for layer, pattern in outcomes.patterns:
        if pattern and (not layers or layer in layers):
            named.update(_matching(inventory, pattern))
    return named & set(asked)


def _matching(inventory: Inventory, pattern: str) -> set[str]:
    """Return the hosts of a play's pattern; a group that the site does not have is no error in a play."""
    try:
        return {host.name for host in inventory.select(pattern)}
    except InvalidInput:
        names: set[str] = set()
    for part in pattern.replace(",", ":").split(":"):
        try:
            names.update(host.name for host in inventory.select(part))
        except InvalidInput:
            continue
    return names


def _interrupted(hosts: Sequence[HostOutcome], outcomes: Outcomes) -> str:
    done = sum(host.ok > 0 for host in hosts)
    return (
        f"interrupted in layer {outcomes.layer or 'none'}: {outcomes.tasks} tasks were done, on {done} of {len(hosts)} "
        "hosts; nothing is rolled back, provision again to go on"
    )


def who() -> str:
    """Return the person: behind sudo, the one who called it."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _host(host: HostOutcome) -> dict[str, Any]:
    document = asdict(host)
    for working in ("layer", "task"):
        del document[working]
    changes = [change.as_dict() for change in host.changes]
    return {**document, "state": host.state.value, "seconds": host.seconds, "changes": changes}
