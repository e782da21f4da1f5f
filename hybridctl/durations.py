"""How long a batch will take, from what the site's records say of its hosts."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["expected_seconds"]


def expected_seconds(
    runs: Path, hosts: Sequence[str], layers: Sequence[str], roles: Sequence[str]
) -> tuple[float | None, int]:
    """Return the longest of the batches in which each host was provisioned last, and how many hosts have none.

    Only what is comparable counts: a provision that was no check, of the same layers and roles, which the host ended
    well.

    Args:
        runs: the folder of all runs.
        hosts: those of the batch.

    Returns:
        seconds, None when no host has a record; hosts without one.
    """
    wanted, longest = set(hosts), None
    for record in _newest_first(runs):
        if not wanted:
            break
        if not _comparable(record, layers, roles):
            continue
        seconds = {batch["number"]: float(batch["seconds"]) for batch in record["batches"]}
        for host in record["hosts"]:
            if host["name"] in wanted and host["state"] == "ok":
                wanted.discard(host["name"])
                longest = max(longest or 0.0, seconds.get(host["batch"], 0.0))
    return longest, len(wanted)


def _comparable(record: dict[str, Any], layers: Sequence[str], roles: Sequence[str]) -> bool:
    return (
        record.get("command") == "provision"
        and record.get("check") is False
        and "hosts" in record
        and "batches" in record
        and set(record.get("layers", ())) == set(layers)
        and set(record.get("roles", ())) == set(roles)
    )


def _newest_first(runs: Path) -> Iterator[dict[str, Any]]:
    """Yield the records that can be read; identifiers sort by time."""
    for path in sorted(runs.glob("*T*/result.json"), reverse=True):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(record, dict):
            yield record
