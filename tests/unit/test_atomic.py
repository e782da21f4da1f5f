"""Files written whole or not at all."""

import os
from pathlib import Path

import pytest

from hybridctl.atomic import write_whole


def test_mode_and_content_whatever_the_umask(tmp_path: Path) -> None:
    """The mode is the one asked for, over an older file too; nothing else lies in the folder."""
    path = tmp_path / "f.prom"
    path.write_text("old")
    before = os.umask(0o077)
    try:
        write_whole(path, "new\n", 0o644)
    finally:
        os.umask(before)
    assert (path.read_text(), oct(path.stat().st_mode)[-3:]) == ("new\n", "644")
    assert [entry.name for entry in tmp_path.iterdir()] == ["f.prom"]


def test_what_is_no_text_becomes_an_escape(tmp_path: Path) -> None:
    """A file name in another encoding reaches us with lone surrogates; the file is UTF-8 all the same."""
    write_whole(tmp_path / "f", "caf\udce9 é", 0o600)
    assert (tmp_path / "f").read_bytes() == b"caf\\udce9 \xc3\xa9"


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full at the last moment."""
    path = tmp_path / "f"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new", 0o600)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]
