"""What is kept of a host: evidence without secrets that is whole or refused, and the commands to ask first."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridctl.checks.counts import Count
from hybridctl.checks.drifted import Drift
from hybridctl.checks.model import CannotTell, ConnectionLost
from hybridctl.errors import InvalidInput
from hybridctl.evidence.answers import Answer, Told, Trouble
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.evidence.counters import Counters
from hybridctl.evidence.files import HostEvidence, evidence_name, host_of, read_evidence, write_evidence
from hybridctl.evidence.keeping import Keeping
from hybridctl.evidence.record import FOLDER, Recorder
from hybridctl.evidence.replay import Replay, evidence_files
from hybridctl.evidence.seeds import Seeds, fingerprint
from hybridctl.redaction import Redactor

SECRET = "s3cret-value-1234"
REDACTOR = Redactor([SECRET])
NONE = Redactor()
ANSWERS: dict[str, Told] = {
    "uname -m": Answer(0, b"x86_64\n", b""),
    "binary": Answer(255, b"\xff\xfe\0\x1b[2J", "é".encode()),
    "hung": Trouble("a command did not end within 90 s"),
}


def evidence(answers: dict[str, Told] = ANSWERS, **more: Any) -> HostEvidence:
    """Evidence of a host."""
    given: dict[str, Any] = {"host": "h1", "taken": "2026-01-01T00:00:00+00:00", "reached": True, **more}
    return HostEvidence(answers=answers, **given)


def test_evidence_comes_back_as_it_was(tmp_path: Path) -> None:
    """Bytes, statuses and reasons; for the owner's eyes only; nothing else is left in the folder."""
    path = tmp_path / evidence_name("h1")
    write_evidence(path, evidence(), NONE)
    assert read_evidence(path) == evidence()
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(), st.builds(Answer, st.integers(0, 255), st.binary(), st.binary()), max_size=3))
def test_any_evidence_comes_back(tmp_path: Path, answers: dict[str, Told]) -> None:
    """Whatever a host printed."""
    path = tmp_path / "any.json.gz"
    told = {key.encode(errors="replace").decode(): answer for key, answer in answers.items()}
    write_evidence(path, evidence(told), NONE)
    assert read_evidence(path).answers == told


def test_no_secret_is_in_the_file_and_its_command_is_found_all_the_same(tmp_path: Path) -> None:
    """In commands, output of any bytes, reasons; the offline judge looks commands up as they were hidden."""
    path = tmp_path / evidence_name("h1")
    said = f"a {SECRET}".encode()
    answers: dict[str, Told] = {f"ask {SECRET}": Answer(0, said + b"\xff", said), "b": Trouble(SECRET)}
    write_evidence(path, evidence(answers, lost=f"gone {SECRET}"), REDACTOR)
    assert SECRET.encode() not in gzip.decompress(path.read_bytes())
    replay = Replay("h1", path, REDACTOR)
    replay.open([f"ask {SECRET}"])
    assert replay.host.run(f"ask {SECRET}").stdout_bytes == b"a ********\xff"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:-9], "is truncated"),
        (lambda data: data[:20], "is truncated"),
        (lambda _: b"", "is no evidence|is truncated"),
        (lambda _: b"no gzip", "cannot be read"),
        (lambda data: data[:40] + b"\0\0\0\0" + data[44:], "cannot be read|truncated"),
        (lambda _: gzip.compress(b"{"), "is no evidence"),
        (lambda _: gzip.compress(b"[]"), "is no evidence"),
        (lambda _: gzip.compress(b'{"schema": 1}'), "is no evidence: KeyError"),
        (lambda _: gzip.compress(b'{"schema": 2, "version": "9.0"}'), "has schema 2 of 9.0; this one reads 1"),
        (lambda _: gzip.compress(b"[" * 100_000), "is no evidence: RecursionError"),
        (
            lambda data: gzip.compress(gzip.decompress(data).replace(b'"earlier": {', b'"earlier": {"x": 7')),
            "is no evidence",
        ),
        (
            lambda data: gzip.compress(gzip.decompress(data).replace(b'us": 0', b'us": true')),
            "is no evidence",
        ),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes], reason: str) -> None:
    """With its name and the reason: it makes the host UNKNOWN, never good."""
    path = tmp_path / evidence_name("h1")
    write_evidence(path, evidence(), NONE)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CannotTell, match=f"^h1.json.gz ({reason})"):
        Replay("h1", path, NONE).open()


