"""vLLM as the role leaves it: it answers, to its clients only, and comes back when it dies or hangs."""

import json
import re
import socket
import subprocess
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
Play = Callable[..., subprocess.CompletedProcess[str]]
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
    """What an operator stopped, the probe does not start again, and its own unit has not failed by it."""
    host.check_output("systemctl stop vllm.service")
    for _ in range(2):
        host.check_output("systemctl start vllm-probe.service")
    assert not host.service("vllm.service").is_running
    host.check_output("systemctl start vllm.service")
    # A start under way is left alone too: it has the time a start may take.
    host.check_output("/usr/local/sbin/vllm-probe --restart-after 1")
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
    assert "8000" in host.check_output("nft list set inet hybridctl_vllm silent")
    second = host.run("/usr/local/sbin/vllm-probe --restart-after 2")
    assert "2 failures in a row: restarting" in second.stderr
    wait_for_token(host)
    assert host.check_output("systemctl show --property=MainPID --value vllm.service") != before
    assert "8000" not in host.check_output("nft list set inet hybridctl_vllm silent")


def changed(output: str) -> set[str]:
    """Return the names of the tasks that changed something, or would."""
    parts = re.split(r"(?m)^(?:TASK|RUNNING HANDLER) \[(?:\S+ : )?(.*?)\] \**$", output)
    return {name for name, said in zip(parts[1::2], parts[2::2], strict=True) if "\nchanged: " in said}


def rules(host: Host) -> str:
    """Return the rules in force."""
    return str(host.check_output("nft list chain inet hybridctl_vllm input"))


def test_another_client_does_not_restart_vllm(host: Host, converged: Play) -> None:
    """Addresses of both families are let in by the same vLLM process; back again, they are not."""
    pid = host.check_output("systemctl show --property=MainPID --value vllm.service")
    clients = json.dumps({"vllm_allowed_clients": ["192.0.2.7", "192.0.2.64/26", "2001:db8::7", "localhost"]})
    try:
        done = converged("-e", clients)
        assert done.returncode == 0, done.stdout
        for address in ("192.0.2.7", "192.0.2.64/26", "2001:db8::7", "127.0.0.1"):
            assert address in rules(host)
    finally:
        done = converged()
    assert done.returncode == 0, done.stdout
    assert "192.0.2.7" not in rules(host)
    assert host.check_output("systemctl show --property=MainPID --value vllm.service") == pid


@pytest.mark.parametrize("act", ["start", "reload", "restart", "stop"])
def test_the_port_stays_closed_when_the_packet_filter_of_the_system_flushes(host: Host, act: str) -> None:
    """nftables.service removes every table; ours is back, and vLLM runs on."""
    pid = host.check_output("systemctl show --property=MainPID --value vllm.service")
    before = rules(host)
    host.check_output("systemctl %s nftables.service", act)
    assert rules(host) == before
    assert host.check_output("systemctl show --property=MainPID --value vllm.service") == pid


@pytest.mark.parametrize("act", ["delete table inet hybridctl_vllm", "flush chain inet hybridctl_vllm input"])
def test_rules_changed_by_hand_are_seen_and_repaired(host: Host, converged: Play, act: str) -> None:
    """The unit is active all the while; check mode names it and leaves it, converging puts the rules back."""
    before = rules(host)
    host.check_output(f"nft {act}")
    planned = converged("--check")
    assert changed(planned.stdout) == {"Have the port closed to all but its clients, and vLLM started"}, planned.stdout
    assert host.run("nft list chain inet hybridctl_vllm input").stdout != before
    done = converged()
    assert done.returncode == 0, done.stdout
    assert rules(host) == before


def test_packages_environment_and_weights_that_changed_show_in_check_mode(host: Host, converged: Play) -> None:
    """A package gone, an environment that was not finished, and other weights: each is named, none is touched."""
    folder = host.check_output("ls -d /opt/vllm/*/venv")
    metadata = host.check_output("sh -c %s", f"ls -d {folder}/lib/python*/site-packages/idna-*.dist-info")
    host.check_output("mv %s /root/idna", metadata)
    host.check_output("mv %s/bin/activate /root/activate", folder)
    host.check_output("cp -p /srv/models/tiny/SHA256SUMS /root/SHA256SUMS")
    host.check_output("sh -c %s", "printf '\n# another model\n' >> /srv/models/tiny/SHA256SUMS")
    restart = "Restart it where it does not, one worker after the other"
    wanted = {"Make the environment", "Install vLLM, offline and by its hashes", restart}
    try:
        planned = converged("--check")
        assert wanted <= changed(planned.stdout), planned.stdout
    finally:
        host.check_output("mv /root/idna %s", metadata)
        host.check_output("mv /root/activate %s/bin/activate", folder)
        host.check_output("mv /root/SHA256SUMS /srv/models/tiny/SHA256SUMS")
    # They are as they were, and newer than the process that read them.
    planned = converged("--check")
    assert changed(planned.stdout) == {restart}, planned.stdout


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"vllm_wheelhouse_sha256": "0" * 64}, f"wanted is {'0' * 64}. Correct the wheelhouse"),
        ({"vllm_api_key": "planted and long enough"}, "vllm_api_key wants 16 or more of letters"),
        ({"vllm_allowed_clients": ["gw.invalid"]}, "gw.invalid may reach vLLM's port, but cpu1 knows no address"),
    ],
    ids=["requirements nobody vouches for", "a key with blanks", "a client without an address"],
)
def test_bad_settings_are_refused(refused: Callable[..., str], variables: dict[str, object], said: str) -> None:
    """The refusal names the variable and the remedy, and shows no key."""
    out = refused(json.dumps(variables))
    assert said in out
    assert "planted" not in out


def test_a_flag_the_pinned_version_does_not_have_is_refused(refused: Callable[..., str]) -> None:
    """The refusal names the flag and the version."""
    said = refused(json.dumps({"vllm_extra_args": ["--swap-space=4"]}))
    assert "vllm_extra_args names --swap-space, which vLLM 0.32.0 does not have" in said


def test_a_cache_larger_than_the_memory_is_refused(refused: Callable[..., str]) -> None:
    """The refusal names the variable."""
    assert "vllm_kv_cache_memory_bytes" in refused("vllm_kv_cache_memory_bytes=99999999999999")
