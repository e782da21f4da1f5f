"""What a profile has of its own and what it inherits; mistakes between files."""

from pathlib import Path

import pytest

from hybridctl.checks.model import Verdict
from hybridctl.errors import InvalidInput
from hybridctl.profiles import Profile, load_profile, profile_names

BASE = (
    "schema: 1\ntitle: base\nbase: true\nexpect:\n"
    '  os.release: {value: "12", source: base}\n'
    "  cpu.threads: {at_least: 8, unit: threads, source: base}\n"
)
BOARD = (
    "schema: 1\ntitle: board\nbase: true\ninherits: family\nexpect:\n"
    "  cpu.sockets: {value: 2, unit: sockets, source: b}\n"
)


def load(root: Path, name: str = "mine", **files: str) -> Profile:
    """Write profiles of a site and load one."""
    (root / "profiles").mkdir(exist_ok=True)
    for stem, text in files.items():
        (root / "profiles" / f"{stem}.yml").write_text(text)
    return load_profile(name, root)


def test_four_generations(tmp_path: Path) -> None:
    """Base, family, board, site: each adds or overrides; every line knows the file and line that asks for it."""
    family = 'schema: 1\ntitle: f\nbase: true\ninherits: base\nexpect:\n  os.release: {value: "13", source: family}\n'
    mine = "schema: 1\ntitle: m\ninherits: board\nexpect:\n  cpu.threads: {at_least: 4, unit: threads, source: mine}\n"
    profile = load(tmp_path, base=BASE, family=family, board=BOARD, mine=mine)
    assert profile.lineage == ("base", "family", "board")
    assert {check: (e.wanted, e.origin) for check, e in profile.expectations.items()} == {
        "os.release": ("13", "family.yml:6"),
        "cpu.threads": (4, "mine.yml:5"),
        "cpu.sockets": (2, "board.yml:6"),
    }
    assert not {"base", "family", "board"} & set(profile_names(tmp_path))
    assert "mine" in profile_names(tmp_path)


def test_of_two_parents_the_later_one_goes_before(tmp_path: Path) -> None:
    """Both are inherited whole; where they disagree, the order in the file decides."""
    other = 'schema: 1\ntitle: o\nexpect:\n  os.release: {value: "14", source: o}\n'
    mine = "schema: 1\ntitle: m\ninherits: [base, other]\n"
    profile = load(tmp_path, base=BASE, other=other, mine=mine)
    assert {check: e.wanted for check, e in profile.expectations.items()} == {"os.release": "14", "cpu.threads": 8}
    assert load(tmp_path, mine=mine.replace("base, other", "other, base")).expectations["os.release"].wanted == "12"


def test_an_inherited_line_is_left_out_with_its_reason(tmp_path: Path) -> None:
    """It is not judged, and the reason stays with the profile and its heirs; asked for again, it is back."""
    mine = "schema: 1\ntitle: m\ninherits: base\nwithout: {cpu.threads: shared with others}\n"
    profile = load(tmp_path, base=BASE, mine=mine)
    assert set(profile.expectations) == {"os.release"}
    assert profile.inapplicable == {"cpu.threads": "shared with others"}
    heir = "schema: 1\ntitle: h\ninherits: mine\n"
    assert load(tmp_path, "heir", heir=heir).inapplicable == {"cpu.threads": "shared with others"}
    heir += "expect:\n  cpu.threads: {at_least: 1, unit: threads, source: h}\n"
    assert load(tmp_path, "heir", heir=heir).inapplicable == {}


