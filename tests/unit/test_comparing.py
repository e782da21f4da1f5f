"""Checks across hosts, as verify judges a fleet: who is compared with whom, and who with nobody."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from testinfra.host import Host as Asked
from verified_runs import read_back

from hybridctl import report, verification
from hybridctl.access import Access
from hybridctl.checks import Expectation
from hybridctl.checks.model import ConnectionLost
from hybridctl.errors import ExitCode
from hybridctl.evidence.answers import Answer, Told, Trouble
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.evidence.files import evidence_name, read_evidence
from hybridctl.inventory import Host, Inventory
from hybridctl.profiles import Profile
from hybridctl.redaction import Redactor
from hybridctl.site import Site
from hybridctl.verification import Target, Verification, judge_targets, verify
from hybridctl.verify_changes import changes

SCHEMA = json.loads((Path(report.__file__).parents[1] / "data/verify-result.schema.json").read_text(encoding="utf-8"))
UPTIME = "cat -- /proc/sys/kernel/random/boot_id /proc/uptime"
EDAC = "grep -H . /sys/devices/system/edac/mc/mc*/ce_count"
BOOTS = ("00000000-1111-2222-3333-444444444444", "99999999-1111-2222-3333-444444444444")


def profile(name: str = "p") -> Profile:
    """A profile that compares kernels."""
    asked = (
        Expectation("fleet.kernel", "value", "same", source="x"),
        Expectation("os.architecture", "value", "x86_64"),
        Expectation("growth.memory_corrected", "at_most", 5, "errors/h"),
    )
    return Profile(name, "a test", Path("p.yml"), False, {expectation.check: expectation for expectation in asked})


class Line:
    """A connection that knows its answers; without a kernel it cannot be reached."""

    def __init__(self, name: str, kernel: str, boot: str = BOOTS[0], hours: float = 1.0, errors: int = 0) -> None:
        self.backend = EvidenceBackend(name, self.fetch)
        self.host = Asked(self.backend)
        self.reached = bool(kernel)
        self._said = {
            "uname -r": f"{kernel}\n",
            "uname -m": "x86_64\n",
            UPTIME: f"{boot}\n{hours * 3600:.2f} 1.00\n",
            EDAC: f"/sys/devices/system/edac/mc/mc0/ce_count:{errors}\n",
        }

    def open(self, ask: Sequence[str] = ()) -> None:
        """Reach it."""
        if not self.reached:
            raise ConnectionLost("No route to host")
        self.fetch(ask)

    def fetch(self, commands: Iterable[str]) -> None:
        """Answer."""
        told: dict[str, Told] = {c: Answer(0, self._said[c].encode(), b"") for c in commands if c in self._said}
        self.backend.answers.update({c: told.get(c, Trouble("no answer")) for c in commands})

    def close(self) -> None:
        """Nothing is open."""


def judged(
    kernels: Mapping[str, str], profiles: Mapping[str, str] | None = None, **more: Any
) -> dict[str, tuple[str | None, str]]:
    """Judge hosts by their kernels, and return what was measured of each with the verdict."""
    known = {name: profile(name) for name in ("p", "q")}
    targets = [Target(host, known[(profiles or {}).get(host, "p")], Access()) for host in kernels]
    reports = judge_targets(targets, lambda name, _access: Line(name, kernels[name]), **more)
    found = {}
    for one in reports:
        for result in one.results:
            if result.check == "fleet.kernel":
                found[one.name] = (None if result.measured is None else str(result.measured), result.verdict.value)
    return found


def test_an_outlier_among_its_like() -> None:
    """Hosts are compared with those of their own profile, and no others."""
    kernels = {"a": "5.15.0", "b": "5.15.0", "c": "6.8.0", "x": "6.8.0"}
    assert judged(kernels, {"x": "q"}) == {
        "a": ("5.15.0", "PASS"),
        "b": ("5.15.0", "PASS"),
        "c": ("6.8.0", "FAIL"),
        "x": ("6.8.0", "PASS"),
    }


def test_a_host_that_cannot_be_measured_does_not_count() -> None:
    """It is UNKNOWN; the others are compared without it."""
    found = judged({"a": "5.15.0", "b": "no kernel", "c": "5.15.0"})
    assert found == {"a": ("5.15.0", "PASS"), "b": (None, "UNKNOWN"), "c": ("5.15.0", "PASS")}


def test_who_is_left_of_several_is_unknown() -> None:
    """The others are unreachable, which is exit 4; the one that is left has nobody to be compared with."""
    assert judged({"a": "5.15.0", "b": "", "c": ""}) == {"a": ("5.15.0", "UNKNOWN")}


def test_progress_counts_hosts() -> None:
    """Those that are away, too: they are done with."""
    seen: list[tuple[int, int]] = []
    judged({"a": "5.15.0", "b": "", "c": "5.15.0"}, on_progress=lambda *counted: seen.append(counted))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_five_hundred_hosts() -> None:
    """One of them is different, and only that one fails."""
    kernels = {f"h{n}": "5.15.0" for n in range(500)} | {"h250": "6.8.0"}
    found = judged(kernels)
    assert [host for host, (_, verdict) in found.items() if verdict != "PASS"] == ["h250"]
    assert len(found) == 500


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Line]:
    """A site of three hosts of profile p and one of q; tests put their connections in."""
    lines: dict[str, Line] = {}
    hosts = {name: Host(name, name, 22, (), "q" if name == "x" else "p", {}) for name in ("a", "b", "c", "x")}
    monkeypatch.setattr(verification, "load_inventory", lambda _site: Inventory(hosts, {"all": tuple(hosts)}))
    monkeypatch.setattr(verification, "load_profile", lambda name, _root: profile(name))
    ask = nullcontext(lambda names, _variables: dict.fromkeys(names, Access()))
    monkeypatch.setattr(verification, "asking", lambda _site: ask)
    monkeypatch.setattr(verification, "Connection", lambda name, _access: lines[name])
    return lines


def verified(tmp_path: Path, limit: str | None = None, **more: Any) -> Verification:
    """Verify the site."""
    return verify(Site(tmp_path, tmp_path, "test"), limit, **more)


def results(done: Verification, check: str) -> dict[str, tuple[Any, str]]:
    """Return measured and verdict of a check, by host."""
    return {h.name: (r.measured, r.verdict.value) for h in done.hosts for r in h.results if r.check == check}


def test_a_host_that_a_limit_singles_out_is_not_compared(fleet: dict[str, Line], tmp_path: Path) -> None:
    """The check is left out and the run says so by name; the only host of its profile is judged all the same."""
    fleet.update({name: Line(name, "5.15.0") for name in ("a", "x")})
    done = verified(tmp_path, "a,x")
    assert results(done, "fleet.kernel") == {"x": ("5.15.0", "PASS")}
    assert done.exit_code is ExitCode.OK
    document = read_back(done)
    Draft202012Validator(SCHEMA).validate(document)
    assert document["not_compared"] == [{"host": "a", "profile": "p", "checks": ["fleet.kernel"]}]
    assert "not compared, as not all hosts of the profile were asked for: a;" in report.summary_line(done)
    assert list(report.plain_lines(done))[-1] == report.summary_line(done)


def test_hosts_are_compared_by_what_they_said(fleet: dict[str, Line], tmp_path: Path) -> None:
    """Not by what is shown of it: two kernels that differ behind the last letter that a report has are two."""
    long = f"5.15.0-{'x' * 1000}"
    fleet.update({name: Line(name, f"{long}{'y' if name == 'c' else ''}") for name in ("a", "b", "c", "x")})
    done = verified(tmp_path)
    shown = f"{long[:500]}..."
    verdicts = {"a": "PASS", "b": "PASS", "c": "FAIL", "x": "PASS"}
    assert results(done, "fleet.kernel") == {name: (shown, verdict) for name, verdict in verdicts.items()}


def test_a_secret_that_a_host_shows_is_nowhere(
    fleet: dict[str, Line], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even its head, where a long value is cut."""
    secret = "Zq9w" * 10
    monkeypatch.setattr(
        verification.Redactor, "for_inventory", classmethod(lambda _of, *_args, **_more: Redactor([secret]))
    )
    kernel = f"5.15.0-{'x' * 45}{secret}"
    fleet.update({name: Line(name, kernel) for name in ("a", "b")}, c=Line("c", "6.8.0"), x=Line("x", "6.8.0"))
    done = verified(tmp_path)
    assert results(done, "fleet.kernel")["c"] == ("6.8.0", "FAIL")
    assert "have 5.15.0-xxx" in repr(done)
    assert "Zq9w" not in repr(done)


