"""vLLM as the role leaves it: it answers, to its clients only, and comes back when it dies or hangs."""

import json
import socket
from collections.abc import Callable

import pytest
from testinfra.host import Host

ASK = """
import json, sys, urllib.error, urllib.request
path, body, with_key = sys.argv[1], sys.argv[2], sys.argv[3] == "key"
key = next(l.split("=", 1)[1].strip() for l in open("/etc/vllm/vllm.env") if l.startswith("VLLM_API_KEY="))
headers = {"Content-Type": "application/json"} | ({"Authorization": "Bearer " + key} if with_key else {})
request = urllib.request.Request("http://127.0.0.1:8000" + path, body.encode() or None, headers)
try:
    with urllib.request.urlopen(request, timeout=60) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
"""
COMPLETION = {"model": "tiny", "prompt": "free software", "max_tokens": 5}


def ask(host: Host, path: str, body: dict[str, object], key: bool = True) -> tuple[int, str]:
    """Send a request from the host itself; the key is read there and never in an argument."""
    out = host.check_output("python3 -c %s %s %s %s", ASK, path, json.dumps(body), "key" if key else "none")
    status, _, text = str(out).partition(" ")
    return int(status), text


def wait_for_token(host: Host) -> None:
    """Wait until the probe gets its token."""
    host.check_output("/usr/local/sbin/vllm-probe --wait 240")


def test_a_completion_comes_back(host: Host) -> None:
    """Five tokens were asked for, five are counted."""
    status, text = ask(host, "/v1/completions", COMPLETION)
    assert status == 200
    assert json.loads(text)["usage"]["completion_tokens"] == 5


def test_a_stream_ends_with_done(host: Host) -> None:
    """Chunks come one by one and the last line is [DONE]."""
    status, text = ask(host, "/v1/completions", COMPLETION | {"stream": True})
    lines = [line for line in text.splitlines() if line.startswith("data: ")]
    assert status == 200
    assert len(lines) > 2
    assert lines[-1] == "data: [DONE]"


def test_without_a_key_nothing_is_generated(host: Host) -> None:
    """A request without the key is 401."""
    assert ask(host, "/v1/completions", COMPLETION, key=False)[0] == 401


def test_the_port_is_closed_to_strangers(host: Host) -> None:
    """This machine is no client of vLLM: its connection is refused at once, though the port is open on the host."""
    address = host.ansible.get_variables()["ansible_host"]
    assert host.socket("tcp://0.0.0.0:8000").is_listening
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, 8000), timeout=5)


def test_the_key_shows_nowhere(host: Host) -> None:
    """It lies in one file of root's and in no argument, unit or log."""
    secret = host.check_output("sed -n 's/^VLLM_API_KEY=//p' /etc/vllm/vllm.env")
    assert len(secret) >= 16
    assert host.file("/etc/vllm/vllm.env").mode == 0o600
    for command in ("ps -eo args", "systemctl cat vllm.service", "journalctl --no-pager --unit=vllm.service"):
        assert secret not in host.check_output(command)


def test_the_unit_is_fenced_in(host: Host) -> None:
    """It runs as a user of its own that can write its state and nothing else."""
    pid = host.check_output("systemctl show --property=MainPID --value vllm.service")
    assert host.check_output("stat -c %%U /proc/%s", pid) == "vllm"
    assert host.check_output("sed -n 's/^NoNewPrivs:.//p' /proc/%s/status", pid) == "1"
    assert host.run("nsenter -t %s -m -- touch /opt/vllm/x", pid).rc != 0


def test_a_killed_vllm_comes_back(host: Host) -> None:
    """Restart=always: another process generates tokens after kill -9."""
    before = host.check_output("systemctl show --property=MainPID --value vllm.service")
    host.check_output("systemctl kill --signal=KILL vllm.service")
    wait_for_token(host)
    assert host.check_output("systemctl show --property=MainPID --value vllm.service") != before


def test_a_stopped_unit_is_left_alone(host: Host) -> None:
    """What an operator stopped, the probe does not start again, however often it fails."""
    host.check_output("systemctl stop vllm.service")
    for _ in range(2):
        assert host.run("/usr/local/sbin/vllm-probe --restart-after 1").rc == 1
    assert not host.service("vllm.service").is_running
    host.check_output("systemctl start vllm.service")
    # A start under way is left alone too: it has the time a start may take.
    assert host.run("/usr/local/sbin/vllm-probe --restart-after 1").rc == 1
    wait_for_token(host)
    assert host.check_output("systemctl show --property=NRestarts --value vllm.service") == "0"


def test_a_hanging_engine_is_noticed_and_restarted(host: Host) -> None:
    """The engine is stopped: /health still says 200, the probe fails, and after its failures the unit is restarted."""
    host.check_output("/usr/local/sbin/vllm-probe --restart-after 2")
    before = host.check_output("systemctl show --property=MainPID --value vllm.service")
    host.check_output("pkill -STOP -f VLLM::EngineCore")
    assert ask(host, "/health", {})[0] in (200, 405)
    first = host.run("/usr/local/sbin/vllm-probe --restart-after 2")
    assert first.rc == 1
    assert host.check_output("systemctl show --property=MainPID --value vllm.service") == before
    second = host.run("/usr/local/sbin/vllm-probe --restart-after 2")
    assert "2 failures in a row: restarting" in second.stderr
    wait_for_token(host)
    assert host.check_output("systemctl show --property=MainPID --value vllm.service") != before


def test_a_flag_the_pinned_version_does_not_have_is_refused(refused: Callable[..., str]) -> None:
    """The refusal names the flag and the version."""
    said = refused(json.dumps({"vllm_extra_args": ["--swap-space=4"]}))
    assert "vllm_extra_args names --swap-space, which vLLM 0.32.0 does not have" in said


def test_a_cache_larger_than_the_memory_is_refused(refused: Callable[..., str]) -> None:
    """The refusal names the variable."""
    assert "vllm_kv_cache_memory_bytes" in refused("vllm_kv_cache_memory_bytes=99999999999999")
