"""Documents of verifications for tests, as `result.json` has them."""

import json
from pathlib import Path
from typing import Any

UNREACHABLE = "unreachable"
NO_PROFILE = "without a profile"
# check or `check subject`, verdict, measured
Row = tuple[str, str, Any]


def document(hosts: dict[str, list[Row] | str], **head: Any) -> dict[str, Any]:
    """Return the document of hosts with these results, or with this state and none."""
    return {
        "schema": 1,
        "command": "verify",
        "site": "rack-7",
        "inventory": "inventory",
        "version": "1",
        "limit": None,
        "only": [],
        "exit_code": 0,
        "asked": len(hosts),
        "judged": len(hosts),
        **head,
        "hosts": [_host(name, given) for name, given in hosts.items()],
    }


def _host(name: str, given: list[Row] | str) -> dict[str, Any]:
    state, rows = (given, []) if isinstance(given, str) else ("judged", given)
    reason = "No route to host" if state == UNREACHABLE else ""
    host = {"name": name, "state": state, "profile": "mine", "lab": False, "reason": reason, "seconds": 0.1}
    return {**host, "checks": [_check(*row) for row in rows]}


def _check(name: str, verdict: str, measured: Any) -> dict[str, Any]:
    check, _, subject = name.partition(" ")
    why = {"reason": "", "remedy": ""} if verdict == "PASS" else {"reason": "because", "remedy": f"mend {check}"}
    texts = {"expected": "8", "unit": "", **why, "source": "a test", "origin": "mine.yml:3"}
    return {"id": check, "subject": subject, "verdict": verdict, "measured": measured, **texts}


def record(runs: Path, run: str, content: dict[str, Any] | bytes) -> Path:
    """Write result.json of a run, whole or as these bytes, and return its folder."""
    folder = runs / run
    folder.mkdir(parents=True)
    (folder / "result.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return folder
