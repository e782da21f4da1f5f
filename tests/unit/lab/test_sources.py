"""Apt sources: this machine's own, in both of apt's formats, and never a host of ours."""

from pathlib import Path

import pytest

from hybridctl.lab.sources import debian_sources, key_files


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYBRIDCTL_LAB_MIRROR", raising=False)


def test_deb822_stanzas_become_one_line_sources(tmp_path: Path) -> None:
    """URIs and suites are multiplied out, the key kept; other suites, sources only, and disabled ones left out."""
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(
        "Types: deb deb-src\n# a comment\nURIs: http://m.invalid/debian\nSuites: bookworm bookworm-updates trixie\n"
        "Components: main contrib\nSigned-By: /k.gpg\n\n"
        "Types: deb\nURIs: http://off.invalid\nSuites: bookworm\nComponents: main\nEnabled: no\n\n"
        "Types: deb\nURIs: http://vendor.invalid\nSuites: bookworm\nComponents: stable\n"
    )
    lines = debian_sources(tmp_path)
    assert lines == [
        "deb [signed-by=/k.gpg] http://m.invalid/debian bookworm main contrib",
        "deb [signed-by=/k.gpg] http://m.invalid/debian bookworm-updates main contrib",
    ]
    assert key_files(lines) == [Path("/k.gpg")]


def test_one_line_sources_are_taken_as_they_are(tmp_path: Path) -> None:
    """Lines of the suite stay; comments, sources of source code and other suites do not."""
    (tmp_path / "sources.list").write_text(
        "# deb http://no.invalid bookworm main\ndeb http://m.invalid/debian bookworm main\n"
        "deb-src http://m.invalid/debian bookworm main\ndeb http://m.invalid/debian jammy main\n"
    )
    assert debian_sources(tmp_path) == ["deb http://m.invalid/debian bookworm main"]


def test_a_machine_of_another_kind_has_none(tmp_path: Path) -> None:
    """Without sources of the suite, mmdebstrap's own default applies."""
    assert debian_sources(tmp_path) == []


def test_the_environment_names_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HYBRIDCTL_LAB_MIRROR wins over the machine's settings."""
    (tmp_path / "sources.list").write_text("deb http://m.invalid/debian bookworm main\n")
    monkeypatch.setenv("HYBRIDCTL_LAB_MIRROR", "http://own.invalid/debian")
    assert debian_sources(tmp_path) == ["deb http://own.invalid/debian bookworm main"]
