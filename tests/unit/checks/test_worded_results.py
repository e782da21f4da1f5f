"""Results in another language: the remedy, and nothing that a machine reads."""

from dataclasses import replace

import pytest

from hybridctl.checks import CATALOGUE, Result, Verdict
from hybridctl.checks.wording import wording_in

ZH = wording_in("zh")


def missed(subject: str, check: str = "units.off", **given: str) -> Result:
    """What `units.off` says of a unit that runs."""
    said = CATALOGUE[check].remedy.replace("{host}", "cpu1").replace("{subject}", subject)
    return replace(Result(check, Verdict.FAIL, "active", subject=subject, reason="it runs", remedy=said), **given)


@pytest.mark.parametrize(
    "subject",
    [
        "fwupd.service",
        "a.*(b",
        r"\1\g<host>",
        "{host}",
        "'; rm -rf / #",
        "on cpu1: systemctl",
        "鲲鹏",
        "",
        "x" * 100_000,
    ],
    ids=["plain", "pattern", "reference", "blank", "shell", "words", "han", "none", "long"],
)
def test_a_subject_stays_as_it_is(subject: str) -> None:
    """Host and subject come over to the letter, whatever a host calls its things."""
    assert ZH.result(missed(subject)).remedy == f"在 cpu1 上执行：systemctl disable --now {subject}"


def test_only_the_remedy_changes() -> None:
    """Id, verdict, measured, unit and reason are what they were."""
    before = missed("fwupd.service")
    after = ZH.result(before)
    assert after != before
    assert replace(after, remedy=before.remedy) == before


def test_a_reason_that_is_but_the_title_is_worded() -> None:
    """A check that says no more than that it was missed says it in the reader's language."""
    title = CATALOGUE["units.off"].title
    after = ZH.result(missed("x", reason=f"{title}: not what the profile expects"))
    assert after.reason == "不得运行的 systemd 单元: 与参考配置的期望不符"


@pytest.mark.parametrize(
    ("check", "made"),
    [
        ("growth.link_downed", "verify it again, at best in an hour: hybridctl verify --limit cpu1 --only {}"),
        ("fleet.kernel", "compare the hosts of a profile: hybridctl verify --only {}"),
        ("growth.symbol_errors", "set it back: perfquery -x -R"),
    ],
)
def test_a_remedy_that_a_check_makes_is_worded(check: str, made: str) -> None:
    """Not its own, but with the same command to type."""
    english = made.format(check)
    ours = ZH.result(Result(check, Verdict.UNKNOWN, remedy=english)).remedy
    assert ours != english
    assert ours.rpartition("：")[2] == english.rpartition(": ")[2]


def test_what_nobody_worded_stays_english() -> None:
    """A remedy that no wording is known of is told as it is, never lost."""
    for result in (missed("x", remedy="ask the vendor"), Result("site.own", Verdict.UNKNOWN, remedy="ask the vendor")):
        assert ZH.result(result).remedy == "ask the vendor"
    assert ZH.result(Result("os.release", Verdict.PASS, "12")).remedy == ""


def test_english_is_what_the_checks_say() -> None:
    """Without a choice nothing is worded anew."""
    english = wording_in("en")
    assert english.result(missed("x")) == missed("x")
    assert {english.title(check) for check in CATALOGUE.values()} == {check.title for check in CATALOGUE.values()}
    assert english.unit("errors") == "errors"
