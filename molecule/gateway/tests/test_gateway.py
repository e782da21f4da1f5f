"""The gateway as a client meets it: a real vLLM behind it, real TLS in front."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import testinfra
import yaml
from testinfra.host import Host

ROOT = Path(__file__).resolve().parents[3]
SITE = ROOT / ".hybridctl" / "lab" / "molecule-gateway" / "site"
COMPLETION = {"model": "tiny", "prompt": "free software", "max_tokens": 5}


@dataclass
class Keys:
    """The clients' keys and the worker's own."""

    client: str
    worker: str


@pytest.fixture(scope="module")
def keys() -> Keys:
    """Open the lab's vault."""
    argv = [Path(sys.executable).with_name("ansible-vault"), "view", SITE / "inventory/group_vars/all/vault.yml"]
    plain = yaml.safe_load(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    return Keys(plain["vault_gateway_api_key"], plain["vault_vllm_api_key"])


@pytest.fixture
def client(host: Host, keys: Keys, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client that trusts the gateway's certificate and nothing else, with a good key."""
    certificate = tmp_path / "gateway.pem"
    certificate.write_text(host.check_output("openssl x509 -in /etc/haproxy/tls/gateway.pem"))
    import ssl

    trust = ssl.create_default_context(cafile=str(certificate))
    address = host.ansible.get_variables()["ansible_host"]
    with httpx.Client(
        base_url=f"https://{address}:8443",
        verify=trust,
        headers={"Authorization": f"Bearer {keys.client}"},
        timeout=60,
    ) as ready:
        yield ready


def worker() -> Host:
    """The host where vLLM runs."""
    return testinfra.get_host("ansible://cpu1", ansible_inventory=str(SITE / "inventory"))


def socket_says(host: Host, command: str) -> str:
    """Send a command to HAProxy's socket, as an operator would."""
    return str(host.check_output("sh -c %s", f"echo '{command}' | socat -t 5 stdio /run/haproxy/admin.sock"))


def ask_until(client: httpx.Client, status: int) -> httpx.Response:
    """Ask until the status comes, at most 30 seconds; return the last answer."""
    deadline = time.monotonic() + 30
    while True:
        answer = client.post("/v1/completions", json=COMPLETION)
        if answer.status_code == status or time.monotonic() > deadline:
            return answer
        time.sleep(0.5)


def test_a_completion_comes_through(client: httpx.Client) -> None:
    """The answer is vLLM's, its worker is named, and the request has an id."""
    answer = client.post("/v1/completions", json=COMPLETION)
    assert answer.status_code == 200
    assert answer.json()["usage"]["completion_tokens"] == 5
    assert answer.headers["X-Worker"] == "cpu1"
    assert answer.headers["X-Request-Id"]


def test_a_stream_is_not_held_back(client: httpx.Client) -> None:
    """The first chunk is here before the last one was sent."""
    body = COMPLETION | {"stream": True, "max_tokens": 400, "ignore_eos": True}
    arrived = []
    with client.stream("POST", "/v1/completions", json=body) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                arrived.append((time.monotonic(), line))
    assert arrived[-1][1] == "data: [DONE]"
    assert len(arrived) > 100
    # Held back, all would come at once; the whole takes many engine steps.
    assert arrived[-1][0] - arrived[0][0] > 0.1


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer wrong-key-wrong-key"}, {"Authorization": "Basic dXNlcjpwYXNz"}]
)
def test_without_a_known_key_nothing_is_answered(client: httpx.Client, header: dict[str, str]) -> None:
    """Missing, wrong or of another kind: 401, in the form OpenAI's clients read."""
    client.headers.pop("Authorization")
    answer = client.post("/v1/completions", json=COMPLETION, headers=header)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_other_paths_do_not_exist(client: httpx.Client) -> None:
    """/metrics and /health of the workers want no key there: the gateway does not pass them on."""
    assert [client.get(path).status_code for path in ("/metrics", "/health", "/tokenize", "/")] == [404] * 4


def test_the_log_names_the_client_and_never_the_key_or_the_prompt(host: Host, client: httpx.Client, keys: Keys) -> None:
    """Who, which worker and how it ended are in the journal; what was said is not."""
    request = client.post("/v1/completions", json=COMPLETION | {"prompt": "planted-canary"})
    log = host.check_output("journalctl --no-pager --unit=haproxy.service")
    line = next(line for line in log.splitlines() if request.headers["X-Request-Id"] in line)
    assert "client=team-a" in line
    assert "status=200" in line
    assert "worker=cpu1" in line
    for secret in (keys.client, keys.worker, "planted-canary"):
        assert secret not in log


def test_the_keys_show_nowhere_else(host: Host, keys: Keys) -> None:
    """Two files of root's hold them; configuration, units and arguments do not."""
    for path in ("/etc/haproxy/clients.map", "/etc/haproxy/workers.env", "/etc/haproxy/tls/gateway.pem.key"):
        assert (host.file(path).user, host.file(path).mode) == ("root", 0o600), path
    shown = "".join(
        host.check_output(command)
        for command in ("cat /etc/haproxy/haproxy.cfg", "ps -eo args", "systemctl cat haproxy.service")
    )
    assert keys.client not in shown
    assert keys.worker not in shown


def test_old_tls_is_refused(host: Host) -> None:
    """A handshake below TLS 1.2 does not come about, one with 1.2 does."""
    ask = "openssl s_client -connect 127.0.0.1:8443 -brief %s </dev/null"
    assert host.run("sh -c %s", ask % "-tls1_1 -cipher DEFAULT@SECLEVEL=0").rc != 0
    assert host.run("sh -c %s", ask % "-tls1_2").rc == 0


def test_a_drained_worker_stays_drained_over_a_reload(host: Host, client: httpx.Client) -> None:
    """What an operator drained is not given back by the next configuration change."""
    socket_says(host, "set server vllm/cpu1 state drain")
    try:
        host.check_output("systemctl reload haproxy")
        deadline = time.monotonic() + 20
        while "cpu1" not in (state := socket_says(host, "show stat vllm 4 -1")) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "DRAIN" in state
        answer = client.post("/v1/completions", json=COMPLETION)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "10"
    finally:
        socket_says(host, "set server vllm/cpu1 state ready")
    assert client.post("/v1/completions", json=COMPLETION).status_code == 200


def test_when_no_worker_is_up_clients_are_told_to_come_back(host: Host, client: httpx.Client) -> None:
    """vLLM is stopped: 503 with Retry-After within seconds; it is back: 200 again."""
    worker().check_output("systemctl stop vllm")
    deadline = time.monotonic() + 20
    while (
        answer := client.post("/v1/completions", json=COMPLETION)
    ).status_code != 503 and time.monotonic() < deadline:
        time.sleep(0.5)
    worker().check_output("systemctl start vllm")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    worker().check_output("/usr/local/sbin/vllm-probe --wait 240")
    deadline = time.monotonic() + 30
    while (
        answer := client.post("/v1/completions", json=COMPLETION)
    ).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert answer.status_code == 200


def test_its_own_metrics_are_for_the_host_only(host: Host) -> None:
    """HAProxy's counters answer on loopback."""
    fetch = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8405/metrics').read().decode())"
    assert "haproxy_server_http_responses_total" in host.check_output("python3 -c %s", fetch)
    assert not host.socket("tcp://0.0.0.0:8405").is_listening


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"gateway_clients": [{"name": "a", "key": "short"}]}, "gateway_clients wants at least one client"),
        ({"gateway_port": 22}, "port 22 of gw1 is held by"),
    ],
)
def test_bad_settings_are_refused(refused: Callable[..., str], variables: dict[str, object], said: str) -> None:
    """Keys that are too short and a port in use stop the run before anything is written."""
    out = refused(json.dumps(variables | {"converge_roles": ["gateway"]}))
    assert said in out
    assert "short" not in out.replace("too short", "")
