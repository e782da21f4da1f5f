"""A provision over several batches, with a fleet whose fate is known: what begins, what not, what is recorded."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import hybridctl
from hybridctl.errors import ExitCode, HybridctlError, InvalidInput
from hybridctl.events import Event, EventKind, HostState, Outcomes
from hybridctl.execution import Execution, Options
from hybridctl.hostlock import Owner
from hybridctl.inventory import Host
from hybridctl.provisioning import Conduct, provision
from hybridctl.redaction import Redactor
from hybridctl.results import RunResult
from hybridctl.rollout import Rollout
from hybridctl.runner import PlayRequest, PlayResult, PlayStatus
from hybridctl.site import Site
from hybridctl.testing import FakeFleet, FewHosts

SCHEMA = json.loads((Path(hybridctl.__file__).parent / "data" / "run-result.schema.json").read_text())
SIX = ("a", "b", "c", "d", "e", "f")

Go = Callable[..., RunResult]


@pytest.fixture
def go(tmp_path: Path) -> Go:
    """Provision `fleet` by a rollout; every record obeys its schema."""

    def run(
        fleet: FakeFleet, *, options: Mapping[str, Any] | None = None, conduct: Any = None, **given: Any
    ) -> RunResult:
        execution = ready(tmp_path, fleet.hosts, **(options or {}))
        result = provision(execution, Rollout().over(given), conduct=replace(conduct or Conduct(), run=fleet))
        assert json.loads((result.path / "result.json").read_text()) == result.document
        jsonschema.validate(result.document, SCHEMA)
        return result

    return run


def ready(root: Path, hosts: Sequence[str], **options: Any) -> Execution:
    """Return a run over hosts without variables, but for one secret."""
    known = {name: Host(name, name, 22, (), None, {"vault_key": "sup3r-secret"}) for name in hosts}
    return Execution(
        Site(root, root / "hosts.yml", "bank"), FewHosts(known, {"all": tuple(known)}), tuple(known), Options(**options)
    )


def states(result: RunResult) -> dict[str, str]:
    """Return the state of each host."""
    return {host["name"]: host["state"] for host in result.document["hosts"]}


def test_without_batches_all_hosts_go_at_once_by_the_limit(go: Go) -> None:
    """One playbook, and a failed host stops nothing."""
    fleet = FakeFleet(SIX, {"b": "failed"})
    result = go(fleet, options={"limit": "all"})
    (request,) = fleet.requests
    assert (request.limit, request.hosts) == ("all", None)
    assert result.exit_code is ExitCode.HOST_FAILED
    assert [batch["status"] for batch in result.document["batches"]] == ["failed"]
    assert result.named(HostState.NOT_STARTED) == []


def test_batches_are_playbooks_of_their_own_in_one_record(go: Go) -> None:
    """Exactly their hosts, the canary first; for each host its batch, for each batch its hosts, start and seconds."""
    fleet = FakeFleet(SIX)
    result = go(fleet, batch="1,50%", canary="c")
    assert fleet.played == [("c",), ("a", "b", "d"), ("e", "f")]
    assert result.exit_code is ExitCode.OK
    assert {host["name"]: host["batch"] for host in result.document["hosts"]} == {
        "c": 1, "a": 2, "b": 2, "d": 2, "e": 3, "f": 3,
    }  # fmt: skip
    assert [(b["number"], b["hosts"], b["status"]) for b in result.document["batches"]] == [
        (1, ["c"], "ok"),
        (2, ["a", "b", "d"], "ok"),
        (3, ["e", "f"], "ok"),
    ]
    assert all(datetime.fromisoformat(batch["started"]) for batch in result.document["batches"])
    events = [json.loads(line) for line in (result.path / "events.jsonl").read_text().splitlines()]
    assert [event["item"] for event in events if event["kind"] == "batch"] == ["1 of 3", "2 of 3", "3 of 3"]
    assert sum(event["kind"] == "stats" for event in events) == 3
    log = (result.path / "run.log").read_text()
    assert log.index("batch 1 of 3: c") < log.index("batch 2 of 3: a, b, d") < log.index("batch 3 of 3: e, f")


def test_counters_of_an_earlier_batch_stay(go: Go) -> None:
    """Ansible's statistics of a later playbook say nothing about the hosts of an earlier one."""
    result = go(FakeFleet(SIX), batch="2")
    assert {host["ok"] for host in result.document["hosts"]} == {3}  # lock, write, unlock


