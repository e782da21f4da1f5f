"""Judge every host of a site against its profile: all in parallel, one connection a host, everybody accounted for."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from testinfra.host import Host

from hybridctl.access import Access, Ask, asking
from hybridctl.checks import CATALOGUE, TOPICS, Expectation, Result, Verdict
from hybridctl.checks.catalogue import named_by
from hybridctl.checks.judge import judge_expectation, variables_of_checks
from hybridctl.checks.model import CannotTell, ConnectionLost
from hybridctl.comparing import compare_hosts, is_compared
from hybridctl.connection import Connection
from hybridctl.descriptors import room_for
from hybridctl.drift.recall import known_drift
from hybridctl.errors import ExitCode, InvalidInput
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.evidence.counters import Counters, counted
from hybridctl.evidence.keeping import Keeping
from hybridctl.evidence.record import Recorder
from hybridctl.evidence.replay import Replay, evidence_files
from hybridctl.evidence.rounds import first_misses, in_rounds
from hybridctl.evidence.seeds import Seeds, fingerprint
from hybridctl.inventory import Inventory, load_inventory
from hybridctl.problems import nearest
from hybridctl.profiles import Profile, load_profile
from hybridctl.redaction import Redactor
from hybridctl.showing import for_reports, shown_text
from hybridctl.site import Site
from hybridctl.vault import vault_opened
from hybridctl.waivers import WaiverUse, load_waivers

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
        not_compared: checks that compare hosts of its profile, of which not all were asked for.
    """

    name: str
    state: HostState
    profile: str = ""
    lab: bool = False
    reason: str = ""
    results: tuple[Result, ...] = ()
    seconds: float = 0.0
    not_compared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verification:
    """All hosts that were asked for, in the order of the inventory.

    Attributes:
        inventory: as records of runs name it.
        waivers: all of the site, with what became of each.
        evidence: what the hosts said, to be handed to the folder of the run or discarded.
        lang: the language of remedies, and of the words that reports say around them.
    """

    site: str
    started: datetime
    finished: datetime
    hosts: tuple[HostReport, ...]
    limit: str | None = None
    only: tuple[str, ...] = ()
    inventory: str = ""
    waivers: tuple[WaiverUse, ...] = ()
    evidence: Recorder | None = field(default=None, repr=False, compare=False)
    lang: str = "en"

    def named(self, state: HostState) -> list[str]:
        """Return the names of the hosts in a state."""
        return [host.name for host in self.hosts if host.state is state]

    def count(self, verdict: Verdict) -> int:
        """Return how many results have this verdict."""
        return sum(result.verdict is verdict for host in self.hosts for result in host.results)

    @property
    def exit_code(self) -> ExitCode:
        """A host that was not reached weighs most, for then nobody knows about it; then FAIL, then UNKNOWN.

        WAIVED weighs no more than PASS.
        """
        if self.named(HostState.UNREACHABLE):
            return ExitCode.HOST_UNREACHABLE
        if self.count(Verdict.FAIL):
            return ExitCode.VERIFY_FAILED
        if self.count(Verdict.UNKNOWN) or not self.hosts or any(not host.results for host in self.hosts):
            return ExitCode.VERIFY_INCOMPLETE
        return ExitCode.OK


class Reaching(Protocol):
    """A connection as the judge uses it.

    Attributes:
        backend: of the testinfra host.
        reached: whether the host has answered at all.
    """

    backend: EvidenceBackend
    reached: bool

    @property
    def host(self) -> Any:
        """The testinfra host; a command it does not know suspends who asks it."""

    def open(self, ask: Sequence[str] = ()) -> None:
        """Reach it and ask commands on the way, or raise ConnectionLost; CannotTell when there is nothing to reach."""

    def fetch(self, commands: Iterable[str]) -> None:
        """Ask commands, or raise ConnectionLost."""

    def close(self) -> None:
        """End it."""


Connect = Callable[[str, Access], Reaching]
Finish = Callable[[str, Result], Result]


