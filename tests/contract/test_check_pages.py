"""docs/checks.md says what the catalogue says; docs/guide-table.md leaves no cell of the guide out."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from script_modules import script

from hybridctl.checks import CATALOGUE
from hybridctl.profiles import load_profile, profile_names

ROOT = Path(__file__).resolve().parents[2]
CELL = re.compile(r"`([a-z]+\.[a-z0-9_]+)`")


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    """The script that writes the page."""
    return script("check_pages")


def test_the_page_of_the_checks_is_up_to_date(pages: ModuleType) -> None:
    """Whoever changes a check writes the page anew."""
    assert pages.PAGE.read_text(encoding="utf-8") == pages.rendered(), "run: make docs"


def test_every_check_has_its_section(pages: ModuleType) -> None:
    """With title, remedy, a host that fails it and one that makes it UNKNOWN, and who asks."""
    sections = re.findall(r"^### `([^`]+)`\n(.*?)(?=^##|\Z)", pages.PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert sorted(id_ for id_, _ in sections) == sorted(CATALOGUE)
    for id_, text in sections:
        marks = [line.split(":")[0] for line in text.splitlines() if line.startswith("- ")]
        assert {"- remedy", "- FAIL", "- UNKNOWN", "- asked by"} <= set(marks), id_
        assert ("- unproven" in marks) == bool(CATALOGUE[id_].unproven)


def test_a_page_that_is_out_of_date_is_told(pages: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--check` names the command and writes nothing; without it the page is written."""
    page = tmp_path / "docs" / "checks.md"
    page.parent.mkdir()
    page.write_text("old\n")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "PAGE", page)
    monkeypatch.setattr(pages, "rendered", lambda: "new\n")
    assert pages.main(check=True) == 1
    assert page.read_text() == "old\n"
    assert pages.main(check=False) == 0
    assert page.read_text() == "new\n"
    assert pages.main(check=True) == 0


def guide_rows() -> list[tuple[str, str, str, str]]:
    """Return section, cell of the guide, what holds it and what is said of it, row by row."""
    rows, section = [], ""
    for line in (ROOT / "docs" / "guide-table.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## guide "):
            section = line.removeprefix("## guide ")
        elif line.startswith("| ") and not line.startswith("| the guide says"):
            cell, held, why = (part.strip() for part in line.strip("|").split("|"))
            rows.append((section, cell, held, why))
    return rows


def test_each_cell_has_a_check_or_a_reason() -> None:
    """Every check that is named exists; a cell without one says why."""
    rows = guide_rows()
    assert len(rows) > 40
    assert [check for _, _, held, _ in rows for check in re.findall(r"`(.+?)`", held) if check not in CATALOGUE] == []
    assert [cell for _, cell, held, why in rows if not CELL.search(held) and not why] == []


def test_what_a_profile_takes_from_the_guide_stands_in_its_table() -> None:
    """A line whose source is a section of the guide is in that section's table, and every later one is told there."""
    told: dict[str, set[str]] = {}
    for section, _, held, why in guide_rows():
        told.setdefault(section, set()).update(CELL.findall(held + why))
    missing = {
        (section, check)
        for name in profile_names()
        for check, asked in load_profile(name).expectations.items()
        for section in re.findall(r"\bguide (\d\.\d)", asked.source)
        if check not in told.get(section, set())
    }
    assert missing == set()