def test_a_canary_alone_means_two_batches(go: Go) -> None:
    """The canary, then all others; a canary that fails stops them."""
    fleet = FakeFleet(SIX, {"d": "failed"})
    result = go(fleet, canary="d")
    assert fleet.played == [("d",)]
    assert states(result) == {"d": "failed", **dict.fromkeys("abcef", "not started")}
    assert result.exit_code is ExitCode.HOST_FAILED
    assert "5 of 6 hosts were not started: 1 host failed or could not be reached (d)" in result.document["message"]


def test_the_canary_must_be_a_host_of_the_run(go: Go, tmp_path: Path) -> None:
    """It is refused before anything is recorded."""
    with pytest.raises(InvalidInput, match="--canary x"):
        go(FakeFleet(SIX), canary="x")
    assert not (tmp_path / ".hybridctl").exists()


@pytest.mark.parametrize(
    ("fates", "max_fail", "played"),
    [
        ({"a": "unreachable"}, None, 1),
        ({"a": "failed"}, "1", 3),
        ({"a": "failed", "c": "unreachable"}, "1", 2),
        ({"a": "failed", "c": "unreachable"}, "33%", 2),
        ({"a": "failed", "c": "unreachable"}, "34%", 3),
        ({"a": "failed", "b": "failed"}, "1", 1),
        ({"e": "failed", "f": "failed"}, "0", 3),
    ],
)
def test_the_budget_counts_over_all_batches(go: Go, fates: dict[str, str], max_fail: str | None, played: int) -> None:
    """Failed and unreachable hosts so far, of all hosts; the batch in which it is exceeded still ends."""
    fleet = FakeFleet(SIX, fates)
    result = go(fleet, batch="2", max_fail=max_fail)
    assert len(fleet.played) == played
    assert len(result.named(HostState.NOT_STARTED)) == 6 - 2 * played
    reasons = {host["reason"] for host in result.document["hosts"] if host["state"] == "not started"}
    assert all("--max-fail" in reason for reason in reasons)
    assert result.document["judged"] == 2 * played


def test_unreachable_hosts_that_stop_the_run_are_exit_3(go: Go) -> None:
    """Hosts that were never begun want more than a second try at the unreachable one."""
    result = go(FakeFleet(SIX, {"a": "unreachable"}), batch="1")
    assert (result.document["status"], result.exit_code) == ("stopped", ExitCode.HOST_FAILED)


def test_an_interruption_starts_nothing_more(go: Go) -> None:
    """Ctrl-C in a batch: its hosts are unfinished, later ones not started, earlier ones as they ended."""
    fleet = FakeFleet(SIX, {"c": "unfinished", "d": "unfinished"}, ends=[PlayStatus.FINISHED, PlayStatus.CANCELLED])
    result = go(fleet, batch="2")
    assert result.exit_code is ExitCode.INTERRUPTED
    assert list(states(result).values()) == ["ok", "ok", "unfinished", "unfinished", "not started", "not started"]
    assert [batch["status"] for batch in result.document["batches"]] == ["ok", "interrupted", "not started"]
    assert fleet.unlocked == [("c", "d")]


def test_a_broken_ansible_starts_nothing_more(go: Go) -> None:
    """No batch after one that could not run; its hosts were not contacted."""
    fleet = FakeFleet(SIX, ends=[PlayStatus.FINISHED, PlayStatus.BROKEN])
    result = go(fleet, batch="2")
    assert result.exit_code is ExitCode.ERROR
    assert list(states(result).values()) == ["ok", "ok", "not contacted", "not contacted", "not started", "not started"]


def test_an_error_of_ours_is_recorded_with_everybody_named(go: Go, tmp_path: Path) -> None:
    """What raises in the middle leaves a complete record."""

    def no_ansible(_request: PlayRequest) -> None:
        raise HybridctlError("there is no ansible-playbook")

    with pytest.raises(HybridctlError, match="there is no ansible-playbook"):
        go(FakeFleet(SIX, during=no_ansible), batch="3")
    document = json.loads((tmp_path / ".hybridctl/runs/latest/result.json").read_text())
    assert document["status"] == "broken"
    assert [host["state"] for host in document["hosts"]] == ["not contacted"] * 3 + ["not started"] * 3


