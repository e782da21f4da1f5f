"""What hosts of one profile show is compared: the majority is the norm, outliers are named."""

import re
from dataclasses import replace

import pytest

from hybridctl.checks.alike import compare, shown
from hybridctl.checks.model import Expectation, Result, Verdict, Want
from hybridctl.redaction import MASK, Redactor

SAME = Expectation("fleet.kernel", "value", "same", source="a test", origin="p.yml:3")
REMEDY = "look at {host}"


def group(*values: str | None) -> dict[str, Result]:
    """Hosts h1, h2 ... that show these values; None for one that could not be measured."""
    want, unread = Want(SAME), Result("fleet.kernel", Verdict.UNKNOWN, reason="no uname", remedy="mend it")
    return {f"h{n}": unread if value is None else shown(want, value) for n, value in enumerate(values, start=1)}


def judged(*values: str | None, alone: bool = False) -> dict[str, Result]:
    """Compare them."""
    return compare(group(*values), SAME, "p", REMEDY, alone=alone)


def verdicts(*values: str | None, alone: bool = False) -> list[str]:
    """Compare them, and return the verdicts only."""
    return [result.verdict.value for result in judged(*values, alone=alone).values()]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ("aaa", "PPP"),
        ("aab", "PPF"),
        ("baa", "FPP"),
        ("aaabc", "PPPFF"),
        ("ab", "FF"),
        ("aabb", "FFFF"),
        ("aabc", "FFFF"),  # two of four are no majority
        ("abc", "FFF"),
        ("aa-", "PPU"),
        ("a-", "UU"),
        ("--", "UU"),
        ("aab--", "PPFUU"),
    ],
)
def test_a_majority_is_the_norm(values: str, wanted: str) -> None:
    """More than half of what was measured; a host that was not (`-`) is UNKNOWN and does not count."""
    found = verdicts(*(None if value == "-" else value for value in values))
    assert "".join(verdict[0] for verdict in found) == wanted


def test_an_outlier_is_told_what_the_others_have() -> None:
    """With its own value, the norm as what was expected, the line that asks, and its own name in the remedy."""
    results = judged(*["5.15"] * 7, "6.8")
    assert results["h8"] == Result(
        "fleet.kernel",
        Verdict.FAIL,
        "6.8",
        "5.15",
        reason="7 of 8 hosts of p have 5.15; this one has 6.8",
        remedy="look at h8",
        source="a test",
        origin="p.yml:3",
    )
    assert results["h1"] == Result("fleet.kernel", Verdict.PASS, "5.15", "same", source="a test", origin="p.yml:3")


def test_without_a_majority_values_and_hosts_are_named() -> None:
    """But no more of them than a person reads."""
    reason = judged("a", "b", "a", "b")["h2"].reason
    assert reason == "the 4 hosts of p have no majority: a on h1, h3; b on h2, h4"
    reason = judged(*["a"] * 40, *["b"] * 40, *map(str, range(200)))["h1"].reason
    assert "a on h1, h2, h3, h4, h5 and 35 more; b on h41" in reason
    assert reason.endswith("and 198 other values")
    assert len(reason) < 400


def test_one_host_alone() -> None:
    """The only host of its profile has nothing to differ from; the only one that could be measured is not judged."""
    (only,) = judged("a", alone=True).values()
    assert (only.verdict, only.measured, only.reason, only.remedy) == (Verdict.PASS, "a", "", "")
    (left,) = [result for result in judged("a", None).values() if result.measured]
    assert (left.verdict, left.reason) == (
        Verdict.UNKNOWN,
        "no other host of p could be measured to compare it with",
    )
    assert "hybridctl verify --only fleet.kernel" in left.remedy
    assert verdicts(None, alone=True) == ["UNKNOWN"]


def test_what_was_not_compared_is_unknown() -> None:
    """A value alone is no verdict, whoever asks for it."""
    assert group("a")["h1"].verdict is Verdict.UNKNOWN


def test_a_miss_weighs_what_the_profile_says() -> None:
    """A WARN where hosts may serve all the same."""
    soft = Expectation("fleet.kernel", "value", "same", severity=Verdict.WARN)
    found = compare(group("a", "a", "b"), soft, "p", REMEDY)
    assert found["h3"].verdict is Verdict.WARN


def test_long_values_are_cut_and_still_told_apart() -> None:
    """Two that begin alike have digests of their own; the reason stays short."""
    results = judged("x" * 900 + "a", "x" * 900 + "a", "x" * 900 + "b")
    reason = results["h3"].reason
    assert [result.verdict.value for result in results.values()] == ["PASS", "PASS", "FAIL"]
    norm, own = reason.split("; ")
    assert norm.rpartition("(")[2] != own.rpartition("(")[2]
    assert len(reason) < 250


@pytest.mark.parametrize("values", ["aab", "ab"])
def test_a_secret_is_taken_out_before_a_value_is_cut(values: str) -> None:
    """With a majority and without; no digest tells of it, and hosts that differ in it alone still differ."""
    secrets = {name: name + "Zq9w" * 10 for name in values}
    tail = "y" * 60
    redact = Redactor(secrets.values()).text
    found = compare(group(*("x" * 50 + secrets[name] + tail for name in values)), SAME, "p", REMEDY, redact=redact)
    outlier = found[f"h{len(values)}"]
    assert outlier.verdict is Verdict.FAIL
    assert "Zq9w" not in outlier.reason
    assert MASK in outlier.reason
    digest = re.compile(r"\.\.\. \((\w{8})\)")
    assert len(digest.findall(outlier.reason)) == 2
    assert len(set(digest.findall(outlier.reason))) == 1


def test_letters_count() -> None:
    """Two versions that differ in case are two versions; a lone surrogate breaks nothing."""
    assert verdicts("1.0-RC", "1.0-rc") == ["FAIL", "FAIL"]
    assert verdicts("\udcff" * 90, "\udcff" * 90, "a") == ["PASS", "PASS", "FAIL"]


def test_an_outlier_keeps_what_it_was_asked() -> None:
    """So that a report can show what it answered; a PASS has no commands."""
    found = {host: replace(result, commands=("uname -r",)) for host, result in group(*"aab").items()}
    told = compare(found, SAME, "p", REMEDY)
    assert [result.commands for result in told.values()] == [(), (), ("uname -r",)]
