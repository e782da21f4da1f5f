"""Going on with a run that did not end well: what it was asked for, and which of its hosts are left."""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridctl.errors import InvalidInput
from hybridctl.events import HostState
from hybridctl.runs import is_going_on
from hybridctl.selection import Options
from hybridctl.site import Site

__all__ = ["Record", "latest_provision", "open_record"]


@dataclass(frozen=True)
class Record:
    """The record of a provision.

    Attributes:
        document: its result.json.
        left: its hosts, in its order, that did not end well there.
        goes_on_with: the runs that it resumed itself, the latest first.
    """

    id: str
    document: Mapping[str, Any]
    left: tuple[str, ...]
    goes_on_with: tuple[str, ...] = ()

    @property
    def options(self) -> Options:
        """What that run was asked for."""
        known = self.document
        return Options(
            known["limit"], layers=tuple(known["layers"]), roles=tuple(known["roles"]), forks=int(known["forks"])
        )


def open_record(site: Site, name: str) -> Record:
    """Read the record of a run of the site.

    Args:
        name: an identifier, or `latest` for the newest provision that was no check.

    Raises:
        InvalidInput: there is no such run, it is no provision, it was of another inventory, it cannot be read, or it
            goes on.
    """
    path = latest_provision(site.runs) if name == "latest" else site.runs / name
    if path is None or Path(name).name != name or not (path / "result.json").is_file():
        raise InvalidInput(
            f"--resume {name}: there is no such run in {site.runs}", "see what there is: hybridctl runs list"
        )
    document = _read(path)
    if document is None or "batches" not in document or "rollout" not in document:
        raise InvalidInput(
            f"--resume {name}: {path / 'result.json'} is not the record of a run that can be resumed",
            "provision the hosts anew: hybridctl provision --limit HOSTS",
        )
    if not _is_provision(document):
        what = "a check" if document["command"] == "provision" else f"a {document['command']}"
        raise InvalidInput(f"--resume {name}: that run was {what}, it changed nothing", "hybridctl provision")
    inventory = document.get("inventory", site.inventory_name)
    if inventory != site.inventory_name:
        # Two inventories of one site may give the same name to two machines.
        raise InvalidInput(
            f"--resume {name}: that run was of the inventory {inventory}, this is {site.inventory_name}; "
            "nothing was contacted",
            f"hybridctl provision -i {shlex.quote(os.path.normpath(site.root / inventory))} --resume {path.name}",
        )
    if document["status"] == "running" and is_going_on(path):
        raise InvalidInput(
            f"--resume {name}: that run of {document['who']} goes on", f"let it end, or end it: see {path / 'run.log'}"
        )
    done = _ended_well(path) if "hosts" not in document else _fine(document)
    hosts = [host for batch in document["batches"] for host in batch["hosts"]]
    left = tuple(host for host in hosts if host not in done)
    return Record(path.name, document, left, _chain(site.runs, document.get("resumes")))


def _chain(runs: Path, name: Any) -> tuple[str, ...]:
    """Return a run and those before it that it went on with; a damaged record ends the chain."""
    found: list[str] = []
    while isinstance(name, str) and Path(name).name == name and name not in found:
        found.append(name)
        name = (_read(runs / name) or {}).get("resumes")
    return tuple(found)


def _fine(document: Mapping[str, Any]) -> set[str]:
    return {host["name"] for host in document["hosts"] if HostState(host["state"]).is_fine}


def _ended_well(path: Path) -> set[str]:
    """Return who finished in a run that was killed: hosts in the statistics of a playbook, without a failure there.

    Where a batch was played twice, the later statistics count.
    """
    done: set[str] = set()
    with (path / "events.jsonl").open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                event = json.loads(line)
            except ValueError:  # the last line of a killed run may be half a line
                continue
            if event.get("kind") == "stats":
                stats = event.get("stats") or {}
                bad = {
                    host for counter in ("failures", "dark") for host, count in stats.get(counter, {}).items() if count
                }
                done |= {host for counter in stats.values() for host in counter}
                done -= bad
    return done


def latest_provision(runs: Path) -> Path | None:
    """Return the folder of the newest provision that was no check, which `latest` means; None without one."""
    found = (path.parent for path in sorted(runs.glob("*T*/result.json"), reverse=True))
    return next((path for path in found if _is_provision(_read(path) or {})), None)


def _is_provision(document: Mapping[str, Any]) -> bool:
    return document.get("command") == "provision" and document.get("check") is False


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads((path / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
