"""The judge of a fleet: every host accounted for, whatever becomes of it."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import testinfra.host

from hybridctl import verification
from hybridctl.access import Access
from hybridctl.checks import CATALOGUE, Expectation, Result, Verdict
from hybridctl.checks.fake import Answered, FakeHost
from hybridctl.checks.model import ConnectionLost
from hybridctl.errors import ExitCode, InvalidInput
from hybridctl.evidence.answers import Answer
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.inventory import Host, Inventory
from hybridctl.profiles import Profile
from hybridctl.redaction import Redactor
from hybridctl.showing import for_reports
from hybridctl.site import Site
from hybridctl.verification import HostReport, HostState, Target, Verification, chosen, judge_targets

PROFILE = Profile(
    "test",
    "a test",
    Path("test.yml"),
    True,
    {
        "gpu.count": Expectation("gpu.count", "value", 2, later="comes later"),
        "os.architecture": Expectation("os.architecture", "value", "x86_64"),
        "os.release": Expectation("os.release", "value", "12"),
    },
)
GOOD: Mapping[str, Answered | str | Exception] = {"uname": "x86_64\n", "os-release": 'NAME=Debian\nVERSION_ID="12"\n'}


class Line:
    """A connection to a fake host."""

    def __init__(self, host: FakeHost, dead: str = "") -> None:
        self.host, self.dead, self.closed = host, dead, 0
        self.backend, self.reached = EvidenceBackend("line"), not dead

    def fetch(self, commands: Iterable[str]) -> None:
        """Ask nothing: the fake host answers by itself."""

    def open(self, ask: Sequence[str] = ()) -> None:
        """Reach it."""
        if self.dead:
            raise ConnectionLost(self.dead)

    def close(self) -> None:
        """End it."""
        self.closed += 1


def judged(lines: Mapping[str, Line], profile: Profile | None = PROFILE, **options: Any) -> tuple[HostReport, ...]:
    """Judge fake hosts."""
    targets = [Target(name, profile, Access()) for name in lines]
    return judge_targets(targets, lambda name, _access: lines[name], **options)


def whole(*hosts: HostReport) -> Verification:
    """A verification of these hosts."""
    now = datetime.now(UTC)
    return Verification("test", now, now, hosts)


def host(state: HostState = HostState.JUDGED, *verdicts: Verdict) -> HostReport:
    """A report with these verdicts."""
    return HostReport("h", state, results=tuple(Result("os.release", verdict) for verdict in verdicts))


def test_results_come_in_the_order_of_the_catalogue() -> None:
    """What no check judges yet stands last, and is UNKNOWN."""
    (report,) = judged({"a": Line(FakeHost(GOOD))})
    assert [(r.check, r.verdict.value) for r in report.results] == [
        ("os.release", "PASS"),
        ("os.architecture", "PASS"),
        ("gpu.count", "UNKNOWN"),
    ]
    assert (report.state, report.lab, report.profile) == (HostState.JUDGED, True, "test")


def test_a_dead_host_is_named_and_the_others_are_judged() -> None:
    """Hosts asked are hosts judged and hosts named, in the order of the inventory."""
    lines = {"a": Line(FakeHost(GOOD)), "b": Line(FakeHost({}), "No route to host"), "c": Line(FakeHost(GOOD))}
    reports = judged(lines)
    assert [(r.name, r.state) for r in reports] == [
        ("a", HostState.JUDGED),
        ("b", HostState.UNREACHABLE),
        ("c", HostState.JUDGED),
    ]
    assert reports[1].reason == "No route to host"
    assert reports[1].results == ()
    assert all(line.closed for line in lines.values())


def test_a_host_lost_on_the_way_keeps_what_it_showed() -> None:
    """The report says after how many results it went away, and the host counts as unreachable."""
    (report,) = judged({"a": Line(FakeHost({**GOOD, "uname": ConnectionLost("broken pipe")}))})
    assert report.state is HostState.UNREACHABLE
    assert report.reason == "lost after 1 results: broken pipe"
    assert [r.check for r in report.results] == ["os.release"]


def test_a_host_without_a_profile_is_unknown() -> None:
    """Nothing expected is nothing passed."""
    (report,) = judged({"a": Line(FakeHost(GOOD))}, None)
    assert report.state is HostState.NO_PROFILE
    (result,) = report.results
    assert result.verdict is Verdict.UNKNOWN
    assert "hybridctl_profile for a" in result.remedy
    assert whole(report).exit_code is ExitCode.VERIFY_INCOMPLETE


def test_checks_that_no_profile_asks_for_judge_nobody() -> None:
    """`--only` with a check that the profile does not have is UNKNOWN, not an empty success."""
    (report,) = judged({"a": Line(FakeHost(GOOD))}, checks=frozenset({"cpu.model"}))
    assert [r.verdict for r in report.results] == [Verdict.UNKNOWN]
    (report,) = judged({"a": Line(FakeHost(GOOD))}, checks=frozenset({"os.release"}))
    assert [r.check for r in report.results] == ["os.release"]


def test_a_fault_of_ours_judges_the_host_unknown() -> None:
    """If the machinery breaks, the host has a report that says so; the others are not touched."""

    class Broken(Line):
        def open(self, ask: Sequence[str] = ()) -> None:
            raise ZeroDivisionError("oops")

    first, second = judged({"a": Broken(FakeHost(GOOD)), "b": Line(FakeHost(GOOD))})
    assert [r.verdict for r in first.results] == [Verdict.UNKNOWN]
    assert "ZeroDivisionError" in first.results[0].reason
    assert second.results[0].verdict is Verdict.PASS


@pytest.mark.parametrize("check", ["os.architecture", "fleet.kernel"])
def test_a_fault_in_what_is_reported_costs_that_result_alone(check: str) -> None:
    """Compared with other hosts or not: it is UNKNOWN, without what may be a secret; all else is judged."""
    asked = {**PROFILE.expectations, "fleet.kernel": Expectation("fleet.kernel", "value", "same")}
    profile = Profile("test", "a test", Path("test.yml"), True, asked)

    def finish(name: str, result: Result) -> Result:
        if (name, result.check) == ("a", check):
            raise ZeroDivisionError("s3cret")
        return result

    said = {"uname -r": "6.1.0\n", **GOOD}
    first, second = judged({name: Line(FakeHost(said)) for name in "ab"}, profile, finish=finish)
    assert (first.state, second.state) == (HostState.JUDGED, HostState.JUDGED)
    assert [r.check for r in first.results] == [r.check for r in second.results]
    (differs,) = [r for r, other in zip(first.results, second.results, strict=True) if r != other]
    assert (differs.check, differs.verdict) == (check, Verdict.UNKNOWN)
    assert differs.reason == "verify itself broke: ZeroDivisionError"


def test_hosts_are_judged_side_by_side() -> None:
    """Two hosts that wait for each other both come to an end."""
    together = threading.Barrier(2, timeout=10)

    class Waiting(Line):
        def open(self, ask: Sequence[str] = ()) -> None:
            together.wait()

    reports = judged({"a": Waiting(FakeHost(GOOD)), "b": Waiting(FakeHost(GOOD))})
    assert [r.state for r in reports] == [HostState.JUDGED] * 2


def test_ctrl_c_ends_what_runs() -> None:
    """An interruption closes every connection, so that no thread waits for its time limit."""
    hanging, closed = threading.Event(), threading.Event()

    class Hanging(Line):
        def open(self, ask: Sequence[str] = ()) -> None:
            hanging.set()
            closed.wait(10)
            raise ConnectionLost("verification was ended")

        def close(self) -> None:
            closed.set()

    class Quick(Line):
        def open(self, ask: Sequence[str] = ()) -> None:
            assert hanging.wait(10)

    def interrupt(_done: int, _asked: int) -> None:
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        judged({"a": Quick(FakeHost(GOOD)), "b": Hanging(FakeHost({}))}, on_progress=interrupt)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("hosts", "code"),
    [
        ([host(HostState.JUDGED, Verdict.PASS, Verdict.WARN)], 0),
        ([host(HostState.JUDGED, Verdict.WAIVED)], 0),
        ([host(HostState.JUDGED, Verdict.WAIVED, Verdict.FAIL)], 5),
        ([host(HostState.JUDGED, Verdict.PASS, Verdict.UNKNOWN)], 6),
        ([host(HostState.JUDGED, Verdict.FAIL, Verdict.UNKNOWN)], 5),
        ([host(HostState.JUDGED, Verdict.FAIL), host(HostState.UNREACHABLE)], 4),
        ([host(HostState.JUDGED, Verdict.UNKNOWN), host(HostState.UNREACHABLE)], 4),
        ([host(HostState.NO_PROFILE, Verdict.UNKNOWN), host(HostState.JUDGED, Verdict.PASS)], 6),
        ([host(HostState.JUDGED)], 6),
        ([], 6),
    ],
)
def test_exit_codes(hosts: list[HostReport], code: int) -> None:
    """Unreachable before FAIL before UNKNOWN; a host without a result is never 0."""
    assert whole(*hosts).exit_code == code


def test_only_takes_checks_and_topics() -> None:
    """A topic stands for its checks; a mistyped word is refused with a guess."""
    memory = {check for check in CATALOGUE if check.startswith("memory.")}
    assert "memory.total" in memory
    assert chosen(["memory", "os.release"]) == {*memory, "os.release"}
    assert chosen([]) == frozenset()
    with pytest.raises(InvalidInput, match="did you mean units"):
        chosen(["unit"])


def test_a_clock_that_is_set_back_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a host took is no matter of the time of day."""

    class Backwards(datetime):
        at = datetime(2026, 1, 1, tzinfo=UTC)

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            cls.at -= timedelta(days=1)
            return cls.at

    monkeypatch.setattr(verification, "datetime", Backwards)
    (report,) = judged({"a": Line(FakeHost(GOOD))})
    assert 0 <= report.seconds < 60


