"""The whole path on real hosts, in the order of a user's day; one rack serves all tests here."""

import json
import re
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest
from clients import Clients
from drifts import DRIFTS
from host_checksum import checksums, differences
from rack import BIN, NAME, ROOT, Rack, document, lab

from hybridctl.changes import key_set

pytestmark = pytest.mark.lab

HOSTS = {"gw1", "cpu1", "cpu2", "mon1"}


def recap(output: str) -> dict[str, dict[str, int]]:
    """Read ansible-playbook's PLAY RECAP: host -> counter -> number."""
    lines = re.findall(r"^(\S+)\s+: (ok=.*)$", output.rpartition("PLAY RECAP")[2], re.MULTILINE)
    return {host: {key: int(number) for key, number in re.findall(r"(\w+)=(\d+)", rest)} for host, rest in lines}


def assert_nothing_changed(output: str) -> None:
    """Every host of the rack was reached by a plain ansible-playbook run, and none changed or failed."""
    counters = recap(output)
    assert set(counters) == HOSTS, output[-3000:]
    for host, counts in counters.items():
        trouble = {key: counts[key] for key in ("changed", "failed", "unreachable") if counts[key]}
        assert not trouble, (host, output[-3000:])
        assert counts["ok"] > 0


def test_the_demo_got_a_completion_and_a_stream(rack: Rack) -> None:
    """vLLM answered through the gateway in one piece and in chunks, and not without a key."""
    assert re.search(r"completion \(16 tokens\): '.+'", rack.demo)
    assert re.search(r"stream \(\d+ chunks, then \[DONE\]\)", rack.demo)
    assert "without a key: 401" in rack.demo


def test_the_demo_provisioned_twice_and_the_second_time_changed_nothing(rack: Rack) -> None:
    """Every host shows changed=0 in the second run."""
    assert set(re.findall(r"^(\w+): ok=\d+ changed=0$", rack.demo, re.MULTILINE)) == HOSTS


def test_the_plan_of_fresh_hosts_was_what_provision_did(rack: Rack) -> None:
    """The demo's first plan and the provision after it name the same (host, resource, action), of every role."""
    runs = sorted(path for path in (rack.site / ".hybridctl" / "runs").iterdir() if not path.is_symlink())
    documents = [json.loads((run / "result.json").read_text()) for run in runs if (run / "result.json").exists()]
    first = {command: next(d for d in documents if d.get("command") == command) for command in ("plan", "provision")}
    planned, made = (key_set(first[command]["hosts"]) for command in ("plan", "provision"))
    assert planned - made == set(), "planned, not made"
    assert made - planned == set(), "made, not planned"
    roles = {change["role"] for host in first["plan"]["hosts"] for change in host["changes"]}
    assert {"host_base", "model_store", "vllm", "gateway", "node_telemetry"} <= roles


def everything(rack: Rack) -> dict[str, str]:
    """Return host and path -> checksum of everything on all hosts; of vLLM's 60,000 files by their time of change."""
    folders = rack.site.parent / "hosts"
    return {f"{h}:{path}": entry for h in HOSTS for path, entry in checksums(folders / h, "/opt/vllm/*").items()}


def test_plan_of_a_provisioned_rack_is_empty_and_leaves_no_trace(rack: Rack) -> None:
    """Check mode finds nothing to do on a host that is as it should be, and leaves it so, serving workers too."""
    before = everything(rack)
    done = rack.hybridctl("plan", "--json")
    assert any(path.startswith("cpu1:/opt/vllm/") for path in before)
    assert differences(before, everything(rack)) == []
    assert done.returncode == 0, done.stderr[-3000:]
    assert {host["name"]: host["changes"] for host in document(done)["hosts"]} == {host: [] for host in HOSTS}


def test_a_drifted_file_is_planned_and_repaired(rack: Rack) -> None:
    """A file changed by hand shows in the plan with its host, and the next provision puts it back."""
    rack.on("mon1", "sh", "-c", "echo drift >> /etc/sysctl.d/60-hybridctl.conf")
    planned = {h["name"] for h in document(rack.hybridctl("plan", "--json"))["hosts"] if h["changes"]}
    assert planned == {"mon1"}
    done = rack.hybridctl("provision", "--layer", "base", "--limit", "mon1", "--json")
    assert done.returncode == 0, done.stderr[-3000:]
    assert document(done)["hosts"][0]["changed"] >= 1
    assert "drift" not in rack.on("mon1", "cat", "/etc/sysctl.d/60-hybridctl.conf")


def test_drift_of_worker_and_gateway_is_planned_and_repaired(rack: Rack) -> None:
    """Kinds of drift that only these hosts have: exactly they are named, and provision does exactly that."""
    hosts = {"vllm_cpu": "cpu1", "gateway": "gw1"}
    drifts = [drift for drift in DRIFTS if drift.group in hosts]
    assert {drift.group for drift in drifts} == set(hosts)
    for drift in drifts:
        rack.on(hosts[drift.group], "sh", "-c", drift.command)
    part = ("--limit", "cpu1,gw1", "--layer", "serving", "--layer", "gateway", "--json")
    planned = key_set(document(rack.hybridctl("plan", *part))["hosts"])
    assert planned == {(hosts[drift.group], *one) for drift in drifts for one in drift.expected}
    done = rack.hybridctl("provision", *part)
    assert done.returncode == 0, done.stderr[-3000:]
    assert key_set(document(done)["hosts"]) == planned
    for drift in drifts:
        rack.on(hosts[drift.group], "sh", "-c", drift.check)


