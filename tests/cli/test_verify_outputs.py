"""What `verify` tells other programs: metrics, CI servers, monitoring, a command of the site's."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from exposition import series_of
from verified import AT, down, judged, result, verified

from hybridctl.errors import InvalidInput

Ask = Callable[..., Result]
GOOD = verified(judged("a", "PASS"), judged("b", "PASS"))
BAD = verified(judged("a", "FAIL"), judged("b", "PASS"))
DOWN = verified(judged("a", "PASS"), down("b"))


@pytest.mark.parametrize(("given", "code"), [(GOOD, 0), (BAD, 5), (DOWN, 4)])
def test_the_textfile_is_written_whatever_the_verdict(ask: Ask, tmp_path: Path, given: object, code: int) -> None:
    """Also when a host was down; mode 0644, and the report is as ever."""
    done = ask("--textfile", "verify.prom", given=(given,))
    assert done.exit_code == code
    text = (tmp_path / "verify.prom").read_text()
    assert series_of(text)
    assert f'hybridctl_verify_last_run_exit_code{{site="bank"}} {code}\n' in text
    assert f'hybridctl_verify_host_judged{{site="bank",host="b"}} {int(given is not DOWN)}\n' in text
    assert oct((tmp_path / "verify.prom").stat().st_mode)[-3:] == "644"
    assert "hosts asked 2" in done.stdout


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No textfile can be written."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hybridctl.textfile.write_whole", full)


def test_another_inventory_is_a_label(ask: Ask, tmp_path: Path) -> None:
    """So that the files of two inventories may lie in one folder."""
    (tmp_path / "staging").mkdir()
    assert ask("-i", "staging", "--textfile", "verify.prom", given=(GOOD,)).exit_code == 0
    assert 'site="bank",inventory="staging",host="a"' in (tmp_path / "verify.prom").read_text()


@pytest.mark.parametrize(("given", "code"), [(GOOD, 1), (BAD, 5)])
def test_a_textfile_on_a_full_disk(ask: Ask, full_disk: None, given: object, code: int) -> None:
    """The report is printed; a verification that failed keeps its status, a good one becomes 1 (of a plugin: 3)."""
    done = ask("--textfile", "verify.prom", given=(given,))
    assert done.exit_code == code
    assert "Error: --textfile verify.prom: cannot be written: No space left on device" in done.stderr
    assert "hosts asked 2" in done.stdout
    assert ask("--nagios", "--textfile", "verify.prom", given=(given,)).exit_code == {1: 3, 5: 2}[code]


def test_ci_prints_findings_and_writes_junit(ask: Ask, tmp_path: Path) -> None:
    """A line each, the sums last; the file has its default name unless it is given one."""
    done = ask("--ci", given=(BAD,))
    assert done.exit_code == 5
    assert done.stdout.splitlines() == [
        "FAIL a gpu.count: measured 1 GPUs, expected 2 GPUs: FAIL because -> mend gpu.count",
        done.stdout.splitlines()[-1],
    ]
    assert done.stdout.splitlines()[-1].startswith("hosts asked 2, judged 2; PASS 1 ")
    assert (tmp_path / "verify-junit.xml").read_text().count("<failure ") == 1
    ask("--ci", "--junit", "mine.xml", given=(GOOD,))
    assert (tmp_path / "mine.xml").read_text().count("<testcase ") == 2


def test_a_run_without_a_report_leaves_no_junit_of_the_last_one(ask: Ask, tmp_path: Path) -> None:
    """Or else a CI server shows yesterday's as today's."""
    ask("--ci", given=(GOOD,))
    assert (tmp_path / "verify-junit.xml").exists()
    assert ask("--ci", given=(InvalidInput("hosts.yml:3: broken", "mend it"),)).exit_code == 2
    assert not (tmp_path / "verify-junit.xml").exists()


def test_a_page_is_written_where_a_link_points(ask: Ask, tmp_path: Path) -> None:
    """The link stays one."""
    (tmp_path / "current.html").symlink_to("monday.html")
    ask("--html", "current.html", given=(GOOD,))
    assert (tmp_path / "current.html").is_symlink()
    assert "<html" in (tmp_path / "monday.html").read_text()


def test_a_baseline_under_github_gives_the_runner_no_commands(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a host says goes through no other door."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    evil = verified(judged("a", result("FAIL", reason="##[warning]oops ::error::pwn")))
    ask(given=(later(0, GOOD),))
    done = ask("--ci", "--baseline", "latest", given=(later(1, evil),))
    assert "oops" in done.stdout
    assert "##[" not in done.output
    told = ask("--on-change", "sh -c 'echo ::error::pwn'", given=(later(2, BAD),))
    assert not [line for line in told.output.splitlines() if line.strip().startswith("::")]


def test_github_is_told_by_its_own_variable(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotations there and nowhere else."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert ask("--ci", given=(BAD,)).stdout.startswith("::error title=FAIL a gpu.count::measured 1 GPUs")
    assert "::error" not in ask(given=(BAD,)).stdout


@pytest.mark.parametrize(
    ("given", "code", "word"),
    [
        (GOOD, 0, "OK"),
        (verified(judged("a", "WARN")), 1, "WARNING"),
        (BAD, 2, "CRITICAL"),
        (DOWN, 2, "CRITICAL"),
        (verified(judged("a", "UNKNOWN")), 3, "UNKNOWN"),
    ],
)
def test_a_monitoring_plugin_has_four_states(ask: Ask, given: object, code: int, word: str) -> None:
    """Exit status and the first line; nothing in front of it."""
    done = ask("--nagios", given=(given,))
    assert done.exit_code == code
    assert done.stdout.startswith(f"VERIFY {word} - ")
    assert " | asked=" in done.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "given", "told"),
    [
        (("--nosuch",), (), "No such option"),
        (("--forks", "none"), (), "'none' is not a valid integer range"),
        (("--json",), (), "--nagios and --json do not go together"),
        ((), (InvalidInput("hosts.yml:3: no such group", "name one"),), "hosts.yml:3: no such group (name one)"),
        ((), (RuntimeError("boom"),), "hybridctl itself broke: RuntimeError: boom"),
        ((), (), "interrupted"),
        (("-i", "nowhere"), (), "nowhere: there is no such inventory"),
    ],
)
def test_whatever_goes_wrong_is_unknown_to_the_monitoring(
    ask: Ask, arguments: tuple[str, ...], given: tuple[Exception, ...], told: str
) -> None:
    """Status 3 and a line on stdout: 1 and 2 would be a WARNING and a CRITICAL."""
    done = ask("--nagios", *arguments, given=given)
    assert done.exit_code == 3
    (line,) = done.stdout.splitlines()
    assert line.startswith("VERIFY UNKNOWN - ")
    assert told in line


@pytest.mark.parametrize(
    "arguments",
    [
        ("--ci", "--json"),
        ("--ci", "--nagios"),
        ("--watch", "--ci"),
        ("--watch", "--nagios"),
        ("--watch", "--junit", "x.xml"),
        ("--watch", "--from-evidence", "x"),
        ("--on-change", "true", "--from-evidence", "x"),
    ],
)
def test_options_that_do_not_go_together_contact_nobody(ask: Ask, arguments: tuple[str, ...]) -> None:
    """Both are named; nothing is judged."""
    done = ask(*arguments, given=(GOOD,))
    assert done.exit_code in (2, 3)
    assert "do not go together" in done.output
    assert "hosts asked" not in done.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--textfile", "x.txt"), "*.prom only"),
        (("--on-change", "./none"), "the hook's program ./none is not there"),
        (("--on-change", ""), "'' is not a command"),
        (("--watch", "soon"), "--watch soon: not an interval"),
        (("--html", ""), "--html '.': this is no file"),
        (("--html", "/dev/null"), "--html '/dev/null': this is no file"),
        (("--html", "same", "--junit", "./same"), "--junit and --html name the same file"),
    ],
)
def test_a_bad_value_contacts_nobody(ask: Ask, arguments: tuple[str, ...], told: str) -> None:
    """Exit 2 before any host is judged."""
    done = ask(*arguments, given=(GOOD,))
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def later(number: int, given: object) -> object:
    """The same an hour later: runs are told apart by their seconds."""
    return replace(given, started=AT.replace(hour=AT.hour + number))  # type: ignore[type-var]


def test_the_command_hears_of_changes_and_of_nothing_else(ask: Ask, tmp_path: Path) -> None:
    """Six runs with three changes among them, each against the run before."""
    argv = ("--on-change", "sh -c 'cat >> told; echo heard'")
    codes = []
    for number, given in enumerate((GOOD, GOOD, BAD, BAD, DOWN, GOOD)):
        done = ask(*argv, given=(later(number, given),))
        codes.append(done.exit_code)
    assert codes == [0, 0, 5, 5, 4, 0]
    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    kinds = [
        {kind: [one["host"] for one in document[kind]] for kind in ("new", "cleared", "lost", "back")}
        for document in told
    ]
    assert kinds == [
        {"new": ["a"], "cleared": [], "lost": [], "back": []},
        {"new": [], "cleared": ["a"], "lost": ["b"], "back": []},
        {"new": [], "cleared": [], "lost": [], "back": ["b"]},
    ]
    assert [document["exit_code"] for document in told] == [5, 4, 0]
    assert "  | heard" in done.stderr.splitlines()


def test_a_verify_by_hand_in_between_swallows_no_alert(ask: Ask, tmp_path: Path) -> None:
    """Only a run that told somebody is what the next one is compared with."""
    argv = ("--on-change", "sh -c 'cat > told'")
    ask(*argv, given=(later(0, GOOD),))
    ask(given=(later(1, BAD),))
    assert ask(*argv, given=(later(2, BAD),)).exit_code == 5
    assert [one["host"] for one in json.loads((tmp_path / "told").read_text())["new"]] == ["a"]


def test_a_command_that_is_interrupted_costs_no_file(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CI job that is cancelled, a unit that is stopped: the report and all files are there, with their status."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hybridctl.alerts.alert", interrupted)
    argv = ("--on-change", "true", "--junit", "j.xml", "--html", "p.html", "--textfile", "t.prom")
    done = ask(*argv, given=(BAD,))
    assert done.exit_code == 5
    assert "Warning: --on-change true: interrupted" in done.stderr
    assert [name for name in ("j.xml", "p.html", "t.prom") if not (tmp_path / name).is_file()] == []
    assert ask("--nagios", "--on-change", "true", given=(verified(judged("a", "WARN")),)).stdout.count("VERIFY ") == 1


def test_a_command_that_fails_is_a_warning(ask: Ask) -> None:
    """The exit status is the verification's."""
    done = ask("--on-change", "sh -c 'echo no route; exit 3'", given=(BAD,))
    assert done.exit_code == 5
    assert "  | no route" in done.stderr
    assert "Warning: --on-change sh: it ended with status 3" in done.stderr


def test_the_command_is_called_though_nothing_can_be_recorded(ask: Ask, tmp_path: Path) -> None:
    """A full disk must not silence an alert."""
    (tmp_path / ".hybridctl").mkdir()
    (tmp_path / ".hybridctl/runs").write_text("")
    done = ask("--on-change", "sh -c 'cat > told'", given=(BAD,))
    assert done.exit_code == 5
    assert "Warning: the hosts were judged" in done.stderr
    assert json.loads((tmp_path / "told").read_text())["run"] is None


def test_what_a_host_says_stays_data(ask: Ask, tmp_path: Path) -> None:
    """The command line is the site's: a reason of shell syntax arrives as text."""
    evil = verified(judged("a", result("FAIL", reason="$(touch evil); `touch evil`")))
    ask("--on-change", "sh -c 'cat > told'", given=(evil,))
    assert not (tmp_path / "evil").exists()
    assert "$(touch evil)" in json.loads((tmp_path / "told").read_text())["new"][0]["reason"]
