"""`verify` with waivers and against a baseline as a user sees it; the hosts are this machine, reached without ssh."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from verify_documents import document, record

import hybridctl
from hybridctl.cli import cli

SCHEMA = json.loads((Path(hybridctl.__file__).parent / "data/verify-result.schema.json").read_text(encoding="utf-8"))
WAIVER = "- {check: cpu.threads, hosts: h1, reason: too small for now, owner: ops, expires: 2999-12-31}\n"
LINES = (
    "  cpu.threads: {at_least: 100000, unit: threads, source: no machine}\n"
    "  memory.total: {at_least: 0.1, unit: GiB, source: every machine}\n"
)


@pytest.fixture
def site(make_site: Callable[[int, str], Path]) -> Path:
    """A site of one host, with a profile of which it misses one line."""
    return make_site(1, LINES)


def ask(*arguments: str) -> Result:
    """Run `hybridctl verify ARGUMENTS`."""
    return CliRunner().invoke(cli, ["verify", *arguments])


def judged(result: Result) -> dict[str, Any]:
    """The document, which keeps to its schema."""
    printed = json.loads(result.stdout)
    Draft202012Validator(SCHEMA).validate(printed)
    return dict(printed)


def test_a_waiver_of_the_site(site: Path) -> None:
    """WAIVED in the report, the JSON, JUnit, the record and its sums; exit 0; the same from evidence."""
    (site / "waivers.yml").write_text(WAIVER)
    result = ask("--junit", "report.xml")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("WAIVED h1 cpu.threads: measured ")
    assert "waived by ops until 2999-12-31: too small for now" in result.stdout
    assert result.stdout.endswith("PASS 1 WARN 0 FAIL 0 UNKNOWN 0 WAIVED 1\n")
    assert '<skipped message="WAIVED: ' in (site / "report.xml").read_text()
    shown = CliRunner().invoke(cli, ["runs", "show", "latest"]).stdout
    assert "h1 ok: WAIVED cpu.threads: measured " in shown
    again = ask("--json", "--from-evidence", ".hybridctl/runs/latest")
    assert again.exit_code == 0
    check = judged(again)["hosts"][0]["checks"][0]
    assert (check["verdict"], check["expected"]) == ("WAIVED", ">= 100000")
    assert check["waiver"] == {
        "verdict": "FAIL",
        "reason": "too small for now",
        "owner": "ops",
        "expires": "2999-12-31",
        "ticket": "",
        "origin": "waivers.yml:1",
    }


def test_an_expired_waiver_fails(site: Path) -> None:
    """Exit 5; the FAIL and a warning say whose it was."""
    (site / "waivers.yml").write_text(WAIVER.replace("2999-12-31", "2020-01-01"))
    result = ask("--json")
    assert result.exit_code == 5
    document = judged(result)
    assert "the waiver of ops expired on 2020-01-01" in document["hosts"][0]["checks"][0]["reason"]
    assert [waiver["remark"] for waiver in document["waivers"]] == ["expired on 2020-01-01"]
    assert "Warning: waivers.yml:1: cpu.threads on h1, ops: expired on 2020-01-01" in result.stderr


def test_a_stale_waiver_is_told(site: Path) -> None:
    """On stderr and in the JSON; nothing else of the run changes."""
    (site / "other.yml").write_text(WAIVER.replace("cpu.threads", "memory.total"))
    result = ask("--json", "--only", "memory", "--waivers", "other.yml")
    assert result.exit_code == 0
    assert judged(result)["waivers"][0]["remark"] == "stale: it waived nothing in this run; remove it"
    assert "Warning: other.yml:1: memory.total on h1, ops: stale" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--waivers", "bad.yml"), "bad.yml:1: waivers: owner is missing"),
        (("--waivers", "nosuch.yml"), "nosuch.yml: cannot be read: No such file or directory"),
        (("--baseline", "latest"), "--baseline latest: no verification of as much is recorded"),
    ],
)
def test_bad_input_contacts_nobody(site: Path, arguments: tuple[str, ...], message: str) -> None:
    """Exit 2; no report, no record."""
    (site / "bad.yml").write_text(WAIVER.replace("owner: ops, ", ""))
    result = ask(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert not (site / ".hybridctl").exists()


def test_a_baseline(site: Path) -> None:
    """What failed before ends no run; what fails now does; the record is whole and has the changes besides."""
    assert ask().exit_code == 5
    result = ask("--baseline", "latest", "--junit", "report.xml")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].endswith(": 0 changes, 0 flapping")
    assert "; nothing got worse\n" in result.stdout
    assert result.stdout.endswith("PASS 1 WARN 0 FAIL 1 UNKNOWN 0 WAIVED 0\n")
    assert (site / "report.xml").read_text().count("<testcase ") == 1
    recorded = json.loads((site / ".hybridctl/runs/latest/result.json").read_text())
    Draft202012Validator(SCHEMA).validate(recorded)
    assert (recorded["exit_code"], recorded["baseline"]["exit_code"]) == (5, 0)

    profile = site / "profiles/mine.yml"
    profile.write_text(profile.read_text().replace("at_least: 0.1", "at_least: 100000000"))
    (site / "waivers.yml").write_text(WAIVER)
    result = ask("--baseline", recorded["id"], "--json")
    assert result.exit_code == 5
    baseline = judged(result)["baseline"]
    assert (baseline["run"], baseline["exit_code"]) == (recorded["id"], 5)
    assert [(one["kind"], one["check"], one["new"], one["worse"]) for one in baseline["changes"]] == [
        ("better", "cpu.threads", "WAIVED", False),
        ("worse", "memory.total", "FAIL", True),
    ]


@pytest.mark.parametrize("content", [b'{"schema": 1, "command": "verify",', None])
def test_a_baseline_that_is_no_whole_verification(site: Path, content: bytes | None) -> None:
    """Exit 2, and nothing is recorded beside it."""
    run = record(site / ".hybridctl/runs", "20260101T000000Z-0001", content or document({}, site="rack-8"))
    result = ask("--baseline", "20260101")
    assert result.exit_code == 2
    assert "Error: --baseline 20260101: " in result.stderr
    assert [path.name for path in run.parent.iterdir()] == [run.name]
