"""`hybridctl runs` as a user sees it."""

import fcntl
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from recorded_runs import FAILED_RUN, QUIET_RUN, record

from hybridctl.cli import cli
from hybridctl.results import who
from hybridctl.run_history import RunRecord
from hybridctl.testing import Bench, result_event, stats


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A site folder that we stand in."""
    (tmp_path / "hybridctl.yml").write_text("name: bank\ninventory: hosts.yml\n")
    (tmp_path / "hosts.yml").write_text("all: {}\n")
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path)


def ask(*arguments: str) -> Result:
    """Run `hybridctl runs ARGUMENTS`."""
    return CliRunner().invoke(cli, ["runs", *arguments])


def test_the_list(bench: Bench) -> None:
    """Newest first, with who, command, status and numbers of hosts."""
    first, second = record(bench), record(bench, QUIET_RUN, "plan", check=True)
    result = ask("list")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == [second.id, first.id]
    assert [row[4:11] for row in rows] == [
        ["plan", "ok", "2", "2", "0", "0", "0"],
        ["provision", "failed", "2", "1", "2", "1", "0"],
    ]
    assert [row[3] for row in rows] == [first.who, first.who]


def test_the_list_as_json_cut_and_by_host(bench: Bench) -> None:
    """-n cuts, --host picks, --json is one document."""
    record(bench)
    other = record(bench, QUIET_RUN[:0], hosts=("gpu1",))
    last = record(bench)
    newest = json.loads(ask("list", "-n", "1", "--json").stdout)["runs"]
    assert [run["id"] for run in newest] == [last.id]
    assert newest[0]["hosts"] == {"asked": 2, "ok": 1, "changed": 2, "failed": 1, "unreachable": 0}
    of_host = json.loads(ask("list", "--host", "gpu1", "--json").stdout)["runs"]
    assert [run["id"] for run in of_host] == [other.id]
    refused = ask("list", "--host", "gpu2")
    assert refused.exit_code == 2
    assert "-> did you mean gpu1?" in refused.stderr


def test_an_empty_list(bench: Bench) -> None:
    """Exit 0, nothing on stdout, what to type next on stderr; as JSON an empty list."""
    result = ask("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "next: hybridctl plan" in result.stderr
    assert json.loads(ask("list", "--json").stdout)["runs"] == []


def test_show(bench: Bench) -> None:
    """Failure with remedy, seconds by layer, changes with diffs, slowest tasks."""
    record(bench)
    result = ask("show", "latest")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "cpu1 failed: serving, vllm, Unpack: No space left on device" in lines
    assert "  -> free space on cpu1: df -h" in lines
    assert "gw1: 2 changes" in lines
    assert "      +a = 2" in lines
    assert "    host_base : Set (vm.swappiness)" in lines
    assert ["6.0", "s", "gw1", "base", "host_base", ":", "Set"] in [line.split() for line in lines]
    assert next(line for line in lines if line.startswith("host ")).split()[-2:] == ["base", "serving"]


def test_show_of_many_items_is_no_long_line(bench: Bench) -> None:
    """A task that changed many resources has one a line, each with its own diff; a short one stays a line."""
    files = [
        {"kind": "file", "name": f"/etc/a/rather/long/path/{n}", "action": "write", "diff": {"before": "", "after": n}}
        for n in ("one", "two", "three")
    ]
    event = result_event("runner_on_ok", "gw1", "Write", {"changed": True, "resources": files}, role="host_base")
    record(bench, [FAILED_RUN[0], event, stats(ok={"gw1": 1}, changed={"gw1": 1})])
    lines = ask("show", "latest").stdout.splitlines()
    place = lines.index("    host_base : Write")
    assert lines[place + 1] == "      write file /etc/a/rather/long/path/one"
    assert lines[place + 2 : place + 5] == ["        --- now", "        +++ then", "        +one"]
    assert lines[place + 5] == "      write file /etc/a/rather/long/path/two"


def test_show_writes_the_page_too(bench: Bench) -> None:
    """--html FILE beside the text; of one host with --host; a folder that is not there is refused before."""
    record(bench)
    result = ask("show", "latest", "--html", "page.html", "--host", "gw1")
    assert result.exit_code == 0, result.output
    assert "gw1: 2 changes" in result.stdout
    assert "page: page.html" in result.stderr
    page = Path("page.html").read_text()
    assert "gw1: 2 changes" in page
    assert "cpu1" not in page
    refused = ask("show", "latest", "--html", "nowhere/page.html")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "-> mkdir -p nowhere" in refused.stderr


def test_show_one_host_as_json(bench: Bench) -> None:
    """--host leaves the others out of everything."""
    run = record(bench)
    document = json.loads(ask("show", run.id, "--host", "gw1", "--json").stdout)
    assert [host["name"] for host in document["hosts"]] == ["gw1"]
    assert {task["host"] for task in document["slowest"]} == {"gw1"}
    refused = ask("show", run.id, "--host", "gw2")
    assert (refused.exit_code, "-> did you mean gw1?" in refused.stderr) == (2, True)


def test_an_unknown_run_exits_2_with_the_nearest(bench: Bench) -> None:
    """For show and for both runs of diff."""
    run = record(bench)
    for arguments in (("show", "nope"), ("diff", "nope", "latest"), ("diff", "latest", "nope")):
        result = ask(*arguments)
        assert result.exit_code == 2
        assert "there is no run 'nope'" in result.stderr
        assert run.id in result.stderr
        assert result.stdout == ""


def test_a_killed_and_damaged_run_is_shown_with_a_warning(bench: Bench) -> None:
    """What can be read is on stdout, what cannot is named on stderr; exit 0."""
    run = record(bench)
    (run.path / "result.json").write_text('{"status": "run')
    result = ask("show", "latest")
    assert result.exit_code == 0
    assert "ended without a result" in result.stdout
    assert "gw1: 2 changes" in result.stdout
    assert f"Warning: .hybridctl/runs/{run.id}/result.json:1: not JSON" in result.stderr
    listed = ask("list")
    assert "no result" in listed.stdout
    assert "result.json:1: not JSON" in listed.stderr


def test_what_a_host_says_cannot_steer_the_terminal(bench: Bench) -> None:
    """Escape sequences in a message, a task's name or a diff are shown as a mark."""
    wicked = "\x1b]0;pwned\x07\x1b[2J"
    bad = result_event("runner_on_failed", "gw1", f"Task {wicked}", {"msg": f"no {wicked}"})
    record(bench, [FAILED_RUN[0], bad, stats(failures={"gw1": 1})])
    for command in ("show", "diff"):
        result = ask(command, *["latest"] * (1 + (command == "diff")))
        assert result.exit_code == 0
        assert "\x1b" not in result.output
        assert "\x07" not in result.output


