"""`provision` and `plan` as a user sees them; the play itself is replayed."""

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hybridctl.cli import cli
from hybridctl.cli.summary import say_next
from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.inventory import Host
from hybridctl.rollout import Rollout
from hybridctl.runner import PlayResult, PlayStatus
from hybridctl.site import Site
from hybridctl.testing import FakeRunner, FewHosts, play_start, result_event, stats

Ask = Callable[..., tuple[Result, FakeRunner]]

WRITE = {"changed": True, "diff": {"before": "a\n", "after": "key: sup3r-secret\n", "after_header": "/etc/x"}}
GOOD = (
    play_start("base | every host"),
    result_event("runner_on_ok", "gw1", "Write", WRITE, role="host_base", second=3),
    result_event("runner_on_ok", "cpu1", "Write", WRITE, role="host_base", second=4),
    stats(ok={"gw1": 1, "cpu1": 1}, changed={"gw1": 1, "cpu1": 1}),
)
BAD = (
    play_start("base | every host"),
    result_event("runner_on_failed", "gw1", "Check", {"msg": "disk too small. Take a bigger one."}, role="host_base"),
    result_event("runner_on_unreachable", "cpu1", "Gathering Facts", {"msg": "timed out"}),
    stats(failures={"gw1": 1}, dark={"cpu1": 1}),
)


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command on a site of two hosts whose play is a list of events."""
    hosts = {
        name: Host(name, name, 22, (group,), None, {"vault_key": "sup3r-secret"})
        for name, group in (("gw1", "gateway"), ("cpu1", "vllm_cpu"))
    }
    inventory = FewHosts(hosts, {"all": tuple(hosts), "gateway": ("gw1",)})
    monkeypatch.setattr("hybridctl.site.open_site", lambda _path=None: Site(tmp_path, tmp_path / "inventory", "bank"))
    monkeypatch.setattr("hybridctl.execution.load_inventory", lambda _site: inventory)

    def run(
        *arguments: str, events: Any = GOOD, result: PlayResult | None = None, runner: type[FakeRunner] = FakeRunner
    ) -> tuple[Result, FakeRunner]:
        fake = runner(events, result)
        monkeypatch.setattr("hybridctl.runner.run", fake)
        return CliRunner().invoke(cli, list(arguments)), fake

    return run


def test_a_good_run(ask: Ask) -> None:
    """Exit 0, a line for each host with its counters on stdout, the record and the next command on stderr."""
    result, fake = ask("provision")
    assert result.exit_code == 0, result.output
    assert [line.split()[:3] for line in result.stdout.splitlines()[1:]] == [["gw1", "1", "1"], ["cpu1", "1", "1"]]
    assert "next: hybridctl verify" in result.stderr
    assert "record: " in result.stderr
    assert fake.request is not None
    assert (fake.request.playbook, fake.request.check, fake.request.tags) == ("hybridctl.site.site", False, ())


def test_the_page_lies_beside_the_record(ask: Ask) -> None:
    """report.html is private, named on stderr, masked like the record."""
    result, fake = ask("provision")
    assert fake.request is not None
    page = fake.request.run_dir / "report.html"
    assert "run.log, report.html)" in result.stderr
    assert oct(page.stat().st_mode)[-3:] == "600"
    assert "+key: ********" in page.read_text()
    assert "sup3r-secret" not in page.read_text()


def test_a_page_that_cannot_be_written_costs_a_warning_only(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run keeps its exit code and its record."""

    def full(*_: object) -> None:
        raise HybridctlError("report.html: the page cannot be written: No space left on device")

    monkeypatch.setattr("hybridctl.report.run_page.write_run_page", full)
    result, _ = ask("provision")
    assert result.exit_code == 0
    assert "Warning: report.html: the page cannot be written" in result.stderr
    assert "(events.jsonl, result.json, run.log)" in result.stderr


def test_json_is_one_document(ask: Ask) -> None:
    """With --json stdout is the result document, and equal to result.json."""
    result, fake = ask("provision", "--json")
    assert fake.request is not None
    assert json.loads(result.stdout) == json.loads((fake.request.run_dir / "result.json").read_text())


