"""Drift for the terminal: a line for each host that differs or could not be judged, what differs below it."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from hybridctl.drift.check import DriftReport, HostDrift
from hybridctl.drift.memory import Drifted

__all__ = ["drift_lines"]


def drift_lines(report: DriftReport) -> Iterator[str]:
    """Yield the report line by line; the last one counts the hosts without drift."""
    clean = 0
    for host in report.hosts:
        if not host.planned:
            known = f"; known to differ before it ended: {_counted(host)}" if host.drifted else ""
            yield f"{host.name}: unknown, could not be planned ({host.state}){known}"
        elif host.drifted:
            yield f"{host.name}: {_counted(host)}"
        else:
            clean += 1
        for drifted in host.drifted:
            yield f"  {_line(drifted)}"
    if clean:
        yield f"no drift on {clean} host{'s' * (clean != 1)}"


def _counted(host: HostDrift) -> str:
    """Return `3 files, 1 unit differ since Tue 2026-11-24 03:00 UTC`."""
    kinds = Counter(drifted.kind for drifted in host.drifted)
    numbers = ", ".join(f"{number} {_plural(kind, number)}" for kind, number in sorted(kinds.items()))
    differ = "differs" if len(host.drifted) == 1 else "differ"
    return f"{numbers} {differ} since {_when(min(drifted.since for drifted in host.drifted))}"


def _line(drifted: Drifted) -> str:
    why = f": {drifted.why}" if drifted.why else ""
    line = f"{drifted.kind} {drifted.name}  to {drifted.action}{why}, since {_when(drifted.since)}"
    # A path may hold a line feed, and must not look like a line of ours.
    return line.replace("\n", "\\n")


def _plural(kind: str, number: int) -> str:
    if number == 1:
        return kind
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def _when(time: datetime) -> str:
    return f"{time:%a %Y-%m-%d %H:%M} UTC"
