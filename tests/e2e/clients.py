"""Clients that ask the gateway again and again, and count what failed."""

import ssl
import subprocess
import threading
from collections import Counter
from itertools import count

import httpx
import yaml
from rack import BIN, Rack

__all__ = ["Clients"]


class Clients:
    """Two threads in a loop, one asking for plain completions, one for streams, until the block ends or `limit`.

    Attributes:
        sent: requests answered or failed.
        failures: what went wrong, a line each; a stream that ends without [DONE] is a failure.
        workers: worker -> requests it answered.
    """

    def __init__(self, rack: Rack, limit: int = 5000) -> None:
        vault = rack.inventory / "group_vars/all/vault.yml"
        argv = [BIN / "ansible-vault", "view", "--vault-password-file", rack.site / ".vault-password", vault]
        key = yaml.safe_load(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
        certificate = rack.on("gw1", "openssl", "x509", "-in", "/etc/haproxy/tls/gateway.pem")
        self.client = httpx.Client(
            base_url=f"https://{rack.address('gw1')}",
            verify=ssl.create_default_context(cadata=certificate),
            headers={"Authorization": f"Bearer {key['vault_gateway_api_key']}"},
            timeout=120,
        )
        self.sent, self.failures, self.workers = 0, list[str](), Counter[str]()
        self._numbers, self._limit, self._end = count(), limit, threading.Event()
        self._threads = [threading.Thread(target=self._loop, args=(stream,)) for stream in (False, True)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()
        self.client.close()

    def join(self) -> None:
        """Wait until both loops have ended."""
        for thread in self._threads:
            thread.join()

    def _loop(self, stream: bool) -> None:
        while not self._end.is_set() and next(self._numbers) < self._limit:
            try:
                worker = self._stream() if stream else self._plain()
            except (httpx.HTTPError, AssertionError) as error:
                self.failures.append(f"{'stream' if stream else 'plain'}: {error!r}")
            else:
                self.workers[worker] += 1
            self.sent += 1
            self._end.wait(0.05)

    def _plain(self) -> str:
        body = {"model": "tiny", "prompt": "free software", "max_tokens": 8}
        answer = self.client.post("/v1/completions", json=body).raise_for_status()
        assert answer.json()["usage"]["completion_tokens"] > 0, answer.text
        return str(answer.headers["X-Worker"])

    def _stream(self) -> str:
        body = {"model": "tiny", "prompt": "free software", "max_tokens": 16, "stream": True}
        with self.client.stream("POST", "/v1/completions", json=body) as answer:
            answer.raise_for_status()
            lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
        assert lines[-1] == "data: [DONE]", lines[-1:]
        assert not any('"error"' in line for line in lines), lines
        return str(answer.headers["X-Worker"])
