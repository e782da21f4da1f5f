"""Recorded runs for tests, made by the real recorder from events as ansible-runner sends them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hybridctl.execution import execute
from hybridctl.run_history import RunRecord, find_run
from hybridctl.runner import PlayResult, PlayStatus
from hybridctl.testing import LOCAL, Bench, FakeRunner, play_start, result_event, start, stats

ZERO = datetime(2026, 1, 1, tzinfo=UTC)

WRITE = {"changed": True, "diff": {"before": "a = 1\n", "after": "a = 2\n", "after_header": "/etc/x"}}
LOOP = {
    "changed": True,
    "results": [
        {"changed": True, "item": "vm.swappiness", "diff": {"before": "60\n", "after": "10\n"}},
        {"changed": False, "item": "vm.dirty_ratio"},
    ],
}
FULL = {"msg": "No space left on device"}
# gw1 changes two things, cpu1 fails after 5 s in its second layer.
FAILED_RUN = (
    play_start("base | every host"),
    start("gw1", "Write"),
    start("cpu1", "Write"),
    result_event("runner_on_ok", "gw1", "Write", WRITE, role="host_base", second=3),
    result_event("runner_on_ok", "cpu1", "Write", WRITE, role="host_base", second=4),
    start("gw1", "Set", second=4),
    result_event("runner_on_ok", "gw1", "Set", LOOP, role="host_base", second=10),
    play_start("serving | workers", second=10),
    start("cpu1", "Unpack", play="serving | workers", second=10),
    result_event("runner_on_failed", "cpu1", "Unpack", FULL, play="serving | workers", role="vllm", second=15),
    stats(ok={"gw1": 2, "cpu1": 1}, changed={"gw1": 2, "cpu1": 1}, failures={"cpu1": 1}),
)
# The same hosts, and nothing left to do.
QUIET_RUN = (
    play_start("base | every host"),
    start("gw1", "Write"),
    start("cpu1", "Write"),
    result_event("runner_on_ok", "gw1", "Write", {}, role="host_base", second=1),
    result_event("runner_on_ok", "cpu1", "Write", {}, role="host_base", second=2),
    stats(ok={"gw1": 1, "cpu1": 1}),
)


def record(
    bench: Bench,
    events: Iterable[Mapping[str, Any]] = FAILED_RUN,
    command: str = "provision",
    *,
    hosts: Iterable[str] = ("gw1", "cpu1"),
    result: PlayResult | None = None,
    **options: Any,
) -> RunRecord:
    """Record a run and return it."""
    execution = bench(dict.fromkeys(hosts, LOCAL), [], **options)
    execute(execution, command, run=FakeRunner(events, result or PlayResult(PlayStatus.FINISHED, 0, 1.0)))
    return find_run(execution.site.runs, "latest")


def at(event: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return the event at another time, counted from the start of the run; finer and longer than `second` allows."""
    return {**event, "created": (ZERO + timedelta(seconds=seconds)).isoformat()}


# layer, play, which hosts by their name's beginning, tasks as (role, task, seconds)
_PLAYS = (
    (
        "preflight | what must be true first",
        "",
        (("", "Gathering Facts", 1.4), ("host_base", "Refuse what is untried", 0.2)),
    ),
    (
        "base | every host",
        "",
        (
            ("host_base", "Install chrony", 4.0),
            ("host_base", "Write limits and sysctl", 0.7),
            ("host_base", "Keep unattended upgrades off our packages", 0.6),
            ("host_base", "Enable and start units", 1.1),
        ),
    ),
    (
        "serving | workers",
        "cpu",
        (
            ("model_store", "Compare files with the manifest", 3.5),
            ("vllm", "Install vLLM from the wheelhouse", 22.0),
            ("vllm", "Write the unit of vLLM", 0.8),
            ("vllm", "Wait for the first answer", 19.0),
        ),
    ),
    ("gateway | haproxy", "gw", (("gateway", "Write haproxy.cfg", 1.2), ("gateway", "Reload HAProxy", 0.9))),
    (
        "monitoring | exporters",
        "",
        (("node_telemetry", "Install node_exporter", 5.0), ("node_telemetry", "Start it", 0.8)),
    ),
)
_CFG = "global\n  log stdout local0\ndefaults\n  timeout connect 5s\nbackend cpu\n"


def fleet(count: int) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """Return hosts and events of a provision of a whole site, as Ansible's linear strategy runs it.

    The last host is unreachable from the start and the last but one fails in its second layer.
    """
    gateways = max(1, count // 20)
    workers = count - gateways
    hosts = (*(f"gw{n + 1}" for n in range(gateways)), *(f"cpu{n + 1:02d}" for n in range(workers)))
    dead, broken = hosts[-1], hosts[-2]
    events: list[dict[str, Any]] = []
    now, gone = 0.0, set[str]()
    for play, prefix, tasks in _PLAYS:
        events.append(at(play_start(play), now))
        for role, task, seconds in tasks:
            turn, end = [], now
            for number, host in enumerate(name for name in hosts if name.startswith(prefix) and name not in gone):
                began = now + 0.02 * number
                took = seconds * (1 + (hash_of(host + task) % 60) / 100)
                name, result = _outcome(host, task, dead, broken)
                took = 10.0 if name == "runner_on_unreachable" else took
                gone |= {host} if name in ("runner_on_unreachable", "runner_on_failed") else set()
                turn.append((began, start(host, task, play=play)))
                turn.append((began + took, result_event(name, host, task, result, play=play, role=role)))
                end = max(end, began + took)
            events += [at(event, when) for when, event in sorted(turn, key=lambda pair: pair[0])]
            now = end
    ok = {host: 8 if host.startswith("gw") else 10 for host in hosts if host not in gone}
    changed = {**{host: 3 if host.startswith("gw") else 5 for host in ok}, broken: 1}
    events.append(at(stats(ok={**ok, broken: 3}, changed=changed, dark={dead: 1}, failures={broken: 1}), now))
    return hosts, events


def hash_of(text: str) -> int:
    """Return a number that is the same in every process."""
    return sum(ord(letter) * (place + 7) for place, letter in enumerate(text))


def _outcome(host: str, task: str, dead: str, broken: str) -> tuple[str, dict[str, Any]]:
    if host == dead:
        return "runner_on_unreachable", {"msg": f"ssh: connect to host {host} port 22: Connection timed out"}
    if host == broken and task.startswith("Write limits"):
        return "runner_on_failed", {"msg": "OSError: [Errno 28] No space left on device: '/etc/sysctl.d/90-x.conf'"}
    if task.startswith("Install"):
        return "runner_on_ok", {"changed": True, "diff": {"prepared": f"+{task.split()[1]} 4.3-2+deb12u1"}}
    if task == "Write haproxy.cfg":
        after = _CFG.replace("5s", "2s") + "  server cpu01 10.0.0.11:8000 check <&>\n"
        return "runner_on_ok", {
            "changed": True,
            "dest": "/etc/haproxy/haproxy.cfg",
            "diff": {"before": _CFG, "after": after},
        }
    if task.startswith("Write limits"):
        items = (("fs.file-max", "1024", "2097152"), ("vm.swappiness", "60", "10"))
        results = [
            {"changed": True, "item": name, "diff": {"before": f"{old}\n", "after": f"{new}\n"}}
            for name, old, new in items
        ]
        return "runner_on_ok", {"changed": True, "results": results}
    return "runner_on_ok", {"changed": task.startswith("Write the unit")}
