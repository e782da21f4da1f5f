"""A provision from its first batch to its last: budget, window, hooks and locks decide whether the next one begins.

Each batch is an ansible-playbook of its own over exactly its hosts; all of them are one run with one record (ADR 7).
"""

import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from hybridctl import content, durations, runner
from hybridctl.batches import in_order, split
from hybridctl.events import Event, EventKind, parse
from hybridctl.execution import Execution, Observer, Runner, Session
from hybridctl.hooks import run_hook
from hybridctl.hostlock import Locks, Owner, breakable, look
from hybridctl.results import Batch, BatchStatus, RunResult
from hybridctl.rollout import Rollout
from hybridctl.runner import PlayRequest, PlayResult, PlayStatus
from hybridctl.runs import RunStore, describe

__all__ = ["Conduct", "provision"]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Conduct:
    """What a run needs of the world around it.

    Attributes:
        run: stands in for `runner.run` in tests.
        clock: the time, with its zone; tests turn it.
        ask: asks the user a question of yes or no; None when nobody is there to answer.
        on_start: gets the store of the run before the first host is contacted.
        resumes: the run that this one goes on with; after it those that it went on with itself.
        break_locks: break locks whose owner is not known to live.
    """

    run: Runner | None = None
    clock: Callable[[], datetime] = _now
    ask: Callable[[str], bool] | None = None
    on_start: Callable[[RunStore], None] = lambda _store: None
    resumes: tuple[str, ...] = ()
    break_locks: bool = False


def provision(
    execution: Execution, rollout: Rollout, observers: Iterable[Observer] = (), conduct: Conduct | None = None
) -> RunResult:
    """Provision batch by batch; hosts of batches that do not begin are named as such, with the reason.

    In check mode nothing can be hurt: no lock is taken, hooks and window do not count.

    Raises:
        InvalidInput: the canary is no host of the run.
        HybridctlError: the run cannot be recorded, or there is no Ansible.
    """
    conduct = conduct or Conduct()
    hosts = in_order(execution.hosts, rollout.canary)
    batches = tuple(Batch(number, some) for number, some in enumerate(split(hosts, rollout.shares), 1))
    session = Session(
        execution,
        "provision",
        batches,
        tuple(observers),
        conduct.run,
        rollout.document(),
        next(iter(conduct.resumes), None),
    )
    work = _Work(session, rollout, conduct, exact=execution.exact or bool(rollout.shares))
    stopped = "hybridctl itself was ended before"
    try:
        conduct.on_start(session.store)
        stopped = work.all_batches()
        if all(batch.started is None for batch in batches):
            session.ended = PlayResult(PlayStatus.FINISHED, None, 0.0)
    except KeyboardInterrupt:
        session.ended = PlayResult(PlayStatus.CANCELLED, None, 0.0, "", session.ended.handler_errors)
        stopped = "the run was interrupted"
    finally:
        result = session.finish(stopped)
    return result


