"""One headless Chromium that is driven through a pipe: real mouse, keys, colour schemes and paper, no network."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LIMIT = 60  # seconds for one answer; a hang ends there
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--remote-debugging-pipe", "--force-device-scale-factor=1"),
)
_KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, ""), " ": (32, " ")}
_KEYS |= {name: (code, "") for name, code in (("End", 35), ("Home", 36), ("PageUp", 33), ("PageDown", 34))}
_KEYS |= {f"Arrow{way}": (code, "") for way, code in (("Left", 37), ("Up", 38), ("Right", 39), ("Down", 40))}


class Browser:
    """A tab.

    Attributes:
        complaints: what the console said and what the page's policy stopped, since the page was opened.
    """

    def __init__(self, to: int, back: int) -> None:
        self.complaints: list[str] = []
        self._to, self._back = to, back
        self._rest, self._count, self._session = b"", 0, ""
        self._events: list[dict[str, Any]] = []

    def start(self) -> None:
        """Make the tab."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def open(self, page: Path, *, dark: bool = False, width: int = 1280, height: int = 900) -> None:
        """Load a file in a window of this size."""
        self.media(dark=dark)
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.complaints.clear()
        self._events.clear()
        self.ask("Page.navigate", url=page.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(self._next())

    def media(self, *, dark: bool = False, paper: bool = False) -> None:
        """Let the page be seen in a colour scheme, or as on paper."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", media="print" if paper else "screen", features=features)

    def run(self, script: str) -> Any:
        """Return what a script says of the page; a promise is waited for."""
        told = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def key(self, *names: str, control: bool = False) -> None:
        """Press keys."""
        for name in names:
            code, text = _KEYS[name]
            key = {"key": name, "windowsVirtualKeyCode": code, "modifiers": 2 if control else 0}
            self.ask("Input.dispatchKeyEvent", type="keyDown", **key, **({"text": text} if text else {}))
            self.ask("Input.dispatchKeyEvent", type="keyUp", **key)

    def type(self, text: str) -> None:
        """Put a text where the focus is."""
        self.ask("Input.insertText", text=text)

    def click(self, query: str) -> None:
        """Click into the middle of an element."""
        middle = "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
        middle += "return [b.x + b.width / 2, b.y + b.height / 2]"
        x, y = self.run(f"(e => {{ {middle} }})(document.querySelector({query!r}))")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its answer."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._count:
                assert "error" not in told, (method, told["error"])
                return dict(told["result"])
            self._events.append(told)

    def _next(self) -> dict[str, Any]:
        """Return the next message; note what the page complains of."""
        while b"\0" not in self._rest:
            assert select.select([self._back], [], [], LIMIT)[0], "Chromium does not answer"
            data = os.read(self._back, 1 << 20)
            assert data, "Chromium has gone"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(line)
        params = told.get("params", {})
        match told.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"].get("exception", params)))
            case "Runtime.consoleAPICalled":
                self.complaints.append(str(params["args"]))
            case "Log.entryAdded":
                self.complaints.append(params["entry"]["text"])
        return told


def program() -> str:
    """Return Chromium; skip the test where the system's archive has none."""
    found = shutil.which("chromium")
    if found is None:
        assert "ID=debian" not in Path("/etc/os-release").read_text().splitlines(), "scripts/bootstrap lab installs it"
        pytest.skip("this system's archive has no Chromium that runs as root: put one on PATH as `chromium`")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, and end it with all it started."""
    started = program()
    (theirs, to), (back, ours) = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # It reads commands from file descriptor 3 and answers on 4.
        argv = ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{ours}', "bash", started, *_OPTIONS]
        argv += [f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(argv, pass_fds=(theirs, ours), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(ours)
        browser = Browser(to, back)
        try:
            browser.start()
            yield browser
        finally:
            os.close(to)  # Chromium ends when nobody can command it any more
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(back)
