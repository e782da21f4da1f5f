"""One run over a site's hosts, for `provision` and `plan`: validated first, recorded always, every host judged."""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from hybridctl import runner, site
from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.events import Event, EventKind, Outcomes, parse
from hybridctl.inventory import Inventory, load_inventory
from hybridctl.redaction import Redactor
from hybridctl.results import Batch, BatchStatus, RunFacts, RunResult, expected_hosts
from hybridctl.runner import PlayRequest, PlayResult, PlayStatus
from hybridctl.runs import RunStore
from hybridctl.selection import Options
from hybridctl.site import Site

__all__ = ["Execution", "Observer", "Options", "Runner", "Session", "execute"]

Observer = Callable[[Event, Outcomes], None]
Runner = Callable[[PlayRequest, Callable[[dict[str, Any]], None], Redactor], PlayResult]


_COMMAND = re.compile(r"\bhybridctl (?:provision|plan|verify|doctor)(?= --)")  # in a remedy


@dataclass(frozen=True)
class Execution:
    """A run that is ready: its inventory is valid and its hosts are known; nothing was contacted yet.

    Attributes:
        exact: run on `hosts` by their names, not on what the limit names.
    """

    site: Site
    inventory: Inventory
    hosts: tuple[str, ...]
    options: Options
    exact: bool = False

    @classmethod
    def prepare(cls, site: Site, options: Options, only: Sequence[str] | None = None) -> "Execution":
        """Validate everything that can be validated without a host.

        Args:
            only: the hosts by their names, whatever the limit says; None takes those of the limit.

        Raises:
            InvalidInput: the inventory is not valid, no host matches, a layer or role is unknown, or no role is left.
        """
        options.check_names()
        inventory = load_inventory(site)
        if only is not None:
            gone = [name for name in only if name not in inventory.hosts]
            if gone:
                raise InvalidInput(
                    f"{', '.join(gone)}: no longer in {site.inventory}; nothing was contacted",
                    "put the host back into the inventory, or provision the others: hybridctl provision --limit HOSTS",
                )
            return cls(site, inventory, tuple(only), options, exact=True)
        hosts = tuple(host.name for host in inventory.select(options.limit))
        if not hosts:
            raise _no_host(site, inventory, options.limit)
        # The hosts themselves, as they were shown: an `@FILE` is ours to read, in our folder.
        return cls(site, inventory, hosts, options, exact=options.limit is not None)

    def request(
        self, run_dir: Path, hosts: tuple[str, ...] | None = None, extra_vars: Mapping[str, Any] | None = None
    ) -> PlayRequest:
        """Return what the runner is asked for.

        Args:
            hosts: exactly these; None leaves it to the limit.
            extra_vars: of ours, not of the user's.
        """
        options = self.options
        return PlayRequest(
            playbook=options.playbook,
            inventory=self.site.inventory,
            run_dir=run_dir,
            cwd=self.site.root,
            limit=options.limit,
            hosts=hosts,
            check=options.check,
            diff=options.diff,
            tags=options.tags,
            skip_tags=options.skip_tags,
            extra_vars=extra_vars or {},
            vault_password_file=self.site.vault_password_file,
            forks=options.forks,
        )

    def redactor(self) -> Redactor:
        """Return what hides the secrets of this site and of our environment."""
        return Redactor.for_inventory(self.inventory, environ=os.environ, password_file=self.site.vault_password_file)


