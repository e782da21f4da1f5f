"""`verify --watch`: what it shows, records and ends with."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result
from verified import down, judged, result, verified

from hybridctl import watching
from hybridctl.cli.status_line import StatusLine
from hybridctl.cli.verify_watch import Watch
from hybridctl.errors import Interrupted, InvalidInput

Ask = Callable[..., Result]
GOOD = verified(judged("a", "PASS"), judged("b", "PASS"))
BAD = verified(judged("a", "FAIL"), judged("b", "PASS"))
DOWN = verified(judged("a", "PASS"), down("b"))


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were taken, in no time."""
    taken: list[float] = []
    monkeypatch.setattr(watching, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=taken.append))
    return taken


def without_time(text: str) -> list[str]:
    """Return the lines, each behind its time of day."""
    return [line.partition(" ")[2] for line in text.splitlines()]


def test_each_change_is_a_line(ask: Ask, pauses: list[float]) -> None:
    """First what is not PASS, then what changes; a round without a change says nothing."""
    done = ask("--watch", given=(BAD, BAD, GOOD, GOOD, DOWN, GOOD))
    assert without_time(done.stdout) == [
        "a gpu.count: FAIL, measured 1 GPUs, expected 2 GPUs: FAIL because",
        "a gpu.count: FAIL -> PASS, measured 1 GPUs",
        "b: unreachable: No route to host",
        "b: judged again",
    ]
    assert pauses == [60.0] * 6
    states = [line for line in done.stderr.splitlines() if "hosts asked" in line]
    assert [line.partition("; ")[2][:6] for line in states] == ["PASS 1", "PASS 2", "PASS 1", "PASS 2"]


def test_json_is_one_object_a_line(ask: Ask) -> None:
    """Kind, host, check, old and new verdict, measured and the time; nothing else on stdout."""
    done = ask("--watch", "5m", "--json", given=(GOOD, BAD, BAD))
    (line,) = map(json.loads, done.stdout.splitlines())
    assert {key: line[key] for key in ("at", "kind", "host", "check", "old", "new", "measured", "unit")} == {
        "at": "2026-11-24T03:00:12+00:00", "kind": "new", "host": "a", "check": "gpu.count", "old": "PASS",
        "new": "FAIL", "measured": 1, "unit": "GPUs",
    }  # fmt: skip


def test_only_rounds_with_a_change_are_recorded(ask: Ask, tmp_path: Path) -> None:
    """And the first: a watch over a weekend does not fill the disk."""
    ask("--watch", given=(GOOD, GOOD, BAD, BAD, BAD, GOOD, GOOD))
    runs = [json.loads(path.read_text()) for path in (tmp_path / ".hybridctl/runs").glob("2*/result.json")]
    assert sorted(run["exit_code"] for run in runs) == [0, 0, 5]


@pytest.mark.parametrize(
    ("given", "code"),
    [((GOOD,), 0), ((GOOD, BAD), 5), ((BAD, DOWN), 4), ((), 130), ((BAD, Interrupted("interrupted"), GOOD), 5)],
)
def test_ctrl_c_ends_it_with_the_code_of_the_last_verification(ask: Ask, given: tuple[object, ...], code: int) -> None:
    """130 when there was none; while the inventory is read it is another error of ours."""
    done = ask("--watch", given=given)
    assert done.exit_code == code
    assert "Traceback" not in done.output


def test_a_reader_that_goes_away_ends_it(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the code of the last verification, which is recorded."""

    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(Watch, "_tell", gone)
    # A runner's stdout has no descriptor to close.
    monkeypatch.setattr("hybridctl.cli.verify_watch.reader_may_leave", lambda _stream: suppress(BrokenPipeError))
    assert ask("--watch", given=(BAD, GOOD)).exit_code == 5
    assert len(list((tmp_path / ".hybridctl/runs").glob("2*/result.json"))) == 1


def test_a_site_that_is_being_edited_ends_no_watch(ask: Ask) -> None:
    """A round that could not be done is said, and the next one counts; the first one must be possible."""
    broken = InvalidInput("hosts.yml:3: no such group", "name one")
    done = ask("--watch", given=(GOOD, broken, BAD))
    assert done.exit_code == 5
    assert "not verified: hosts.yml:3: no such group" in done.stderr
    assert ask("--watch", given=(GOOD, broken)).exit_code == 2
    first = ask("--watch", given=(broken, GOOD))
    assert (first.exit_code, first.stdout) == (2, "")
    assert "Error: hosts.yml:3" in first.stderr


def test_textfile_and_command_follow_a_watch(ask: Ask, tmp_path: Path) -> None:
    """Metrics of every round, an alert of every change."""
    argv = ("--textfile", "x.prom", "--on-change", "sh -c 'cat >> told'")
    ask("--watch", *argv, given=(GOOD, GOOD, BAD, BAD))
    assert (tmp_path / "x.prom").read_text().endswith('exit_code{site="bank"} 5\n')
    (told,) = (tmp_path / "told").read_text().splitlines()
    assert json.loads(told)["new"][0]["host"] == "a"


def test_a_host_drives_no_terminal(ask: Ask) -> None:
    """One line, without escapes, of bounded length."""
    evil = verified(judged("a", result("FAIL", subject="\x1b[2J\n", measured="x" * 9999, reason="\x07\r")))
    (line,) = ask("--watch", given=(evil,)).stdout.splitlines()
    assert line.isprintable()
    assert len(line) < 520


def test_a_real_watch_ends_by_a_real_ctrl_c(tmp_path: Path) -> None:
    """Two rounds over this machine, a changed profile in between; exit 5, one line, two records."""
    (tmp_path / "hybridctl.yml").write_text("name: bank\n")
    (tmp_path / "hosts.yml").write_text(
        "monitoring: {hosts: {h1: {ansible_connection: local, hybridctl_profile: mine}}}\n"
    )
    (tmp_path / "profiles").mkdir()
    profile = tmp_path / "profiles/mine.yml"
    text = "schema: 1\ntitle: this machine\nexpect:\n  cpu.threads: {at_least: 1, unit: threads, source: a test}\n"
    profile.write_text(text)
    argv = [sys.executable, "-m", "hybridctl", "verify", "-i", "hosts.yml", "--watch", "1s"]
    with subprocess.Popen(
        argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stderr is not None
        assert running.stdout is not None
        while "hosts asked 1" not in running.stderr.readline():
            assert running.poll() is None
        profile.write_text(text.replace("at_least: 1", "at_least: 100000"))
        line = running.stdout.readline()
        while "hosts asked 1" not in running.stderr.readline():
            assert running.poll() is None
        os.killpg(running.pid, signal.SIGINT)
        rest, said = running.communicate()
    assert "h1 cpu.threads: PASS -> FAIL, measured " in line
    assert (running.returncode, rest) == (5, "")
    assert "Traceback" not in said
    assert len(list((tmp_path / ".hybridctl/runs").glob("2*/result.json"))) == 2
    assert not list((tmp_path / ".hybridctl").glob(".evidence-*"))


def test_progress_is_drawn_in_place_and_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log gets none of it; a line that is done with is wiped."""
    line = StatusLine()
    line.progress(1, 3)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    line.progress(2, 3)
    line.clear()
    assert capsys.readouterr().err == "\r\x1b[2K2 of 3 hosts judged\r\x1b[2K"
