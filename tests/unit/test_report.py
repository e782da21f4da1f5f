"""The reports of `verify`: the same numbers for people, JSON and JUnit."""

import io
import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from verified_runs import read_back

import hybridctl
from hybridctl.checks import Result, Verdict
from hybridctl.report import plain_lines, print_rich_report, summary_line, verify_junit
from hybridctl.verification import HostReport, HostState, Verification
from hybridctl.waivers import Waiver, WaiverUse

SCHEMA = json.loads((Path(hybridctl.__file__).parent / "data/verify-result.schema.json").read_text(encoding="utf-8"))
AT = datetime(2026, 1, 1, tzinfo=UTC)
WAIVER = Waiver("cpu.threads", "cpu1", "half of it is off", "ops", AT.date(), "waivers.yml:1")
SUMMARY = "hosts asked 3, judged 1, unreachable: gw1, without a profile: new1; PASS 1 WARN 1 FAIL 1 UNKNOWN 2 WAIVED 1"


def result(check: str, verdict: Verdict, **given: object) -> Result:
    """A result with reason and remedy unless it is PASS."""
    words = {} if verdict is Verdict.PASS else {"reason": f"{verdict} because", "remedy": f"mend {check}"}
    return Result(check, verdict, **{**words, **given})  # type: ignore[arg-type]


@pytest.fixture
def verification() -> Verification:
    """One host of each kind and one result of each verdict."""
    results = (
        result("memory.total", Verdict.PASS, measured=23.5, expected=">= 2.5", unit="GiB"),
        result("os.distribution", Verdict.WARN, measured="openEuler", expected="openEuler"),
        result("cpu.model", Verdict.UNKNOWN, expected="Kunpeng 920"),
        result("units.active", Verdict.FAIL, measured="inactive\x1b", expected="active", subject="vllm.service"),
        result("cpu.threads", Verdict.WAIVED, measured=64, expected="128", waiver=WAIVER),
    )
    return Verification(
        "rack-7",
        AT,
        AT,
        (
            HostReport("cpu1", HostState.JUDGED, "lab-worker", True, results=results),
            HostReport("gw1", HostState.UNREACHABLE, "lab-gateway", True, "No route to host"),
            HostReport("new1", HostState.NO_PROFILE, results=(result("profile", Verdict.UNKNOWN),)),
        ),
        waivers=(WaiverUse(WAIVER, 1, "expires today"),),
    )


def test_the_summary_names_who_is_missing(verification: Verification) -> None:
    """Asked is judged and the hosts named."""
    assert summary_line(verification) == SUMMARY


def test_plain_text_has_the_worst_first(verification: Verification) -> None:
    """Unreachable, FAIL, UNKNOWN, WARN, WAIVED, each with its remedy; then the table; then the sums."""
    lines = list(plain_lines(verification))
    heads = [line.split()[0] for line in lines[: lines.index("")] if not line.startswith(" ")]
    assert heads == ["UNREACHABLE", "FAIL", "UNKNOWN", "UNKNOWN", "WARN", "WAIVED"]
    assert "FAIL cpu1 (lab) units.active vllm.service: measured inactive\x1b, expected active: FAIL because" in lines
    assert "  -> mend units.active" in lines
    table = [line for line in lines if line.startswith(("cpu1 (lab)", "host "))]
    assert len(table) == 6
    assert len({line.index(word) for line, word in zip(table[:2], ("verdict", "PASS"), strict=True)}) == 1
    assert lines[-1] == SUMMARY


def test_a_terminal_gets_a_table(verification: Verification) -> None:
    """Host, check, verdict, measured, expected and unit, and ids that are never broken."""
    out = io.StringIO()
    print_rich_report(verification, out, width=80)
    text = out.getvalue()
    for word in ("memory.total", "23.5", ">= 2.5", "GiB", "PASS", "cpu1 (lab)", SUMMARY, "-> mend units.active"):
        assert word in text


def test_json_is_what_the_schema_says(verification: Verification) -> None:
    """The document is valid, whole, and says the same as the text."""
    document = read_back(verification)
    Draft202012Validator(SCHEMA).validate(document)
    assert (document["asked"], document["judged"], document["exit_code"]) == (3, 1, 4)
    assert document["unreachable"] == ["gw1"]
    assert document["without_profile"] == ["new1"]
    assert document["verdicts"] == {"PASS": 1, "WARN": 1, "FAIL": 1, "UNKNOWN": 2, "WAIVED": 1}
    assert [host["lab"] for host in document["hosts"]] == [True, True, False]


@pytest.mark.parametrize("change", ["hosts", "exit_code", "verdicts", "unreachable"])
def test_the_schema_can_refuse(verification: Verification, change: str) -> None:
    """A document that lacks something is not valid."""
    document = read_back(verification)
    del document[change]
    assert list(Draft202012Validator(SCHEMA).iter_errors(document))


def test_junit_never_shows_unknown_as_passed(verification: Verification) -> None:
    """FAIL is a failure; UNKNOWN and unreachable are errors; WAIVED is skipped; control characters are left out."""
    root = ET.fromstring(verify_junit(verification))  # noqa: S314 - our own text
    names = ("tests", "failures", "errors", "skipped")
    sums = {s.get("name"): tuple(int(s.get(name, "")) for name in names) for s in root.findall("testsuite")}
    assert sums == {"cpu1": (5, 1, 1, 1), "gw1": (1, 0, 1, 0), "new1": (1, 0, 1, 0)}
    assert "\x1b" not in verify_junit(verification)