def test_what_a_host_prints_is_shown_as_letters_and_not_without_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Escapes, marks of direction and megabytes in any text of a result; a table is as wide as its widest cell."""
    odd = "\x1b[2J\u202e" + "x" * 1_000_000
    texts = dict.fromkeys(("subject", "measured", "expected", "reason", "remedy"), odd)
    inventory = Inventory({"a": Host("a", "a", 22, (), "lab-monitoring", {})}, {"all": ("a",)})
    monkeypatch.setattr(verification, "load_inventory", lambda _site: inventory)
    monkeypatch.setattr(verification, "asking", lambda _site: nullcontext(lambda *_: {"a": Access()}))
    monkeypatch.setattr(verification, "Connection", lambda *_: Line(FakeHost({})))
    hostile = Result("os.release", Verdict.FAIL, **texts)
    monkeypatch.setattr(verification, "judge_expectation", lambda *_: (hostile,))
    done = verification.verify(Site(tmp_path, tmp_path, "test"), only=["os.release"])
    (result,) = done.hosts[0].results
    for name in texts:
        shown = getattr(result, name)
        assert shown.startswith("?[2J?xxx")
        assert shown.isprintable()
        assert len(shown) < 1000


class Asked:
    """A connection whose host answers from a table through the backend that suspends."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.backend, self.reached, self._answers = EvidenceBackend("asked", self.fetch), True, answers
        self.host: Any = testinfra.host.Host(self.backend)
        self.backend.set_host(self.host)

    def open(self, ask: Sequence[str] = ()) -> None:
        """Reach it, and ask nothing yet."""

    def fetch(self, commands: Iterable[str]) -> None:
        """Look the answers up."""
        known = {part: answer for command in commands for part, answer in self._answers.items() if part in command}
        for command in commands:
            self.backend.answers[command] = next(known[part] for part in known if part in command)

    def close(self) -> None:
        """End it."""


