"""A plan read as drift: which hosts differ, in what, since when, and which could not be judged."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hybridctl.drift.memory import Drifted, Memory
from hybridctl.errors import ExitCode
from hybridctl.results import RunResult

__all__ = ["DRIFT_SCHEMA", "DriftReport", "HostDrift"]

DRIFT_SCHEMA = 1  # of the JSON document; described by data/drift.schema.json


@dataclass(frozen=True)
class HostDrift:
    """What is known of one host.

    Attributes:
        planned: the check came to the end of the host's tasks; without it `drifted` is not all, and may be from before.
        state: what became of the host in the check.
    """

    name: str
    planned: bool
    state: str
    drifted: tuple[Drifted, ...]


@dataclass(frozen=True)
class DriftReport:
    """A check of drift; every host that was asked for is in it.

    Attributes:
        remark: what to tell about the memory behind it; empty when all is well.
    """

    hosts: tuple[HostDrift, ...]
    result: RunResult
    remark: str = ""

    @classmethod
    def of(cls, result: RunResult, memory: Memory, layers: Iterable[str] = (), remark: str = "") -> "DriftReport":
        """Read the report off a check-mode run that the memory has taken in."""
        asked = (*layers, "preflight") if layers else ()
        hosts = []
        for host in result.hosts:
            known = memory.hosts[host.name]
            drifted = sorted((d for d in known.drifted if not asked or d.layer in asked), key=_order)
            hosts.append(HostDrift(host.name, known.planned, host.state.value, tuple(drifted)))
        return cls(tuple(hosts), result, remark)

    @property
    def exit_code(self) -> ExitCode:
        """The exit status: that of the plan behind it, else whether anything differs."""
        if self.result.exit_code != ExitCode.OK:
            return self.result.exit_code
        return ExitCode.CHANGES_PENDING if any(host.drifted for host in self.hosts) else ExitCode.OK

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        run = self.result.document
        return {
            "schema": DRIFT_SCHEMA,
            **{key: run[key] for key in ("id", "site", "limit", "layers", "asked", "message")},
            "checked": run["started"],
            "exit_code": int(self.exit_code),
            "remark": self.remark,
            "hosts": [
                {
                    "name": host.name,
                    "planned": host.planned,
                    "state": host.state,
                    "resources": [drifted.document() for drifted in host.drifted],
                }
                for host in self.hosts
            ],
        }


def _order(drifted: Drifted) -> tuple[Any, ...]:
    """Order: the oldest first."""
    return drifted.since, *drifted.key
