"""The table of what was killed names each test of it, and no other."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests" / "integration" / "test_kill.py"
MATRIX = (ROOT / "docs" / "kill-matrix.md").read_text(encoding="utf-8")


def test_every_row_is_a_test_and_every_test_a_row() -> None:
    """A case cannot be claimed without a test, nor a test be forgotten."""
    tree = ast.parse(TESTS.read_text(encoding="utf-8"))
    known = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    rows = [line.split("|") for line in MATRIX.splitlines() if line.startswith("| ") and "`test_" in line]
    named = [re.findall(r"`(test_\w+)`", row[-2]) for row in rows]
    assert all(named)
    assert {name for names in named for name in names} == known


def test_every_row_says_that_the_end_state_is_equal() -> None:
    """What is not equal is no row of this table."""
    head, _line, *rows = [line.strip("|").split("|") for line in MATRIX.splitlines() if line.startswith("|")]
    place = [cell.strip() for cell in head].index("end state equal")
    assert rows
    assert {row[place].strip() for row in rows} == {"yes"}