def test_what_is_not_pass_names_the_commands_it_rests_on() -> None:
    """In the order in which they were asked, each once however often the check was suspended, and those of no other."""
    expected = {
        "os.release": Expectation("os.release", "value", "12"),
        "os.architecture": Expectation("os.architecture", "value", "aarch64"),
        "packages.held": Expectation("packages.held", "value", ("nosuch", "chrony")),
    }
    said = {
        "os-release": Answer(0, b'ID=debian\nNAME=Debian\nVERSION_ID="12"\n', b""),
        "uname": Answer(0, b"x86_64\n", b""),
        "dpkg-query": Answer(1, b"", b"rubbish"),
    }
    target = Target("a", Profile("test", "a test", Path("test.yml"), False, expected), Access())
    (report,) = judge_targets([target], lambda *_: Asked(said))
    commands = {result.check: result.commands for result in report.results}
    assert commands["os.release"] == ()
    assert [command.split()[0] for command in commands["os.architecture"]] == ["uname"]
    assert len(commands["packages.held"]) == len(set(commands["packages.held"])) == 3
    assert ["dpkg-query" in command for command in commands["packages.held"]] == [False, False, True]


def test_hosts_of_one_profile_are_asked_the_same_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What that is, is found once for them, and anew for a host with other variables."""
    found: list[int] = []
    monkeypatch.setattr(verification, "first_misses", lambda jobs: found.append(len(jobs)) or ["uname"])
    accesses = [Access(), Access(), Access(variables={"vllm_port": 1}), Access(variables={"vllm_port": 1})]
    targets = [Target(f"h{number}", PROFILE, access) for number, access in enumerate(accesses)]
    judge_targets(targets, lambda *_: Line(FakeHost(GOOD)), forks=1)
    assert found == [3, 3]


def test_secrets_do_not_leave(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a host prints is redacted before anybody sees it."""
    secret = "s3cret-value-1234"
    inventory = Inventory(
        {"a": Host("a", "a", 22, (), "lab-monitoring", {"vault_vllm_api_key": secret})}, {"all": ("a",)}
    )
    leaking = {"os-release": f'NAME={secret}\nVERSION_ID="\x0712"\n', "uname": Answered(1, "", f"key {secret}")}
    monkeypatch.setattr(verification, "load_inventory", lambda _site: inventory)
    monkeypatch.setattr(verification, "asking", lambda _site: nullcontext(lambda *_: {"a": Access()}))
    monkeypatch.setattr(verification, "Connection", lambda *_: Line(FakeHost(leaking)))
    done = verification.verify(Site(tmp_path, tmp_path, "test"), only=["os"])
    assert secret not in repr(done)
    assert "********" in repr(done)
    assert "?12" in [result.measured for result in done.hosts[0].results]
    assert Redactor([secret]).text(secret) == "********"
    asked = Result("x.y", Verdict.FAIL, commands=(f"curl {secret}\n",))
    assert for_reports(asked, Redactor([secret]), {}).commands == ("curl ********\n",)
