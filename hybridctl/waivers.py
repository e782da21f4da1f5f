"""Waivers: FAILs of a site that somebody answers for, with a reason and until a day."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridctl import patterns
from hybridctl.checks.catalogue import CATALOGUE
from hybridctl.checks.model import Result, Verdict
from hybridctl.errors import InvalidInput
from hybridctl.problems import Problem, invalid, nearest, shown_path
from hybridctl.schema_problems import schema_problems
from hybridctl.yamlmarks import entries, line_of, parse, value_of

if TYPE_CHECKING:
    import yaml

    from hybridctl.inventory import Inventory
    from hybridctl.verification import HostReport

__all__ = ["FILE", "SOON", "Waiver", "WaiverUse", "Waivers", "load_waivers"]

FILE = "waivers.yml"  # in the folder of a site
SOON = 14  # days before its end from which a waiver is spoken of: two weeks to mend it, or to ask for more
_SCHEMA = Path(__file__).parent / "data" / "waivers.schema.json"


@dataclass(frozen=True)
class Waiver:
    """One entry of the file.

    Attributes:
        subject: the only one it is for; empty means all of the check.
        pattern: of hosts, as written; `hosts` are those it names in this inventory.
        expires: the last day on which it holds.
        origin: file and line, such as `waivers.yml:3`.
        astray: the parts of the pattern that name no host.
    """

    check: str
    pattern: str
    reason: str
    owner: str
    expires: date
    origin: str
    subject: str = ""
    ticket: str = ""
    hosts: frozenset[str] = field(default=frozenset(), repr=False)
    astray: tuple[str, ...] = ()

    def covers(self, host: str, result: Result) -> bool:
        """Tell whether it is for this result, whatever its verdict and the day."""
        return result.check == self.check and self.subject in ("", result.subject) and host in self.hosts


@dataclass(frozen=True)
class WaiverUse:
    """What became of a waiver in one verification.

    Attributes:
        waived: results that it waived.
        remark: what its owner should know; empty when there is nothing.
    """

    waiver: Waiver
    waived: int
    remark: str


@dataclass(frozen=True)
class Waivers:
    """All waivers of a site on one day.

    Attributes:
        today: by the clock and time zone of the control node.
    """

    entries: tuple[Waiver, ...] = ()
    today: date = date.min

    def applied(self, host: str, result: Result) -> Result:
        """Return a result of a host, WAIVED when it is; a FAIL whose waiver has expired says so and stays."""
        if result.verdict is not Verdict.FAIL:
            return result
        found = [waiver for waiver in self.entries if waiver.covers(host, result)]
        if not found:
            return result
        longest = max(found, key=lambda waiver: waiver.expires)
        if longest.expires < self.today:
            why = f"the waiver of {longest.owner} expired on {longest.expires}"
            return replace(result, reason=f"{result.reason}; {why}")
        why = f"waived by {longest.owner} until {longest.expires}: {longest.reason}"
        if longest.ticket:
            why += f" ({longest.ticket})"
        return replace(result, verdict=Verdict.WAIVED, reason=f"{result.reason}; {why}", waiver=longest)

    def redacted(self, redact: Callable[[str], str]) -> "Waivers":
        """Return them without the secrets that somebody wrote into one."""
        clean = (
            replace(one, reason=redact(one.reason), owner=redact(one.owner), ticket=redact(one.ticket))
            for one in self.entries
        )
        return replace(self, entries=tuple(clean))

    def uses(self, judged: Iterable["HostReport"], checks: frozenset[str] | None) -> tuple[WaiverUse, ...]:
        """Return what became of each.

        Args:
            judged: the hosts that were judged to the end, with `applied` results.
            checks: ids of those that were asked for; None means all.
        """
        reports = {report.name: report for report in judged}
        return tuple(self._use(waiver, reports, checks) for waiver in self.entries)

    def _use(self, waiver: Waiver, judged: Mapping[str, "HostReport"], checks: frozenset[str] | None) -> WaiverUse:
        hosts = [judged[host] for host in waiver.hosts if host in judged]
        met = [result for host in hosts for result in host.results if waiver.covers(host.name, result)]
        waived = sum(result.waiver == waiver for result in met)
        is_needed = any(result.verdict in (Verdict.FAIL, Verdict.WAIVED) for result in met)
        # Of a host or a check that was not asked for, or could not be measured, nobody can say that it passes.
        is_known = (
            (checks is None or waiver.check in checks)
            and len(hosts) == len(waiver.hosts) > 0
            and not any(waiver.check in host.not_compared for host in hosts)
            and not any(_is_unknown(result, waiver.check) for host in hosts for result in host.results)
        )
        left = (waiver.expires - self.today).days
        remarks = [f"hosts: {part} names no host" for part in waiver.astray]
        if not is_needed and is_known:
            remarks.append("stale: it waived nothing in this run; remove it")
        elif is_needed and left < 0:
            remarks.append(f"expired on {waiver.expires}")
        elif is_needed and left <= SOON:
            remarks.append(f"expires on {waiver.expires}, {_days(left)}")
        return WaiverUse(waiver, waived, "; ".join(remarks))


def _is_unknown(result: Result, check: str) -> bool:
    """Tell whether a check says nothing, whichever its subjects would have been."""
    return result.check == check and result.verdict is Verdict.UNKNOWN


def load_waivers(site: Path, inventory: "Inventory", given: Path | None, today: date) -> Waivers:
    """Read the waivers of a site, none when it has no such file.

    Args:
        site: the folder whose `waivers.yml` is read.
        given: another file to read instead, which must be there.

    Raises:
        InvalidInput: it is not valid; with file, line and what is allowed.
    """
    path = given or site / FILE
    if given is None and not path.exists():
        return Waivers(today=today)
    node, problems = parse(path)
    if problems:
        raise invalid(problems, shown_path(path))
    if node is None:  # comments only
        return Waivers(today=today)
    data = _plain(value_of(node))
    problems = list(schema_problems(path, node, data, _SCHEMA, "waivers", _said))
    if problems:
        raise invalid(problems, shown_path(path))
    found: list[Waiver] = []
    for place, entry in zip(node.value, data, strict=True):
        wrong = list(_wrong(path, place, entry))
        problems += wrong
        if not wrong:
            found.append(_waiver(path, place, entry, inventory))
    if problems:
        raise invalid(problems, shown_path(path))
    return Waivers(tuple(found), today)


def _said(error: Any) -> tuple[str, str] | None:
    if error.validator == "pattern" and list(error.absolute_path)[-1:] == ["expires"]:
        return f"{str(error.instance)[:50]!r} is no day", "write YYYY-MM-DD"
    return None


def _plain(value: Any) -> Any:
    """Return it as JSON would have it: dates as text, and text on one line."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return " ".join(value.split()) if isinstance(value, str) else value