def test_a_part_of_a_profile_is_not_compared(fleet: dict[str, Line], tmp_path: Path) -> None:
    """Two that are alike may be the two that differ from all others; a baseline does not call them gone."""
    fleet.update({name: Line(name, "5.15.0") for name in ("a", "b", "c", "x")})
    before = report.verify_document(verified(tmp_path))
    done = verified(tmp_path, "a,b")
    assert results(done, "fleet.kernel") == {}
    document = report.verify_document(done)
    assert [one["host"] for one in document["not_compared"]] == ["a", "b"]
    assert "not compared, as not all hosts of the profile were asked for: a, b;" in report.summary_line(done)
    assert changes(before, document) == ()


def test_nothing_but_comparisons_of_one_host_is_no_success(fleet: dict[str, Line], tmp_path: Path) -> None:
    """Exit 6: nothing of it was judged."""
    fleet["a"] = Line("a", "5.15.0")
    assert verified(tmp_path, "a", only=["fleet"]).exit_code is ExitCode.VERIFY_INCOMPLETE


def round_of(fleet: dict[str, Line], kernel: str, **more: Any) -> None:
    """Put all hosts back; one of them has another kernel."""
    fleet.update({name: Line(name, kernel if name == "c" else "5.15.0", **more) for name in ("a", "b", "c", "x")})


