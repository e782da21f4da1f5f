"""What changed between two verifications: nothing missed, nothing told twice, nothing got better by vanishing."""

import math
from typing import Any

import pytest
from verify_documents import NO_PROFILE, UNREACHABLE, document

from hybridctl.errors import ExitCode
from hybridctl.verify_changes import Change, ChangeKind, changes, compare, exit_code_of

VERDICTS = ("PASS", "WARN", "WAIVED", "UNKNOWN", "FAIL")


def kinds(found: tuple[Change, ...]) -> list[tuple[str, str, str]]:
    """Kind, host and check of each."""
    return [(one.kind.value, one.host, f"{one.check} {one.subject}".rstrip()) for one in found]


def one_result(old: tuple[str, Any], new: tuple[str, Any]) -> tuple[Change, ...]:
    """What changed of a host's only result, given as verdict and measured value."""
    a, b = (document({"gpu1": [("gpu.count", *given)]}) for given in (old, new))
    return changes(a, b)


def test_the_same_again_is_no_change() -> None:
    """All results are counted, whatever they are."""
    hosts = {"gpu1": [("gpu.count", "FAIL", 7), ("os.release", "PASS", "12")], "gpu2": UNREACHABLE}
    comparison = compare(document(hosts), document(hosts))
    assert (comparison.changes, comparison.same, comparison.moved) == ((), 2, 0)
    assert exit_code_of(comparison.changes) is ExitCode.OK


@pytest.mark.parametrize("old", VERDICTS)
@pytest.mark.parametrize("new", VERDICTS)
def test_every_change_of_a_verdict(old: str, new: str) -> None:
    """A change to FAIL or UNKNOWN is a worsening, also between the two; one to WAIVED or WARN is none."""
    found = one_result((old, None), (new, None))
    if old == new:
        assert found == ()
        return
    (change,) = found
    assert (change.old, change.new) == (old, new)
    assert change.is_worsening == (new in ("FAIL", "UNKNOWN"))
    is_worse = change.is_worsening or VERDICTS.index(new) > VERDICTS.index(old)
    assert change.kind is (ChangeKind.WORSE if is_worse else ChangeKind.BETTER)
    expected = {"FAIL": ExitCode.VERIFY_FAILED, "UNKNOWN": ExitCode.VERIFY_INCOMPLETE}
    assert exit_code_of(found) is expected.get(new, ExitCode.OK)


def test_a_verdict_that_nobody_knows_is_bad() -> None:
    """A word of a newer hybridctl never passes for better."""
    (change,) = one_result(("PASS", 1), ("DOUBTFUL", 1))
    assert (change.kind, change.is_worsening) == (ChangeKind.WORSE, True)
    assert exit_code_of([change]) is ExitCode.VERIFY_INCOMPLETE


@pytest.mark.parametrize(
    ("verdict", "old", "new", "said"),
    [
        ("PASS", 41.0, 44.5, "moved"),
        ("PASS", 8, 8.0, "same"),
        ("PASS", "6.1.0-18", "6.1.0-21", "value"),
        ("PASS", "8", 8, "value"),
        ("FAIL", 7, 6, "value"),
        ("WARN", 7, 6, "value"),
        ("FAIL", math.nan, math.nan, "same"),
        ("UNKNOWN", None, None, "same"),
    ],
)
def test_values_under_one_verdict(verdict: str, old: Any, new: Any, said: str) -> None:
    """A number within what is expected may move; text, and a number that misses it, is told; none is a worsening."""
    comparison = compare(*(document({"h": [("a.b", verdict, value)]}) for value in (old, new)))
    assert [one.kind.value for one in comparison.changes] == (["value"] if said == "value" else [])
    assert (comparison.same, comparison.moved) == (int(said == "same"), int(said == "moved"))
    assert exit_code_of(comparison.changes) is ExitCode.OK


def test_a_host_that_is_lost_and_one_that_is_back() -> None:
    """One line for the lost host and no GONE of its results; of the other what is not PASS, for nobody knew of it."""
    rows = [("gpu.count", "PASS", 8), ("os.release", "FAIL", "11")]
    a, b = document({"h1": rows, "h2": UNREACHABLE}), document({"h1": UNREACHABLE, "h2": rows})
    found = changes(a, b)
    assert kinds(found) == [("lost", "h1", ""), ("back", "h2", ""), ("appeared", "h2", "os.release")]
    assert found[0].reason == "No route to host"
    assert [one.is_worsening for one in found] == [True, False, True]
    assert exit_code_of(found) is ExitCode.HOST_UNREACHABLE
    assert exit_code_of(found[1:]) is ExitCode.VERIFY_FAILED


