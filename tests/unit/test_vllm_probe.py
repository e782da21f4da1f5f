"""The probe of the role vllm against a server that answers, hangs, or is merely busy."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jinja2
import pytest

TEMPLATE = Path(__file__).resolve().parents[2] / "roles" / "vllm" / "templates" / "usr/local/sbin/vllm-probe.j2"
METRICS = 'vllm:prompt_tokens_total{{engine="0"}} {0}\nvllm:generation_tokens_total{{engine="0"}} 1.0\n'


class Server(ThreadingHTTPServer):
    """A vLLM whose mood a test sets."""

    hangs = False
    tokens_between_looks = 0
    has_metrics = True
    looks = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.released = threading.Event()


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer with the counters, which move from one look to the next."""
        if not self.server.has_metrics:
            self.send_error(404)
            return
        body = METRICS.format(self.server.looks * self.server.tokens_between_looks).encode()
        self.server.looks += 1
        self.say(body)

    def do_POST(self) -> None:
        """Generate a token, or nothing until the test is over."""
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.hangs:
            self.server.released.wait(60)
            return
        self.say(json.dumps({"usage": {"completion_tokens": 1}}).encode())

    def say(self, body: bytes) -> None:
        """Send an answer."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on a free port."""
    with Server() as ready:
        thread = threading.Thread(target=ready.serve_forever)
        thread.start()
        yield ready
        ready.released.set()
        ready.shutdown()
        thread.join()


def probe(
    folder: Path, server: Server, *words: str, state: str = "active", ready_timeout: int = 0, restarts: int = 0
) -> tuple[int, str, str]:
    """Run the probe with a systemctl and an nft that only note what they are asked; return status, talk and notes.

    Args:
        state: of vLLM's unit, which started when this machine did.
        ready_timeout: seconds a start may take.
        restarts: how often systemd started it again by itself; each time is another invocation.
    """
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - a Python program, no HTML
    environment.filters |= {"comment": lambda text: f"# {text}", "to_json": json.dumps}
    text = environment.from_string(TEMPLATE.read_text()).render(
        ansible_managed="test",
        __vllm_loopback="127.0.0.1",
        vllm_port=server.server_port,
        vllm_served_model_name="tiny",
        vllm_probe_timeout=0.5,
        vllm_ready_timeout=ready_timeout,
    )
    text = text.replace("/etc/vllm/vllm.env", str(folder / "env")).replace("/run/vllm-probe", str(folder / "state"))
    (folder / "probe").write_text(text)
    (folder / "env").write_text("VLLM_API_KEY=k\n")
    show = f"ActiveState={state}\\nActiveEnterTimestampMonotonic=0\\nInvocationID={restarts}\\nNRestarts={restarts}\\n"
    for name in ("systemctl", "nft"):
        stub = folder / name
        stub.write_text(f'#!/bin/sh\necho {name} "$@" >>{folder}/notes\n[ "$1" != show ] || printf "{show}"\n')
        stub.chmod(0o755)
    proxies = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, folder / "probe", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **proxies, "PATH": f"{folder}:{os.environ['PATH']}"},
    )
    notes = [line for line in (folder / "notes").read_text().splitlines() if "show" not in line]
    return done.returncode, done.stderr, "\n".join(notes)


def test_a_token_is_success_and_opens_the_port(server: Server, tmp_path: Path) -> None:
    """Exit 0, whatever proxy the environment names; connections are not refused (any more)."""
    status, said, notes = probe(tmp_path, server, "--restart-after", "1")
    assert (status, said, notes) == (0, "", "nft flush set inet hybridctl_vllm silent")


def test_a_busy_engine_is_no_failure(server: Server, tmp_path: Path) -> None:
    """No token in time, but others got theirs meanwhile: nothing is refused or restarted."""
    server.hangs, server.tokens_between_looks = True, 7
    status, said, notes = probe(tmp_path, server, "--restart-after", "1")
    assert (status, notes) == (0, "nft flush set inet hybridctl_vllm silent")
    assert "no token within 0.5 s, but 7 for others: vLLM is busy" in said


@pytest.mark.parametrize("has_metrics", [True, False])
def test_a_hanging_engine_is_a_failure(server: Server, tmp_path: Path, has_metrics: bool) -> None:
    """No token for anybody: connections are refused at once; after its failures the unit is restarted."""
    server.hangs, server.has_metrics = True, has_metrics
    status, said, notes = probe(tmp_path, server, "--restart-after", "2")
    closed = f"nft add element inet hybridctl_vllm silent {{ {server.server_port} }}"
    assert (1, closed) == (status, notes)
    assert "timed out" in said
    status, said, notes = probe(tmp_path, server, "--restart-after", "2")
    assert f"{closed}\n{closed}\nsystemctl --no-block restart vllm.service" == notes
    assert "2 failures in a row" in said


@pytest.mark.parametrize("mode", [{"state": "inactive"}, {"state": "deactivating"}, {"ready_timeout": 10**9}])
def test_a_restart_under_way_is_no_failure(server: Server, tmp_path: Path, mode: dict[str, Any]) -> None:
    """No token from a unit that is stopped or starts: the probe's own unit must not show as failed after it."""
    server.hangs = True
    status, said, notes = probe(tmp_path, server, "--restart-after", "1", **mode)
    assert (status, notes) == (0, "")
    assert "timed out" in said
    assert probe(tmp_path, server, **mode)[0] == 1


def test_a_crash_loop_is_a_failure_until_a_token_comes(server: Server, tmp_path: Path) -> None:
    """Each crash is a new start, which is left alone: no restart, nothing refused. What was before a token is over."""

    def status(restarts: int, state: str = "active") -> tuple[int, str]:
        code, _, notes = probe(
            tmp_path, server, "--restart-after", "1", state=state, ready_timeout=10**9, restarts=restarts
        )
        return code, notes.replace("nft flush set inet hybridctl_vllm silent", "").strip()

    assert status(4) == (0, "")
    server.hangs = True
    assert [status(5), status(5), status(6, "activating")] == [(1, "")] * 3
    # Somebody restarted it, and only then it died again.
    assert [status(0), status(1)] == [(0, ""), (1, "")]


def test_a_unit_that_waits_for_its_next_start_is_not_restarted(server: Server, tmp_path: Path) -> None:
    """However often it failed before it died."""
    server.hangs = True
    mode = ("--restart-after", "2")
    assert probe(tmp_path, server, *mode)[0] == 1
    (tmp_path / "state/state.json").write_text(
        json.dumps({"invocation": "1", "served": True, "failures": 9, "restarts": 0})
    )
    (tmp_path / "notes").unlink()
    assert probe(tmp_path, server, *mode, state="activating", restarts=1)[::2] == (1, "")
