"""Records of checks and provisions, as result.json has them, for tests of drift."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hybridctl.site import Site

__all__ = ["FILE", "MODE", "UNIT", "at", "check", "provision", "recorded", "run"]

FILE = {"layer": "base", "role": "host_base", "kind": "file", "name": "/etc/x", "action": "write", "why": "content"}
MODE = {**FILE, "name": "/etc/y", "why": "mode 0666 -> 0644"}
UNIT = {"layer": "gateway", "role": "gateway", "kind": "unit", "name": "haproxy.service", "action": "start"}


_COUNTERS = dict.fromkeys(("ok", "changed", "failed", "unreachable", "skipped", "ignored", "rescued"), 0)


def at(day: int, hour: int = 3, minute: int = 0) -> datetime:
    """Return a moment of November 2026; the 24th is a Tuesday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def run(started: datetime, hosts: Mapping[str, Sequence[Mapping[str, str]]], **more: Any) -> dict[str, Any]:
    """Return the record of a run that took no time; `states` names the hosts that are not ok."""
    states = more.pop("states", {})
    return {
        "id": f"{started:%Y%m%dT%H%M%SZ}-0000",
        "status": "ok",
        "limit": None,
        "layers": [],
        "started": started.isoformat(),
        "finished": started.isoformat(),
        "hosts": [
            {"name": name, "state": states.get(name, "ok"), "changes": list(changes)} for name, changes in hosts.items()
        ],
        **more,
    }


def check(started: datetime, hosts: Mapping[str, Sequence[Mapping[str, str]]], **more: Any) -> dict[str, Any]:
    """Return the record of a check."""
    return run(started, hosts, **{"command": "plan", "check": True, **more})


def provision(started: datetime, hosts: Mapping[str, Sequence[Mapping[str, str]]], **more: Any) -> dict[str, Any]:
    """Return the record of a provision."""
    return run(started, hosts, **{"command": "provision", "check": False, **more})


def recorded(site: Site, run: dict[str, Any]) -> dict[str, Any]:
    """Put a run where the recorder would, written at its end; return it."""
    for host in run["hosts"]:
        host.update({**_COUNTERS, "seconds": 1.0, "layers": {}, "failures": []})
    folder = site.runs / run["id"]
    folder.mkdir()
    (folder / "result.json").write_text(json.dumps(run))
    if "finished" in run:
        when = at(24).fromisoformat(run["finished"]).timestamp()
        os.utime(folder / "result.json", (when, when))
    return run
