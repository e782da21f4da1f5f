"""The tiny model: the same every time, whole or not there."""

import hashlib
from pathlib import Path

import pytest

from hybridctl.lab import tinymodel


def silent(_: str) -> None:
    """Say nothing."""


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    """Two builds have the same sums, and the sums are those of the files."""
    first, second = (tinymodel.build(tmp_path / name, silent) for name in "ab")
    sums = (first / "SHA256SUMS").read_text()
    assert sums == (second / "SHA256SUMS").read_text()
    lines = dict(reversed(line.split("  ")) for line in sums.splitlines())
    assert {"config.json", "tokenizer.json", "model.safetensors"} < set(lines)
    assert lines == {name: hashlib.sha256((first / name).read_bytes()).hexdigest() for name in lines}


def test_a_build_that_breaks_off_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk while the weights are written leaves nothing that a worker would be given."""

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(tinymodel, "_weights", full)
        with pytest.raises(OSError, match="No space left"):
            tinymodel.build(tmp_path, silent)
    assert list(tmp_path.glob("*.manifest")) == []
    assert (tinymodel.build(tmp_path, silent) / "model.safetensors").stat().st_size > 0