def test_a_host_lost_on_the_way_is_compared_as_far_as_it_came() -> None:
    """A FAIL that it still showed is told beside the loss; what it did not show any more is not GONE."""
    then = document({"h": [("gpu.count", "PASS", 8), ("os.release", "PASS", "12")]})
    now = document({"h": [("gpu.count", "FAIL", 7)]})
    now["hosts"][0] |= {"state": UNREACHABLE, "reason": "lost after 1 results"}
    assert kinds(changes(then, now)) == [("lost", "h", ""), ("worse", "h", "gpu.count")]


def test_a_host_that_has_no_profile_any_more() -> None:
    """Its loss is one line, and the run incomplete; a new host without one, too."""
    rows = [("gpu.count", "PASS", 8)]
    found = changes(document({"h": rows}), document({"h": NO_PROFILE, "new": NO_PROFILE}))
    assert kinds(found) == [("lost", "h", ""), ("appeared", "new", "")]
    assert exit_code_of(found) is ExitCode.VERIFY_INCOMPLETE
    assert exit_code_of(found[1:]) is ExitCode.VERIFY_INCOMPLETE


def test_still_unreachable_is_no_change() -> None:
    """It is in the sums of both; nothing got worse."""
    assert changes(document({"h": UNREACHABLE}), document({"h": UNREACHABLE})) == ()


def test_hosts_and_checks_that_come_and_go() -> None:
    """NEW and GONE name the result; of a new host only what is not PASS is told, and it counts."""
    a = document({"h1": [("os.release", "PASS", "12"), ("units.active a", "PASS", "active")], "h2": []})
    h1 = [("os.release", "PASS", "12"), ("units.active b", "PASS", "active")]
    b = document({"h1": h1, "h3": [("a.b", "FAIL", 1)]})
    found = changes(a, b)
    assert kinds(found) == [
        ("appeared", "h1", "units.active b"),
        ("gone", "h1", "units.active a"),
        ("appeared", "h3", ""),
        ("appeared", "h3", "a.b"),
        ("gone", "h2", ""),
    ]
    assert [one.is_worsening for one in found] == [False, False, False, True, False]


@pytest.mark.parametrize(
    ("old", "new", "gone"),
    [
        ({}, {"limit": "h1"}, False),
        ({"limit": "h1"}, {"limit": "h1"}, True),
        ({"limit": "h1"}, {}, True),
        ({}, {"only": ["os"]}, False),
        ({"only": ["os"]}, {"only": ["os"]}, True),
    ],
)
def test_what_was_not_asked_for_is_not_gone(old: dict[str, Any], new: dict[str, Any], gone: bool) -> None:
    """A narrower run says nothing of the others."""
    a = document({"h1": [("os.release", "PASS", "12"), ("cpu.model", "PASS", "x")], "h2": []}, **old)
    b = document({"h1": [("os.release", "PASS", "12")]}, **new)
    found = kinds(changes(a, b))
    assert (("gone", "h2", "") in found) == (gone or "only" in new)
    assert (("gone", "h1", "cpu.model") in found) == (gone or "limit" in new)


def test_two_results_of_one_name_are_two() -> None:
    """The second of them is not hidden by the first."""
    a = document({"h": [("a.b", "PASS", "x"), ("a.b", "PASS", "y")]})
    b = document({"h": [("a.b", "PASS", "x"), ("a.b", "FAIL", "y")]})
    assert [(one.old, one.new) for one in changes(a, b)] == [("PASS", "FAIL")]


def test_a_change_is_json() -> None:
    """With what it was and what it is; reasons stand with the results."""
    (change,) = one_result(("PASS", 8), ("FAIL", 7))
    assert change.document() == {
        "kind": "worse",
        "host": "gpu1",
        "check": "gpu.count",
        "subject": "",
        "old": "PASS",
        "new": "FAIL",
        "old_measured": 8,
        "new_measured": 7,
        "worse": True,
    }
    assert (change.reason, change.remedy) == ("because", "mend gpu.count")


@pytest.mark.parametrize("broken", [{}, {"hosts": None}, {"hosts": [{}]}, {"hosts": [{"name": "h", "state": "x"}]}])
def test_what_is_no_verification_cannot_be_compared(broken: dict[str, Any]) -> None:
    """It is an error, never `nothing changed`."""
    with pytest.raises((KeyError, TypeError, AttributeError)):
        compare(broken, document({"h": []}))
