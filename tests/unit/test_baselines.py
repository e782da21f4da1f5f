"""Which recorded verification a new one is held against, and what flaps over the last ones."""

import io
import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from verify_documents import NO_PROFILE, UNREACHABLE, document, record

from hybridctl.baselines import LAST, Against, find_baseline
from hybridctl.checks import Result, Verdict
from hybridctl.errors import ExitCode, InvalidInput
from hybridctl.report import changes_lines, verify_junit
from hybridctl.site import Site
from hybridctl.verification import HostReport, HostState, Verification

GOOD = {"h1": [("os.release", "PASS", "12")]}
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site without a run."""
    return Site(tmp_path, tmp_path / "inventory", "rack-7")


def run(number: int) -> str:
    """The identifier of a run, later ones with a higher number."""
    return f"202601{number:02d}T000000Z-{number:04x}"


def against(site: Site, words: str, now: str = "PASS", **head: Any) -> Against:
    """Record verifications of one result with these verdicts, the oldest first, and hold one more against the last."""
    for number, letter in enumerate(words.split(), 1):
        verdict = next(word for word in ("PASS", "WARN", "FAIL", "UNKNOWN", "WAIVED") if word.startswith(letter))
        record(site.runs, run(number), document({"h1": [("os.release", verdict, "12")]}, **head))
    new = document({"h1": [("os.release", now, "12")]})
    return find_baseline(site, "latest").against(new)


def test_latest_is_the_newest_verification_of_as_much(site: Site) -> None:
    """Not a provision, nor one of fewer hosts or checks, of another site or inventory, or that cannot be read."""
    record(site.runs, run(1), document(GOOD))
    for number, other in enumerate(
        (
            document(GOOD, only=["os"]),
            document(GOOD, limit="h1"),
            document(GOOD, site="rack-8"),
            document(GOOD, inventory="lab"),
            document(GOOD, schema=2),
            document(GOOD, command="provision"),
            {**document(GOOD), "hosts": [{"name": "h1"}]},
            b'{"schema": 1, "command": "verify", ',
            b"[]",
        ),
        2,
    ):
        record(site.runs, run(number), other)
    (site.runs / run(30)).mkdir()
    assert find_baseline(site, "latest").run == run(1)
    assert find_baseline(site, "latest", ["os"]).run == run(2)
    assert find_baseline(site, "latest", ["os.release"]).run == run(2)
    assert find_baseline(site, "latest", limit="h1").run == run(3)
    record(site.runs, run(31), document(GOOD))
    (site.runs / run(31) / "evidence").symlink_to(site.runs)  # judged old evidence again
    assert find_baseline(site, "latest").run == run(1)
    assert find_baseline(site, run(31)).run == run(31)


def test_a_host_of_which_nothing_was_judged_is_no_success(site: Site) -> None:
    """Exit 6, though nothing changed."""
    record(site.runs, run(1), document({"h1": []}, only=["fleet"]))
    assert (
        find_baseline(site, "latest", ["fleet"]).against(document({"h1": []})).exit_code is ExitCode.VERIFY_INCOMPLETE
    )


def test_a_run_by_its_name(site: Site) -> None:
    """An identifier, or the beginning of one; also of other hosts, whose lack is told as such."""
    record(site.runs, run(1), document(GOOD, limit="h1"))
    record(site.runs, run(2), document(GOOD))
    assert find_baseline(site, run(1)).run == run(1)
    assert find_baseline(site, "20260102").run == run(2)


@pytest.mark.parametrize(
    ("content", "said", "hint"),
    [
        (document(GOOD, command="provision"), "is a provision, no verification", "verify -i"),
        (document(GOOD, site="rack-8"), "of the site rack-8, this is rack-7", "--baseline latest"),
        (document(GOOD, inventory="lab"), "of the inventory lab, this is inventory", "--baseline latest"),
        (document(GOOD, schema=2), "schema 2 is of another hybridctl", "runs list"),
        (document(GOOD, only=["os"]), "that run asked --only os", f"--only os --baseline {run(1)}"),
        ({**document(GOOD), "hosts": [{"name": "h1"}]}, "hosts[0] cannot be read", "runs list"),
        ({**document(GOOD), "hosts": "h1"}, "hosts[0] cannot be read", "runs list"),
        ({k: v for k, v in document(GOOD).items() if k != "hosts"}, "result.json: not whole", "runs list"),
        (b'{"schema": 1,\n "hosts": [', "result.json:2: not JSON", "runs list"),
        (b"", "result.json:1: not JSON", "runs list"),
    ],
)
def test_a_run_that_is_none_to_compare_with(site: Site, content: dict[str, Any] | bytes, said: str, hint: str) -> None:
    """Refused with why, and with what to type."""
    record(site.runs, run(1), content)
    with pytest.raises(InvalidInput) as caught:
        find_baseline(site, run(1))
    assert said in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(("name", "limit", "only"), [("latest", "h1", ["os"]), ("20260101", None, [])])
def test_a_site_without_a_verification(site: Site, name: str, limit: str | None, only: list[str]) -> None:
    """The hint makes one of the same hosts and checks."""
    with pytest.raises(InvalidInput, match=f"--baseline {name}: no verification of as much is recorded") as caught:
        find_baseline(site, name, only, limit)
    assert caught.value.hint.endswith("inventory" + (" --limit 'h1' --only os" if limit else ""))


@pytest.mark.parametrize(
    ("earlier", "now", "letters"),
    [
        ("P F P", "FAIL", "P F P F"),
        ("F P F", "PASS", "F P F P"),
        ("P U P U", "UNKNOWN", "P U P U U"),
        ("P P F P", "PASS", ""),
        ("F P", "PASS", ""),
        ("P F P W", "PASS", "P F P W P"),
    ],
)
def test_what_changes_three_times_flaps(site: Site, earlier: str, now: str, letters: str) -> None:
    """Also when it is as in the baseline; broken and mended once is no flapping."""
    found = against(site, earlier, now)
    assert [one.letters for one in found.flapping] == ([letters] if letters else [])
    if letters:
        assert found.steady == ()


def test_a_failure_that_flaps_still_counts(site: Site) -> None:
    """It is shown with its history in place of a change, and ends the run all the same."""
    found = against(site, "P F P", "FAIL")
    assert found.exit_code is ExitCode.VERIFY_FAILED
    assert [change["worse"] for change in found.document()["changes"]] == [True]


def test_a_waiver_that_ends_is_no_flap(site: Site) -> None:
    """WAIVED is the FAIL that it was; the change itself is told."""
    found = against(site, "F WAI F WAI", "FAIL")
    assert found.flapping == ()
    assert [(one.old, one.new) for one in found.steady] == [("WAIVED", "FAIL")]


def test_a_host_that_comes_and_goes_flaps(site: Site) -> None:
    """And it counts as lost all the same."""
    for number, now in enumerate((GOOD["h1"], UNREACHABLE, GOOD["h1"]), 1):
        record(site.runs, run(number), document({"h1": now}))
    found = find_baseline(site, "latest").against(document({"h1": UNREACHABLE}))
    assert [(one.name, one.letters) for one in found.flapping] == [(("h1", "", ""), "J U J U")]
    assert found.exit_code is ExitCode.HOST_UNREACHABLE


def test_old_verifications_do_not_count(site: Site) -> None:
    """Only the last ones, the new one among them."""
    found = against(site, "F P F P F " + "P " * (LAST - 1), "PASS")
    assert found.flapping == ()


def test_judging_old_evidence_again_is_no_new_moment(site: Site) -> None:
    """Its verdicts are not in the history; those of another site neither."""
    for number, word in enumerate(("PASS", "FAIL", "PASS"), 1):
        record(site.runs, run(number), document({"h1": [("os.release", word, "12")]}))
    (site.runs / run(3) / "evidence").symlink_to(site.runs)
    record(site.runs, run(4), document({"h1": [("os.release", "PASS", "12")]}, site="rack-8"))
    found = find_baseline(site, run(2)).against(document({"h1": [("os.release", "FAIL", "12")]}))
    assert found.flapping == ()


def of(*hosts: HostReport) -> Verification:
    """A verification of these hosts."""
    return Verification("rack-7", AT, AT, hosts)


def test_the_text_has_only_what_changed(site: Site) -> None:
    """The worst first, hosts of one change together, the rest counted; no escape reaches the terminal."""
    then = document(
        {
            "gpu1": [("gpu.count", "PASS", 8), ("os.kernel", "PASS", "6.1"), ("gpu.temperature", "PASS", 40)],
            "gpu2": [("gpu.count", "PASS", 8), ("os.kernel", "PASS", "6.1")],
            "gw1": [("units.active a", "FAIL", "dead"), ("units.active b", "PASS", "active")],
            "old1": [],
            "mon1": [],
        }
    )
    now = document(
        {
            "gpu1": [("gpu.count", "FAIL", 7), ("os.kernel", "PASS", "6.2\x1b[31m"), ("gpu.temperature", "PASS", 41)],
            "gpu2": [("gpu.count", "FAIL", 7), ("os.kernel", "PASS", "6.1")],
            "gw1": [("units.active a", "PASS", "active"), ("units.active c", "PASS", "active")],
            "mon1": UNREACHABLE,
        }
    )
    record(site.runs, run(1), then)
    found = find_baseline(site, "latest").against(now)
    hosts = (HostReport("gpu1", HostState.JUDGED, lab=True), HostReport("gpu2", HostState.JUDGED, lab=True))
    lines = list(changes_lines(found, of(*hosts)))
    assert lines[:-1] == [
        f"against {run(1)}: 8 changes, 0 flapping",
        "LOST mon1: judged -> unreachable: No route to host",
        "WORSE gpu1, gpu2 (lab) gpu.count: PASS -> FAIL, measured 8 -> 7, expected 8: because",
        "  -> on gpu1: mend gpu.count",
        "CHANGED gpu1 (lab) os.kernel: PASS, measured 6.1 -> 6.2\N{REPLACEMENT CHARACTER}[31m, expected 8",
        "BETTER gw1 units.active a: FAIL -> PASS, measured dead -> active, expected 8",
        "GONE old1: not asked for any more",
        "NEW gw1: 1 result, PASS: units.active c",
        "GONE gw1: 1 result: units.active b",
        "",
        "1 result as before, 1 number moved within what is expected",
    ]
    assert lines[-1].startswith("hosts asked 2, judged 2; ")


def test_the_text_of_no_change(site: Site) -> None:
    """It says so, and that what failed before is no news; what flaps is named with its history."""
    failing = Result("os.release", Verdict.FAIL, "11", reason="it is 11", remedy="upgrade it")
    now = of(HostReport("h1", HostState.JUDGED, results=(failing,)))
    lines = list(changes_lines(against(site, "P F P F", "FAIL"), now))
    assert lines[:5] == [
        f"against {run(4)}: 0 changes, 1 flapping",
        "FLAPPING h1 os.release: P F P F F over 5 verifications: it is 11",
        "  -> upgrade it",
        "",
        "1 result as before, 0 numbers moved within what is expected; nothing got worse",
    ]


def test_many_results_of_a_new_profile_are_one_line(site: Site) -> None:
    """A few by name, the others counted; all are in the JSON."""
    record(site.runs, run(1), document(GOOD))
    rows = [*GOOD["h1"], *((f"a.c{number}", "PASS", 1) for number in range(9))]
    found = find_baseline(site, "latest").against(document({"h1": rows}))
    assert "NEW h1: 9 results, PASS: a.c0, a.c1, a.c2, a.c3, a.c4 and 4 more" in list(changes_lines(found, of()))
    assert len(json.loads(json.dumps(found.document()))["changes"]) == 9


def test_junit_has_what_changed_and_one_case_for_the_rest(site: Site) -> None:
    """A host of which nothing changed has no suite; one that was lost has an error."""
    record(site.runs, run(1), document({"h1": GOOD["h1"], "h2": GOOD["h1"], "h3": GOOD["h1"], "h4": GOOD["h1"]}))
    bad = [("os.release", "FAIL", "11"), ("cpu.model", "FAIL", "x")]
    now = document({"h1": bad, "h2": GOOD["h1"], "h3": UNREACHABLE, "h4": NO_PROFILE})
    found = find_baseline(site, "latest").against(now)
    results = tuple(Result(check, Verdict(verdict), measured) for check, verdict, measured in bad)
    same = Result("os.release", Verdict.PASS, "12")
    verification = of(
        HostReport("h1", HostState.JUDGED, results=(*results, Result("os.kernel", Verdict.FAIL, "as before"))),
        HostReport("h2", HostState.JUDGED, results=(same,)),
        HostReport("h3", HostState.UNREACHABLE, reason="No route to host"),
        HostReport("h4", HostState.NO_PROFILE, results=(Result("profile", Verdict.UNKNOWN),)),
    )
    root = ET.parse(io.StringIO(verify_junit(verification, found))).getroot()  # noqa: S314 - our own text
    suites = {suite.get("name"): [case.get("name") for case in suite.iter("testcase")] for suite in root}
    assert suites == {
        f"as in {run(1)}": ["1 results as before, 0 numbers moved within what is expected"],
        "h1": ["os.release", "cpu.model"],
        "h3": ["reachable"],
        "h4": ["profile"],
    }
    assert len(root.findall("testsuite/testcase/failure")) == 2
    assert len(root.findall("testsuite/testcase/error")) == 2