def test_the_record_of_a_run_that_goes_on_names_all_hosts_and_options(go: Go) -> None:
    """What a kill -9 leaves behind is enough to resume."""
    seen: list[dict[str, Any]] = []
    fleet = FakeFleet(
        SIX, during=lambda request: seen.append(json.loads((request.run_dir / "result.json").read_text()))
    )
    go(fleet, options={"layers": ("base",), "forks": 3}, batch="4", max_fail="10%", window="00:00-23:59")
    jsonschema.validate(seen[1], SCHEMA)
    assert [batch["hosts"] for batch in seen[1]["batches"]] == [["a", "b", "c", "d"], ["e", "f"]]
    assert [batch["status"] for batch in seen[1]["batches"]] == ["ok", "running"]
    assert (seen[1]["status"], seen[1]["forks"], seen[1]["layers"]) == ("running", 3, ["base"])
    wanted = {"batch": "4", "max_fail": "10%", "window": "00:00-23:59", "canary": None, "hook_timeout": 300}
    assert wanted.items() <= seen[1]["rollout"].items()


class Clock:
    """Gives times of one day in turn, the last one again and again."""

    def __init__(self, *times: str) -> None:
        self.times = list(times)

    def __call__(self) -> datetime:
        """Return the next one."""
        text = self.times.pop(0) if len(self.times) > 1 else self.times[0]
        return datetime.fromisoformat(f"2026-02-03T{text}:00").astimezone()


def test_no_batch_starts_outside_of_the_window(go: Go) -> None:
    """The second batch comes too late: it and the third are named with the reason, exit 3 though nobody failed."""
    fleet = FakeFleet(SIX)
    result = go(fleet, batch="2", window="01:00-05:00", conduct=Conduct(clock=Clock("04:50", "05:01")))
    assert fleet.played == [("a", "b")]
    assert (result.document["status"], result.exit_code) == ("stopped", ExitCode.HOST_FAILED)
    zone = Clock("05:01")().strftime("%Z")
    assert result.document["message"] == (
        f"4 of 6 hosts were not started: batch 2 of 3 may not start: it is 05:01 ({zone}), the window is 01:00-05:00"
    )


def test_a_hook_that_outlasts_the_window_starts_no_batch(go: Go, tmp_path: Path) -> None:
    """The window is looked at again behind it, and the hook afterwards undoes what the first one did."""
    note = ["sh", "-c", 'echo "$0 $HYBRIDCTL_STATUS" >>said']
    fleet = FakeFleet(SIX)
    result = go(
        fleet, batch="3", window="01:00-05:00", before_batch=[*note, "before"], after_batch=[*note, "after"],
        conduct=Conduct(clock=Clock("04:50", "05:04")),
    )  # fmt: skip
    assert fleet.played == []
    assert "batch 1 of 2 may not start: it is 05:04" in result.document["message"]
    assert result.exit_code is ExitCode.HOST_FAILED
    assert (tmp_path / "said").read_text() == "before \nafter not started\n"


def test_a_hook_that_cannot_undo_it_is_told_too(go: Go) -> None:
    """Both reasons stand in the message."""
    result = go(
        FakeFleet(SIX), window="01:00-05:00", before_batch=["true"], after_batch=["false"],
        conduct=Conduct(clock=Clock("04:50", "05:04")),
    )  # fmt: skip
    message = result.document["message"]
    assert "it is 05:04" in message
    assert "the after-batch hook of batch 1 failed: it ended with status 1" in message


def test_outside_of_the_window_nothing_is_contacted(go: Go) -> None:
    """All hosts are named as not started."""
    fleet = FakeFleet(SIX)
    result = go(fleet, window="01:00-05:00", conduct=Conduct(clock=Clock("12:00")))
    assert fleet.played == []
    assert (result.document["status"], result.exit_code) == ("stopped", ExitCode.HOST_FAILED)
    assert set(states(result).values()) == {"not started"}


def test_a_batch_that_took_longer_than_what_is_left_does_not_start(go: Go) -> None:
    """The duration is that of the record; a host without one is told and hinders nothing."""
    first = go(FakeFleet(("a",)))
    assert first.document["remarks"] == []
    path = first.path / "result.json"
    first.document["batches"][0]["seconds"] = 1800.0
    path.write_text(json.dumps(first.document))
    fleet = FakeFleet(("b", "a"))
    result = go(fleet, batch="1", window="01:00-05:00", conduct=Conduct(clock=Clock("04:40")))
    assert fleet.played == [("b",)]
    assert result.document["remarks"] == ["batch 1 of 2: no record says how long 1 of its 1 hosts take"]
    assert "by the records it takes 30 min, the window 01:00-05:00 ends in 20 min" in result.document["message"]