def test_failed_and_unreachable_hosts_are_named_with_role_task_message_and_remedy(ask: Ask) -> None:
    """Exit 3 when both happen, and each host says why and what to do."""
    result, _ = ask("provision", events=BAD, result=PlayResult(PlayStatus.FINISHED, 2, 1.0))
    assert result.exit_code == 3
    assert "gw1 failed: base, host_base, Check: disk too small. Take a bigger one." in result.stderr
    assert "cpu1 unreachable: base, Gathering Facts: timed out" in result.stderr
    assert "-> is the host up" in result.stderr
    assert "1 of 2 hosts unreachable: cpu1" in result.stderr
    assert "next: hybridctl provision --resume" in result.stderr


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [(PlayStatus.CANCELLED, 130, "interrupted in layer base"), (PlayStatus.BROKEN, 1, "no such role")],
)
def test_a_run_without_an_end(ask: Ask, status: PlayStatus, code: int, word: str) -> None:
    """Interrupted and broken runs say so and are recorded as such."""
    result, fake = ask("provision", events=GOOD[:2], result=PlayResult(status, None, 1.0, "no such role"))
    assert result.exit_code == code
    assert word in result.stderr
    assert fake.request is not None
    assert json.loads((fake.request.run_dir / "result.json").read_text())["exit_code"] == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--limit", "nobody"), "--limit 'nobody' matches no host"),
        (("--layer", "wings"), "--layer wings: there is no such layer"),
    ],
)
def test_what_names_nothing_is_refused_before_anything_runs(ask: Ask, arguments: tuple[str, str], message: str) -> None:
    """Exit 2 with what could have been meant; no run is started or recorded."""
    for command in ("provision", "plan"):
        result, fake = ask(command, *arguments)
        assert result.exit_code == 2
        assert message in result.stderr
        assert "gateway" in result.stderr
        assert fake.request is None