@dataclass
class Session:
    """A run while it goes on: its record, its batches, what became of its hosts.

    Args:
        command: `provision` or `plan`, for the record.
        observers: get every event after it was recorded and added up.
        run: stands in for `runner.run` in tests.
        rollout: for the record; secrets in it are masked here.
        resumes: the run that this one goes on with.

    Raises:
        HybridctlError: the run cannot be recorded.
    """

    execution: Execution
    command: str
    batches: Sequence[Batch]
    observers: tuple[Observer, ...] = ()
    run: Runner | None = None
    rollout: Mapping[str, Any] = field(default_factory=dict)
    resumes: str | None = None

    def __post_init__(self) -> None:
        execution, options, started = self.execution, self.execution.options, datetime.now(UTC)
        self.redactor = execution.redactor()
        self.inventory_option = site.inventory_option(execution.site)
        self.store = RunStore(execution.site.runs, started)
        self.facts = RunFacts(
            self.store.id, self.command, execution.site.name, started, options.check, options.limit, options.layers,
            self.batches, options.roles, options.forks, self.redactor.data(self.rollout), self.resumes,
            execution.site.inventory_name,
        )  # fmt: skip
        self.outcomes = Outcomes(host for batch in self.batches for host in batch.hosts)
        for batch in self.batches:
            for host in batch.hosts:
                self.outcomes.hosts[host].batch = batch.number
        # What stands in the record when something of ours raises before the runner has returned.
        self.ended = PlayResult(PlayStatus.BROKEN, None, 0.0, "hybridctl itself was ended before the play was over")
        self.remarks: list[str] = []
        self.store.write_result(self.facts.document())

    def remark(self, text: str) -> None:
        """Note what the user should know beside what became of hosts."""
        self._keep(partial(self.store.log, text))
        self.remarks.append(text)

    def _keep(self, step: Callable[[], None]) -> None:
        """Write to the record; a disk that is full by now is told, and stops nothing."""
        try:
            step()
        except HybridctlError as error:
            if error.message not in self.remarks:
                self.remarks.append(error.message)

    def tell(self, event: Event) -> None:
        """Add an event up, record it, show it."""
        self.outcomes.add(event)
        try:
            self.store.record(event)
        finally:
            for observer in self.observers:
                observer(event, self.outcomes)

    def announce(self, event: Event) -> None:
        """Tell an event of ours, between playbooks; a screen that is gone or a full disk is noted and stops nothing."""
        try:
            self.tell(event)
        except (OSError, HybridctlError) as error:
            self.remarks.append(f"showing or recording the run failed: {type(error).__name__}: {error}")

    def begin(self, batch: Batch) -> None:
        """Say that a batch begins; with only one there is nothing to say."""
        batch.status, batch.started = BatchStatus.RUNNING, datetime.now(UTC)
        self._keep(partial(self.store.write_result, self.facts.document()))
        if len(self.batches) > 1:
            at = batch.started.isoformat()
            self.announce(Event(EventKind.BATCH, at, item=f"{batch.number} of {len(self.batches)}", hosts=batch.hosts))

    def play(self, request: PlayRequest) -> PlayResult:
        """Run a playbook; what it reports belongs to the batch that was begun last.

        Raises:
            HybridctlError: there is no Ansible.
        """
        entered = self.execution.options.entered

        def on_event(raw: dict[str, Any]) -> None:
            event = parse(raw)
            if event is not None and not _left_out(event, entered):
                self.tell(replace(event, remedy=self._typable(event.remedy)) if event.remedy else event)

        ended = (self.run or runner.run)(request, on_event, self.redactor)
        self.remarks += [f"showing or recording the run failed: {error}" for error in ended.handler_errors]
        # A batch may hold no host of the layers asked for; only when all are so, nothing was done.
        if ended.status is not PlayStatus.NO_HOSTS or self.ended.status is not PlayStatus.FINISHED:
            self.ended = ended
        return ended

    def _typable(self, remedy: str) -> str:
        """Return a remedy whose command names the inventory, unless it need not."""
        return _COMMAND.sub(lambda found: found[0] + self.inventory_option, remedy)

    def judge(self, batch: Batch, begun: float) -> None:
        """Give the hosts of a batch their final states.

        Args:
            begun: when its playbook was started, by the monotonic clock.
        """
        options, outcomes = self.execution.options, self.outcomes
        expected = expected_hosts(self.execution.inventory, outcomes, self.execution.hosts, options.entered)
        outcomes.judge(expected & set(batch.hosts))
        batch.seconds = round(time.monotonic() - begun, 1)
        fine = all(outcomes.hosts[host].state.is_fine for host in batch.hosts)
        interrupted = self.ended.status is PlayStatus.CANCELLED
        batch.status = BatchStatus.INTERRUPTED if interrupted else BatchStatus.OK if fine else BatchStatus.FAILED
        self._keep(partial(self.store.write_result, self.facts.document()))

    def finish(self, stopped: str = "") -> RunResult:
        """Judge the run, record that and close the record.

        Args:
            stopped: why batches were not started, empty when all were.
        """
        for batch in self.batches:
            if batch.status is BatchStatus.WAITING:
                batch.status = BatchStatus.NOT_STARTED
                self.outcomes.leave_out(batch.hosts, stopped)
        result = RunResult.build(
            self.facts, self.store.path, self.ended, self.outcomes, datetime.now(UTC), stopped, self.remarks
        )
        line = f"{result.document['status']}: exit {int(result.exit_code)} {result.message}".rstrip()
        for step in (
            partial(self.store.write_result, result.document),
            partial(self.store.log, line),
            self.store.close,
        ):
            self._keep(step)
        return replace(result, remarks=tuple(dict.fromkeys(self.remarks)))


def execute(
    execution: Execution,
    command: str,
    observers: Iterable[Observer] = (),
    *,
    on_start: Callable[[RunStore], None] = lambda _store: None,
    run: Runner | None = None,
    extra_vars: Mapping[str, Any] | None = None,
) -> RunResult:
    """Run, record and judge all hosts at once.

    Args:
        command: `provision` or `plan`, for the record.
        observers: get every event after it was recorded and added up.
        on_start: gets the store of the run before the first host is contacted.
        run: stands in for `runner.run` in tests.

    Raises:
        HybridctlError: the run cannot be recorded, or there is no Ansible.
    """
    batch, begun = Batch(1, execution.hosts), time.monotonic()
    session = Session(execution, command, (batch,), tuple(observers), run)
    try:
        on_start(session.store)
        session.begin(batch)
        session.play(execution.request(session.store.path, execution.hosts if execution.exact else None, extra_vars))
    finally:
        session.judge(batch, begun)
        result = session.finish()
    return result


def _left_out(event: Event, entered: tuple[str, ...]) -> bool:
    """Tell the empty shell of a layer that was not asked for: Ansible announces each play, whatever its tags."""
    shell = event.kind in (EventKind.PLAY, EventKind.START, EventKind.NO_HOSTS)
    return shell and bool(entered) and event.layer not in entered


def _no_host(site: Site, inventory: Inventory, limit: str | None) -> InvalidInput:
    if limit is None:
        return InvalidInput(f"{site.inventory}: the inventory has no host", "add hosts to a group in hosts.yml")
    hosts, groups = sorted(inventory.hosts), sorted(inventory.groups)
    more = f" and {len(hosts) - 12} more" if len(hosts) > 12 else ""
    return InvalidInput(
        f"--limit '{limit}' matches no host of {site.inventory}; nothing was contacted",
        f"hosts: {', '.join(hosts[:12])}{more}; groups: {', '.join(groups)}",
    )
