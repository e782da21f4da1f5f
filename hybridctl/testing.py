"""Helpers for tests of runs: events as ansible-runner sends them, a runner without Ansible, a site of local hosts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hybridctl.execution import Execution, Options
from hybridctl.hostlock import GIVE_BACK, TAKE
from hybridctl.inventory import Host, Inventory
from hybridctl.redaction import Redactor
from hybridctl.runner import PlayRequest, PlayResult, PlayStatus
from hybridctl.site import Site

__all__ = [
    "DEAD",
    "LOCAL",
    "Bench",
    "FakeFleet",
    "FakeRunner",
    "FewHosts",
    "play",
    "play_start",
    "result_event",
    "start",
    "stats",
    "text",
]

_AT = "2026-01-01T00:00:{:02d}+00:00"


def play_start(name: str, pattern: str = "all", second: int = 0) -> dict[str, Any]:
    """Return the event of a play that begins."""
    data = {"name": name, "play": name, "pattern": pattern}
    return {"event": "playbook_on_play_start", "created": _AT.format(second), "event_data": data}


def start(host: str, task: str, play: str = "base | every host", second: int = 0) -> dict[str, Any]:
    """Return the event of a host that begins a task."""
    return result_event("runner_on_start", host, task, play=play, second=second)


def result_event(
    name: str,
    host: str,
    task: str,
    result: Mapping[str, Any] | None = None,
    *,
    play: str = "base | every host",
    role: str = "",
    second: int = 0,
    ignore_errors: bool = False,
) -> dict[str, Any]:
    """Return the event of a task's result; `name` is the runner's, such as `runner_on_ok`."""
    data = {
        "host": host,
        "remote_addr": host,
        "task": task,
        "play": play,
        "role": role,
        "task_path": "/site/tasks/main.yml:7",
        "res": dict(result or {}),
        "ignore_errors": ignore_errors,
    }
    return {"event": name, "created": _AT.format(second), "event_data": data}


def stats(**counters: Mapping[str, int]) -> dict[str, Any]:
    """Return the last event of a playbook: `stats(ok={"a": 3}, dark={"b": 1})`."""
    processed = {host: 1 for counter in counters.values() for host in counter}
    return {"event": "playbook_on_stats", "created": _AT.format(59), "event_data": {**counters, "processed": processed}}


def text(line: str) -> dict[str, Any]:
    """Return the event of a line that ansible-playbook printed."""
    return {"event": "verbose", "created": _AT.format(0), "stdout": line}


class FakeRunner:
    """Stands in for `runner.run`: replays events and keeps the request.

    Args:
        events: sent in order, redacted like real ones.
        result: what the run returns.
    """

    def __init__(self, events: Iterable[Mapping[str, Any]], result: PlayResult | None = None) -> None:
        self.events = list(events)
        self.result = result or PlayResult(PlayStatus.FINISHED, 0, 1.0)
        self.request: PlayRequest | None = None

    def __call__(
        self, request: PlayRequest, on_event: Callable[[dict[str, Any]], None], redactor: Redactor
    ) -> PlayResult:
        """Replay."""
        self.request = request
        for event in self.events:
            on_event(redactor.data(dict(event)))
        return self.result


@dataclass
class FakeFleet:
    """Stands in for `runner.run` over hosts whose fate is known: plays the lock, one task, the unlock.

    Attributes:
        hosts: all of them, for requests that name none.
        fates: `failed`, `unreachable` or `unfinished` by host, of the one task; `ok` when not named.
        locked: hosts whose lock somebody holds, with what stands in it.
        ends: how the playbooks end, in turn; FINISHED when there are no more.
        during: called with each request of the site's playbook before its events.
        requests: those of the site's playbook, in turn.
        unlocked: hosts of each request of the unlocking playbook.
    """

    hosts: Sequence[str]
    fates: Mapping[str, str] = field(default_factory=dict)
    locked: dict[str, str] = field(default_factory=dict)
    ends: list[PlayStatus] = field(default_factory=list)
    during: Callable[[PlayRequest], None] = lambda _request: None
    requests: list[PlayRequest] = field(default_factory=list)
    unlocked: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def played(self) -> list[tuple[str, ...]]:
        """The hosts of each request of the site's playbook."""
        return [request.hosts or tuple(self.hosts) for request in self.requests]

    def __call__(
        self, request: PlayRequest, on_event: Callable[[dict[str, Any]], None], redactor: Redactor
    ) -> PlayResult:
        """Play."""
        hosts = request.hosts or tuple(self.hosts)
        if request.playbook.endswith(".host_unlock"):
            self.unlocked.append(hosts)
            events = [result_event("runner_on_ok", host, GIVE_BACK, play="finish | unlock") for host in hosts]
            status = PlayStatus.FINISHED
        else:
            self.requests.append(request)
            self.during(request)
            status = self.ends.pop(0) if self.ends else PlayStatus.FINISHED
            events = list(self._events(request, hosts)) if status is not PlayStatus.BROKEN else []
            if status is PlayStatus.FINISHED:
                events.append(self._stats(events, hosts))
        for event in events:
            on_event(redactor.data(event))
        return PlayResult(status, 0, 1.0)

    def _events(self, request: PlayRequest, hosts: Sequence[str]) -> Iterator[dict[str, Any]]:
        lock = request.extra_vars["hybridctl_lock"]
        preflight = "preflight | lock"
        yield play_start(preflight)
        for host in hosts:
            held = self.locked.get(host)
            if held is None or lock["broken"].get(host) == held:
                self.locked.pop(host, None)
                yield result_event("runner_on_ok", host, TAKE, play=preflight)
            else:
                look = lock["action"] == "look"
                refusal = {"msg": "non-zero return code", "rc": 75, "stderr": f"locked by {held}"}
                yield result_event("runner_on_failed", host, TAKE, refusal, ignore_errors=look, play=preflight)
        yield play_start("base | every host")
        for host in hosts:
            fate = self.fates.get(host, "ok")
            if host in self.locked:
                continue
            yield start(host, "Write")
            if fate != "unfinished":
                yield result_event(
                    f"runner_on_{fate}", host, "Write", {"msg": f"{host} says no"} if fate != "ok" else {}
                )
            if fate == "ok":
                yield result_event("runner_on_ok", host, GIVE_BACK, play="finish | unlock")

    @staticmethod
    def _stats(events: Sequence[Mapping[str, Any]], hosts: Sequence[str]) -> dict[str, Any]:
        counters: dict[str, dict[str, int]] = {"ok": {}, "failures": {}, "dark": {}}
        names = {"runner_on_ok": "ok", "runner_on_failed": "failures", "runner_on_unreachable": "dark"}
        for event in events:
            counter, host = names.get(event["event"]), event["event_data"].get("host")
            if counter and event["event_data"].get("ignore_errors"):
                counter = "ok"  # as Ansible counts it
            if counter and host in hosts:
                counters[counter][host] = counters[counter].get(host, 0) + 1
        return stats(**counters)


LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
# Nothing listens on port 1 of this machine: ssh is refused at once.
DEAD = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_user": "nobody"}


class FewHosts(Inventory):
    """An inventory whose patterns are host names, groups and `all`."""

    def select(self, limit: str | None) -> tuple[Host, ...]:
        """Return the hosts of `limit`."""
        limit = limit or "all"
        names = self.groups.get(limit, (limit,))
        return tuple(self.hosts[name] for name in names if name in self.hosts)


@dataclass(frozen=True)
class Bench:
    """Makes runs ready: writes an inventory and a playbook, and returns what `execute` takes."""

    root: Path

    def write(self, hosts: Mapping[str, Mapping[str, Any]], playbook: list[dict[str, Any]]) -> tuple[Path, Path]:
        """Write both files and return them."""
        inventory, play = self.root / "hosts.yml", self.root / "play.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": {name: dict(vars_) for name, vars_ in hosts.items()}}}))
        play.write_text(yaml.safe_dump(playbook, sort_keys=False))
        return inventory, play

    def __call__(
        self, hosts: Mapping[str, Mapping[str, Any]], playbook: list[dict[str, Any]], **options: Any
    ) -> Execution:
        """Make a run ready."""
        inventory, play = self.write(hosts, playbook)
        known = {name: Host(name, name, 22, (), None, variables) for name, variables in hosts.items()}
        site = Site(self.root, inventory, "bench")
        return Execution(
            site, FewHosts(known, {"all": tuple(known)}), tuple(known), Options(playbook=str(play), **options)
        )


def play(*tasks: dict[str, Any], layer: str = "base", hosts: str = "all") -> dict[str, Any]:
    """Return a play of a layer without facts."""
    return {"name": f"{layer} | test", "hosts": hosts, "gather_facts": False, "tags": [layer], "tasks": list(tasks)}