def test_an_invalid_inventory_contacts_nobody(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the validation refuses is never run."""

    def refuse(_site: Site) -> None:
        raise InvalidInput("hosts.yml:3: unknown variable")

    monkeypatch.setattr("hybridctl.execution.load_inventory", refuse)
    result, fake = ask("provision")
    assert result.exit_code == 2
    assert fake.request is None


@pytest.mark.parametrize(("events", "code"), [(GOOD, 0), (BAD, 3)])
def test_a_disk_that_fills_up_loses_no_result(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, events: Any, code: int
) -> None:
    """What came of the hosts is printed with its own exit status; that it could not be recorded is a warning."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Filling(FakeRunner):
        def __call__(self, *arguments: Any) -> PlayResult:
            ended = super().__call__(*arguments)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # from now on nothing more can be written
            return ended

    try:
        result, _ = ask("provision", "--json", events=events, runner=Filling)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.exit_code == code
    assert [host["name"] for host in json.loads(result.stdout)["hosts"]] == ["gw1", "cpu1"]
    assert "Warning: cannot write the record of this run: File too large" in result.stderr


def test_layers_and_check_reach_the_runner(ask: Ask) -> None:
    """--layer becomes tags, with preflight always; --check runs with diff."""
    _, fake = ask("provision", "--check", "--layer", "serving", "--layer", "gateway", "--forks", "3")
    assert fake.request is not None
    assert fake.request.tags == ("preflight", "serving", "gateway")
    assert (fake.request.check, fake.request.diff, fake.request.forks) == (True, True, 3)


def test_batches_budget_and_the_way_on(ask: Ask) -> None:
    """The canary fails: the other host is named as not started, with why, and what to type to go on."""
    failed = (
        play_start("base | every host"),
        result_event("runner_on_failed", "cpu1", "Check", {"msg": "too small"}),
        stats(failures={"cpu1": 1}),
    )
    result, fake = ask("provision", "--canary", "cpu1", "--max-fail", "0", events=failed)
    assert fake.request is not None
    assert fake.request.hosts == ("cpu1",)
    assert result.exit_code == 3
    assert "batch 1 of 2: cpu1" in result.stderr
    assert "1 of 2 hosts not started: gw1" in result.stderr
    assert "1 host failed or could not be reached (cpu1), more than --max-fail 0 allows" in result.stderr
    assert f"next: hybridctl provision --resume {fake.request.run_dir.name}" in result.stderr


def test_resume_goes_on_and_then_has_nothing_left(ask: Ask) -> None:
    """Only the host that failed; afterwards there is nothing to do, exit 0, and nobody is contacted."""
    only_gw1 = (play_start("base | every host"), result_event("runner_on_ok", "gw1", "Write"), stats(ok={"gw1": 1}))
    first, fake = ask("provision", "--limit", "gateway", "--layer", "base", events=BAD[:2])
    assert first.exit_code == 3
    result, fake = ask("provision", "--resume", "latest", "--json", events=only_gw1)
    assert result.exit_code == 0, result.output
    assert fake.request is not None
    assert (fake.request.hosts, fake.request.tags) == (("gw1",), ("preflight", "base"))
    document = json.loads(result.stdout)
    assert document["resumes"] in first.stderr
    assert "left over from run" in result.stderr
    again, fake = ask("provision", "--resume", document["id"], "--json")
    assert (again.exit_code, fake.request) == (0, None)
    assert "has nothing left: all of its hosts ended well" in again.stderr
    assert json.loads(again.stdout)["id"] == document["id"]


def test_forks_of_the_command_line_come_before_those_of_the_resumed_run(ask: Ask) -> None:
    """Otherwise the run's own count."""
    ask("provision", "--forks", "3", events=BAD[:2])
    _, fake = ask("provision", "--resume", "latest", events=BAD[:2])
    assert fake.request is not None
    assert fake.request.forks == 3
    _, fake = ask("provision", "--resume", "latest", "--forks", "20", events=BAD[:2])
    assert fake.request is not None
    assert fake.request.forks == 20


def test_a_remedy_can_be_typed_as_it_stands(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the inventory of the run: named, unless the site folder we are in gives it already."""
    told = "is the host up and its SSH port open? hybridctl doctor{} --limit cpu1"
    assert told.format("") in ask("provision", events=BAD)[0].stderr
    there = Site(tmp_path, tmp_path / "other inventory", "bank")
    here = Site(tmp_path, tmp_path / "inventory", "bank")
    monkeypatch.setattr("hybridctl.site.open_site", lambda path=None: there if path else here)
    result, _ = ask("provision", "-i", "x", events=BAD)
    assert told.format(f" -i '{tmp_path}/other inventory'") in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--batch", "0"), "--batch '0' is not a list of batches"),
        (("--max-fail", "many"), "--max-fail 'many' is not a number of failed hosts"),
        (("--max-fail", "2"), "--max-fail: all hosts begin at once"),
        (("--window", "1-5"), "--window '1-5' is not a window"),
        (("--canary", "x"), "--canary x: it is none of the hosts of this run"),
        (("--canary", "cpu1", "--limit", "gateway"), "--canary cpu1: it is none of the hosts of this run"),
        (("--before-batch", "no-such-program-at-all"), "the hook's program no-such-program-at-all is not there"),
        (("--after-batch", "a 'b"), '--after-batch "a \'b" is not a command'),
        (("--role", "wings"), "--role wings: no layer has such a role"),
        (("--role", "vllm", "--layer", "base"), "--layer base has none of --role vllm"),
        (("--resume", "latest"), "--resume latest: there is no such run"),
        (("--resume", "latest", "--limit", "gw1"), "--limit cannot be given with it"),
        (("--resume", "latest", "--check"), "--check cannot be given with it"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    ask: Ask, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """Exit 2; nothing is run or recorded."""
    result, fake = ask("provision", *arguments)
    assert (result.exit_code, fake.request) == (2, None)
    assert message in result.stderr
    assert not (tmp_path / ".hybridctl").exists()


def test_the_settings_of_the_site_count_unless_it_is_a_check(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of hybridctl.yml; an option comes before them; a check shows all hosts at once."""
    site = Site(tmp_path, tmp_path / "inventory", "bank", rollout=Rollout().over({"batch": "1"}))
    monkeypatch.setattr("hybridctl.site.open_site", lambda _path=None: site)
    assert "batch 1 of 2: gw1" in ask("provision")[0].stderr
    assert "batch" not in ask("provision", "--batch", "100%")[0].stderr
    assert "batch" not in ask("provision", "--check")[0].stderr
    assert "batch 1 of 2: gw1" in ask("provision", "--check", "--batch", "1")[0].stderr


def test_roles_reach_the_runner(ask: Ask) -> None:
    """--role alone, with --layer, and for plan."""
    for command in ("provision", "plan"):
        _, fake = ask(command, "--role", "vllm", "--role", "gateway", "--layer", "serving")
        assert fake.request is not None
        assert fake.request.tags == ("preflight", "role_vllm", "role_gateway")
        assert fake.request.skip_tags == ("base", "gateway", "monitoring")


def test_locks_are_taken_by_provision_and_looked_at_by_plan_and_check(ask: Ask) -> None:
    """Nothing but a provision needs one."""
    for arguments, action in ((["provision"], "take"), (["provision", "--check"], "look"), (["plan"], "look")):
        _, fake = ask(*arguments)
        assert fake.request is not None
        assert fake.request.extra_vars["hybridctl_lock"]["action"] == action


def test_help_shows_examples(ask: Ask) -> None:
    """Of what a change window needs."""
    result, _ = ask("provision", "--help")
    for example in ("--canary cpu1 --batch 1,10%,50% --max-fail 2", "--resume latest", "--window 22:00-05:00"):
        assert example in result.stdout


def test_plan_shows_masked_changes_of_grouped_hosts(ask: Ask) -> None:
    """Layer, role, task and diff of hosts with the same change, once; the secret in the diff is masked."""
    result, fake = ask("plan")
    assert result.exit_code == 0, result.output
    assert fake.request is not None
    assert fake.request.check is True
    assert result.stdout.splitlines()[:3] == [
        "gw1, cpu1: 1 change on each of 2 hosts",
        "  base",
        "    run command host_base: Write  [certain]",
    ]
    assert "+key: ********" in result.stdout
    assert "sup3r-secret" not in result.output
    assert "gw1   1 would change" in result.stdout
    assert "next: hybridctl provision" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("plan",), "next: hybridctl provision\n"),
        (
            ("plan", "-l", "gw1", "--layer", "gateway", "--layer", "base"),
            "next: hybridctl provision --limit gw1 --layer gateway --layer base\n",
        ),
        (
            ("provision", "--check", "-l", "gw1", "--layer", "base"),
            "next: hybridctl provision --limit gw1 --layer base\n",
        ),
        (("provision", "-l", "gw1", "--layer", "base"), "next: hybridctl verify --limit gw1\n"),
        (("plan", "-i", "x y"), "next: hybridctl provision -i "),
    ],
)
def test_the_next_command_is_for_the_same_hosts_and_layers(ask: Ask, arguments: tuple[str, ...], told: str) -> None:
    """What was planned for one host is not provisioned on all by copying a line."""
    result, _ = ask(*arguments)
    assert told in result.stderr