def test_plain_ansible_playbook_from_the_checkout(rack: Rack) -> None:
    """The roles need no CLI of ours."""
    done = rack.playbook("playbooks/site.yml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert_nothing_changed(done.stdout)


def test_the_wheel_works_without_the_checkout(rack: Rack, tmp_path: Path) -> None:
    """Installed in a fresh environment, the wheel brings its CLI and its collection."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
    )
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    minor = "py311" if sys.version_info < (3, 12) else "py312"
    # The lock without its hashes: a constraint with hashes would want one of the wheel itself.
    pinned = re.sub(r"\s*\\\n\s+--hash=\S+", "", (ROOT / "requirements" / f"{minor}.txt").read_text())
    (tmp_path / "constraints.txt").write_text(pinned)
    wheel = next(tmp_path.glob("*.whl"))
    pip: list[str | Path] = [home / "bin" / "pip", "install", "--quiet", "--constraint", "constraints.txt", wheel]
    subprocess.run(pip, check=True, cwd=tmp_path)
    environment = {"PATH": f"{home}/bin:/usr/bin:/bin", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}

    def out(*argv: str | Path) -> str:
        done = subprocess.run(
            argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    content = out("hybridctl", "collection").strip()
    assert content.startswith(str(home))
    out("hybridctl", "init", "mysite")
    assert (tmp_path / "mysite" / "hybridctl.yml").exists()
    out("hybridctl", "verify", "-i", rack.inventory)
    environment["ANSIBLE_COLLECTIONS_PATH"] = content
    environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(rack.site / ".vault-password")
    assert_nothing_changed(out("ansible-playbook", "-i", rack.inventory, "hybridctl.site.site"))


def test_a_worker_is_drained_and_restarted_while_clients_ask(rack: Rack) -> None:
    """Not one of the requests of two looping clients fails, plain or streamed, and the worker was really restarted."""
    before = rack.on("cpu1", "systemctl", "show", "--property=MainPID", "--value", "vllm.service")
    with Clients(rack) as clients:
        done = rack.playbook("playbooks/adhoc/restart_worker.yml", "-e", "worker=cpu1")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert rack.on("cpu1", "systemctl", "show", "--property=MainPID", "--value", "vllm.service") != before
    # The probe must not take the restart for a failure.
    assert "restarting" not in rack.on("cpu1", "journalctl", "--no-pager", "--unit=vllm-probe.service")
    sys.stderr.write(f"requests sent {clients.sent}, failed {len(clients.failures)}, by worker {clients.workers}\n")
    assert clients.failures == []
    assert clients.sent > 20
    assert clients.workers["cpu2"] > 0


def test_both_workers_get_requests(rack: Rack) -> None:
    """With both in the pool, each answers some of forty requests."""
    with Clients(rack, limit=40) as clients:
        clients.join()
    assert clients.failures == []
    assert set(clients.workers) == {"cpu1", "cpu2"}


def test_a_stopped_service_fails_verification(rack: Rack) -> None:
    """verify exits 5 and names the host and the unit; once it runs again, 0."""
    rack.on("mon1", "systemctl", "stop", "prometheus-node-exporter")
    done = rack.hybridctl("verify", "--json")
    rack.on("mon1", "systemctl", "start", "prometheus-node-exporter")
    assert done.returncode == 5, done.stdout[-3000:] + done.stderr[-3000:]
    failed = [
        (host["name"], check["id"], check["measured"])
        for host in document(done)["hosts"]
        for check in host["checks"]
        if check["verdict"] == "FAIL"
    ]
    assert {name for name, *_ in failed} == {"mon1"}, failed
    after = rack.hybridctl("verify")
    assert after.returncode == 0, after.stdout[-3000:]


def test_unreadable_evidence_is_unknown(rack: Rack) -> None:
    """verify exits 6 when a check could not be measured: never PASS, never FAIL."""
    rack.on("mon1", "chmod", "-x", "/usr/bin/dpkg-query")
    done = rack.hybridctl("verify", "--json")
    rack.on("mon1", "chmod", "+x", "/usr/bin/dpkg-query")
    assert done.returncode == 6, done.stdout[-3000:] + done.stderr[-3000:]
    unknown = {
        host["name"] for host in document(done)["hosts"] for check in host["checks"] if check["verdict"] == "UNKNOWN"
    }
    assert unknown == {"mon1"}


def test_a_host_powered_off_during_provision(rack: Rack) -> None:
    """The others finish, the dead one is named, exit 4; verify then exits 4 as well."""
    with subprocess.Popen(
        [BIN / "hybridctl", "provision", "-i", rack.inventory, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "base" in line:
                break
        lab("poweroff", "--name", NAME, "mon1")
        stdout, stderr = running.communicate(timeout=900)
    assert running.returncode == 4, stderr[-3000:]
    assert "mon1" in stderr
    done = subprocess.CompletedProcess(running.args, running.returncode, stdout, stderr)
    by_name = {host["name"]: host for host in document(done)["hosts"]}
    assert set(by_name) == HOSTS
    assert {name for name, host in by_name.items() if host["unreachable"]} == {"mon1"}
    assert all(by_name[name]["ok"] > 0 and not by_name[name]["failed"] for name in HOSTS - {"mon1"})

    judged = rack.hybridctl("verify", "--json")
    assert judged.returncode == 4
    assert document(judged)["unreachable"] == ["mon1"]

    lab("poweron", "--name", NAME, "mon1")
    started = time.monotonic()
    while rack.hybridctl("verify", "--limit", "mon1").returncode != 0:
        assert time.monotonic() - started < 120