def test_a_verification_is_a_run_too(bench: Bench) -> None:
    """Listed as failed; shown with its verdicts by host, and each FAIL with measured, expected and remedy."""
    (bench.root / "hosts.yml").write_text(
        "all:\n  vars: {ansible_connection: local, hybridctl_profile: mine}\n"
        "  children: {monitoring: {hosts: {h1: {ansible_host: 127.0.0.1}}}}\n"
    )
    (bench.root / "profiles").mkdir()
    (bench.root / "profiles/mine.yml").write_text(
        "schema: 1\ntitle: no machine\nexpect:\n"
        "  cpu.threads: {at_least: 1, unit: threads, source: every machine}\n"
        "  memory.total: {at_least: 999999, unit: GiB, source: no machine}\n"
    )
    verified = CliRunner().invoke(cli, ["verify"])
    assert verified.exit_code == 5, verified.output
    assert ask("list").stdout.splitlines()[1].split()[3:10] == [who(), "verify", "failed", "1", "0", "-", "1"]
    lines = ask("show", "latest").stdout.splitlines()
    finding = next(line for line in lines if line.startswith("h1 failed: FAIL memory.total: measured "))
    assert "expected >= 999999 GiB" in finding
    assert lines[lines.index(finding) + 1].startswith("  -> ")
    assert ["h1", "failed", "1", "0", "1", "0"] in [line.split()[:6] for line in lines]


def test_diff(bench: Bench) -> None:
    """What only the first run changed, and the seconds of each layer."""
    a, b = record(bench), record(bench, QUIET_RUN)
    result = ask("diff", a.id, b.id)
    assert result.exit_code == 0, result.output
    assert "changes only in A: 3" in result.stdout.splitlines()
    document = json.loads(ask("diff", a.id, "latest", "--host", "gw1", "--json").stdout)
    assert document["changed"] == {"gw1": {"a": 2, "b": 0}}


