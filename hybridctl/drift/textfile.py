"""Drift as metrics for Prometheus."""

from collections import Counter

from hybridctl.drift.memory import Drifted, HostMemory, Memory
from hybridctl.textfile import Gauges

__all__ = ["MOST_NAMED", "metrics"]

MOST_NAMED = 200  # resources of a host with a series of their own; all of them are counted
# Present with 0 on a host that was judged, so that an alert resolves; others appear when they are seen.
KINDS = ("command", "directory", "file", "group", "link", "package", "unit", "user")
_MEANING = {
    "resources": "Resources of the host that differ from what the site says, by kind.",
    "first_seen_timestamp_seconds": f"Start of the first check that saw it so; the oldest {MOST_NAMED} of a host.",
    "unnamed_resources": f"Resources that differ beyond the {MOST_NAMED} of a host that are named.",
    "host_planned": "Whether the host's last check came to its end; with 0 the others are partial or from before.",
    "last_check_timestamp_seconds": "Start of the last check.",
}


def metrics(site: str, memory: Memory, inventory: str = "") -> str:
    """Return the metrics of all hosts in the memory as text.

    Args:
        inventory: a label of all of them, where it is not the site's default one.
    """
    gauges = Gauges("hybridctl_drift_", _MEANING, site=site, **({"inventory": inventory} if inventory else {}))
    for host, known in memory.hosts.items():
        gauges.add("host_planned", int(known.planned), host=host)
        _count(gauges, host, known)
        oldest = sorted(known.drifted, key=_oldest)
        for one in oldest[:MOST_NAMED]:
            labels = {"kind": one.kind, "name": one.name, "action": one.action}
            gauges.add("first_seen_timestamp_seconds", int(one.since.timestamp()), host=host, **labels)
        if len(oldest) > MOST_NAMED:
            gauges.add("unnamed_resources", len(oldest) - MOST_NAMED, host=host)
    if memory.checked:
        gauges.add("last_check_timestamp_seconds", int(memory.checked.timestamp()))
    return gauges.text()


def _count(gauges: Gauges, host: str, known: HostMemory) -> None:
    counted = Counter(drifted.kind for drifted in known.drifted)
    # A host that could not be judged has no zero: that would be a verdict.
    for kind in sorted({*counted, *(KINDS if known.planned else ())}):
        gauges.add("resources", counted[kind], host=host, kind=kind)


def _oldest(drifted: Drifted) -> tuple[object, ...]:
    return drifted.since, *drifted.key