def test_hooks_run_around_each_batch(go: Go, tmp_path: Path) -> None:
    """With their variables; what they print is in run.log, without secrets."""
    say = (
        'echo "$0 $HYBRIDCTL_BATCH/$HYBRIDCTL_BATCHES $HYBRIDCTL_HOSTS ${HYBRIDCTL_STATUS-} sup3r-secret" | tee -a said'
    )
    fleet = FakeFleet(("a", "b", "c"), {"a": "failed"})
    result = go(
        fleet, batch="2", max_fail="1", before_batch=["sh", "-c", say, "before"], after_batch=["sh", "-c", say, "after"]
    )
    said = [line.removesuffix(" sup3r-secret").rstrip() for line in (tmp_path / "said").read_text().splitlines()]
    assert said == ["before 1/2 a b", "after 1/2 a b failed", "before 2/2 c", "after 2/2 c ok"]
    log = (result.path / "run.log").read_text()
    assert "  before 2/2 c  ********" in log
    events = [json.loads(line) for line in (result.path / "events.jsonl").read_text().splitlines()]
    told = [event["message"] for event in events if event["kind"] == "hook"]
    assert [text.partition(":")[0] for text in told] == [
        f"{name}-batch hook of batch {number}" for number in (1, 2) for name in ("before", "after")
    ]
    assert "********" in told[0]
    assert not [path for path in result.path.iterdir() if "sup3r-secret" in path.read_text()]


def test_a_screen_that_is_gone_stops_no_batch(tmp_path: Path) -> None:
    """Between batches too: what cannot be shown is a remark."""

    def gone(event: Event, _outcomes: Outcomes) -> None:
        if event.kind in (EventKind.BATCH, EventKind.HOOK):
            raise BrokenPipeError(32, "Broken pipe")

    fleet = FakeFleet(SIX)
    rollout = Rollout().over({"batch": "3", "before_batch": "true"})
    result = provision(ready(tmp_path, SIX), rollout, [gone], Conduct(run=fleet))
    assert (len(fleet.played), result.exit_code) == (2, ExitCode.OK)
    assert result.remarks == ("showing or recording the run failed: BrokenPipeError: [Errno 32] Broken pipe",)


def test_a_failing_hook_before_a_batch_keeps_it_from_starting(go: Go) -> None:
    """Batch 2 and what follows are not started, with the hook named."""
    fleet = FakeFleet(SIX)
    result = go(fleet, batch="2", before_batch=["sh", "-c", "test $HYBRIDCTL_BATCH = 1"])
    assert fleet.played == [("a", "b")]
    assert result.exit_code is ExitCode.HOST_FAILED
    assert "the before-batch hook of batch 2 failed: it ended with status 1" in result.document["message"]


@pytest.mark.parametrize(("failing", "played"), [(1, 1), (3, 3)])
def test_a_failing_hook_after_a_batch_stops_what_follows(go: Go, failing: int, played: int) -> None:
    """Also after the last one the run is not ok: somebody has to look."""
    fleet = FakeFleet(SIX)
    result = go(fleet, batch="2", after_batch=["sh", "-c", f"test $HYBRIDCTL_BATCH != {failing}"])
    assert len(fleet.played) == played
    assert (result.document["status"], result.exit_code) == ("stopped", ExitCode.HOST_FAILED)
    assert f"the after-batch hook of batch {failing} failed" in result.document["message"]


def test_a_hook_that_is_interrupted_ends_the_run(go: Go) -> None:
    """Ctrl-C in a hook is Ctrl-C: exit 130, no batch, and no other hook."""
    fleet = FakeFleet(SIX)
    result = go(fleet, batch="2", before_batch=["sh", "-c", "kill -INT $PPID; sleep 987"], after_batch=["false"])
    assert fleet.played == []
    assert result.exit_code is ExitCode.INTERRUPTED
    assert set(states(result).values()) == {"not started"}


def test_check_mode_takes_no_lock_runs_no_hook_and_minds_no_window(go: Go, tmp_path: Path) -> None:
    """It changes nothing, so nothing has to be kept off; locks are told."""
    fleet = FakeFleet(SIX, locked={"a": "somebody"})
    result = go(
        fleet, options={"check": True}, window="01:00-05:00", before_batch=["touch", "hook"],
        conduct=Conduct(clock=Clock("12:00")),
    )  # fmt: skip
    (request,) = fleet.requests
    assert request.extra_vars["hybridctl_lock"]["action"] == "look"
    assert result.exit_code is ExitCode.OK
    assert fleet.unlocked == []
    assert not (tmp_path / "hook").exists()
    assert "ignored" in (result.path / "run.log").read_text()