def verify(
    site: Site,
    limit: str | None = None,
    only: Sequence[str] = (),
    *,
    forks: int = 20,
    from_evidence: Path | None = None,
    waivers: Path | None = None,
    today: date | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _asked: None,
) -> Verification:
    """Judge the hosts of a site.

    Args:
        only: checks or topics; empty means all.
        forks: hosts judged at a time; fewer where this process may not hold so many files open.
        from_evidence: folder of an earlier verification; judge what the hosts said then, and contact none.
        waivers: a file to read in place of the site's `waivers.yml`.
        today: the day on which waivers must not have expired; this machine's, unless a test names one.
        on_progress: called whenever a host is done, with how many are by then and how many were asked for.

    Raises:
        InvalidInput: the inventory, a profile, the waivers or the evidence is not valid, or a check is unknown; nothing
            was contacted.
    """
    checks = chosen(only)
    files = evidence_files(from_evidence) if from_evidence is not None else None
    # Two processes of Ansible's read the inventory at a time.
    with vault_opened(site) as (opened, password), asking(opened) as ask:
        inventory = load_inventory(opened)
        redactor = Redactor.for_inventory(inventory, password_file=password)
        targets = targets_of(site, inventory, limit, ask)
    if files is not None and limit is None:
        _refuse_strangers(files, targets, site)
    # The day of this machine's time zone: people who write a waiver mean theirs.
    waived = load_waivers(site.root, inventory, waivers, today or datetime.now().astimezone().date())
    waived = waived.redacted(redactor.text)
    started = datetime.now(UTC)

    texts: dict[str, str] = {}

    def finish(host: str, result: Result) -> Result:
        return for_reports(waived.applied(host, result), redactor, texts)

    connect: Connect = Connection
    keeping = None
    if files is None:
        folder = site.runs.parent
        # Another inventory may give the same name to another machine.
        counters = Counters(folder / "counters" / quote(site.other_inventory, safe=""))
        seeds, recorder = Seeds(folder / "seeds", redactor), Recorder(folder, redactor)
        keeping = Keeping(seeds, recorder, counters, known_drift(site, started))
    else:
        connect = partial(_replay, files, redactor)
    wanted = checks if only else None
    members = Counter(host.profile for host in inventory.hosts.values() if host.profile)
    try:
        reports = judge_targets(
            targets,
            connect,
            checks=wanted,
            forks=forks,
            keeping=keeping,
            members=members,
            finish=finish,
            redact=redactor.text,
            on_progress=on_progress,
        )
    except BaseException:
        if keeping is not None:
            keeping.recorder.discard()
        raise
    hosts = tuple(replace(report, reason=shown_text(report.reason, redactor)) for report in reports)
    if keeping is not None:
        keeping.counters.write()
    return Verification(
        site.name,
        started,
        datetime.now(UTC),
        hosts,
        limit,
        tuple(only),
        inventory=site.inventory_name,
        waivers=waived.uses([host for host in hosts if host.state is HostState.JUDGED], wanted),
        evidence=keeping.recorder if keeping is not None else None,
    )


def _replay(files: Mapping[str, Path], redactor: Redactor, name: str, _access: Access) -> Reaching:
    """Answer from a file in place of the host; without one, nothing is known."""
    return Replay(name, files.get(name), redactor)


def _refuse_strangers(files: Iterable[str], targets: Sequence[Target], site: Site) -> None:
    strangers = sorted(set(files) - {target.name for target in targets})
    if strangers:
        more = f" and {len(strangers) - 5} more" if len(strangers) > 5 else ""
        raise InvalidInput(
            f"--from-evidence: {', '.join(strangers[:5])}{more}: not in the inventory {site.inventory}",
            "name the inventory of that run: -i PATH; or the hosts to judge: --limit PATTERN",
        )


def chosen(only: Sequence[str]) -> frozenset[str]:
    """Return the ids of the checks that `only` names, a topic naming all of its own.

    Raises:
        InvalidInput: there is no such check or topic.
    """
    for word in only:
        if word not in CATALOGUE and word not in TOPICS:
            near = nearest(word, [*CATALOGUE, *TOPICS])
            raise InvalidInput(
                f"--only {word}: there is no such check or topic" + (f"; did you mean {near}?" if near else ""),
                f"topics: {', '.join(TOPICS)}; checks: hybridctl verify --list",
            )
    return named_by(only)


