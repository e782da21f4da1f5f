"""Raise a lab and take the pictures of docs/screens: plan, live progress, recorded runs, the page of a run.

Usage: python scripts/provision_screens.py [--hosts N] [--name NAME] [--keep]     as root, with .venv/bin on PATH

Nothing is drawn by hand: commands run in a terminal of 100 x 30, and what they wrote is drawn as it showed them.
The hosts are too small for vLLM, so the provision is of the other layers; the plan is of all.
"""

import argparse
import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
SCREENS = ROOT / "docs" / "screens"
COLUMNS, ROWS = 100, 30
HYBRIDCTL = [sys.executable, "-m", "hybridctl"]
HOST_FAILED = 3
LAYERS = ["--layer", "base", "--layer", "gateway", "--layer", "monitoring"]
THEME = TerminalTheme(
    (17, 22, 28),
    (231, 236, 241),
    [(54, 65, 77), (255, 120, 112), (127, 214, 164), (243, 197, 107), (106, 165, 232), (176, 142, 228),
     (79, 188, 174), (231, 236, 241)],
)  # fmt: skip
# Rich's own frame loads a font from the network.
FRAME = """<svg viewBox="0 0 {terminal_width} {terminal_height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: {char_height}px "DejaVu Sans Mono", ui-monospace, monospace; }}
{styles}
</style>
<defs>{lines}</defs>
<rect width="100%" height="100%" rx="6" fill="#11161c"/>
<g transform="translate(8, 8)">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


class Terminal:
    """As much of a terminal as rich and click make use of: text, colours, the cursor going up, lines erased."""

    _TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\r\n])|([^\x00-\x1f\x7f])")

    def __init__(self) -> None:
        self.lines: list[list[tuple[str, str]]] = [[]]  # cells: SGR codes and a letter
        self._row = self._column = 0
        self._style = ""

    def feed(self, text: str) -> None:
        """Take in what a program wrote, whole sequences only."""
        for arguments, command, move, letter in self._TOKEN.findall(text):
            if letter:
                self._put(letter)
            elif move:
                self._column = 0
                self._row += move == "\n"
                self.lines += [[] for _ in range(self._row + 1 - len(self.lines))]
            else:
                self._control(command, arguments)

    def _put(self, letter: str) -> None:
        if self._column == COLUMNS:
            self.feed("\n")
        line = self.lines[self._row]
        line += [("", " ")] * (self._column + 1 - len(line))
        line[self._column] = (self._style, letter)
        self._column += 1

    def _control(self, command: str, arguments: str) -> None:
        count = int(arguments) if arguments.isdecimal() else 1
        if command == "A":
            self._row = max(0, self._row - count)
        elif command == "K" and arguments == "2":
            self.lines[self._row] = []
        elif command == "m":
            self._style = "" if arguments in ("", "0") else ";".join(filter(None, (self._style, arguments)))

    def screen(self) -> list[str]:
        """Return the last lines, as text with colours."""
        shown = ["".join(f"\x1b[0;{style}m{letter}" for style, letter in line) for line in self.lines]
        while shown and not shown[-1]:
            shown.pop()
        return shown[-ROWS:]


def typed(argv: list[str], folder: Path) -> Iterator[tuple[float, str]]:
    """Run a command in a terminal; yield the seconds since its start, and what it wrote."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ.update(TERM="xterm-256color", PYTHONPATH=str(ROOT))
        os.execvp(argv[0], argv)  # noqa: S606 - a terminal of its own is the point
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began, data = time.monotonic(), b""
    while True:
        try:
            data += os.read(terminal, 1 << 16)
        except OSError:  # the program has gone
            break
        # Up to the last line: what stands behind it may be half a letter or half a sequence.
        whole, newline, data = data.rpartition(b"\n")
        if newline:
            yield time.monotonic() - began, (whole + newline).decode()
    yield time.monotonic() - began, data.decode(errors="replace")
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, HOST_FAILED):
        sys.exit(f"{' '.join(argv)}: exit {status}")


