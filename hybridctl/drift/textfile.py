"""Drift as metrics, in a file for node_exporter's textfile collector.

The text format is Prometheus' exposition format 0.0.4. It is written by hand: a few gauges, one escape rule, and
nothing of a client library's registry would be used.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hybridctl.atomic import write_whole
from hybridctl.drift.memory import Drifted, HostMemory, Memory
from hybridctl.errors import HybridctlError, InvalidInput

__all__ = ["MOST_NAMED", "check_target", "metrics", "write_textfile"]

MOST_NAMED = 200  # resources of a host with a series of their own; all of them are counted
# Present with 0 on a host that was judged, so that an alert resolves; others appear when they are seen.
KINDS = ("command", "directory", "file", "group", "link", "package", "unit", "user")
_PREFIX = "hybridctl_drift_"
_HELP = {
    "resources": "Resources of the host that differ from what the site says, by kind.",
    "first_seen_timestamp_seconds": f"Start of the first check that saw it so; the oldest {MOST_NAMED} of a host.",
    "unnamed_resources": f"Resources that differ beyond the {MOST_NAMED} of a host that are named.",
    "host_planned": "Whether the host's last check came to its end; with 0 the others are partial or from before.",
    "last_check_timestamp_seconds": "Start of the last check.",
}


def check_target(path: Path) -> None:
    """Refuse a file that could not be written, or that node_exporter would not read, before any host is asked.

    Raises:
        InvalidInput: it is one.
    """
    if path.suffix != ".prom":
        raise InvalidInput(
            f"--textfile {path}: node_exporter reads *.prom only", f"name it {path.with_suffix('.prom').name}"
        )
    folder = path.absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidInput(
            f"--textfile {path}: the folder {folder} is not there or not writable",
            "name a file in the folder that node_exporter's --collector.textfile.directory names",
        )


def write_textfile(path: Path, site: str, memory: Memory) -> None:
    """Write the metrics of all hosts in the memory, in one step, readable by everybody.

    Raises:
        HybridctlError: the file cannot be written.
    """
    try:
        write_whole(path, metrics(site, memory), 0o644)
    except OSError as error:
        raise HybridctlError(
            f"--textfile {path}: cannot be written: {error.strerror}", "make it writable or free some space"
        ) from error


def metrics(site: str, memory: Memory) -> str:
    """Return the metrics as text."""
    samples: dict[str, list[str]] = {name: [] for name in _HELP}
    for host, known in memory.hosts.items():
        samples["host_planned"].append(_sample("host_planned", int(known.planned), site=site, host=host))
        samples["resources"] += _counts(site, host, known)
        oldest = sorted(known.drifted, key=_oldest)
        samples["first_seen_timestamp_seconds"] += (_seen(site, host, one) for one in oldest[:MOST_NAMED])
        if len(oldest) > MOST_NAMED:
            more = _sample("unnamed_resources", len(oldest) - MOST_NAMED, site=site, host=host)
            samples["unnamed_resources"].append(more)
    if memory.checked:
        checked = _sample("last_check_timestamp_seconds", int(memory.checked.timestamp()), site=site)
        samples["last_check_timestamp_seconds"].append(checked)
    lines: list[str] = []
    for name, found in samples.items():
        if found:
            lines += (f"# HELP {_PREFIX}{name} {_HELP[name]}", f"# TYPE {_PREFIX}{name} gauge", *found)
    return "".join(f"{line}\n" for line in lines)


def _counts(site: str, host: str, known: HostMemory) -> Iterator[str]:
    counted = Counter(drifted.kind for drifted in known.drifted)
    # A host that could not be judged has no zero: that would be a verdict.
    for kind in sorted({*counted, *(KINDS if known.planned else ())}):
        yield _sample("resources", counted[kind], site=site, host=host, kind=kind)


def _seen(site: str, host: str, one: Drifted) -> str:
    labels = {"site": site, "host": host, "kind": one.kind, "name": one.name, "action": one.action}
    return _sample("first_seen_timestamp_seconds", int(one.since.timestamp()), **labels)


def _oldest(drifted: Drifted) -> tuple[object, ...]:
    return drifted.since, *drifted.key


def _sample(metric: str, value: int, /, **labels: str) -> str:
    inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
    return f"{_PREFIX}{metric}{{{inside}}} {value}"


def _escaped(value: str) -> str:
    """Escape a label's value: backslash, quote, line feed, and nothing else (exposition format, "Comments, ...")."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
