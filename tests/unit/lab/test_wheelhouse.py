"""The wheelhouse when pip fails, at length or for want of torch."""

from pathlib import Path

import pytest

from hybridctl.errors import HybridctlError
from hybridctl.lab import wheelhouse

NO_TORCH = "ERROR: No matching distribution found for torch==2.13.0+cpu"


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script that runs in pip's place: `setpriv` is what starts it. Its arguments go to `asked`."""
    script = tmp_path / "bin" / "setpriv"
    script.parent.mkdir()
    monkeypatch.setenv("PATH", str(script.parent), prepend=":")
    monkeypatch.setenv("HYBRIDCTL_TORCH_INDEX", "https://torch.example/cpu")
    return script


def write(script: Path, body: str) -> None:
    """Let pip do what the shell lines say."""
    script.write_text(f'#!/bin/sh\necho "$*" >>{script.parent / "asked"}\n{body}\n')
    script.chmod(0o755)


def asked(script: Path) -> list[bool]:
    """Return for each call of pip whether it was sent to torch's own index."""
    calls = (script.parent / "asked").read_text().splitlines()
    return ["--extra-index-url https://torch.example/cpu" in call for call in calls]


def test_a_pip_that_says_much_does_not_hang(pip: Path, tmp_path: Path) -> None:
    """More than a pipe holds (64 KiB) is read; the error carries the end of it, and nothing counts as built."""
    write(pip, "head -c 200000 /dev/zero | tr '\\0' x; echo; echo disk full; exit 1")
    with pytest.raises(HybridctlError, match=r"disk full$") as caught:
        wheelhouse.build(tmp_path / "cache", lambda _: None)
    assert "pip config list" in caught.value.hint
    assert asked(pip) == [False]
    assert list((tmp_path / "cache").glob("*.manifest")) == []


def test_torch_is_asked_of_its_own_index_where_pip_has_none(pip: Path, tmp_path: Path) -> None:
    """Only for want of torch, and the user is told which index."""
    write(pip, f'case "$*" in *--extra-index-url*) ;; *) echo "{NO_TORCH}" >&2; exit 1 ;; esac')
    said: list[str] = []
    folder = wheelhouse.build(tmp_path / "cache", said.append)
    assert wheelhouse.lock_text() == (folder / "requirements.txt").read_text()
    assert asked(pip) == [False, True]
    assert said[-1].endswith("asking https://torch.example/cpu")


def test_torch_that_is_nowhere_is_an_error(pip: Path, tmp_path: Path) -> None:
    """When its own index fails as well, pip's words and the variable that names another one are shown."""
    write(pip, f'echo "{NO_TORCH}"; exit 1')
    with pytest.raises(HybridctlError, match="No matching distribution found for torch") as caught:
        wheelhouse.build(tmp_path / "cache", lambda _: None)
    assert "HYBRIDCTL_TORCH_INDEX" in caught.value.hint
    assert asked(pip) == [False, True]


def test_long_downloads_say_how_far_they_are(pip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While pip is silent, the wheels that are there are counted; here pip waits until that was said."""
    monkeypatch.setattr(wheelhouse, "_SILENCE", 0.01)
    go, said = tmp_path / "go", []
    write(pip, f"while [ ! -e {go} ]; do sleep 0.05; done")

    def hear(line: str) -> None:
        said.append(line)
        if "0 of" in line:
            go.touch()

    wheelhouse.build(tmp_path / "cache", hear)
    assert any(line.strip().startswith("0 of ") for line in said)
