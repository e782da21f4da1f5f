"""The gateway as a client meets it: a real vLLM behind it, real TLS in front."""

import csv
import io
import json
import subprocess
import sys
import threading
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
Play = Callable[..., subprocess.CompletedProcess[str]]
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


def pool(host: Host) -> dict[str, dict[str, str]]:
    """Return HAProxy's statistics of each worker."""
    said = socket_says(host, "show stat vllm 4 -1").removeprefix("# ")
    return {row["svname"]: row for row in csv.DictReader(io.StringIO(said))}


def addresses(host: Host) -> dict[str, str]:
    """Return where the running HAProxy reaches each worker."""
    rows = [line.split() for line in socket_says(host, "show servers state vllm").splitlines()[2:] if line]
    return {row[3]: f"{row[4]}:{row[18]}" for row in rows}


def process(host: Host) -> str:
    """Return the process id of the HAProxy that answers at the socket, nothing while none does."""
    said = str(host.run("sh -c %s", "echo 'show info' | socat -t 5 stdio /run/haproxy/admin.sock").stdout)
    return next((line for line in said.splitlines() if line.startswith("Pid:")), "")


def renew(host: Host, act: str) -> None:
    """Reload or restart HAProxy and wait until the new process answers."""
    before = process(host)
    host.check_output("systemctl %s haproxy.service", act)
    wait_for(lambda: process(host) not in ("", before))


def served_certificate(host: Host) -> str:
    """Return the subject of the certificate a client is shown."""
    return str(host.check_output("sh -c %s", "openssl s_client -connect 127.0.0.1:8443 </dev/null 2>&1 | grep subject"))


def in_flight() -> float:
    """Return how many requests vLLM is at work on."""
    fetch = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8000/metrics').read().decode())"
    lines = worker().check_output("python3 -c %s", fetch).splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("vllm:num_requests_running{"))


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until it holds, at most 30 seconds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


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


@pytest.mark.parametrize("act", ["reload", "restart"])
def test_a_drained_worker_stays_drained_until_it_is_undrained(host: Host, client: httpx.Client, act: str) -> None:
    """What was drained is not given back by a reload or a restart, and what was undrained is not drained again."""
    try:
        socket_says(host, "set server vllm/cpu1 state drain")
        renew(host, act)
        assert pool(host)["cpu1"]["status"].startswith("DRAIN")
        answer = client.post("/v1/completions", json=COMPLETION)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "10"
    finally:
        socket_says(host, "set server vllm/cpu1 state ready")
    renew(host, act)
    assert pool(host)["cpu1"]["status"].startswith("UP")
    assert client.post("/v1/completions", json=COMPLETION).status_code == 200


def test_a_drain_ordered_by_playbook_outlives_a_crash(host: Host, converged: Play) -> None:
    """HAProxy killed has no time to note anything: the playbook has noted it."""
    words = ("-e", "worker=cpu1", "-e", "gateway_drain_last=true")
    try:
        assert converged(*words, playbook="playbooks/adhoc/drain_worker.yml").returncode == 0
        before = process(host)
        host.check_output("systemctl kill --signal=KILL haproxy.service")
        wait_for(lambda: process(host) not in ("", before))
        assert pool(host)["cpu1"]["status"].startswith("DRAIN")
    finally:
        done = converged("-e", "worker=cpu1", playbook="playbooks/adhoc/undrain_worker.yml")
    assert done.returncode == 0, done.stdout
    assert pool(host)["cpu1"]["status"].startswith("UP")


def test_a_drained_worker_is_still_checked(host: Host) -> None:
    """After a restart its health is looked at as any other's."""
    socket_says(host, "set server vllm/cpu1 state drain")
    try:
        renew(host, "restart")
        wait_for(lambda: "L7OK" in pool(host)["cpu1"]["check_status"])
    finally:
        socket_says(host, "set server vllm/cpu1 state ready")


