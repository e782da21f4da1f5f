"""A run from end to end through the real Ansible: what is recorded, what is judged, and that no secret is anywhere."""

import base64
import json
import stat
import subprocess
from pathlib import Path

import jsonschema
import pytest

import hybridctl
from hybridctl.cli.progress import PlainProgress
from hybridctl.cli.summary import host_table, say_result
from hybridctl.errors import ExitCode
from hybridctl.events import HostState
from hybridctl.execution import execute
from hybridctl.planning import Plan
from hybridctl.testing import DEAD, LOCAL, Bench, play

CANARY = "C4n4ry/s3cret+value-in-vault"
SCHEMA = json.loads((Path(hybridctl.__file__).parent / "data" / "run-result.schema.json").read_text())


def test_no_secret_is_written_or_shown(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    """A canary in a debug, a failure, a diff, an item label, a task name and in base64 is nowhere in any output."""
    hosts = {"a": {**LOCAL, "vault_canary": CANARY}}
    target = bench.root / "written"
    tasks = [
        {"name": "Debug", "ansible.builtin.debug": {"msg": "key {{ vault_canary }} {{ vault_canary | b64encode }}"}},
        {"name": "Basic", "ansible.builtin.debug": {"msg": "{{ ('me:' ~ vault_canary) | b64encode }}"}},
        {"name": "Json", "ansible.builtin.debug": {"msg": "{{ {'k': vault_canary} | to_json | to_json }}"}},
        {"name": "Items {{ vault_canary }}", "ansible.builtin.debug": {"msg": "hi"}, "loop": ["x {{ vault_canary }}"]},
        {"name": "Diff", "ansible.builtin.copy": {"content": "k={{ vault_canary }}", "dest": str(target),
                                                   "mode": "0600"}},
        {"name": "Ignored", "ansible.builtin.command": {"argv": ["sh", "-c", "echo {{ vault_canary }} >&2; exit 3"]},
         "ignore_errors": True},
        {"name": "Fail", "ansible.builtin.fail": {"msg": "bad {{ vault_canary }}"}},
    ]  # fmt: skip
    with PlainProgress(verbose=True) as progress:
        result = execute(bench(hosts, [play(*tasks)], diff=True), "provision", [progress])
    say_result(result)
    print(host_table(result), json.dumps(Plan.of(result).document()))  # noqa: T201 - it is what is searched
    assert target.read_text() == f"k={CANARY}", "the play itself must have had the secret"
    shown = capfd.readouterr()
    files = [path for path in (bench.root / ".hybridctl").rglob("*") if path.is_file()]
    texts = {"stdout": shown.out, "stderr": shown.err, **{str(path): path.read_text() for path in files}}
    assert len(texts) >= 5
    assert "bad ********" in texts["stderr"]
    assert any("********" in line for change in Plan.of(result).changes["a"] for line in change.diff)
    needles = [CANARY, CANARY[4:], base64.b64encode(CANARY.encode()).decode()[:20]]
    needles.append(base64.b64encode(b"me:" + CANARY.encode()).decode()[8:28])
    assert not [(name, needle) for name, text in texts.items() for needle in needles if needle in text]


def test_the_record_of_a_run(bench: Bench) -> None:
    """result.json obeys its schema, folders are private, latest names the run, each event is a line of JSON."""
    write = {"name": "Write", "ansible.builtin.copy": {"content": "x", "dest": str(bench.root / "f"), "mode": "0600"}}
    hosts = {"a": LOCAL, "dead": DEAD}
    result = execute(bench(hosts, [play({"name": "Ping", "ansible.builtin.ping": {}}, write)]), "provision")
    assert result.exit_code is ExitCode.HOST_UNREACHABLE
    stored = json.loads((result.path / "result.json").read_text())
    assert stored == result.document
    jsonschema.validate(stored, SCHEMA)
    assert (stored["asked"], stored["judged"], stored["status"]) == (2, 2, "unreachable")
    assert [host["changed"] for host in stored["hosts"]] == [1, 0]
    assert (bench.root / ".hybridctl/runs/latest").resolve() == result.path.resolve()
    assert stat.S_IMODE(result.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in result.path.iterdir()} == {0o600}
    events = [json.loads(line) for line in (result.path / "events.jsonl").read_text().splitlines()]
    assert {event["kind"] for event in events} >= {"play", "start", "ok", "changed", "unreachable", "stats"}
    assert "base a changed Write" in (result.path / "run.log").read_text()


def test_a_failed_host_weighs_more_than_an_unreachable_one(bench: Bench) -> None:
    """Both at once: exit 3, both named, and the healthy host finished all of its tasks."""
    fail = {"name": "Break", "ansible.builtin.fail": {"msg": "no"}, "when": "inventory_hostname == 'bad'"}
    last = {"name": "Last", "ansible.builtin.ping": {}}
    hosts = {"good": LOCAL, "bad": LOCAL, "dead": DEAD}
    result = execute(bench(hosts, [play({"ansible.builtin.ping": {}}, fail, last)]), "provision")
    assert result.exit_code is ExitCode.HOST_FAILED
    assert (result.named(HostState.FAILED), result.named(HostState.UNREACHABLE)) == (["bad"], ["dead"])
    assert result.hosts[0].ok == 2


def test_check_mode_plans_and_changes_nothing(bench: Bench) -> None:
    """The plan lists the task with its diff, hosts with the same change together, and the file is not written."""
    target = bench.root / "f"
    write = {"name": "Write", "ansible.builtin.copy": {"content": "new\n", "dest": str(target), "mode": "0600"}}
    execution = bench({"a": LOCAL, "b": LOCAL}, [play(write)], check=True, diff=True)
    plan = Plan.of(execute(execution, "plan"))
    assert not target.exists()
    (group,) = plan.grouped()
    assert group.hosts == ("a", "b")
    ((change, others),) = group.changes
    assert (change.task, others) == ("Write", 0)
    assert "+new" in change.diff
    assert plan.document()["hosts"][0]["planned"] is True


def test_layers_are_tags(bench: Bench) -> None:
    """Only the layer asked for and preflight run; a host of another layer has nothing to do, and that is no failure."""
    ping = {"ansible.builtin.ping": {}}
    plays = [play(ping, layer="base", hosts="a"), play(ping, layer="gateway", hosts="b")]
    result = execute(bench({"a": LOCAL, "b": LOCAL}, plays, layers=("base",)), "provision")
    assert result.exit_code is ExitCode.OK
    assert [host.state for host in result.hosts] == [HostState.OK, HostState.NOTHING_TO_DO]
    assert "gateway" not in (result.path / "run.log").read_text()


def test_a_vaulted_site_opens_with_its_password_file(bench: Bench) -> None:
    """The password goes to Ansible as a file and is itself a secret of the run."""
    password = bench.root / ".vault-password"
    password.write_text("open-sesame-vault\n")
    secret = subprocess.run(
        ["ansible-vault", "encrypt_string", "--vault-password-file", password, CANARY],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    execution = bench({"a": LOCAL}, [play({"ansible.builtin.assert": {"that": "vault_canary | length == 28"}})])
    (bench.root / "group_vars").mkdir()
    (bench.root / "group_vars" / "all.yml").write_text(f"vault_canary: {secret}")
    from dataclasses import replace

    opened = replace(execution, site=replace(execution.site, vault_password_file=password))
    assert execute(opened, "provision").exit_code is ExitCode.OK
    assert opened.redactor().text("open-sesame-vault") == "********"
