"""A provision that restarts vLLM while clients ask: drained first, one worker after the other, and what goes wrong.

One story in the order of the tests: what one of them leaves to be restarted, the next one takes up.
"""

import re
import subprocess
import sys

import pytest
from clients import Clients
from rack import BIN, NAME, ROOT, Rack, document, lab
from waiting import until

from hybridctl.changes import key_set

pytestmark = pytest.mark.lab

ROLE = ("--role", "vllm", "--limit", "cpu1,cpu2", "--json")
WORKERS = ("cpu1", "cpu2")
NOTE = "/var/lib/hybridctl/vllm-drained"


def set_requests_at_once(rack: Rack, number: int) -> None:
    """Change a setting of vLLM in the site, as a user would."""
    path = rack.inventory / "group_vars" / "vllm_cpu.yml"
    text, found = re.subn(r"(?m)^vllm_max_num_seqs: .*$", f"vllm_max_num_seqs: {number}", path.read_text())
    assert found == 1
    path.write_text(text)


def unit(rack: Rack, host: str, name: str) -> str:
    """Return a property of vLLM's unit."""
    return rack.on(host, "systemctl", "show", f"--property={name}", "--value", "vllm.service").strip()


def says(rack: Rack, command: str) -> str:
    """Send a command to HAProxy's socket, as an operator would, and have it noted."""
    line = f"echo '{command}' | socat -t 5 stdio /run/haproxy/admin.sock && /usr/local/sbin/haproxy-drained save"
    return rack.on("gw1", "sh", "-c", line)


def pool(rack: Rack) -> dict[str, str]:
    """Return worker -> UP, DOWN or DRAIN."""
    rows = [line.split(",") for line in says(rack, "show stat vllm 4 -1").splitlines()]
    return {row[1]: row[17].split()[0] for row in rows if row[0] == "vllm"}


def noted(rack: Rack, host: str) -> bool:
    """Tell whether the host's note of a drain is there."""
    return "yes" in rack.on(host, "sh", "-c", f"test -e {NOTE} && echo yes || true")


def reasons(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return host -> why it failed, of a provision's document; a host that did not fail is not there."""
    hosts = document(done)["hosts"]
    return {h["name"]: " ".join(f["message"] for f in h["failures"]) for h in hosts if h["failures"]}


def test_a_changed_setting_costs_no_request(rack: Rack) -> None:
    """Both workers are restarted, the second once the first serves again, and no client notices; the plan said so."""
    before = {host: unit(rack, host, "MainPID") for host in WORKERS}
    set_requests_at_once(rack, 24)
    plan = rack.hybridctl("plan", *ROLE)
    assert plan.returncode == 0, plan.stdout[-3000:] + plan.stderr[-3000:]
    planned = key_set(document(plan)["hosts"])
    assert planned >= {(host, "unit vllm.service", "restart") for host in WORKERS}
    with Clients(rack) as clients:
        done = rack.hybridctl("provision", *ROLE)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert key_set(document(done)["hosts"]) == planned
    sys.stderr.write(f"requests sent {clients.sent}, failed {len(clients.failures)}, by worker {clients.workers}\n")
    assert clients.failures == []
    assert set(clients.workers) == set(WORKERS)
    assert all(unit(rack, host, "MainPID") != pid for host, pid in before.items())
    # The hosts share one clock.
    times = [[int(unit(rack, h, f"{s}EnterTimestampMonotonic")) for s in ("Inactive", "Active")] for h in WORKERS]
    (_, first_up), (second_down, _) = sorted(times)
    assert second_down > first_up
    assert pool(rack) == dict.fromkeys(WORKERS, "UP")
    assert not any(noted(rack, host) for host in WORKERS)


def test_what_an_operator_drained_stays_drained_and_the_last_worker_stays_up(rack: Rack) -> None:
    """The drained worker is restarted and not given back; the other one, now the last that is up, is not stopped."""
    before = {host: unit(rack, host, "MainPID") for host in WORKERS}
    says(rack, "set server vllm/cpu2 state drain")
    set_requests_at_once(rack, 28)
    done = rack.hybridctl("provision", *ROLE)
    assert done.returncode == 3, done.stdout[-3000:] + done.stderr[-3000:]
    said = reasons(done)
    assert set(said) == {"cpu1"}
    assert "cpu1 is the last worker that is up on gw1" in said["cpu1"]
    assert "vllm_restart_anyway" in said["cpu1"]
    assert unit(rack, "cpu1", "MainPID") == before["cpu1"]
    assert unit(rack, "cpu2", "MainPID") != before["cpu2"]
    assert pool(rack) == {"cpu1": "UP", "cpu2": "DRAIN"}
    assert not any(noted(rack, host) for host in WORKERS)


def test_a_gateway_that_cannot_be_asked_stops_nothing(rack: Rack) -> None:
    """The restart that is still due is refused, with the gateway's name, while vLLM serves on."""
    before = unit(rack, "cpu1", "MainPID")
    lab("poweroff", "--name", NAME, "gw1")
    try:
        done = rack.hybridctl("provision", *ROLE)
    finally:
        lab("poweron", "--name", NAME, "gw1")
    assert done.returncode == 3, done.stdout[-3000:] + done.stderr[-3000:]
    assert set(reasons(done)) == {"cpu1"}
    assert "gw1 cannot be reached, so cpu1 cannot be drained there" in reasons(done)["cpu1"]
    assert unit(rack, "cpu1", "MainPID") == before


def test_a_worker_that_dies_drained_is_given_back_by_the_next_run(rack: Rack) -> None:
    """Powered off between drain and token, it stays drained; the plan says so, and the next provision undrains it."""
    there = "test -S /run/haproxy/admin.sock && echo yes || true"
    until(lambda: "yes" in rack.on("gw1", "sh", "-c", there), "HAProxy runs again")
    assert pool(rack)["cpu2"] == "DRAIN"
    says(rack, "set server vllm/cpu2 state ready")
    until(lambda: pool(rack) == dict.fromkeys(WORKERS, "UP"), "both workers are up")
    with subprocess.Popen(
        [BIN / "hybridctl", "provision", "-i", rack.inventory, *ROLE],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        until(lambda: noted(rack, "cpu1") and pool(rack)["cpu1"] == "DRAIN", "cpu1 is drained")
        lab("poweroff", "--name", NAME, "cpu1")
        assert running.wait(300) == 4
    lab("poweron", "--name", NAME, "cpu1")
    until(lambda: unit(rack, "cpu1", "ActiveState") == "active", "vLLM starts again")
    planned = key_set(document(rack.hybridctl("plan", *ROLE))["hosts"])
    assert ("cpu1", "command gateway: Send it requests again", "run") in planned
    done = rack.hybridctl("provision", *ROLE)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert key_set(document(done)["hosts"]) == planned
    assert pool(rack) == dict.fromkeys(WORKERS, "UP")
    assert not noted(rack, "cpu1")
