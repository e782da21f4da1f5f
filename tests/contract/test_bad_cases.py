"""The table of bad cases names tests that there are, and every test of its own file stands in it."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OF_ITS_OWN = "tests/cli/test_verify_bad_cases.py"
ROWS = [
    # A bar inside of code is written \|.
    [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in (ROOT / "docs" / "verify.md").read_text(encoding="utf-8").partition("\n## Bad cases\n")[2].splitlines()
    if line.startswith("| ") and "::test_" in line
]
NAMED = [re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[-1]) for row in ROWS]


def found_in(path: str) -> set[str]:
    """Return the names of a file's tests."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_row_has_a_case_an_answer_and_tests() -> None:
    """No row claims what no test holds."""
    assert ROWS
    assert {len(row) for row in ROWS} == {3}
    assert all(row[0] and row[1] for row in ROWS)
    assert all(NAMED)


def test_every_test_that_is_named_is_there() -> None:
    """A test that is renamed or removed is missed."""
    named = {pair for row in NAMED for pair in row}
    assert {(path, name) for path, name in named if name not in found_in(path)} == set()


def test_no_bad_case_is_forgotten() -> None:
    """Every test of the file that holds nothing else is in the table."""
    assert {name for row in NAMED for path, name in row if path == OF_ITS_OWN} == found_in(OF_ITS_OWN)