def _wrong(path: Path, node: "yaml.Node", given: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what no schema can see."""
    lines = {entry.key: entry.line for entry in entries(node)}
    if given["check"] not in CATALOGUE:
        near = nearest(given["check"], CATALOGUE)
        message = f"check: there is no {given['check']}" + (f"; did you mean {near}?" if near else "")
        yield Problem(path, lines["check"], message, "name one of: hybridctl verify --list")
    try:
        date.fromisoformat(given["expires"])
    except ValueError:
        yield Problem(path, lines["expires"], f"expires: {given['expires']} is no day", "write YYYY-MM-DD")
    for key, text in given.items():
        if not text.isprintable():
            yield Problem(path, lines[key], f"{key}: {text!r} would steer a terminal", "write plain text")
    try:
        patterns.match(given["hosts"], (), {})
    except InvalidInput:
        yield Problem(path, lines["hosts"], f"hosts: {given['hosts']!r} is no host pattern", "write it as for --limit")


def _waiver(path: Path, node: "yaml.Node", given: Mapping[str, str], inventory: "Inventory") -> Waiver:
    hosts, nothing = patterns.match(given["hosts"], tuple(inventory.hosts), inventory.groups)
    astray = tuple(part for part in nothing if part[0] not in "!&")  # who is excluded need not be there
    texts = {name: given[name] for name in ("check", "reason", "owner", "subject", "ticket") if name in given}
    return Waiver(
        pattern=given["hosts"],
        expires=date.fromisoformat(given["expires"]),
        origin=f"{path.name}:{line_of(node)}",
        hosts=frozenset(hosts),
        astray=astray or (() if hosts else (given["hosts"],)),
        **texts,
    )


def _days(count: int) -> str:
    return "today" if count == 0 else "tomorrow" if count == 1 else f"in {count} days"