def test_a_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is looked at before its content."""
    monkeypatch.setattr("hybridctl.evidence.files._MOST", 1 << 20)
    path = tmp_path / "h1.json.gz"
    path.write_bytes(gzip.compress(b" " * (2 << 20)))
    with pytest.raises(CannotTell, match="unpacks to more than 1 MiB"):
        read_evidence(path)


def test_the_offline_judge_says_what_is_not_there(tmp_path: Path) -> None:
    """A command nobody asked, another host's file, no file; a host that was never reached is unreachable again."""
    path = tmp_path / evidence_name("h1")
    write_evidence(path, evidence(), NONE)
    replay = Replay("h1", path, NONE)
    replay.open()
    replay.fetch(["who"])
    with pytest.raises(CannotTell, match="the evidence has no answer to: who"):
        replay.host.run("who")
    with pytest.raises(CannotTell, match="is the evidence of h1"):
        Replay("h2", path, NONE).open()
    with pytest.raises(CannotTell, match="no evidence of this host"):
        Replay("h2", None, NONE).open()
    write_evidence(path, evidence({}, reached=False, lost="No route to host"), NONE)
    with pytest.raises(ConnectionLost, match="No route to host"):
        Replay("h1", path, NONE).open()
    write_evidence(path, evidence(lost="broken pipe"), NONE)
    replay = Replay("h1", path, NONE)
    replay.open()
    with pytest.raises(ConnectionLost, match="broken pipe"):
        replay.fetch(["uname -m", "who"])
    assert replay.host.run("uname -m").stdout == "x86_64\n"


@pytest.mark.parametrize("host", ["h1", "a/b", "..", "ü b%", "x" * 60])
def test_a_host_of_any_name_has_a_file(host: str) -> None:
    """The name is one file name and leads back to the host."""
    name = evidence_name(host)
    assert Path(name).name == name
    assert host_of(Path(name)) == host
    assert host_of(Path("result.json")) is None


def test_the_folder_of_a_run_is_as_good_as_that_of_its_evidence(tmp_path: Path) -> None:
    """And one without evidence is refused."""
    with pytest.raises(InvalidInput, match="there is no evidence in it"):
        evidence_files(tmp_path)
    with pytest.raises(InvalidInput, match="No such file"):
        evidence_files(tmp_path / "nosuch")
    recorder = Recorder(tmp_path / "site", NONE)
    recorder.write(evidence())
    recorder.move_to(tmp_path)
    assert evidence_files(tmp_path) == evidence_files(tmp_path / FOLDER) == {"h1": tmp_path / FOLDER / "h1.json.gz"}
    assert list((tmp_path / "site").iterdir()) == []


