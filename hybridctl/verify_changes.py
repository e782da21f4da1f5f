"""What changed from one verification to another: two documents as `result.json` has them, and nothing else."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hybridctl.errors import ExitCode

__all__ = ["Change", "ChangeKind", "Comparison", "Key", "changes", "compare", "exit_code_of", "results_of"]

# (check, subject, how many of the same name stand before it in the host's results)
Key = tuple[str, str, int]
Measured = str | int | float | None

_JUDGED, _UNREACHABLE = "judged", "unreachable"
# A word of a newer hybridctl is none of these, and so never good.
_RANKS = {"PASS": 0, "WARN": 1, "WAIVED": 2}
_BAD = 3


class ChangeKind(StrEnum):
    """What a change is; LOST and BACK are of hosts, APPEARED and GONE of hosts and of results."""

    WORSE = "worse"
    BETTER = "better"
    VALUE = "value"
    LOST = "lost"
    BACK = "back"
    APPEARED = "appeared"
    GONE = "gone"


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was.

    Attributes:
        check: empty when the change is of the host itself; `old` and `new` are then its states.
        old: the verdict then, empty when there was none; `new` the one now.
        reason: of what is now; `remedy`, `expected` and `unit` too.
    """

    kind: ChangeKind
    host: str
    check: str = ""
    subject: str = ""
    old: str = ""
    new: str = ""
    old_measured: Measured = None
    new_measured: Measured = None
    unit: str = ""
    expected: str = ""
    reason: str = ""
    remedy: str = ""

    @property
    def name(self) -> tuple[str, str, str]:
        """Host, check and subject."""
        return (self.host, self.check, self.subject)

    @property
    def is_worsening(self) -> bool:
        """Tell what nobody may miss: newly FAIL or UNKNOWN, or a host that newly is not judged."""
        if not self.check:
            return self.new not in ("", _JUDGED)
        return self.kind in (ChangeKind.WORSE, ChangeKind.APPEARED) and _rank(self.new) == _BAD

    def document(self) -> dict[str, Any]:
        """Return it as JSON; reason and remedy stand with the result itself."""
        names = ("host", "check", "subject", "old", "new", "old_measured", "new_measured")
        return {"kind": self.kind.value, **{name: getattr(self, name) for name in names}, "worse": self.is_worsening}


@dataclass(frozen=True)
class Comparison:
    """All changes, the hosts in the order of the later verification, and what did not change.

    Attributes:
        same: results with the verdict they had, and the value.
        moved: numbers that changed and are within what is expected, as before; no change each.
    """

    changes: tuple[Change, ...]
    same: int = 0
    moved: int = 0


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return what changed between two verifications of a site; see `compare`."""
    return compare(old, new).changes


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Comparison:
    """Hold one verification against an earlier one.

    A host or a check is GONE only when the later one asked for all of them, or for the same. Of a host that was not
    judged then, or is new, each result that is not PASS has APPEARED: nobody knew of it. Of one that is not judged now,
    what it still showed is compared and nothing is GONE.

    Args:
        old, new: documents as `data/verify-result.schema.json` describes them.

    Raises:
        KeyError, TypeError, AttributeError: one is none.
    """
    then = {host["name"]: host for host in old["hosts"]}
    now = {host["name"]: host for host in new["hosts"]}
    found: list[Change] = []
    counted: Counter[str] = Counter()
    left_out = {(one["host"], check) for one in new.get("not_compared", ()) for check in one["checks"]}
    may_go = not new.get("only") or new["only"] == old.get("only")
    for name, host in now.items():
        before = then.get(name)
        found += _of_host(name, before, host)
        results = _of_results(name, before, host, may_go, counted)
        found += (one for one in results if one.kind is not ChangeKind.GONE or (name, one.check) not in left_out)
    if new.get("limit") is None or new["limit"] == old.get("limit"):
        gone = (host for name, host in then.items() if name not in now)
        found += (Change(ChangeKind.GONE, host["name"], old=host["state"]) for host in gone)
    return Comparison(tuple(found), counted["same"], counted["moved"])


def exit_code_of(changed: Iterable[Change]) -> ExitCode:
    """Return the status of what got worse, weighed as a verification weighs it; 0 when nothing did."""
    worse = [change for change in changed if change.is_worsening]
    if any(not change.check and change.new == _UNREACHABLE for change in worse):
        return ExitCode.HOST_UNREACHABLE
    if any(change.check and change.new == "FAIL" for change in worse):
        return ExitCode.VERIFY_FAILED
    return ExitCode.VERIFY_INCOMPLETE if worse else ExitCode.OK


def results_of(host: Mapping[str, Any]) -> dict[Key, Mapping[str, Any]]:
    """Return the results of a host of a document; two of one name are two."""
    found: dict[Key, Mapping[str, Any]] = {}
    for result in host["checks"]:
        key = (result["id"], result["subject"], 0)
        while key in found:
            key = (key[0], key[1], key[2] + 1)
        found[key] = result
    return found


def _of_host(name: str, before: Mapping[str, Any] | None, host: Mapping[str, Any]) -> Iterator[Change]:
    state, old = host["state"], before["state"] if before else ""
    if state != old:
        kind = ChangeKind.BACK if state == _JUDGED else ChangeKind.LOST
        yield Change(kind if before else ChangeKind.APPEARED, name, old=old, new=state, reason=host["reason"])


def _of_results(
    name: str, before: Mapping[str, Any] | None, host: Mapping[str, Any], may_go: bool, counted: Counter[str]
) -> Iterator[Change]:
    if host["state"] not in (_JUDGED, _UNREACHABLE):
        return  # its only result says once more that it has no profile
    was_judged = before is not None and before["state"] == _JUDGED
    old = results_of(before) if before is not None else {}
    new = results_of(host)
    for key, result in new.items():
        if key not in old:
            if was_judged or result["verdict"] != "PASS":
                yield _change(ChangeKind.APPEARED, name, None, result)
            continue
        kind = _kind(old[key], result)
        if isinstance(kind, ChangeKind):
            yield _change(kind, name, old[key], result)
        else:
            counted[kind] += 1
    if was_judged and may_go and host["state"] == _JUDGED:
        yield from (_change(ChangeKind.GONE, name, result, None) for key, result in old.items() if key not in new)


def _kind(old: Mapping[str, Any], new: Mapping[str, Any]) -> ChangeKind | str:
    """Return what kind of change it is, or the word under which a result that did not change is counted."""
    if old["verdict"] != new["verdict"]:
        # From FAIL to UNKNOWN nothing was mended: what failed cannot be seen any more.
        rank = _rank(new["verdict"])
        return ChangeKind.WORSE if rank == _BAD or rank > _rank(old["verdict"]) else ChangeKind.BETTER
    a, b = old["measured"], new["measured"]
    if a == b or (a != a and b != b):  # noqa: PLR0124 - a NaN does not equal itself
        return "same"
    if new["verdict"] == "PASS" and isinstance(a, int | float) and isinstance(b, int | float):
        return "moved"
    return ChangeKind.VALUE


def _change(kind: ChangeKind, host: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Change:
    then, now = old or {}, new or {}
    named = new or old or {}
    return Change(
        kind,
        host,
        check=named["id"],
        subject=named["subject"],
        old=then.get("verdict", ""),
        new=now.get("verdict", ""),
        old_measured=then.get("measured"),
        new_measured=now.get("measured"),
        unit=named["unit"],
        expected=named["expected"],
        reason=now.get("reason", ""),
        remedy=now.get("remedy", ""),
    )


def _rank(verdict: str) -> int:
    return _RANKS.get(verdict, _BAD)