def test_the_next_command_is_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern or a path with what a shell would take for its own."""
    say_next("provision", Path("my site"), "all:!gw1", ["base"])
    assert capsys.readouterr().err == "next: hybridctl provision -i 'my site' --limit 'all:!gw1' --layer base\n"


def test_the_runner_gets_the_hosts_and_not_the_pattern(ask: Ask) -> None:
    """Ansible works in another folder, where an @FILE would be another file; without a limit there is none."""
    _, fake = ask("provision", "--limit", "gateway")
    assert fake.request is not None
    assert fake.request.hosts == ("gw1",)
    _, fake = ask("provision")
    assert fake.request is not None
    assert fake.request.hosts is None


def test_plan_as_json(ask: Ask) -> None:
    """Every host with its list of changes."""
    result, _ = ask("plan", "--json")
    hosts = {host["name"]: host for host in json.loads(result.stdout)["hosts"]}
    assert [change["task"] for change in hosts["gw1"]["changes"]] == ["Write"]
    assert hosts["cpu1"]["planned"] is True


def test_a_host_that_could_not_be_planned(ask: Ask) -> None:
    """Exit 3, and the host says so instead of `nothing to change`."""
    result, _ = ask("plan", events=BAD)
    assert result.exit_code == 3
    assert "gw1   could not be planned (failed)" in result.stdout
    assert "cpu1  could not be planned (unreachable)" in result.stdout
