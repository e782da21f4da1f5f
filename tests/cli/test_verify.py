"""`verify` as a user sees it; the hosts are this machine, reached without ssh."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridctl import verification
from hybridctl.access import Access
from hybridctl.checks import CATALOGUE, Verdict
from hybridctl.checks import Result as Judged
from hybridctl.cli import cli
from hybridctl.connection import Connection
from hybridctl.errors import HybridctlError
from hybridctl.verification import HostReport, HostState, Verification

Ask = Callable[..., Result]


@pytest.fixture
def site(make_site: Callable[[int, str], Path]) -> Path:
    """A site of two hosts, with a profile that they meet."""
    return make_site(
        2,
        "  cpu.threads: {at_least: 1, unit: threads, source: every machine}\n"
        "  memory.total: {at_least: 0.1, unit: GiB, source: every machine}\n",
    )


def ask(*arguments: str) -> Result:
    """Run `hybridctl verify ARGUMENTS`."""
    return CliRunner().invoke(cli, ["verify", *arguments])


def test_a_good_site(site: Path) -> None:
    """Exit 0, a line for each host and check on stdout, the sums last; the record is named on stderr."""
    result = ask()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:5]] == [
        ["h1", "cpu.threads", "PASS"],
        ["h1", "memory.total", "PASS"],
        ["h2", "cpu.threads", "PASS"],
        ["h2", "memory.total", "PASS"],
    ]
    assert lines[-1] == "hosts asked 2, judged 2; PASS 4 WARN 0 FAIL 0 UNKNOWN 0 WAIVED 0"
    assert "record: .hybridctl/runs/" in result.stderr


def test_json_and_the_record_are_the_same_document(site: Path) -> None:
    """`--json` prints one document and nothing else; result.json of the run is it."""
    result = ask("--json", "--limit", "h2", "--only", "memory")
    document = json.loads(result.stdout)
    assert [host["name"] for host in document["hosts"]] == ["h2"]
    assert [check["id"] for check in document["hosts"][0]["checks"]] == ["memory.total"]
    assert (document["limit"], document["only"]) == ("h2", ["memory"])
    record = site / ".hybridctl/runs" / document["id"]
    assert json.loads((record / "result.json").read_text()) == document
    assert "memory.total" in (record / "run.log").read_text()


def test_variables_of_the_environment_stand_for_options(
    site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """HYBRIDCTL_INVENTORY, _LIMIT and _JSON are -i, -l and --json; what is typed comes before them."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    environment = {"HYBRIDCTL_INVENTORY": str(site / "inventory"), "HYBRIDCTL_LIMIT": "h2", "HYBRIDCTL_JSON": "1"}
    result = CliRunner().invoke(cli, ["verify"], env=environment)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [host["name"] for host in document["hosts"]] == ["h2"]
    result = CliRunner().invoke(cli, ["verify", "-l", "h1"], env=environment)
    assert [host["name"] for host in json.loads(result.stdout)["hosts"]] == ["h1"]
    refused = CliRunner().invoke(cli, ["verify"], env={**environment, "HYBRIDCTL_LIMIT": "h3"})
    assert json.loads(refused.stdout)["error"]["message"].startswith("--limit 'h3' names no host")


def test_a_host_that_shows_less_fails(site: Path) -> None:
    """Exit 5, the FAIL with measured, expected and remedy before the table."""
    profile = site / "profiles/mine.yml"
    profile.write_text(profile.read_text().replace("at_least: 1,", "at_least: 100000,"))
    result = ask("--only", "cpu")
    assert result.exit_code == 5
    assert result.stdout.startswith("FAIL h1 cpu.threads: measured ")
    assert "expected >= 100000 threads" in result.stdout
    assert "  -> see which are offline" in result.stdout


def test_what_no_check_judges_yet_makes_it_incomplete(site: Path) -> None:
    """Exit 6: an expectation for later is in the report, by name."""
    profile = site / "profiles/mine.yml"
    profile.write_text(f"{profile.read_text()}  gpu.someday: {{value: 2, source: guide, later: comes later}}\n")
    result = ask()
    assert result.exit_code == 6
    assert "UNKNOWN h1 gpu.someday: expected 2: no check judges it yet: comes later" in result.stdout


def test_junit_is_written_beside(site: Path) -> None:
    """`--junit FILE` writes a case for each check."""
    assert ask("--junit", "report.xml").exit_code == 0
    assert (site / "report.xml").read_text().count("<testcase ") == 4