def test_evidence_is_judged_as_the_hosts_were(fleet: dict[str, Line], tmp_path: Path) -> None:
    """Comparisons and growth: with what had been counted before that run, not before this one."""
    for number, errors in enumerate((3, 30, 60)):
        round_of(fleet, "6.8.0", hours=1 + 2 * number, errors=errors)
        done = verified(tmp_path)
        run = tmp_path / f"run{number}"
        run.mkdir()
        assert done.evidence is not None
        done.evidence.move_to(run)
        again = verified(tmp_path, from_evidence=run)
        assert [host.results for host in again.hosts] == [host.results for host in done.hosts]
        wanted = [(None, "UNKNOWN"), (13.5, "FAIL"), (15, "FAIL")][number]
        assert results(done, "growth.memory_corrected") == dict.fromkeys("abcx", wanted)
    assert results(done, "fleet.kernel")["c"] == ("6.8.0", "FAIL")
    again = verified(tmp_path, from_evidence=tmp_path / "run1")
    assert results(again, "growth.memory_corrected")["a"] == (13.5, "FAIL")
    assert read_evidence(tmp_path / "run1/evidence" / evidence_name("a")).earlier


def test_growth_over_boots_and_lost_memories(fleet: dict[str, Line], tmp_path: Path) -> None:
    """A boot counts from 0; a memory that is damaged makes the next verification the first one."""
    file = tmp_path / ".hybridctl/counters/a.json"

    def measured(**more: Any) -> tuple[Any, str]:
        round_of(fleet, "5.15.0", **more)
        done = verified(tmp_path)
        assert done.evidence is not None
        done.evidence.discard()
        return results(done, "growth.memory_corrected")["a"]

    assert measured(hours=1, errors=7) == (None, "UNKNOWN")
    assert file.stat().st_mode & 0o777 == 0o600
    assert measured(hours=2, errors=7) == (0, "PASS")
    assert measured(hours=2, errors=8, boot=BOOTS[1]) == (4, "PASS")
    assert measured(hours=4, errors=6, boot=BOOTS[1]) == (3, "PASS")  # set back
    text = file.read_text()
    for damaged in (
        text[: len(text) // 2],
        "",
        "[]",
        '{"schema": 2}',
        '{"schema": 1, "checks": 7}',
        "\0",
        "[" * 100_000,
    ):
        file.write_text(damaged)
        assert measured(hours=5, errors=6, boot=BOOTS[1]) == (None, "UNKNOWN")
    assert measured(hours=7, errors=6, boot=BOOTS[1]) == (0, "PASS")


def test_an_interrupted_run_remembers_nothing(fleet: dict[str, Line], tmp_path: Path) -> None:
    """Nobody has seen its report: what had grown until then is growth of the next run."""

    def interrupt(_done: int, _asked: int) -> None:
        raise KeyboardInterrupt

    round_of(fleet, "5.15.0", hours=1, errors=0)
    verified(tmp_path)
    round_of(fleet, "5.15.0", hours=3, errors=20)
    with pytest.raises(KeyboardInterrupt):
        verified(tmp_path, on_progress=interrupt)
    round_of(fleet, "5.15.0", hours=5, errors=20)
    assert results(verified(tmp_path), "growth.memory_corrected")["a"] == (5, "PASS")


def test_what_was_not_asked_keeps_its_memory(fleet: dict[str, Line], tmp_path: Path) -> None:
    """Nor does a host that is gone lose what it had counted."""
    for hours, only, kernel in ((1, [], "5.15.0"), (2, ["os"], "5.15.0"), (3, [], "")):
        fleet.update({name: Line(name, kernel, hours=hours, errors=7) for name in ("a", "b", "c", "x")})
        verified(tmp_path, only=only)
    fleet.update({name: Line(name, "5.15.0", hours=5, errors=27) for name in ("a", "b", "c", "x")})
    assert results(verified(tmp_path), "growth.memory_corrected")["a"] == (5, "PASS")