def targets_of(site: Site, inventory: Inventory, limit: str | None, ask: Ask) -> tuple[Target, ...]:
    """Return the hosts of `limit` with their profiles and the way to them, which Ansible is asked for."""
    hosts = inventory.select(limit)
    if not hosts:
        raise InvalidInput(f"{site.inventory}: the inventory has no host", "add hosts to a group in hosts.yml")
    profiles = {name: load_profile(name, site.root) for name in sorted({h.profile for h in hosts if h.profile})}
    access = ask([host.name for host in hosts], variables_of_checks())
    return tuple(Target(h.name, profiles[h.profile] if h.profile else None, access[h.name]) for h in hosts)


def judge_targets(
    targets: Sequence[Target],
    connect: Connect,
    *,
    checks: frozenset[str] | None = None,
    forks: int = 20,
    keeping: Keeping | None = None,
    members: Mapping[str, int] | None = None,
    finish: Finish = lambda _host, result: result,
    redact: Callable[[str], str] = str,
    on_progress: Callable[[int, int], None] = lambda _done, _asked: None,
) -> tuple[HostReport, ...]:
    """Judge hosts in parallel; whatever happens to one, every one has a report.

    Of a host that is done only its report is held.

    Args:
        connect: makes the connection to a host by its name and access.
        checks: ids of those to run; None means all of each profile.
        keeping: knows what to ask first, and keeps what was said.
        members: hosts of each profile in the whole inventory; None when all of them are among the targets.
        finish: makes of each result the one that is reported, by the name of its host; hosts are compared before.
        redact: takes the secrets out of a text.
    """
    finish = partial(_finished, finish)
    reports: dict[str, HostReport] = {}
    open_: dict[str, Reaching] = {target.name: connect(target.name, target.access) for target in targets}
    pool = ThreadPoolExecutor(max_workers=room_for(forks), thread_name_prefix="verify")
    try:
        asked: dict[str, list[str]] = {}
        judge = partial(_judge, checks=checks, keeping=keeping, asked=asked, finish=finish)
        # No name keeps the futures: each keeps the report of its host as long as it lives.
        for future in as_completed([pool.submit(judge, target, open_[target.name]) for target in targets]):
            report = future.result()
            reports[report.name] = report
            del open_[report.name]
            on_progress(len(reports), len(targets))
    finally:
        # After Ctrl-C the commands that run are ended, so that no thread waits for its time limit.
        for connection in open_.values():
            connection.close()
        pool.shutdown(cancel_futures=True)
    reports = compare_hosts(targets, reports, members or {}, finish, redact)
    return tuple(reports[target.name] for target in targets)


def _judge(
    target: Target,
    connection: Reaching,
    checks: frozenset[str] | None,
    keeping: Keeping | None,
    asked: dict[str, list[str]],
    finish: Finish,
) -> HostReport:
    """Body of a thread: never raises for what a host does.

    Args:
        asked: what a set of checks asks first; most hosts have the set of another.
    """
    began = time.monotonic()
    report = HostReport(
        target.name,
        HostState.JUDGED,
        profile=target.profile.name if target.profile else "",
        lab=bool(target.profile and target.profile.lab),
    )
    results: list[Result] = []
    lost: ConnectionLost | None = None
    set_of_checks = ""
    expected = _expected(target.profile, checks) if target.profile else []
    try:
        set_of_checks, ask = _first_questions(target, expected, keeping, asked)
        if keeping is not None:
            keeping.tell(target.name, connection.backend, [one.check for one in expected])
        connection.open(ask)
        if target.profile is None:
            report = replace(report, state=HostState.NO_PROFILE, reason="its hybridctl_profile is not set")
            results.append(_without("profile", report.reason, _NO_PROFILE))
        else:
            found, lost = _results(target, connection, expected)
            results += found
            if not results and lost is None:
                reason = "its profile expects nothing of the checks that were asked for"
                results.append(_without("profile", reason, "ask for other checks, or add them to the profile"))
    except ConnectionLost as error:
        lost = error
    except CannotTell as error:  # evidence that is not there or cannot be read
        results.append(_without("evidence", str(error), "verify the host anew: hybridctl verify --limit {host}"))
    except Exception as error:  # of ours: the host was not judged, and the report says why
        reason = f"verify itself broke: {type(error).__name__}: {error}"
        results.append(_without("verify", reason, "tell the maintainers, with this report"))
    finally:
        connection.close()
    if keeping is not None:
        reason = str(lost) if lost else ""
        counts = counted(connection.host, (result.check for result in results))
        keeping.keep(target.name, set_of_checks, connection.backend, counts, reached=connection.reached, lost=reason)
    if lost is not None:
        until = f"lost after {len(results)} results: " if results else ""
        report = replace(report, state=HostState.UNREACHABLE, reason=f"{until}{lost}")
    named = (replace(result, remedy=result.remedy.replace("{host}", target.name)) for result in results)
    finished = tuple(result if is_compared(result) else finish(target.name, result) for result in named)
    return replace(report, results=finished, seconds=round(time.monotonic() - began, 1))


