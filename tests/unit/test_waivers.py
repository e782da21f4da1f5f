"""Waivers: only a FAIL, only until the day, only where somebody answers for it; everything else is said."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from hybridctl.checks import Result, Verdict
from hybridctl.errors import InvalidInput
from hybridctl.inventory import Host, Inventory
from hybridctl.verification import HostReport, HostState
from hybridctl.waivers import Waivers, load_waivers

TODAY = date(2026, 11, 30)
GROUPS = {"all": ("gpu1", "gpu2", "gw1"), "gpu": ("gpu1", "gpu2")}
INVENTORY = Inventory({name: Host(name, name, 22, (), "mine", {}) for name in GROUPS["all"]}, GROUPS)
GOOD = "- {check: gpu.count, hosts: gpu, reason: sent in, owner: ops, expires: 2027-03-31}\n"
FAIL = Result("gpu.count", Verdict.FAIL, 7, expected="8", reason="one is missing", remedy="look")


def waivers(tmp_path: Path, text: str = GOOD, today: date = TODAY) -> Waivers:
    """The waivers of a site with this file."""
    (tmp_path / "waivers.yml").write_text(text)
    return load_waivers(tmp_path, INVENTORY, None, today)


def remarks(known: Waivers, judged: dict[str, list[Result]], checks: frozenset[str] | None = None) -> list[str]:
    """What is said of each waiver after these results."""
    reports = [
        judged_host(host, [known.applied(host, result) for result in results]) for host, results in judged.items()
    ]
    return [use.remark for use in known.uses(reports, checks)]


def judged_host(name: str, results: Sequence[Result], not_compared: tuple[str, ...] = ()) -> HostReport:
    """The report of a host that was judged."""
    return HostReport(name, HostState.JUDGED, results=tuple(results), not_compared=not_compared)


def test_a_fail_is_waived(tmp_path: Path) -> None:
    """Measured, expected and remedy stay; reason, owner and last day are told."""
    result = waivers(tmp_path).applied("gpu1", FAIL)
    assert (result.verdict, result.measured, result.expected, result.remedy) == (Verdict.WAIVED, 7, "8", "look")
    assert result.reason == "one is missing; waived by ops until 2027-03-31: sent in"
    assert result.waiver is not None
    assert result.waiver.origin == "waivers.yml:1"


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.WARN, Verdict.UNKNOWN])
def test_nothing_else_is(tmp_path: Path, verdict: Verdict) -> None:
    """UNKNOWN above all: nobody knows what it hides."""
    result = Result("gpu.count", verdict)
    assert waivers(tmp_path).applied("gpu1", result) is result


@pytest.mark.parametrize(
    ("host", "check", "subject", "is_waived"),
    [
        ("gpu1", "fabric.state", "mlx5_3", True),
        ("gpu1", "fabric.state", "mlx5_30", False),
        ("gpu2", "fabric.state", "mlx5_3", False),
        ("gw1", "fabric.state", "mlx5_3", False),
        ("gpu1", "gpu.count", "mlx5_3", False),
    ],
)
def test_only_what_it_names(tmp_path: Path, host: str, check: str, subject: str, is_waived: bool) -> None:
    """Check, subject and host must be those; a pattern may exclude."""
    text = GOOD.replace("gpu.count", "fabric.state, subject: mlx5_3").replace("hosts: gpu", "hosts: 'gpu:!gpu2'")
    result = waivers(tmp_path, text).applied(host, Result(check, Verdict.FAIL, subject=subject))
    assert result.verdict is (Verdict.WAIVED if is_waived else Verdict.FAIL)


@pytest.mark.parametrize(("today", "verdict"), [(date(2027, 3, 31), "WAIVED"), (date(2027, 4, 1), "FAIL")])
def test_it_holds_through_its_last_day(tmp_path: Path, today: date, verdict: str) -> None:
    """From the next day on the FAIL counts, and says whose waiver ended when."""
    known = waivers(tmp_path, today=today)
    result = known.applied("gpu1", FAIL)
    assert result.verdict.value == verdict
    if verdict == "FAIL":
        assert result.reason == "one is missing; the waiver of ops expired on 2027-03-31"
        assert result.waiver is None
        assert remarks(known, {"gpu1": [FAIL]}) == ["expired on 2027-03-31"]


def test_the_longest_of_several_counts(tmp_path: Path) -> None:
    """Also when the other one has expired; and it may name a ticket."""
    text = GOOD.replace("2027-03-31", "2026-01-01") + GOOD.replace("reason:", "ticket: T-1, reason:")
    known = waivers(tmp_path, text)
    result = known.applied("gpu1", FAIL)
    assert result.reason.endswith("waived by ops until 2027-03-31: sent in (T-1)")
    assert [use.waived for use in known.uses([judged_host("gpu1", [result])], None)] == [0, 1]


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (date(2027, 3, 16), ""),
        (date(2027, 3, 17), "expires on 2027-03-31, in 14 days"),
        (date(2027, 3, 30), "expires on 2027-03-31, tomorrow"),
        (date(2027, 3, 31), "expires on 2027-03-31, today"),
    ],
)
def test_its_end_is_told_two_weeks_before(tmp_path: Path, today: date, said: str) -> None:
    """In time to mend what it waives; not every day of a year."""
    assert remarks(waivers(tmp_path, today=today), {"gpu1": [FAIL]}) == [said]


@pytest.mark.parametrize(
    ("judged", "checks", "is_stale"),
    [
        ({"gpu1": "PASS", "gpu2": "PASS"}, None, True),
        ({"gpu1": "WARN", "gpu2": None}, None, True),
        ({"gpu1": "PASS", "gpu2": "FAIL"}, None, False),
        ({"gpu1": "PASS"}, None, False),
        ({"gpu1": "PASS", "gpu2": "UNKNOWN"}, None, False),
        ({"gpu1": None, "gpu2": None}, frozenset({"os.release"}), False),
        ({"gpu1": "PASS", "gpu2": "PASS"}, frozenset({"gpu.count"}), True),
    ],
)
def test_a_stale_one_is_told(
    tmp_path: Path, judged: dict[str, str | None], checks: frozenset[str] | None, is_stale: bool
) -> None:
    """Only when all its hosts were judged by that check: of others nobody can say that they pass."""
    results = {host: [Result("gpu.count", Verdict(word))] if word else [] for host, word in judged.items()}
    (said,) = remarks(waivers(tmp_path), results, checks)
    assert said.startswith("stale") == is_stale


def test_what_nobody_looked_at_is_not_stale(tmp_path: Path) -> None:
    """A check that could not be measured has no subjects; hosts of which a limit leaves some out are not compared."""
    of_one = waivers(tmp_path, GOOD.replace("gpu.count", "gpu.model, subject: GPU 3"))
    assert remarks(of_one, {host: [Result("gpu.model", Verdict.UNKNOWN)] for host in GROUPS["gpu"]}) == [""]
    compared = waivers(tmp_path, GOOD.replace("gpu.count", "fleet.kernel"))
    left_out = [judged_host(host, (), ("fleet.kernel",)) for host in GROUPS["gpu"]]
    assert [use.remark for use in compared.uses(left_out, None)] == [""]


def test_a_secret_in_a_waiver_is_masked(tmp_path: Path) -> None:
    """Wherever its words go: the reason of the result, the waiver itself."""
    known = waivers(tmp_path, GOOD.replace("sent in", "hunter2 is old").replace("ops", "hunter2"))
    known = known.redacted(lambda text: text.replace("hunter2", "***"))
    found = known.applied("gpu1", FAIL)
    assert found.verdict is Verdict.WAIVED
    assert "hunter2" not in repr((known, found))
    assert "*** is old" in found.reason


def test_a_pattern_of_nobody_is_a_remark(tmp_path: Path) -> None:
    """A host that is gone must not stop the verification; the part of the pattern is named."""
    known = waivers(tmp_path, GOOD.replace("hosts: gpu", "hosts: 'gpu1:gpu9:!gone'"))
    assert remarks(known, {"gpu1": [FAIL]}) == ["hosts: gpu9 names no host"]
    known = waivers(tmp_path, GOOD.replace("hosts: gpu", "hosts: 'gpu1:!gpu'"))
    assert remarks(known, {"gpu1": [FAIL]}) == ["hosts: gpu1:!gpu names no host"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("check: gpu.count", "check: gpu.cuont", 1, "check: there is no gpu.cuont; did you mean gpu.count?"),
        ("check: gpu.count", "check: gpu.*", 1, "check: there is no gpu.*"),
        ("check: gpu.count", "check: [gpu.count]", 1, "check: ['gpu.count'] is not of type 'string'"),
        ("reason: sent in, ", "", 1, "waivers: reason is missing"),
        ("owner: ops, ", "", 1, "waivers: owner is missing"),
        (", expires: 2027-03-31", "", 1, "waivers: expires is missing"),
        ("owner: ops", "owner: ' '", 1, "owner: '' does not match"),
        ("owner: ops", 'owner: "\\x1b[31mops"', 1, "owner: '\\x1b[31mops' would steer a terminal"),
        ("owner: ops", "ownr: ops, owner: x", 1, "waivers: unknown key ownr; did you mean owner?"),
        ("expires: 2027-03-31", "expires: next year", 1, "expires: 'next year' is no day"),
        ("expires: 2027-03-31", "expires: 2027-03-31 10:00:00", 1, "expires: datetime"),
        ("expires: 2027-03-31", "expires: '2027-02-30'", 1, "expires: 2027-02-30 is no day"),
        ("expires: 2027-03-31", "expires: never", 1, "expires: 'never' is no day"),
        ("hosts: gpu", "hosts: '@gone.txt'", 1, "hosts: '@gone.txt' does not match"),
        ("hosts: gpu", "hosts: '!,&'", 1, "hosts: '!,&' is no host pattern"),
        ("hosts: gpu", "hosts: '~gpu('", 1, "hosts: '~gpu(' is no host pattern"),
        ("- {check", "waivers: {check", 1, "waivers: {"),
        (GOOD, "", 0, "the file is empty"),
        (GOOD, "- {check: gpu.count\n", 2, "not YAML"),
        (GOOD, GOOD + "- {check: gpu.count}\n", 2, "waivers: hosts is missing"),
        (GOOD, f"{GOOD}- check: gpu.count\n  check: gpu.count\n", 3, "check stands twice"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    """With file, line and what is allowed."""
    with pytest.raises(InvalidInput) as caught:
        waivers(tmp_path, GOOD.replace(old, new))
    assert f"waivers.yml{f':{line}' if line else ''}: {said}" in caught.value.message
    assert caught.value.hint


def test_no_file_and_one_of_comments_waive_nothing(tmp_path: Path) -> None:
    """But a file that was named must be there."""
    assert load_waivers(tmp_path, INVENTORY, None, TODAY) == Waivers(today=TODAY)
    assert waivers(tmp_path, "# none today\n").entries == ()
    assert waivers(tmp_path, "[]\n").entries == ()
    with pytest.raises(InvalidInput, match="No such file"):
        load_waivers(tmp_path, INVENTORY, tmp_path / "other.yml", TODAY)
