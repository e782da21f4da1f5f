"""How long a batch will take, from what the site's records say of its hosts."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["expected_seconds"]


def expected_seconds(
    runs: Path,
    hosts: Sequence[str],
    layers: Sequence[str],
    roles: Sequence[str],
    *,
    forks: int = 20,
    inventory: str | None = None,
) -> tuple[float | None, int]:
    """Return the longest of the batches in which each host was provisioned last, and how many hosts have none.

    Only what is comparable counts: a provision that was no check, of the same inventory, layers and roles, which the
    host ended well. More hosts than forks take their turns, so a batch that needs more turns than the recorded one is
    expected to take as many times longer.

    Args:
        runs: the folder of all runs.
        hosts: those of the batch.
        forks: hosts worked on at a time.
        inventory: as records name it; None takes those of any.

    Returns:
        seconds, None when no host has a record; hosts without one.
    """
    wanted, longest = set(hosts), None
    for record in _newest_first(runs):
        if not wanted:
            break
        if not _comparable(record, layers, roles) or inventory not in (None, record.get("inventory", inventory)):
            continue
        seconds = {batch["number"]: float(batch["seconds"]) for batch in record["batches"]}
        sizes = Counter(host["batch"] for host in record["hosts"])
        for host in record["hosts"]:
            if host["name"] in wanted and host["state"] == "ok":
                wanted.discard(host["name"])
                more = _turns(len(hosts), forks) / _turns(sizes[host["batch"]], int(record.get("forks", forks)))
                longest = max(longest or 0.0, seconds.get(host["batch"], 0.0) * max(1.0, more))
    return longest, len(wanted)


def _turns(hosts: int, forks: int) -> int:
    return -(-hosts // forks)


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
