"""The pictures of docs/screens: what a program wrote is drawn as a terminal would show it."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console
from rich.live import Live
from script_modules import script

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def screens() -> ModuleType:
    """The script as a module."""
    return script("provision_screens")


def plain(terminal: object) -> list[str]:
    """Return what the screen says, without colours."""
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in terminal.screen()]  # type: ignore[attr-defined]


def test_what_rich_draws_in_place_is_there_once(
    screens: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of several drawings, below the line that was printed meanwhile; the one before it is gone."""
    monkeypatch.setenv("TERM", "xterm-256color")
    with (tmp_path / "tty").open("w+", newline="") as file:
        console = Console(file=file, force_terminal=True, width=screens.COLUMNS, height=screens.ROWS)
        with Live("one\ntwo\nthree", console=console, auto_refresh=False) as live:
            console.print("printed")
            live.update("four\nfive", refresh=True)
        file.seek(0)
        terminal = screens.Terminal()
        terminal.feed(file.read())
    assert plain(terminal) == ["printed", "four", "five"]


def test_long_lines_and_long_outputs(screens: ModuleType) -> None:
    """A line goes on in the next, the screen shows the last rows, and colours stay with their letters."""
    terminal = screens.Terminal()
    terminal.feed("x" * 130 + "\r\n" + "\x1b[31mred\x1b[0m\r\n" * 29)
    assert plain(terminal) == ["x" * 30, *["red"] * 29]
    assert "\x1b[0;31mr" in terminal.screen()[-1]


def test_the_picture_loads_nothing(screens: ModuleType, tmp_path: Path) -> None:
    """It has the command and the screen, and no address but its namespace."""
    screens.draw("hybridctl plan", ["\x1b[0;31mred"], tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text()
    assert "hybridctl" in svg
    assert "red" in svg
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]


@pytest.mark.parametrize("picture", re.findall(r"screens/([\w.-]+)", (ROOT / "docs" / "provision.md").read_text()))
def test_every_picture_of_the_page_is_there(picture: str) -> None:
    """And small, and names no folder of the machine that it was taken on."""
    data = (ROOT / "docs" / "screens" / picture).read_bytes()
    assert 0 < len(data) < 300_000
    assert b"/tmp/" not in data
