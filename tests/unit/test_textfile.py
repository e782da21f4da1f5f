"""A file of gauges for node_exporter."""

from pathlib import Path

import pytest
from exposition import series_of

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.textfile import Gauges, check_target, write_textfile


def test_a_series_stands_once() -> None:
    """The last value counts; a reader would refuse a file in which a series stands twice."""
    gauges = Gauges("x_", {"a": "All."}, site="bank")
    for value in (1, 2.5):
        gauges.add("a", value, host="h")
    assert gauges.text() == '# HELP x_a All.\n# TYPE x_a gauge\nx_a{site="bank",host="h"} 2.5\n'


def test_what_is_no_text_is_written_out() -> None:
    """A lone surrogate of a host's output is no UTF-8 and no escape of the format; it becomes readable text."""
    gauges = Gauges("x_", {"a": "All."})
    gauges.add("a", 1, host="a\udcff")
    assert series_of(gauges.text()) == ['x_a{host="a\\\\udcff"}']


def test_the_file_is_readable_by_everybody(tmp_path: Path) -> None:
    """node_exporter is another user: mode 0644, and no partial file of a name it would read."""
    path = tmp_path / "drift.prom"
    write_textfile(path, "x 1\n")
    assert oct(path.stat().st_mode)[-3:] == "644"
    assert path.read_text() == "x 1\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["drift.prom"]


@pytest.mark.parametrize(("name", "words"), [("drift.txt", r"reads \*\.prom only"), ("no/drift.prom", "not there")])
def test_a_file_that_would_not_be_read_or_written_is_refused_first(tmp_path: Path, name: str, words: str) -> None:
    """Before a check of minutes, not after it."""
    with pytest.raises(InvalidInput, match=words):
        check_target(tmp_path / name)
    check_target(tmp_path / "drift.prom")


def test_a_write_that_fails_is_named(tmp_path: Path) -> None:
    """A folder stands where the file belongs."""
    (tmp_path / "drift.prom").mkdir()
    with pytest.raises(HybridctlError, match=r"drift\.prom: cannot be written: Is a directory"):
        write_textfile(tmp_path / "drift.prom", "")
