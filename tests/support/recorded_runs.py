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