def test_the_inventory_selects_the_site(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    """-i works from anywhere, as in the other commands."""
    run = record(bench)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        assert run.id in ask("list", "-i", str(bench.root / "hosts.yml")).stdout
        assert ask("list").exit_code == 2


def test_runs_are_completed(bench: Bench) -> None:
    """Identifiers and `latest` by their beginning; elsewhere than in a site, nothing and no error."""
    run = record(bench)

    def complete(*arguments: str, incomplete: str = "") -> list[str]:
        shell = ShellComplete(cli, {}, "hybridctl", "_HYBRIDCTL_COMPLETE")
        return [item.value for item in shell.get_completions(["runs", *arguments], incomplete)]

    assert complete("show") == ["latest", run.id]
    assert complete("diff", "latest", incomplete="20") == [run.id]
    (bench.root / "hybridctl.yml").write_text("no: such: yaml")
    assert complete("show") == []


def old(bench: Bench, name: str, like: RunRecord, **head: Any) -> str:
    """Put a run of another day beside the recorded ones; return its identifier."""
    shutil.copytree(like.path, bench.root / ".hybridctl/runs" / name)
    file = bench.root / ".hybridctl/runs" / name / "result.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **head}))
    return name


def test_prune_keeps_the_newest_and_the_latest_provision(bench: Bench) -> None:
    """What was removed is named with the bytes freed, what was spared with the reason; the rest can still be read."""
    last = record(bench, QUIET_RUN, "plan", check=True)
    gone = [old(bench, f"20250{month}01T000000Z-0000", last) for month in (3, 1)]
    latest = old(bench, "20250201T000000Z-0000", last, command="provision", check=False)
    gone.append(old(bench, "20240101T000000Z-0000", last, command="provision", check=False))
    (bench.root / ".hybridctl/runs/.pruned-20230101t000000z-0000/x").mkdir(parents=True)  # a prune was killed
    runs = sorted((bench.root / ".hybridctl/runs").iterdir())
    checked = ask("prune", "--keep", "1", "--check")
    assert sorted((bench.root / ".hybridctl/runs").iterdir()) == runs
    assert "3 runs would be removed" in checked.stdout
    pruned = ask("prune", "--keep", "1", "--json")
    assert pruned.exit_code == 0, pruned.output
    document = json.loads(pruned.stdout)
    assert [run["id"] for run in document["removed"]] == gone
    assert document["bytes"] == sum(run["bytes"] for run in document["removed"]) > 3 * 4096
    assert document["kept"] == [{"id": latest, "why": "it is the latest provision: --resume latest takes it"}]
    assert f"kept {latest}: it is the latest provision" in pruned.stderr
    assert sorted(path.name for path in (bench.root / ".hybridctl/runs").iterdir()) == [latest, last.id, "latest"]
    assert [line.split()[0] for line in ask("list").stdout.splitlines()[1:]] == [last.id, latest]
    assert ask("prune", "--keep", "1").stdout == "0 runs removed, freed 0 B\n"


def test_prune_spares_a_run_that_goes_on(bench: Bench) -> None:
    """However old it is; once its process is gone it is a run like any other."""
    name = old(bench, "20240101T000000Z-0000", record(bench))
    with (bench.root / ".hybridctl/runs" / name / "events.jsonl").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as the recorder does
        assert f"kept {name}: it goes on" in ask("prune", "--keep", "1").stderr
    result = ask("prune", "--keep", "1")
    assert result.stdout.splitlines()[0].split()[:3] == [name, "provision", "failed"]
    assert result.stdout.splitlines()[1].startswith("1 run removed, freed ")


def test_prune_by_age_and_what_it_refuses(bench: Bench) -> None:
    """--older-than keeps the younger ones beyond N; nobody removes all runs, or by an age nobody understands."""
    first = record(bench, QUIET_RUN, "plan", check=True)
    record(bench)
    name = old(bench, "20240101T000000Z-0000", first)
    document = json.loads(ask("prune", "--keep", "1", "--older-than", "90d", "--json").stdout)
    assert [run["id"] for run in document["removed"]] == [name]
    for arguments in ((), ("--keep", "0"), ("--keep", "1", "--older-than", "soon")):
        assert ask("prune", *arguments).exit_code == 2
    assert "'soon' is no age" in ask("prune", "--keep", "1", "--older-than", "soon").stderr
    assert first.path.exists()


@pytest.mark.parametrize("name", ["list", "show", "diff", "prune"])
def test_help_with_an_example(name: str) -> None:
    """Each of them says what it does and shows an example."""
    result = ask(name, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