def dead_here() -> Owner:
    """Return the owner of a lock whose process is gone; no process was ever started at tick 1."""
    return replace(Owner.ourselves("20260101T000000Z-0001"), started=1)


def test_hosts_that_failed_are_unlocked_afterwards(go: Go) -> None:
    """Those that came to the end gave their lock back themselves; an unreachable one is tried too."""
    fleet = FakeFleet(SIX, {"b": "failed", "e": "unreachable"})
    go(fleet)
    assert fleet.unlocked == [("b", "e")]


def test_a_locked_host_fails_with_its_owner_and_the_others_go_on(go: Go, tmp_path: Path) -> None:
    """Who, where, since when and which run; and what to type when that run is dead."""
    owner = Owner.ourselves("20260101T000000Z-0001")  # this very process: it lives
    fleet = FakeFleet(SIX, locked={"b": str(owner)})
    result = go(fleet, conduct=Conduct(break_locks=True, ask=lambda _question: True))
    (failure,) = next(host for host in result.hosts if host.name == "b").failures
    assert f"locked by {owner}" in failure.message
    assert f"hybridctl provision -i {tmp_path / 'hosts.yml'} --limit b --break-locks" in failure.remedy
    assert states(result) == {**dict.fromkeys(SIX, "ok"), "b": "failed"}
    assert fleet.played == [SIX]


def test_the_lock_of_a_dead_process_is_broken_after_asking(go: Go) -> None:
    """The question names owner and hosts; the batch then goes over those hosts once more."""
    owner, questions = dead_here(), []

    def ask(question: str) -> bool:
        questions.append(question)
        return True

    fleet = FakeFleet(SIX, locked={"b": str(owner), "c": str(owner)})
    result = go(fleet, conduct=Conduct(ask=ask))
    assert questions == [f"Break the lock of {owner}, whose process is dead, on b, c?"]
    assert fleet.played == [SIX, ("b", "c")]
    assert fleet.requests[1].extra_vars["hybridctl_lock"]["broken"] == {"b": str(owner), "c": str(owner)}
    assert result.exit_code is ExitCode.OK
    assert [batch["status"] for batch in result.document["batches"]] == ["ok"]


def test_a_host_that_failed_stays_failed_when_others_are_played_again(go: Go) -> None:
    """The statistics of the second play do not name it."""
    fleet = FakeFleet(SIX, fates={"a": "failed"}, locked={"b": str(dead_here())})
    result = go(fleet, conduct=Conduct(break_locks=True))
    assert fleet.played == [SIX, ("b",)]
    assert states(result) == {**dict.fromkeys(SIX, "ok"), "a": "failed"}
    assert result.exit_code is ExitCode.HOST_FAILED


@pytest.mark.parametrize(
    ("elsewhere", "break_locks", "answer", "broken"),
    [
        (False, False, None, False),
        (False, False, False, False),
        (False, False, True, True),
        (False, True, None, True),
        (True, False, True, False),  # nobody here can tell whether it lives: no question about it
        (True, True, None, True),
    ],
)
def test_which_locks_are_broken(go: Go, elsewhere: bool, break_locks: bool, answer: bool | None, broken: bool) -> None:
    """A dead process of this machine: after a yes, or with the option. One elsewhere: only with the option."""
    owner = replace(dead_here(), control="other-node") if elsewhere else dead_here()
    ask = None if answer is None else lambda _question: answer
    fleet = FakeFleet(("a",), locked={"a": str(owner)})
    result = go(fleet, conduct=Conduct(break_locks=break_locks, ask=ask))
    assert (len(fleet.played) == 2) == broken
    assert (result.exit_code is ExitCode.OK) == broken


def test_a_lock_that_cannot_be_given_back_is_told(tmp_path: Path) -> None:
    """The host is gone: the user hears now what the next run takes."""
    fleet = FakeFleet(("a", "b"), {"b": "unreachable"})

    def without_unlock(request: PlayRequest, on_event: Callable[..., None], redactor: Redactor) -> PlayResult:
        if request.playbook.endswith(".host_unlock"):
            return PlayResult(PlayStatus.FINISHED, 4, 1.0)
        return fleet(request, on_event, redactor)

    result = provision(ready(tmp_path, fleet.hosts), Rollout(), conduct=Conduct(run=without_unlock))
    told = f"the lock of b was not given back: hybridctl provision --resume {result.path.name} breaks it"
    assert [remark.partition(",")[0] for remark in result.document["remarks"]] == [told]
    assert result.exit_code is ExitCode.HOST_UNREACHABLE
