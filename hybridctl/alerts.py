"""What changed since the last verification of the same hosts and checks, told to a command of the site's."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from hybridctl.evidence.replay import was_replayed
from hybridctl.hooks import run_hook
from hybridctl.run_history import list_runs
from hybridctl.verify_changes import Change, ChangeKind, changes

__all__ = ["ALERT_SCHEMA", "News", "NewsKind", "alert", "alert_document", "news", "predecessor"]

ALERT_SCHEMA = 1  # of what the command gets
_LIMIT = 60.0  # seconds that the command may take
_NOTHING: Mapping[str, Any] = {"hosts": [], "only": [], "limit": None}
_SCOPE = ("site", "inventory", "limit", "only")


class NewsKind(StrEnum):
    """What somebody wants to be woken for, or to hear the end of."""

    NEW = "new"
    CLEARED = "cleared"
    LOST = "lost"
    BACK = "back"
    GONE = "gone"


@dataclass(frozen=True)
class News:
    """One change of verdict, or of a host; a LOST, BACK or GONE one is of the host."""

    kind: NewsKind
    change: Change

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        change = self.change
        return {
            "kind": self.kind.value,
            "host": change.host,
            "check": change.check,
            "subject": change.subject,
            "old": change.old or None,
            "new": change.new or None,
            "measured": change.new_measured,
            "expected": change.expected,
            "unit": change.unit,
            "reason": change.reason,
            "remedy": change.remedy,
        }


def news(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[News]:
    """Return what is worth telling: verdicts that changed, hosts lost, back or gone; never a mere value.

    Args:
        old: None when nothing is known; everything that is not PASS is news then.
    """
    found = ((_kind(change), change) for change in changes(old or _NOTHING, new))
    return [News(kind, change) for kind, change in found if kind is not None]


def _kind(change: Change) -> NewsKind | None:
    if not change.check:
        if change.kind is ChangeKind.APPEARED:
            return None if change.new == "judged" else NewsKind.LOST
        return NewsKind(change.kind.value)
    match change.kind:
        case ChangeKind.WORSE | ChangeKind.APPEARED if change.new != "PASS":
            return NewsKind.NEW
        case ChangeKind.BETTER | ChangeKind.GONE if change.old != "PASS":
            return NewsKind.CLEARED
    return None


def predecessor(runs: Path, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the newest recorded verification of the same inventory, limit and checks that told of what changed.

    One that told nobody is passed over, or else what it saw first would never be told; so is one that was judged from
    evidence, which tells of another day, and one that is damaged. None when there is no other.

    Raises:
        HybridctlError: the runs cannot be read.
    """
    scope = [document[key] for key in _SCOPE]
    for run in list_runs(runs):
        found = run.document
        if run.id == document.get("id") or not run.is_verify or run.damage or was_replayed(run.path):
            continue
        if found.get("told") is True and [found.get(key) for key in _SCOPE] == scope:
            return found
    return None


def alert_document(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the command gets on stdin, None when there is nothing to tell."""
    found = news(old, new)
    if not found:
        return None
    told = [one.document() for one in found]
    return {
        "schema": ALERT_SCHEMA,
        **{key: new[key] for key in (*_SCOPE, "started", "exit_code", "asked", "judged")},
        "run": new.get("id"),
        "before": old.get("id") if old else None,
        "exit_code_before": old.get("exit_code") if old else None,
        **{kind.value: [one for one in told if one["kind"] == kind] for kind in NewsKind},
    }


def alert(argv: Sequence[str], document: Mapping[str, Any], root: Path, log: Callable[[str], None]) -> str:
    """Run the command in the site's folder; return what went wrong, empty when nothing did.

    Args:
        document: of `alert_document`, for its stdin.
        log: gets its output line by line.

    Raises:
        KeyboardInterrupt: Ctrl-C, which ended the command too.
    """
    variables = {"HYBRIDCTL_RUN": str(document["run"] or document["started"]), "HYBRIDCTL_SITE": str(document["site"])}
    text = json.dumps(document, ensure_ascii=False) + "\n"
    end = run_hook(tuple(argv), variables, cwd=root, timeout=_LIMIT, log=log, given=text)
    if end.cancelled:
        raise KeyboardInterrupt
    return end.failure
