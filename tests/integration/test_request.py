"""The script that asks a service on its host, against a real server with TLS, a key and a model of its own."""

import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hybridctl.checks.fake import Answered
from hybridctl.checks.model import CannotTell
from hybridctl.checks.request import Answer, KeyFile, ask

KEY = "the-key-of-this-test"


class ThisMachine:
    """A host whose commands run here."""

    def run(self, command: str, *args: str) -> Answered:
        """Run the script by this Python."""
        assert command == "python3 -c %s %s"
        done = subprocess.run([sys.executable, "-c", *args], capture_output=True, text=True, check=False, timeout=30)
        return Answered(done.returncode, done.stdout, done.stderr)


@dataclass
class Server:
    """A stand-in for vLLM's API."""

    url: str
    folder: Path
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def ask(self, path: str, body: dict[str, Any] | None = None, **changed: Any) -> Answer:
        """Ask it with the right key and certificate, unless told otherwise."""
        key, ca_file = KeyFile(str(self.folder / "clients.map")), str(self.folder / "gateway.pem")
        given = {"key": key, "ca_file": ca_file, "timeout": 60}
        return ask(ThisMachine(), self.url, path, body, **{**given, **changed})


def certificate(path: Path, *, days: int = 2) -> None:
    """Write a self-signed certificate and its key, as the gateway's role makes them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another-name-than-it-is-asked-by")])
    start = datetime.now(UTC) - timedelta(days=10)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=10 + days))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Key files in the forms of the roles, and a certificate."""
    (tmp_path / "clients.map").write_text(f"#\n# Ansible managed\n#\n{KEY} default\nanother-key second\n")
    (tmp_path / "vllm.env").write_text(f"#\n# Ansible managed\n#\nVLLM_API_KEY={KEY}\n")
    certificate(tmp_path / "gateway.pem")
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    """A server that wants the key."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.say({"data": [{"id": "tiny"}, {"id": "other"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/slow":
                time.sleep(3)
            self.say({"usage": {"completion_tokens": body["max_tokens"]}}, body)

        def say(self, answer: Any, body: Any = None) -> None:
            known.asked.append((self.path, body))
            good = self.headers["Authorization"] == f"Bearer {KEY}"
            text = json.dumps(answer if good else {"error": "no key"}).encode()
            self.send_response(200 if good else 401)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that refuses our certificate is what some tests want."""

    listening = Quiet(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "gateway.pem")
    listening.socket = tls.wrap_socket(listening.socket, server_side=True)
    known = Server(f"https://127.0.0.1:{listening.server_port}", folder)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    try:
        yield known
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def test_a_token_through_tls_with_the_key_of_the_file(server: Server) -> None:
    """The key of the file opens the way; a model without a name becomes the first one offered."""
    answer = server.ask("/v1/completions", {"model": "", "prompt": "1", "max_tokens": 1})
    assert (answer.status, answer.trouble) == (200, "")
    assert answer.document() == {"usage": {"completion_tokens": 1}}
    assert [path for path, _ in server.asked] == ["/v1/models", "/v1/completions"]
    assert server.asked[1][1]["model"] == "tiny"
    assert 0 <= answer.seconds < 20


def test_a_key_behind_a_marker(server: Server) -> None:
    """The worker's key stands in an environment file."""
    key = KeyFile(str(server.folder / "vllm.env"), "VLLM_API_KEY=")
    assert server.ask("/v1/models", key=key).status == 200


def test_a_wrong_key_is_an_answer(server: Server) -> None:
    """401 is what the service says: a FAIL, not an UNKNOWN."""
    (server.folder / "clients.map").write_text("some-other-key default\n")
    answer = server.ask("/v1/models")
    assert answer.status == 401
    assert answer.trouble == 'HTTP 401: {"error": "no key"}'


def test_another_certificate_than_the_installed_one(server: Server) -> None:
    """What is served must be what lies on the host: a reload that was forgotten shows."""
    certificate(server.folder / "gateway.pem")
    assert "CERTIFICATE_VERIFY_FAILED" in server.ask("/v1/models").trouble


def test_a_service_that_hangs(server: Server) -> None:
    """Silence is an answer too: the service is at fault, not the check."""
    answer = server.ask("/slow", {"model": "tiny", "max_tokens": 1}, timeout=1)
    assert "timed out" in answer.trouble


def test_nobody_listens(folder: Path) -> None:
    """A refused connection is the service's fault."""
    assert "Connection refused" in Server("https://127.0.0.1:1", folder).ask("/v1/models").trouble


@pytest.mark.parametrize("name", ["clients.map", "gateway.pem"])
def test_what_cannot_be_read_on_the_host(server: Server, name: str) -> None:
    """Without the key or the certificate nothing was asked: UNKNOWN."""
    (server.folder / name).unlink()
    with pytest.raises(CannotTell, match="the request could not be made: FileNotFoundError"):
        server.ask("/v1/models")
    assert server.asked == []


def test_an_expired_certificate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pinned or not, a certificate past its end is refused."""
    certificate(folder / "gateway.pem", days=-1)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "gateway.pem")
    listening = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    monkeypatch.setattr(listening, "handle_error", lambda *_: None)
    listening.socket = tls.wrap_socket(listening.socket, server_side=True)
    thread = threading.Thread(target=listening.handle_request)
    thread.start()
    answer = Server(f"https://127.0.0.1:{listening.server_port}", folder).ask("/v1/models")
    thread.join()
    listening.server_close()
    assert "certificate has expired" in answer.trouble