def test_what_no_run_takes_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what a killed run left, but not what one that goes on has; a folder that cannot be made is told."""
    first, second = Recorder(tmp_path, NONE), Recorder(tmp_path, NONE)
    first.write(evidence())
    (tmp_path / ".evidence-killed").mkdir()
    monkeypatch.setattr("hybridctl.evidence.record._YOUNG", -1)
    second.write(evidence())
    assert len(list(tmp_path.glob(".evidence-*"))) == 2
    first.discard()
    second.discard()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    third = Recorder(tmp_path / "file", NONE)
    third.write(evidence())
    assert "cannot write the evidence of h1" in third.trouble


def test_seeds_are_of_a_host_and_its_checks(tmp_path: Path) -> None:
    """Remembered for each; a command with a secret is not; the oldest of many sets is forgotten."""
    seeds = Seeds(tmp_path / "seeds", REDACTOR)
    assert seeds.of("h1", "a") == []
    seeds.keep("h1", "a", ["x", f"y {SECRET}", "z"])
    seeds.keep("h1", "b", ["other"])
    assert (seeds.of("h1", "a"), seeds.of("h1", "b"), seeds.of("h2", "a")) == (["x", "z"], ["other"], [])
    for number in range(8):
        seeds.keep("h1", f"new{number}", ["n"])
    assert seeds.of("h1", "a") == []
    assert seeds.of("h1", "new7") == ["n"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"schema": 2, "sets": {"a": ["x"]}}', '{"schema": 1, "sets": []}', "\udcff"]
)
def test_damaged_seeds_are_none(tmp_path: Path, text: str) -> None:
    """A cache costs a trip at worst, and is written anew."""
    (tmp_path / "h1.json").write_bytes(text.encode(errors="surrogateescape"))
    seeds = Seeds(tmp_path, NONE)
    assert seeds.of("h1", "a") == []
    seeds.keep("h1", "a", ["x"])
    assert seeds.of("h1", "a") == ["x"]


def test_seeds_that_cannot_be_written_cost_nothing(tmp_path: Path) -> None:
    """No error of a run."""
    (tmp_path / "file").write_text("")
    Seeds(tmp_path / "file", NONE).keep("h1", "a", ["x"])


def test_a_fingerprint_tells_sets_apart() -> None:
    """What changes the commands changes the name."""
    assert fingerprint(["a"], {"port": 1}) == fingerprint(["a"], {"port": 1}) != fingerprint(["a"], {"port": 2})
    assert json.dumps(fingerprint("x"))


COUNTS = {"growth.a": Count("00000000-1111-2222-3333-444444444444", 7.5, {"mlx5_0/1": 3})}


def test_counts_are_part_of_the_evidence(tmp_path: Path) -> None:
    """Those from before the run; evidence of a version that counted nothing has none."""
    path = tmp_path / evidence_name("h1")
    write_evidence(path, evidence(earlier=COUNTS), NONE)
    assert read_evidence(path).earlier == COUNTS
    document = json.loads(gzip.decompress(path.read_bytes()))
    del document["earlier"]
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    assert read_evidence(path).earlier == {}


def test_drift_is_part_of_the_evidence(tmp_path: Path) -> None:
    """As it was known then, without secrets; an older version knew none, and a damaged one is refused."""
    path = tmp_path / evidence_name("h1")
    drift = Drift(7200.5, 6, (f"file /etc/{SECRET}", "unit a.service"))
    write_evidence(path, evidence(drift=drift), REDACTOR)
    assert read_evidence(path).drift == replace(drift, named=("file /etc/********", "unit a.service"))
    document = json.loads(gzip.decompress(path.read_bytes()))
    for bad in ({}, 7, {**document["drift"], "age": "nan"}, {**document["drift"], "differing": "none"}):
        path.write_bytes(gzip.compress(json.dumps({**document, "drift": bad}).encode()))
        with pytest.raises(CannotTell, match="is no evidence"):
            read_evidence(path)
    del document["drift"]
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    assert read_evidence(path).drift is None


def test_drift_is_asked_for_only_where_a_check_wants_it(tmp_path: Path) -> None:
    """It is read from the records of runs, which takes its time."""
    known = Drift(7200.5)
    keeping = Keeping(Seeds(tmp_path, NONE), Recorder(tmp_path, NONE), Counters(tmp_path), lambda _host: known)
    backend = EvidenceBackend("h1")
    keeping.tell("h1", backend, ["gpu.count"])
    assert backend.drift is None
    keeping.tell("h1", backend, ["gpu.count", "drift.resources"])
    assert backend.drift is known


def test_what_is_counted_is_remembered_at_the_end(tmp_path: Path) -> None:
    """Beside what was not counted this time; a host's name is never a path; a full disk raises nothing."""
    counters, other = Counters(tmp_path / "c"), {"growth.b": COUNTS["growth.a"]}
    counters.keep("../h1", other, COUNTS)
    counters.keep("h2", other, {})
    assert not (tmp_path / "c").exists()
    counters.write()
    assert counters.of("../h1") == {**other, **COUNTS}
    assert counters.of("h2") == {}
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    (tmp_path / "file").touch()
    nowhere = Counters(tmp_path / "file")
    nowhere.keep("h1", {}, COUNTS)
    nowhere.write()
    assert nowhere.of("h1") == {}
