"""One run over a site's hosts, for `provision` and `plan`: validated first, recorded always, every host judged."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from hybridctl import content, runner
from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.events import Event, EventKind, Outcomes, parse
from hybridctl.inventory import Inventory, load_inventory
from hybridctl.redaction import Redactor
from hybridctl.results import RunFacts, RunResult, expected_hosts
from hybridctl.runner import PlayRequest, PlayResult, PlayStatus
from hybridctl.runs import RunStore
from hybridctl.site import Site

__all__ = ["Execution", "Observer", "Options", "execute", "known_layers"]

Observer = Callable[[Event, Outcomes], None]
Runner = Callable[[PlayRequest, Callable[[dict[str, Any]], None], Redactor], PlayResult]


@dataclass(frozen=True)
class Options:
    """What a user may choose of a run.

    Attributes:
        layers: only these, and preflight before them; empty means all.
        forks: hosts worked on at a time.
        playbook: the whole site, unless a test names a smaller one.
    """

    limit: str | None = None
    check: bool = False
    diff: bool = False
    layers: tuple[str, ...] = ()
    forks: int = 20
    playbook: str = f"{content.COLLECTION}.site"

    @property
    def tags(self) -> tuple[str, ...]:
        """The layers to run; a system that no role knows is refused whatever layer was asked for."""
        return tuple(dict.fromkeys(("preflight", *self.layers))) if self.layers else ()


@dataclass(frozen=True)
class Execution:
    """A run that is ready: its inventory is valid and its hosts are known; nothing was contacted yet."""

    site: Site
    inventory: Inventory
    hosts: tuple[str, ...]
    options: Options

    @classmethod
    def prepare(cls, site: Site, options: Options) -> "Execution":
        """Validate everything that can be validated without a host.

        Raises:
            InvalidInput: the inventory is not valid, no host matches, or a layer is unknown.
        """
        known = known_layers()
        for layer in options.layers:
            if layer not in known:
                raise InvalidInput(f"--layer {layer}: there is no such layer", f"name one of: {', '.join(known)}")
        inventory = load_inventory(site)
        hosts = tuple(host.name for host in inventory.select(options.limit))
        if not hosts:
            raise _no_host(site, inventory, options.limit)
        return cls(site, inventory, hosts, options)

    def request(self, run_dir: Path) -> PlayRequest:
        """Return what the runner is asked for."""
        options = self.options
        return PlayRequest(
            playbook=options.playbook,
            inventory=self.site.inventory,
            run_dir=run_dir,
            cwd=self.site.root,
            # The hosts themselves, as they were shown: an `@FILE` is ours to read, in our folder.
            limit=",".join(self.hosts) if options.limit is not None else None,
            check=options.check,
            diff=options.diff,
            tags=options.tags,
            vault_password_file=self.site.vault_password_file,
            forks=options.forks,
        )

    def redactor(self) -> Redactor:
        """Return what hides the secrets of this site and of our environment."""
        return Redactor.for_inventory(self.inventory, environ=os.environ, password_file=self.site.vault_password_file)


def known_layers() -> tuple[str, ...]:
    """Return the layers in the order in which the site's playbook imports them."""
    imports = yaml.safe_load((content.collection_root() / "playbooks" / "site.yml").read_text(encoding="utf-8"))
    return tuple(Path(entry["ansible.builtin.import_playbook"]).stem for entry in imports)


def execute(
    execution: Execution,
    command: str,
    observers: Iterable[Observer] = (),
    *,
    on_start: Callable[[RunStore], None] = lambda _store: None,
    run: Runner | None = None,
) -> RunResult:
    """Run, record and judge.

    Args:
        command: `provision` or `plan`, for the record.
        observers: get every event after it was recorded and added up.
        on_start: gets the store of the run before the first host is contacted.
        run: stands in for `runner.run` in tests.

    Raises:
        HybridctlError: the run cannot be recorded, or there is no Ansible.
    """
    options, watching = execution.options, tuple(observers)
    redactor = execution.redactor()
    started = datetime.now(UTC)
    store = RunStore(execution.site.runs, started)
    facts = RunFacts(
        store.id,
        command,
        execution.site.name,
        started,
        options.check,
        options.limit,
        options.layers,
        len(execution.hosts),
    )
    outcomes = Outcomes(execution.hosts)
    # What stands in the record when something of ours raises before the runner has returned.
    ended = PlayResult(PlayStatus.BROKEN, None, 0.0, "hybridctl itself was ended before the play was over")

    def on_event(raw: dict[str, Any]) -> None:
        event = parse(raw)
        if event is None or _left_out(event, options.tags):
            return
        outcomes.add(event)
        try:
            store.record(event)
        finally:
            for observer in watching:
                observer(event, outcomes)

    store.write_result(facts.document())
    try:
        on_start(store)
        ended = (run or runner.run)(execution.request(store.path), on_event, redactor)
    finally:
        outcomes.judge(expected_hosts(execution.inventory, outcomes, execution.hosts, options.tags))
        result = RunResult.build(facts, store.path, ended, outcomes, datetime.now(UTC))
        result = _recorded(store, result)
    return result


def _recorded(store: RunStore, result: RunResult) -> RunResult:
    """Record how the run ended; what came of the hosts is told even when the disk is full by then."""
    line = f"{result.document['status']}: exit {int(result.exit_code)} {result.message}".rstrip()
    remarks = list(result.remarks)
    for step in (partial(store.write_result, result.document), partial(store.log, line), store.close):
        try:
            step()
        except HybridctlError as error:
            remarks.append(error.message)
    return replace(result, remarks=tuple(dict.fromkeys(remarks)))


def _left_out(event: Event, tags: tuple[str, ...]) -> bool:
    """Tell the empty shell of a layer that was not asked for: Ansible announces each play, whatever its tags."""
    shell = event.kind in (EventKind.PLAY, EventKind.START, EventKind.NO_HOSTS)
    return shell and bool(tags) and event.layer not in tags


def _no_host(site: Site, inventory: Inventory, limit: str | None) -> InvalidInput:
    if limit is None:
        return InvalidInput(f"{site.inventory}: the inventory has no host", "add hosts to a group in hosts.yml")
    hosts, groups = sorted(inventory.hosts), sorted(inventory.groups)
    more = f" and {len(hosts) - 12} more" if len(hosts) > 12 else ""
    return InvalidInput(
        f"--limit '{limit}' matches no host of {site.inventory}; nothing was contacted",
        f"hosts: {', '.join(hosts[:12])}{more}; groups: {', '.join(groups)}",
    )