def _finished(finish: Finish, host: str, result: Result) -> Result:
    """Return what is reported of a result, which is not the result itself where that breaks: it may name a secret."""
    try:
        return finish(host, result)
    except Exception as error:
        reason = f"verify itself broke: {type(error).__name__}"
        return _without(result.check, reason, "tell the maintainers, with this report")


def _first_questions(
    target: Target, expected: Sequence[Expectation], keeping: Keeping | None, asked: dict[str, list[str]]
) -> tuple[str, Sequence[str]]:
    """Return the name of the host's set of checks, and what to ask in the first trip."""
    variables = target.access.variables
    name = fingerprint([(e.check, e.form, e.wanted, dict(e.parameters)) for e in expected], dict(variables))
    if name not in asked:
        nobody = Host(EvidenceBackend("nobody"))
        asked[name] = first_misses([partial(judge_expectation, nobody, e, variables) for e in expected])
    return name, keeping.ask_first(target.name, name, asked[name]) if keeping is not None else asked[name]


def _results(
    target: Target, connection: Reaching, expected: Sequence[Expectation]
) -> tuple[list[Result], ConnectionLost | None]:
    """Judge all that is expected of a host, in that order; less is judged of a host that was lost on the way."""
    outcome = in_rounds([partial(_one, target, connection, expectation) for expectation in expected], connection.fetch)
    results: list[Result] = []
    for expectation, done in zip(expected, outcome.done, strict=True):
        if done is not None:
            results += done
        elif outcome.lost is None:
            reason = "the check asked for ever new commands"
            results.append(_without(expectation.check, reason, "tell the maintainers, with this report"))
    return results, outcome.lost


_NO_PROFILE = "set hybridctl_profile for {host} in the inventory"


def _one(target: Target, connection: Reaching, expectation: Expectation) -> tuple[Result, ...]:
    """Judge by one expectation, and note what was asked for it where somebody will want to see the answers."""
    backend = connection.backend
    backend.noted.clear()  # of a round before, in which it was suspended
    known = backend.earlier, backend.drift
    results = judge_expectation(connection.host, expectation, target.access.variables, *known)
    asked = tuple(backend.noted)
    return tuple(r if r.verdict is Verdict.PASS else replace(r, commands=asked) for r in results)


def _expected(profile: Profile, checks: frozenset[str] | None) -> list[Expectation]:
    """Return what to judge, in the order of the catalogue; what no check judges yet comes last, never with `checks`."""
    order = {id_: place for place, id_ in enumerate(CATALOGUE)}
    wanted = [e for e in profile.expectations.values() if checks is None or e.check in checks]
    return sorted(wanted, key=lambda expectation: order.get(expectation.check, len(order)))


def _without(check: str, reason: str, remedy: str) -> Result:
    return Result(check, Verdict.UNKNOWN, reason=reason, remedy=remedy)