def test_form_factors(tmp_path: Path) -> None:
    """What is for another board is not judged, and the reason names both; without a board it is refused."""
    mine = (
        "schema: 1\ntitle: m\nform_factor: sxm\ninherits: base\nexpect:\n"
        "  cpu.sockets: {value: 2, unit: sockets, source: m, form_factors: [pcie-no-bridge]}\n"
        "  os.release: {value: '12', source: m, form_factors: [sxm]}\n"
    )
    profile = load(tmp_path, base=BASE, mine=mine)
    assert set(profile.expectations) == {"os.release", "cpu.threads"}
    assert profile.inapplicable == {"cpu.sockets": "only for pcie-no-bridge; this board is sxm"}
    heir = "schema: 1\ntitle: h\ninherits: mine\nform_factor: pcie-no-bridge\n"
    assert "cpu.sockets" in load(tmp_path, "heir", heir=heir).expectations
    with pytest.raises(InvalidInput, match=r"os\.release depends on the board, and there is no form_factor"):
        load(tmp_path, mine=mine.replace("form_factor: sxm\n", ""))


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"mine": "schema: 1\ntitle: m\ninherits: bsae\n", "base": BASE},
            "mine.yml:3: inherits: there is no profile bsae",
        ),
        ({"mine": "schema: 1\ntitle: m\ninherits: bsae\n", "base": BASE}, "did you mean base?"),
        ({"mine": "schema: 1\ntitle: m\ninherits: mine\n"}, "mine.yml:3: inherits: mine -> mine goes in a circle"),
        (
            {"mine": "schema: 1\ntitle: m\ninherits: a\n", "a": "schema: 1\ntitle: a\ninherits: mine\n"},
            "a.yml:3: inherits: mine -> a -> mine goes in a circle",
        ),
        (
            {"mine": "schema: 1\ntitle: m\ninherits: base\nwithout: {cpu.model: another}\n", "base": BASE},
            "mine.yml:4: without: cpu.model is not inherited",
        ),
        (
            {"mine": "schema: 1\ntitle: m\ninherits: base\n", "base": BASE.replace("os.release", "os.relaese")},
            "base.yml:5: os.relaese: unknown check; did you mean os.release?",
        ),
        (
            {
                "mine": "schema: 1\ntitle: m\ninherits: base\nwithout: {os.release: a, cpu.threads: b}\n",
                "base": BASE,
            },
            "mine.yml:1: expects nothing",
        ),
        ({"mine": "schema: 1\ntitle: m\n"}, "mine.yml:1: "),
        ({"mine": "schema: 1\ntitle: m\nform_factor: nvl\ninherits: base\n", "base": BASE}, "mine.yml:3: form_factor"),
    ],
)
def test_a_mistake_between_files_names_its_line(tmp_path: Path, files: dict[str, str], told: str) -> None:
    """The file that is wrong is named, not the one that was asked for; nothing was contacted."""
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, **files)
    assert told in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("given", "measured", "verdict"),
    [
        ("range: [10, 20]", 10, Verdict.PASS),
        ("range: [10, 20]", 20.1, Verdict.FAIL),
        ("range: [10, 20], warn: 5%", 21, Verdict.WARN),
        ("range: [10, 20], warn: 5%", 9.4, Verdict.FAIL),
        ("value: 100, tolerance: 2%", 98, Verdict.PASS),
        ("value: 100, tolerance: 2%, warn: 3%", 95.5, Verdict.WARN),
        ("value: 100, tolerance: 2%, warn: 3%", 94, Verdict.FAIL),
        ("at_least: 100, warn: 10%", 90, Verdict.WARN),
        ("at_least: 100, warn: 10%", 89.9, Verdict.FAIL),
        ("at_most: 100, warn: 10%", 110, Verdict.WARN),
        ("at_most: 100, warn: 10%", 110.1, Verdict.FAIL),
        ("at_most: 100, severity: warn", 1000, Verdict.WARN),
        ("at_least: 0", float("nan"), Verdict.FAIL),
        ("value: 100, severity: warn", float("nan"), Verdict.WARN),
    ],
)
def test_bands(tmp_path: Path, given: str, measured: float, verdict: Verdict) -> None:
    """Allowed, missed by little, missed; a number that is none never passes."""
    text = f"schema: 1\ntitle: m\nexpect:\n  cpu.max_frequency: {{{given}, unit: MHz, source: m}}\n"
    assert load(tmp_path, mine=text).expectations["cpu.max_frequency"].verdict_of(measured) is verdict


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("cpu.threads: {range: [8, 4], unit: threads, source: m}", "range: [8, 4]; the first is not below the second"),
        ("cpu.threads: {range: [8], unit: threads, source: m}", "[8] is too short"),
        ("cpu.threads: {any_of: [4, 8], warn: 5%, unit: threads, source: m}", "a warn band goes with a number"),
        ("os.release: {value: '12', warn: 5%, source: m}", "a warn band goes with a number that has bounds"),
        ("os.release: {range: [1, 2], source: m}", "the check measures text"),
        ("os.release: {value: '12', severity: low, source: m}", "'low' is not one of"),
        ("os.release: {value: '12', warn: 5, source: m}", "5 is not of type 'string'"),
    ],
)
def test_a_band_that_makes_no_sense(tmp_path: Path, line: str, told: str) -> None:
    """It is refused with its line."""
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, mine=f"schema: 1\ntitle: m\nexpect:\n  {line}\n")
    assert "mine.yml:4: " in caught.value.message
    assert told in caught.value.message