def test_html_is_written_beside(site: Path) -> None:
    """`--html FILE` writes the page with evidence, `runs show --html` the same one; the second run is compared."""
    profile = site / "profiles/mine.yml"
    profile.write_text(profile.read_text().replace("at_least: 1,", "at_least: 100000,"))
    assert ask("--html", "one.html").exit_code == 5
    assert "No earlier verification is recorded" in (site / "one.html").read_text()
    result = ask("--from-evidence", ".hybridctl/runs/latest", "--html", "two.html")
    assert "page: two.html" in result.stderr
    html = (site / "two.html").read_text()
    assert "Nothing: every host and verdict is as it was" in html
    assert "On-line CPU(s) list:" in html  # what lscpu said
    assert CliRunner().invoke(cli, ["runs", "show", "latest", "--html", "three.html"]).exit_code == 0
    assert (site / "three.html").read_text() == html


def test_a_page_that_cannot_be_written_or_recorded(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is printed, the exit status tells of the page; without a record the page says so."""

    def full(*_: object) -> None:
        raise HybridctlError("the disk is full", "free some space")

    monkeypatch.setattr("hybridctl.report.html.write_page", full)
    result = ask("--html", "page.html")
    assert result.exit_code == 1
    assert "hosts asked 2, judged 2" in result.stdout
    assert "Error: the disk is full\n  -> free some space" in result.stderr
    monkeypatch.undo()
    monkeypatch.chdir(site)
    monkeypatch.setattr("hybridctl.runs.RunStore.__init__", full)
    assert ask("--html", "other.html").exit_code == 0
    assert "a run that could not be recorded" in (site / "other.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--html", "nosuch/page.html"), "--html nosuch/page.html: the folder is not there or not writable"),
        (("--only", "memmory"), "--only memmory: there is no such check or topic; did you mean memory?"),
        (("--limit", "h3"), "--limit 'h3' names no host"),
        (("--junit", "nosuch/report.xml"), "--junit nosuch/report.xml: the folder is not there or not writable"),
        (("-i", "nosuch"), "nosuch: there is no such inventory"),
    ],
)
def test_bad_input_contacts_nobody(site: Path, arguments: tuple[str, ...], message: str) -> None:
    """Exit 2 with what is allowed; no report, no record."""
    result = ask(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert not (site / ".hybridctl").exists()


def test_a_report_that_cannot_be_recorded_is_printed_all_the_same(site: Path) -> None:
    """The exit status is the verification's and the reason is on stderr; stdout is the one document."""
    (site / ".hybridctl").write_text("a file where a folder should be")
    result = ask("--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["judged"] == 2
    assert "Warning: the hosts were judged, but cannot write the record of this run" in result.stderr


@pytest.mark.parametrize(("least", "code"), [("1", 1), ("100000", 5)])
def test_a_junit_file_on_a_full_disk(site: Path, least: str, code: int) -> None:
    """The report is printed first; a verification that failed keeps its status, a good one becomes 1."""
    profile = site / "profiles/mine.yml"
    profile.write_text(profile.read_text().replace("at_least: 1,", f"at_least: {least},"))
    result = ask("--junit", "/dev/full")
    assert result.exit_code == code
    assert "hosts asked 2, judged 2" in result.stdout
    assert "Error: --junit /dev/full: No space left on device" in result.stderr


def test_a_junit_file_that_may_not_be_written_contacts_nobody(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before any host is judged, when it is known by then."""
    (site / "report.xml").write_text("")
    may = os.access  # root may write everything
    monkeypatch.setattr("os.access", lambda path, mode: may(path, mode) and not str(path).endswith("report.xml"))
    result = ask("--junit", "report.xml")
    assert result.exit_code == 2
    assert "File 'report.xml' is not writable" in result.stderr
    assert not (site / ".hybridctl").exists()


def test_a_bad_profile_contacts_nobody(site: Path) -> None:
    """A mistake in a profile comes with its file and line before any host is judged."""
    profile = site / "profiles/mine.yml"
    profile.write_text(profile.read_text().replace("unit: GiB", "unit: MiB"))
    result = ask()
    assert result.exit_code == 2
    assert "profiles/mine.yml:5: memory.total: unit MiB; the check measures in GiB" in result.stderr


def test_evidence_judges_again_without_the_hosts(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same verdicts, also by the record of that second run; no host is contacted, and another profile counts."""
    first = json.loads(ask("--json").stdout)
    folder = site / ".hybridctl/runs/latest"
    assert sorted(path.name for path in (folder / "evidence").iterdir()) == ["h1.json.gz", "h2.json.gz"]
    monkeypatch.setattr(verification, "Connection", None)
    for _ in range(2):
        again = json.loads(ask("--json", "--from-evidence", str(folder)).stdout)
        assert [host["checks"] for host in again["hosts"]] == [host["checks"] for host in first["hosts"]]
    profile = site / "profiles/mine.yml"
    profile.write_text(profile.read_text().replace("at_least: 1,", "at_least: 100000,"))
    assert ask("--from-evidence", str(folder)).exit_code == 5


def test_evidence_that_is_damaged_missing_or_of_others(site: Path) -> None:
    """UNKNOWN by name for a host without evidence or with half of it; exit 2 for one that no inventory has."""
    assert ask().exit_code == 0
    folder = site / ".hybridctl/runs/latest/evidence"
    (folder / "h1.json.gz").write_bytes((folder / "h1.json.gz").read_bytes()[:-20])
    (folder / "h2.json.gz").rename(folder / "h3.json.gz")
    result = ask("--from-evidence", str(folder))
    assert result.exit_code == 2
    assert "--from-evidence: h3: not in the inventory" in result.stderr
    result = ask("--from-evidence", str(folder), "--limit", "all")
    assert result.exit_code == 6
    assert "UNKNOWN h1 evidence: h1.json.gz is truncated" in result.stdout
    assert "UNKNOWN h2 evidence: there is no evidence of this host" in result.stdout
    assert "hybridctl verify --limit h2" in result.stdout
    result = ask("--from-evidence", "nosuch")
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_repeat_asks_all_at_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of the last run are the first trip's, and there is no second."""
    made: list[Connection] = []

    def connect(name: str, access: Access) -> Connection:
        made.append(Connection(name, access))
        return made[-1]

    monkeypatch.setattr(verification, "Connection", connect)
    profile = site / "profiles/mine.yml"
    profile.write_text(f"{profile.read_text()}  packages.held: {{value: [hybridctl-nosuch], source: a test}}\n")
    first, again = (ask("--json", "--limit", "h1") for _ in range(2))
    assert [connection.trips for connection in made] == [3, 1]
    checks = [json.loads(result.stdout)["hosts"][0]["checks"] for result in (first, again)]
    assert checks[0] == checks[1]


def test_the_list_of_checks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`--list` needs no site; what no recording has confirmed is called unproven."""
    monkeypatch.chdir(tmp_path)
    lines = ask("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(CATALOGUE)
    assert [line.split()[0] for line in lines if "unproven" in line] == [
        id_ for id_, check in CATALOGUE.items() if check.unproven
    ]
    assert [check["id"] for check in json.loads(ask("--list", "--json").stdout)] == list(CATALOGUE)


def test_an_interruption_is_130(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends without a report and says that nothing was changed."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verification, "verify", interrupted)
    result = ask()
    assert result.exit_code == 130
    assert "nothing was changed" in result.stderr
    assert result.stdout == ""


def test_the_exit_code_is_the_verifications(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is down: 4, whatever the others show."""
    now = datetime.now(UTC)
    hosts = (
        HostReport("h1", HostState.UNREACHABLE, reason="No route to host"),
        HostReport("h2", HostState.JUDGED, results=(Judged("os.release", Verdict.FAIL, "11"),)),
    )
    monkeypatch.setattr(verification, "verify", lambda *_, **__: Verification("rack-7", now, now, hosts))
    result = ask()
    assert result.exit_code == 4
    assert result.stdout.startswith("UNREACHABLE h1: No route to host")
    assert result.stdout.endswith("hosts asked 2, judged 1, unreachable: h1; PASS 0 WARN 0 FAIL 1 UNKNOWN 0 WAIVED 0\n")


def test_hosts_of_a_profile_are_compared(site: Path) -> None:
    """Both are this machine and alike; one alone is named as not compared, which costs no exit status."""
    profile = site / "profiles/mine.yml"
    profile.write_text(f"{profile.read_text()}  fleet.kernel: {{value: same, source: the same machine}}\n")
    result = ask("--only", "fleet.kernel", "--only", "cpu")
    assert result.exit_code == 0, result.output
    assert [line.split()[1:3] for line in result.stdout.splitlines() if "fleet" in line] == [
        ["fleet.kernel", "PASS"]
    ] * 2
    single = ask("--only", "fleet.kernel", "--only", "cpu", "--limit", "h1", "--json")
    assert single.exit_code == 0, single.output
    assert json.loads(single.stdout)["not_compared"] == [{"host": "h1", "profile": "mine", "checks": ["fleet.kernel"]}]
    assert "not compared, as not all hosts of the profile were asked for: h1;" in single.stderr