class _Work:
    """The batches of one session."""

    def __init__(self, session: Session, rollout: Rollout, conduct: Conduct, exact: bool) -> None:
        self.session, self.rollout, self.conduct, self.exact = session, rollout, conduct, exact
        self.check = session.execution.options.check
        self.locks = Locks(Owner.ourselves(session.store.id))
        session.observers = (self.locks, *session.observers)

    def all_batches(self) -> str:
        """Work through them; return why one did not begin, empty when all did."""
        batches = self.session.batches
        for batch in batches:
            stopped = self._hindrance(batch) or self._hook("before_batch", batch) or self._too_late(batch)
            if stopped:
                return stopped
            ended = self._batch(batch)
            if ended.status is PlayStatus.CANCELLED:
                return "the run was interrupted" if batch is not batches[-1] else ""
            if ended.status is PlayStatus.BROKEN:
                return "Ansible itself could not run" if batch is not batches[-1] else ""
            stopped = self._hook("after_batch", batch)
            if stopped:
                return stopped
        return ""

    def _hindrance(self, batch: Batch) -> str:
        """Return why a batch may not begin: the failure budget or the window; empty when it may."""
        if batch.number > 1:
            outcomes, total = self.session.outcomes.hosts.values(), len(self.session.outcomes.hosts)
            bad = [host.name for host in outcomes if not host.state.is_fine]
            if self.rollout.budget.is_exceeded_by(len(bad), total):
                return (
                    f"{len(bad)} host{'s' * (len(bad) != 1)} failed or could not be reached ({', '.join(bad)}), more "
                    f"than --max-fail {self.rollout.budget} allows"
                )
        return self._outside_window(batch)

    def _too_late(self, batch: Batch) -> str:
        """Look at the window again behind a hook, which takes its time; what that did is then undone by the other."""
        stopped = self._outside_window(batch) if self.rollout.before_batch else ""
        return "; ".join(filter(None, (stopped, self._hook("after_batch", batch)))) if stopped else ""

    def _outside_window(self, batch: Batch) -> str:
        if self.rollout.window is None or self.check:
            return ""
        options = self.session.execution.options
        site = self.session.execution.site
        expected, unknown = durations.expected_seconds(
            site.runs, batch.hosts, options.layers, options.roles, forks=options.forks, inventory=site.inventory_name
        )
        what = f"batch {batch.number} of {len(self.session.batches)}"
        refusal = self.rollout.window.refusal(self.conduct.clock(), expected, what)
        if not refusal and unknown:
            remark = f"{what}: no record says how long {unknown} of its {len(batch.hosts)} hosts take"
            if remark not in self.session.remarks:
                self.session.remark(remark)
        return refusal

    def _batch(self, batch: Batch) -> PlayResult:
        session, begun = self.session, time.monotonic()
        session.begin(batch)
        try:
            ended = self._play(batch.hosts if self.exact else None, {})
            if ended.status is not PlayStatus.CANCELLED:
                refused = self.locks.refused(batch.hosts, session.outcomes)
                conduct = self.conduct
                broken = breakable(refused, conduct.break_locks, conduct.ask, conduct.resumes) if refused else {}
                if broken:
                    session.outcomes.forget(broken)
                    session.store.log(f"breaking the locks of {', '.join(broken)}")
                    ended = self._play(tuple(broken), broken)
        finally:
            session.judge(batch, begun)
            self._unlock()
        return ended

    def _play(self, hosts: tuple[str, ...] | None, broken: dict[str, Owner]) -> PlayResult:
        variables = look() if self.check else self.locks.take(broken)
        return self.session.play(self.session.execution.request(self.session.store.path, hosts, variables))

    def _unlock(self) -> None:
        """Give back the locks of hosts that failed before they came to do it; once, without a second try."""
        if not self.locks.held:
            return
        execution, store = self.session.execution, self.session.store
        request = PlayRequest(
            playbook=f"{content.COLLECTION}.host_unlock",
            inventory=execution.site.inventory,
            run_dir=store.path,
            cwd=execution.site.root,
            hosts=tuple(self.locks.held),
            extra_vars=self.locks.take(),
            vault_password_file=execution.site.vault_password_file,
            forks=execution.options.forks,
        )

        def on_event(raw: dict[str, object]) -> None:
            event = parse(raw)
            if event is not None:
                self.locks(event, self.session.outcomes)
                if event.kind is not EventKind.PLAY and describe(event):
                    store.log(describe(event))

        ended = (self.conduct.run or runner.run)(request, on_event, self.session.redactor)
        if self.locks.held:
            names = ",".join(self.locks.held)
            self.session.remark(
                f"the lock of {names} was not given back: hybridctl provision --resume {store.id} breaks it, any other "
                "run there needs --break-locks; a reboot clears it"
            )
            self.locks.held.clear()
        if ended.status is PlayStatus.CANCELLED:
            raise KeyboardInterrupt

    def _hook(self, name: str, batch: Batch) -> str:
        """Run a hook; return what went wrong, empty when nothing did."""
        argv: tuple[str, ...] = getattr(self.rollout, name)
        if not argv or self.check:
            return ""
        session, label = self.session, f"{name.replace('_', '-')} hook of batch {batch.number}"
        variables = {
            "HYBRIDCTL_RUN": session.store.id,
            "HYBRIDCTL_BATCH": str(batch.number),
            "HYBRIDCTL_BATCHES": str(len(session.batches)),
            "HYBRIDCTL_HOSTS": " ".join(batch.hosts),
        }
        if name == "after_batch":
            known = (BatchStatus.OK, BatchStatus.WAITING)
            status = batch.status if batch.status in known else BatchStatus.FAILED
            variables["HYBRIDCTL_STATUS"] = "not started" if status is BatchStatus.WAITING else status.value
        clean = session.redactor.text
        message = clean(f"{label}: {shlex.join(argv)}")
        session.announce(Event(EventKind.HOOK, _now().isoformat(), message=message))
        end = run_hook(
            argv,
            variables,
            cwd=session.execution.site.root,
            timeout=self.rollout.hook_timeout,
            log=lambda line: session.store.log(clean(f"  {line}")),
        )
        if end.cancelled:
            raise KeyboardInterrupt
        return clean(f"the {label} failed: {end.failure}; its output is in run.log") if end.failure else ""