def test_the_last_worker_is_not_drained_by_mistake(host: Host, converged: Play) -> None:
    """The refusal says what it would mean and how to insist."""
    done = converged("-e", "worker=cpu1", playbook="playbooks/adhoc/drain_worker.yml")
    assert done.returncode == 2
    said = " ".join(done.stdout.split())
    assert "cpu1 is the last worker that is up on gw1" in said
    assert "-e gateway_drain_last=true" in said
    assert pool(host)["cpu1"]["status"].startswith("UP")


def test_a_drain_waits_for_streams_of_the_process_before(host: Host, client: httpx.Client, converged: Play) -> None:
    """A stream that began before a reload runs on in the old process; the drain ends after it."""
    ended: list[tuple[float, str]] = []
    last = threading.Event()

    def stream() -> None:
        body = COMPLETION | {"stream": True, "max_tokens": 1000, "ignore_eos": True}
        while not last.is_set():
            with client.stream("POST", "/v1/completions", json=body) as answer:
                lines = [line for line in answer.iter_lines() if line]
            ended.append((time.monotonic(), lines[-1]))

    def caught() -> bool:
        """Stop the engine in the middle of a stream."""
        worker().check_output("kill -STOP %s", pid)
        if in_flight() > 0:
            return True
        worker().check_output("kill -CONT %s", pid)
        return False

    pid = worker().check_output("pgrep -f VLLM::EngineCore")
    reader = threading.Thread(target=stream)
    waker = threading.Timer(20, lambda: worker().run("kill -CONT %s", pid))
    try:
        reader.start()
        wait_for(caught)
        last.set()
        renew(host, "reload")
        assert reader.is_alive()
        waker.start()
        words = ("-e", "worker=cpu1", "-e", "gateway_drain_last=true")
        done = converged(*words, playbook="playbooks/adhoc/drain_worker.yml")
        drained = time.monotonic()
        reader.join(60)
        assert done.returncode == 0, done.stdout
        assert ended[-1][1] == "data: [DONE]"
        assert ended[-1][0] <= drained + 1
    finally:
        last.set()
        worker().run("kill -CONT %s", pid)
        converged("-e", "worker=cpu1", playbook="playbooks/adhoc/undrain_worker.yml")


def test_a_hanging_engine_gets_no_requests_after_the_first_failed_probe(host: Host, client: httpx.Client) -> None:
    """/health says 200, yet clients get 503 in place of a request that hangs, and 200 when the engine goes on."""
    engine = worker()
    pid = engine.check_output("pgrep -f VLLM::EngineCore")
    engine.check_output("/usr/local/sbin/vllm-probe --restart-after 9")
    try:
        engine.check_output("kill -STOP %s", pid)
        assert engine.run("/usr/local/sbin/vllm-probe --restart-after 9").rc == 1
        wait_for(lambda: pool(host)["cpu1"]["status"] == "DOWN")
        assert client.post("/v1/completions", json=COMPLETION).status_code == 503
    finally:
        engine.check_output("kill -CONT %s", pid)
    assert engine.run("/usr/local/sbin/vllm-probe --restart-after 9").rc == 0
    assert ask_until(client, 200).status_code == 200


def test_when_no_worker_is_up_clients_are_told_to_come_back(host: Host, client: httpx.Client) -> None:
    """vLLM is stopped: 503 with Retry-After within seconds; it is back: 200 again."""
    worker().check_output("systemctl stop vllm")
    try:
        answer = ask_until(client, 503)
    finally:
        worker().check_output("systemctl start vllm")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    worker().check_output("/usr/local/sbin/vllm-probe --wait 240")
    assert ask_until(client, 200).status_code == 200


def test_a_new_port_of_the_worker_is_taken_at_once(host: Host, converged: Play) -> None:
    """The running HAProxy has the new port, and a worker that serves, but not there, is an error."""
    served = json.dumps({"vllm_port": 8001, "__vllm_first_token": {"rc": 0}})
    try:
        done = converged("--limit", "gw1", "-e", served)
        assert addresses(host)["cpu1"].endswith(":8001")
        assert done.returncode == 2
        said = " ".join(done.stdout.split())
        assert "gw1 has no worker that is up (cpu1 DOWN L4" in said
        assert "though cpu1 generated a token in this run" in said
        # Nobody saw it serve: a gateway may be there before its workers.
        assert converged("--limit", "gw1", "-e", "vllm_port=8001").returncode == 0
    finally:
        done = converged("--limit", "gw1")
    assert done.returncode == 0, done.stdout
    assert addresses(host)["cpu1"].endswith(":8000")