def draw(command: str, screen: list[str], path: Path) -> None:
    """Draw a screen as SVG that loads nothing."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in [f"\x1b[1m$ {command}\x1b[0m", *screen, ""]:
        console.print(Text.from_ansi(line), soft_wrap=True)
    path.write_text(console.export_svg(theme=THEME, code_format=FRAME, unique_id=path.stem))


def picture(command: list[str], site: Path, name: str, *, middle: bool = False) -> None:
    """Run a command in the site and draw how its screen ended; with `middle`, also how it was halfway."""
    shown = " ".join(["hybridctl", *command])
    print(shown, flush=True)
    told = list(typed([*HYBRIDCTL, *command], site))
    for suffix, until in (("-live", told[-1][0] / 2), ("", told[-1][0])):
        if suffix and not middle:
            continue
        written = "".join(piece for when, piece in told if when <= until)
        terminal = Terminal()
        # A table that is just being drawn anew is not shown half.
        terminal.feed(written[: written.rindex("\r\x1b[2K")] if suffix else written)
        draw(shown, terminal.screen(), SCREENS / f"{name}{suffix}.svg")


def text(command: list[str], site: Path, name: str) -> None:
    """Keep what a command prints."""
    print(" ".join(["hybridctl", *command]), flush=True)
    with (SCREENS / f"{name}.txt").open("w") as file:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([*HYBRIDCTL, *command], cwd=site, stdout=file, env=environment, check=True)


def photograph(page: Path, name: str, *, dark: bool) -> None:
    """Let Chromium draw a page as a reader sees its first screens; where this checkout lies is left out of it."""
    with tempfile.TemporaryDirectory() as profile:
        copy = Path(profile) / "page.html"
        copy.write_text(page.read_text(encoding="utf-8").replace(f"{ROOT}/", ""), encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        options += ["--no-first-run", "--disable-background-networking", "--disable-sync", "--window-size=1280,1700"]
        options += [f"--user-data-dir={profile}/chromium", f"--blink-settings=preferredColorScheme={int(not dark)}"]
        options += [f"--screenshot={SCREENS / f'{name}.png'}", copy.as_uri()]
        subprocess.run(["chromium", *options], check=True, capture_output=True, timeout=120)


def fleet(count: int) -> str:
    """Return a fleet file: two gateways, two hosts for monitoring, two without a service, workers."""
    groups = {"gw": ("gateway", 2), "mon": ("monitoring", 2), "spare": ("spare", 2), "cpu": ("vllm_cpu", count - 6)}
    hosts = [
        f"  {name}{number:02d}: {{groups: [{group}], memory: 96}}"
        for name, (group, many) in groups.items()
        for number in range(1, many + 1)
    ]
    return "\n".join(["hosts:", *hosts, ""])


def hybridctl(*words: str) -> None:
    """Run hybridctl here."""
    subprocess.run([*HYBRIDCTL, *words], cwd=ROOT, check=True)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--name", default="screens")
    parser.add_argument("--keep", action="store_true", help="Leave the lab up.")
    arguments = parser.parse_args()
    if arguments.hosts < 7 or shutil.which("chromium") is None:
        parser.error("--hosts wants 7 or more, and Chromium must be on PATH")
    SCREENS.mkdir(parents=True, exist_ok=True)
    site = ROOT / ".hybridctl" / "lab" / arguments.name / "site"
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "fleet.yml").write_text(fleet(arguments.hosts))
            hybridctl("lab", "up", "--name", arguments.name, "--hosts", str(Path(folder) / "fleet.yml"))
        text(["plan"], site, "plan")
        # One host knows no package any more: a failure belongs into the pictures.
        hybridctl("lab", "exec", "--name", arguments.name, "mon01", "--", "sh", "-c", "rm -rf /var/lib/apt/lists/*")
        picture(["provision", *LAYERS], site, "provision", middle=True)
        first = (site / ".hybridctl" / "runs" / "latest").resolve()
        for dark in (False, True):
            photograph(first / "report.html", f"page-{'dark' if dark else 'light'}", dark=dark)
        hybridctl("lab", "exec", "--name", arguments.name, "mon01", "--", "apt-get", "-qq", "update")
        picture(["provision", "--resume", "latest"], site, "provision-resumed")
        text(["runs", "list"], site, "runs-list")
        text(["runs", "show", first.name], site, "runs-show")
        text(["runs", "diff", first.name, "latest"], site, "runs-diff")
    finally:
        if not arguments.keep:
            hybridctl("lab", "down", "--name", arguments.name)


if __name__ == "__main__":
    main()
