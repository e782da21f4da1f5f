"""Judge every host of a site against its profile: all in parallel, one connection a host, everybody accounted for."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from hybridctl.access import Access, look_up
from hybridctl.checks import CATALOGUE, TOPICS, Expectation, Result, Verdict
from hybridctl.checks.judge import judge_expectation, role_default
from hybridctl.checks.model import ConnectionLost
from hybridctl.connection import Connection
from hybridctl.errors import ExitCode, InvalidInput
from hybridctl.inventory import Inventory, load_inventory
from hybridctl.problems import nearest
from hybridctl.profiles import Profile, load_profile
from hybridctl.redaction import Redactor
from hybridctl.site import Site

__all__ = ["HostReport", "HostState", "Target", "Verification", "chosen", "judge_targets", "targets_of", "verify"]


class HostState(StrEnum):
    """What became of a host that was asked for."""

    JUDGED = "judged"
    UNREACHABLE = "unreachable"
    NO_PROFILE = "without a profile"


@dataclass(frozen=True)
class Target:
    """A host to judge; without a profile it can only be UNKNOWN."""

    name: str
    profile: Profile | None
    access: Access


@dataclass(frozen=True)
class HostReport:
    """What verify found out about one host.

    Attributes:
        reason: why it was not judged.
        results: none when it was never reached; those until then when it was lost on the way.
    """

    name: str
    state: HostState
    profile: str = ""
    lab: bool = False
    reason: str = ""
    results: tuple[Result, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Verification:
    """All hosts that were asked for, in the order of the inventory."""

    site: str
    started: datetime
    finished: datetime
    hosts: tuple[HostReport, ...]
    limit: str | None = None
    only: tuple[str, ...] = ()

    def named(self, state: HostState) -> list[str]:
        """Return the names of the hosts in a state."""
        return [host.name for host in self.hosts if host.state is state]

    def count(self, verdict: Verdict) -> int:
        """Return how many results have this verdict."""
        return sum(result.verdict is verdict for host in self.hosts for result in host.results)

    @property
    def exit_code(self) -> ExitCode:
        """A host that was not reached weighs most, for then nobody knows about it; then FAIL, then UNKNOWN."""
        if self.named(HostState.UNREACHABLE):
            return ExitCode.HOST_UNREACHABLE
        if self.count(Verdict.FAIL):
            return ExitCode.VERIFY_FAILED
        if self.count(Verdict.UNKNOWN) or not self.hosts or any(not host.results for host in self.hosts):
            return ExitCode.VERIFY_INCOMPLETE
        return ExitCode.OK


class Reaching(Protocol):
    """A connection as the judge uses it."""

    @property
    def host(self) -> Any:
        """The testinfra host."""

    def open(self) -> None:
        """Reach it, or raise ConnectionLost."""

    def close(self) -> None:
        """End it."""


Connect = Callable[[str, Access], Reaching]


def verify(
    site: Site,
    limit: str | None = None,
    only: Sequence[str] = (),
    *,
    forks: int = 20,
    on_host: Callable[[HostReport], None] = lambda _report: None,
) -> Verification:
    """Judge the hosts of a site.

    Args:
        only: checks or topics; empty means all.
        forks: hosts judged at a time.
        on_host: called with each host's report as it comes in, in this thread.

    Raises:
        InvalidInput: the inventory or a profile is not valid, or a check is unknown; nothing was contacted.
    """
    checks = chosen(only)
    inventory = load_inventory(site)
    targets = targets_of(site, inventory, limit)
    redactor = Redactor.for_inventory(inventory, password_file=site.vault_password_file)
    started = datetime.now(UTC)

    def tell(report: HostReport) -> None:
        on_host(_redacted(report, redactor))

    reports = judge_targets(targets, Connection, checks=checks if only else None, forks=forks, on_host=tell)
    hosts = tuple(_redacted(report, redactor) for report in reports)
    return Verification(site.name, started, datetime.now(UTC), hosts, limit, tuple(only))


def chosen(only: Sequence[str]) -> frozenset[str]:
    """Return the ids of the checks that `only` names, a topic naming all of its own.

    Raises:
        InvalidInput: there is no such check or topic.
    """
    found: set[str] = set()
    for word in only:
        if word not in CATALOGUE and word not in TOPICS:
            near = nearest(word, [*CATALOGUE, *TOPICS])
            raise InvalidInput(
                f"--only {word}: there is no such check or topic" + (f"; did you mean {near}?" if near else ""),
                f"topics: {', '.join(TOPICS)}; checks: hybridctl verify --list",
            )
        found.update(id_ for id_, check in CATALOGUE.items() if word in (id_, check.topic))
    return frozenset(found)


def targets_of(site: Site, inventory: Inventory, limit: str | None) -> tuple[Target, ...]:
    """Return the hosts of `limit` with their profiles and the way to them."""
    hosts = inventory.select(limit)
    if not hosts:
        raise InvalidInput(f"{site.inventory}: the inventory has no host", "add hosts to a group in hosts.yml")
    profiles = {name: load_profile(name, site.root) for name in sorted({h.profile for h in hosts if h.profile})}
    variables = {name: role_default(name) for check in CATALOGUE.values() for name in check.variables}
    access = look_up(site, [host.name for host in hosts], variables)
    return tuple(Target(h.name, profiles[h.profile] if h.profile else None, access[h.name]) for h in hosts)


def judge_targets(
    targets: Sequence[Target],
    connect: Connect,
    *,
    checks: frozenset[str] | None = None,
    forks: int = 20,
    on_host: Callable[[HostReport], None] = lambda _report: None,
) -> tuple[HostReport, ...]:
    """Judge hosts in parallel; whatever happens to one, every one has a report.

    Args:
        connect: makes the connection to a host by its name and access.
        checks: ids of those to run; None means all of each profile.
    """
    reports: dict[str, HostReport] = {}
    open_: dict[str, Reaching] = {target.name: connect(target.name, target.access) for target in targets}
    pool = ThreadPoolExecutor(max_workers=forks, thread_name_prefix="verify")
    try:
        running = {pool.submit(_judge, target, open_[target.name], checks): target for target in targets}
        for future in as_completed(running):
            report = future.result()
            reports[report.name] = report
            on_host(report)
    finally:
        # After Ctrl-C the commands that run are ended, so that no thread waits for its time limit.
        for connection in open_.values():
            connection.close()
        pool.shutdown(cancel_futures=True)
    return tuple(reports[target.name] for target in targets)


def _judge(target: Target, connection: Reaching, checks: frozenset[str] | None) -> HostReport:
    """Body of a thread: never raises for what a host does."""
    began = datetime.now(UTC)
    report = HostReport(
        target.name,
        HostState.JUDGED,
        profile=target.profile.name if target.profile else "",
        lab=bool(target.profile and target.profile.lab),
    )
    results: list[Result] = []
    try:
        connection.open()
        if target.profile is None:
            report = replace(report, state=HostState.NO_PROFILE, reason="its hybridctl_profile is not set")
            results.append(_without("profile", report.reason, _NO_PROFILE))
        else:
            for expectation in _expected(target.profile, checks):
                results += _one(target, connection, expectation)
            if not results:
                reason = "its profile expects nothing of the checks that were asked for"
                results.append(_without("profile", reason, "ask for other checks, or add them to the profile"))
    except ConnectionLost as lost:
        until = f"lost after {len(results)} results: " if results else ""
        report = replace(report, state=HostState.UNREACHABLE, reason=f"{until}{lost}")
    except Exception as error:  # of ours: the host was not judged, and the report says why
        reason = f"verify itself broke: {type(error).__name__}: {error}"
        results.append(_without("verify", reason, "tell the maintainers, with this report"))
    finally:
        connection.close()
    named = tuple(replace(result, remedy=result.remedy.replace("{host}", target.name)) for result in results)
    return replace(report, results=named, seconds=round((datetime.now(UTC) - began).total_seconds(), 1))


_NO_PROFILE = "set hybridctl_profile for {host} in the inventory"


def _one(target: Target, connection: Reaching, expectation: Expectation) -> tuple[Result, ...]:
    return judge_expectation(connection.host, expectation, target.access.variables)


def _expected(profile: Profile, checks: frozenset[str] | None) -> list[Expectation]:
    """Return what to judge, in the order of the catalogue; what no check judges yet comes last, never with `checks`."""
    order = {id_: place for place, id_ in enumerate(CATALOGUE)}
    wanted = [e for e in profile.expectations.values() if checks is None or e.check in checks]
    return sorted(wanted, key=lambda expectation: order.get(expectation.check, len(order)))


def _without(check: str, reason: str, remedy: str) -> Result:
    return Result(check, Verdict.UNKNOWN, reason=reason, remedy=remedy)


def _redacted(report: HostReport, redactor: Redactor) -> HostReport:
    """Return the report without secrets and without what would drive a terminal, wherever a host printed them."""

    def clean(text: str) -> str:
        return "".join(letter if letter.isprintable() else "?" for letter in redactor.text(text))

    results = []
    for result in report.results:
        texts = {name: getattr(result, name) for name in ("measured", "reason", "remedy")}
        cleaned: dict[str, Any] = {name: clean(text) for name, text in texts.items() if isinstance(text, str)}
        results.append(replace(result, **cleaned))
    return replace(report, reason=clean(report.reason), results=tuple(results))