def test_the_certificate_of_the_site_and_back(host: Host, converged: Play, tmp_path: Path) -> None:
    """A site's certificate is served, one with another's key is refused, and a self-signed one comes back."""
    for name in ("site", "other"):
        make = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "90",
        ]
        files = ["-subj", f"/CN={name}.example", "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem"]
        subprocess.run([*make, *files], check=True, capture_output=True)
    good, bad = tmp_path / "good.pem", tmp_path / "bad.pem"
    good.write_text((tmp_path / "site.key").read_text() + (tmp_path / "site.pem").read_text())
    bad.write_text((tmp_path / "other.key").read_text() + (tmp_path / "site.pem").read_text())
    try:
        done = converged("--limit", "gw1", "-e", f"gateway_tls_certificate={good}")
        assert done.returncode == 0, done.stdout
        assert "CN = site.example" in served_certificate(host)
        done = converged("--limit", "gw1", "-e", f"gateway_tls_certificate={bad}")
        assert done.returncode == 2
        assert "the key in it is not the one of its certificate" in " ".join(done.stdout.split())
        assert host.run("haproxy -c -q -f /etc/haproxy/haproxy.cfg").rc == 0
    finally:
        done = converged("--limit", "gw1")
    assert done.returncode == 0, done.stdout
    assert "CN = gw1" in served_certificate(host)


def test_a_broken_configuration_on_disk_is_noticed(host: Host, converged: Play) -> None:
    """What HAProxy could not start from is red, though the HAProxy that runs has not noticed."""
    key = "/etc/haproxy/tls/gateway.pem.key"
    host.check_output("mv %s %s.away", key, key)
    host.check_output("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out %s", key)
    try:
        done = converged("--limit", "gw1")
    finally:
        host.check_output("mv %s.away %s", key, key)
    assert done.returncode == 2, done.stdout
    assert "inconsistencies between private key and certificate" in " ".join(done.stdout.split())


def test_a_worker_that_is_no_host_is_not_restarted(converged: Play) -> None:
    """The refusal comes before anything is drained."""
    done = converged("-e", "worker=cpu9", playbook="playbooks/adhoc/restart_worker.yml")
    assert done.returncode == 2
    assert "cpu9 is no host of the groups vllm_cpu and vllm_gpu" in " ".join(done.stdout.split())


def test_its_own_metrics_are_for_the_host_only(host: Host) -> None:
    """HAProxy's counters answer on loopback."""
    fetch = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8405/metrics').read().decode())"
    assert "haproxy_server_http_responses_total" in host.check_output("python3 -c %s", fetch)
    assert not host.socket("tcp://0.0.0.0:8405").is_listening


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"gateway_clients": [{"name": "a", "key": "planted"}]}, "gateway_clients wants at least one client"),
        ({"gateway_clients": [{"name": "a", "key": "planted and long enough"}]}, "gateway_clients wants at least one"),
        ({"gateway_clients": [{"name": "a", "key": "#planted-and-long-enough"}]}, "gateway_clients wants at least one"),
        ({"gateway_worker_key": 'planted%and"long-enough'}, "gateway_worker_key too, is 16 or more of letters"),
        ({"gateway_worker_key": "planted-and-long-enough\n"}, "gateway_worker_key too, is 16 or more of letters"),
        ({"gateway_port": 22}, "port 22 of gw1 is held by"),
    ],
)
def test_bad_settings_are_refused(refused: Callable[..., str], variables: dict[str, object], said: str) -> None:
    """Keys that are too short or would be misread, and a port in use, stop the run; the key is not shown."""
    out = refused(json.dumps(variables | {"converge_roles": ["gateway"]}))
    assert said in out
    assert "planted" not in out
