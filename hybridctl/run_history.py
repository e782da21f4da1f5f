"""The recorded runs of a site, read back: newest first, whatever state their files are in."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.events import Failure
from hybridctl.problems import shown_path
from hybridctl.verify_history import findings, host_state

__all__ = ["NO_RESULT", "HostRow", "RunRecord", "find_run", "list_runs", "previous_verification", "read_run", "run_ids"]

NO_RESULT = "no result"  # status of a run that never wrote its end: it was killed, or it still goes on

_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}")
_COUNTERS = ("ok", "changed", "failed", "unreachable", "skipped", "ignored", "rescued")
_KNOWN_SCHEMA = 1
# What the head of a result.json may be; what is something else is damage, and left out.
_HEAD: Mapping[str, Any] = {
    "schema": int,
    "command": str,
    "site": str,
    "inventory": str,
    "lang": str,
    "who": str,
    "status": str,
    "check": bool,
    "limit": str | None,
    "layers": list,
    "only": list,
    "versions": dict,
    "version": str,
    "started": str,
    "finished": str,
    "seconds": int | float,
    "exit_code": int,
    "message": str,
    "asked": int,
    "judged": int,
    "not_compared": list,
    "titles": dict,
}
# What the exit code of a verification says; it has no status of its own.
_VERIFIED = {0: "ok", 2: "broken", 4: "unreachable", 5: "failed", 6: "incomplete"}


@dataclass(frozen=True)
class HostRow:
    """One host of a recorded run.

    Attributes:
        state: as result.json has it; a word, since a newer hybridctl may know more of them.
        counters: numbers of tasks, or of checks by verdict for a verification.
        layers: seconds from the start of the layer's play to the host's last result in it.
        failures: what failed; for a verification, every verdict but PASS, the worst first.
    """

    name: str
    state: str
    seconds: float = 0.0
    counters: Mapping[str, int] = field(default_factory=dict)
    layers: Mapping[str, float] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "HostRow":
        """Read a host of result.json.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is not one.
        """
        if "checks" in data:
            counters, failures = findings(data)
            return cls(str(data["name"]), host_state(data, counters), float(data["seconds"]), counters, {}, failures)
        return cls(
            str(data["name"]),
            str(data["state"]),
            float(data["seconds"]),
            {name: int(data[name]) for name in _COUNTERS},
            {str(layer): float(seconds) for layer, seconds in data["layers"].items()},
            tuple(Failure(**{key: str(failure[key]) for key in _FAILURE}) for failure in data["failures"]),
        )


_FAILURE = tuple(Failure.__dataclass_fields__)


@dataclass(frozen=True)
class RunRecord:
    """One run as its result.json tells it.

    Attributes:
        document: the whole of result.json; empty when it is missing or damaged.
        damage: what could not be read, each as `FILE:LINE: why`; the rest is shown.
    """

    id: str
    path: Path
    document: Mapping[str, Any]
    hosts: tuple[HostRow, ...] = ()
    damage: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """Return what was typed, as far as it changes what the run means."""
        command = str(self.document.get("command", "unknown"))
        return f"{command} --check" if command == "provision" and self.document.get("check") else command

    @property
    def is_verify(self) -> bool:
        """Tell a verification, which has checks instead of tasks."""
        return self.document.get("command") == "verify"

    @property
    def has_ended(self) -> bool:
        """Tell a run that wrote its result."""
        return self.status != NO_RESULT

    @property
    def status(self) -> str:
        """Return the recorded status, or NO_RESULT."""
        if self.is_verify:
            return _VERIFIED.get(self.document.get("exit_code", 0), "failed")
        status = str(self.document.get("status", NO_RESULT))
        return NO_RESULT if status == "running" else status

    @property
    def who(self) -> str:
        """Return who started it; verifications of older versions do not record that."""
        return str(self.document.get("who", "-"))

    @property
    def started(self) -> datetime:
        """Return when it started, in UTC."""
        return datetime.strptime(self.id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    @property
    def seconds(self) -> float | None:
        """Return how long it took, None when its end is not recorded."""
        if "seconds" in self.document:
            return float(self.document["seconds"])
        try:
            ended = datetime.fromisoformat(str(self.document["finished"]))
            return max(0.0, (ended - datetime.fromisoformat(str(self.document["started"]))).total_seconds())
        except (KeyError, ValueError, TypeError):
            return None

    @property
    def asked(self) -> int | None:
        """Return how many hosts it was for, None when that is not recorded."""
        return self.document.get("asked")

    def count(self, what: str) -> int:
        """Return how many hosts are in the state `what`; with `changed`, how many have at least one change."""
        if what == "changed":
            return sum(host.counters.get("changed", 0) > 0 for host in self.hosts)
        return sum(host.state == what for host in self.hosts)


def run_ids(runs: Path) -> list[str]:
    """Return the identifiers of all runs, newest first.

    Raises:
        HybridctlError: the folder is there and cannot be read.
    """
    try:
        folders = [path for path in runs.iterdir() if _ID.fullmatch(path.name) and path.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HybridctlError(
            f"cannot read the recorded runs: {error.strerror}: {shown_path(runs)}",
            "runs are readable by who started them only: become that user",
        ) from error
    found = []
    for path in folders:
        with suppress(FileNotFoundError):  # pruned just now
            # Two runs of one second: the folder written to last is the newer.
            found.append((path.name[:16], path.stat().st_mtime_ns, path.name))
    return [name for *_, name in sorted(found, reverse=True)]


def list_runs(runs: Path) -> Iterator[RunRecord]:
    """Yield the runs, newest first, each read when it is asked for."""
    for name in run_ids(runs):
        yield read_run(runs / name)


def find_run(runs: Path, name: str) -> RunRecord:
    """Return one run.

    Args:
        name: an identifier, a beginning of one that only one run has, or `latest`.

    Raises:
        InvalidInput: there is no such run, or several begin like this.
    """
    known = run_ids(runs)
    if not known:
        raise InvalidInput(f"no run is recorded in {shown_path(runs)}", "make one: hybridctl plan")
    if name == "latest":
        return read_run(runs / known[0])
    matching = [run for run in known if name and run.startswith(name)]
    if len(matching) == 1:
        return read_run(runs / matching[0])
    if matching:
        more = f" and {len(matching) - 5} more" if len(matching) > 5 else ""
        raise InvalidInput(f"{len(matching)} runs begin with '{name}'", f"one of: {', '.join(matching[:5])}{more}")
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known[:3]
    raise InvalidInput(
        f"there is no run '{name}' in {shown_path(runs)}",
        f"nearest: {', '.join(near)}; all of them: hybridctl runs list",
    )


def previous_verification(run: RunRecord) -> RunRecord | None:
    """Return the newest verification before this one that asked for all its hosts and checks, None without one.

    Names of another inventory are other hosts; older versions did not record which it was.
    """
    inventory = run.document.get("inventory")
    known = run_ids(run.path.parent)
    for name in known[known.index(run.id) + 1 :] if run.id in known else ():
        other = read_run(run.path.parent / name)
        same = (other.document.get(key) in (nothing, run.document.get(key)) for key, nothing in _WHOLE.items())
        is_here = inventory is None or other.document.get("inventory", inventory) == inventory
        if other.is_verify and is_here and all(same):
            return other
    return None


# What the options of a verification are when it is of everything.
_WHOLE: Mapping[str, Any] = {"limit": None, "only": []}


def read_run(path: Path) -> RunRecord:
    """Return the run of a folder; what is missing or damaged in it is named there."""
    file = path / "result.json"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return RunRecord(path.name, path, {}, damage=(f"{shown_path(file)}: missing",))
    except json.JSONDecodeError as error:
        return RunRecord(path.name, path, {}, damage=(f"{shown_path(file)}:{error.lineno}: not JSON: {error.msg}",))
    except (OSError, UnicodeDecodeError) as error:
        return RunRecord(path.name, path, {}, damage=(f"{shown_path(file)}: cannot be read: {error}",))
    if not isinstance(document, dict):
        return RunRecord(path.name, path, {}, damage=(f"{shown_path(file)}:1: not the result of a run",))
    damage = [
        f"{shown_path(file)}: {key}: {type(document[key]).__name__} where another kind of value belongs"
        for key, kind in _HEAD.items()
        if key in document and not isinstance(document[key], kind)
    ]
    document = {key: value for key, value in document.items() if isinstance(value, _HEAD.get(key, object))}
    schema = document.get("schema", _KNOWN_SCHEMA)
    if schema != _KNOWN_SCHEMA:
        damage.append(f"{shown_path(file)}: schema {schema} is of another hybridctl; shown is what this one knows")
    hosts, entries = [], document.get("hosts") or []
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        try:
            hosts.append(HostRow.read(entry))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            damage.append(f"{shown_path(file)}: hosts[{number}] cannot be read: {type(error).__name__} {error}")
    return RunRecord(path.name, path, document, tuple(hosts), tuple(damage))
