"""`hybridctl drift` as a user sees it; the play itself is replayed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hybridctl.cli import cli
from hybridctl.inventory import Host
from hybridctl.runner import PlayResult, PlayStatus
from hybridctl.site import Site
from hybridctl.testing import FakeRunner, FewHosts, play_start, result_event, stats

Ask = Callable[..., tuple[Result, FakeRunner]]


def changed(host: str) -> dict[str, Any]:
    """Return the event of a file that a provision would write, its path with a secret in it."""
    wanted = {"changed": True, "dest": "/etc/sup3r-secret/x", "diff": {"before": "sup3r-secret\n", "after": ""}}
    event = result_event("runner_on_ok", host, "Write", wanted, role="host_base")
    event["event_data"]["task_action"] = "ansible.builtin.copy"
    return event


def fine(host: str) -> dict[str, Any]:
    """Return the event of a file that is right."""
    return result_event("runner_on_ok", host, "Write", {"changed": False}, role="host_base")


START = play_start("base | every host")
OK = stats(ok={"gw1": 1, "cpu1": 1})
DRIFTED = (START, changed("gw1"), fine("cpu1"), OK)
CLEAN = (START, fine("gw1"), fine("cpu1"), OK)
DOWN = (
    START,
    fine("gw1"),
    result_event("runner_on_unreachable", "cpu1", "Gathering Facts", {"msg": "timed out"}),
    stats(ok={"gw1": 1}, dark={"cpu1": 1}),
)


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command on a site of two hosts whose play is a list of events."""
    hosts = {name: Host(name, name, 22, ("all",), None, {"vault_key": "sup3r-secret"}) for name in ("gw1", "cpu1")}
    inventory = FewHosts(hosts, {"all": tuple(hosts)})
    (tmp_path / "inventory").mkdir()
    monkeypatch.setattr("hybridctl.site.open_site", lambda _path=None: Site(tmp_path, tmp_path / "inventory", "bank"))
    monkeypatch.setattr("hybridctl.execution.load_inventory", lambda _site: inventory)

    def run(*arguments: str, events: Any = DRIFTED, result: PlayResult | None = None) -> tuple[Result, FakeRunner]:
        fake = FakeRunner(events, result)
        monkeypatch.setattr("hybridctl.runner.run", fake)
        return CliRunner().invoke(cli, list(arguments)), fake

    return run


def test_drift_is_told_host_by_host(ask: Ask) -> None:
    """Exit 7; the host that differs, its resource below, the clean ones counted; a recorded plan, in check mode."""
    result, fake = ask("drift")
    assert result.exit_code == 7, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("gw1: 1 file differs since ")
    assert lines[1].startswith("  file /etc/********/x  to write, since ")
    assert lines[2:] == ["no drift on 1 host"]
    assert "hybridctl plan shows the diffs, hybridctl provision repairs" in result.stderr
    assert fake.request is not None
    assert (fake.request.check, fake.request.diff) == (True, True)
    assert json.loads((fake.request.run_dir / "result.json").read_text())["command"] == "plan"


def test_no_drift(ask: Ask) -> None:
    """Exit 0, one line, no next step."""
    result, _ = ask("drift", events=CLEAN)
    assert (result.exit_code, result.stdout) == (0, "no drift on 2 hosts\n")
    assert "next:" not in result.stderr


def test_a_host_that_is_down_is_unknown(ask: Ask) -> None:
    """Exit 4, named, and not among those without drift."""
    result, _ = ask("drift", events=DOWN)
    assert result.exit_code == 4
    assert result.stdout.splitlines() == [
        "cpu1: unknown, could not be planned (unreachable)",
        "no drift on 1 host",
    ]


def test_an_interrupted_check_calls_nobody_clean(ask: Ask) -> None:
    """Exit 130; both hosts are unknown."""
    result, _ = ask("drift", events=(START,), result=PlayResult(PlayStatus.CANCELLED, None, 1.0))
    assert result.exit_code == 130
    assert "no drift" not in result.stdout
    assert result.stdout.count("unknown, could not be planned") == 2


def test_since_is_kept_from_check_to_check_and_ends_with_a_repair(ask: Ask, tmp_path: Path) -> None:
    """Two checks: the first one's time. A provision that writes the file, and drift again: the last one's."""

    def since() -> str:
        host = next(h for h in json.loads(ask("drift", "--json")[0].stdout)["hosts"] if h["name"] == "gw1")
        return str(host["resources"][0]["since"])

    first = since()
    assert since() == first
    kept = tmp_path / ".hybridctl" / "drift.json"
    # As if that check had been on another day: the times of a record are whole seconds.
    kept.write_text(kept.read_text().replace(first[:10], "2026-01-01"))
    assert since()[:10] == "2026-01-01"
    assert ask("provision")[0].exit_code == 0
    assert since()[:10] == first[:10]


def test_a_damaged_memory_is_a_warning(ask: Ask, tmp_path: Path) -> None:
    """Named on stderr and in the JSON; the check itself stands."""
    ask("drift")
    (tmp_path / ".hybridctl" / "drift.json").write_text("{")
    result, _ = ask("drift", "--json")
    assert result.exit_code == 7
    assert "Warning:" in result.stderr
    assert "drift.json:1: not JSON" in result.stderr
    assert "started anew" in json.loads(result.stdout)["remark"]


def test_the_textfile(ask: Ask, tmp_path: Path) -> None:
    """Written beside the report; the secret is in none of what was written or said."""
    path = tmp_path / "drift.prom"
    result, fake = ask("drift", "--textfile", str(path))
    assert result.exit_code == 7
    text = path.read_text()
    assert 'hybridctl_drift_resources{site="bank",host="gw1",kind="file"} 1\n' in text
    assert 'hybridctl_drift_host_planned{site="bank",host="cpu1"} 1\n' in text
    assert fake.request is not None
    for place in (path, tmp_path / ".hybridctl" / "drift.json", fake.request.run_dir / "events.jsonl"):
        assert "sup3r-secret" not in place.read_text()
    assert "sup3r-secret" not in result.output


def test_a_bad_textfile_contacts_nobody(ask: Ask, tmp_path: Path) -> None:
    """Exit 2 before anything runs."""
    for name, word in (("x.txt", "*.prom only"), ("no/x.prom", "not there")):
        result, fake = ask("drift", "--textfile", str(tmp_path / name))
        assert result.exit_code == 2
        assert word in result.stderr
        assert fake.request is None


@pytest.mark.parametrize("arguments", [("--limit", "nobody"), ("--layer", "wings")])
def test_what_names_nothing_is_refused(ask: Ask, arguments: tuple[str, str]) -> None:
    """Exit 2; no run is started."""
    result, fake = ask("drift", *arguments)
    assert result.exit_code == 2
    assert fake.request is None


def test_layer_and_limit_reach_the_runner(ask: Ask) -> None:
    """As with plan."""
    _, fake = ask("drift", "--layer", "base", "--limit", "gw1")
    assert fake.request is not None
    assert (fake.request.tags, fake.request.limit) == (("preflight", "base"), "gw1")


def test_timer_show_prints_both_files(ask: Ask, tmp_path: Path) -> None:
    """Where they would lie, and what is in them; nothing is contacted or written."""
    metrics = tmp_path / "drift.prom"
    result, fake = ask("drift", "timer", "show", "--every", "15min", "--textfile", str(metrics))
    assert result.exit_code == 0, result.output
    assert "# /etc/systemd/system/hybridctl-drift-bank.service\n" in result.stdout
    assert "OnCalendar=*-*-* *:00/15:00 UTC\n" in result.stdout
    assert f"drift --inventory {tmp_path}/inventory --textfile {metrics}\n" in result.stdout
    program = next(line for line in result.stdout.splitlines() if line.startswith("ExecStart=")).split()[0]
    assert Path(program.removeprefix("ExecStart=")).name == "hybridctl"
    assert fake.request is None
    assert list(tmp_path.iterdir()) == [tmp_path / "inventory"]


@pytest.mark.parametrize("act", ["show", "install"])
@pytest.mark.parametrize(
    ("option", "value", "told", "allowed"),
    [("--every", "7min", "--every 7min", "15min"), ("--textfile", "x.txt", "reads *.prom only", "x.prom")],
)
def test_no_timer_that_could_not_run(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, act: str, option: str, value: str, told: str, allowed: str
) -> None:
    """Exit 2, and what is allowed; what install refuses is not shown either."""
    from hybridctl.timers import control

    monkeypatch.setattr(control, "require_control", lambda _kind: None)
    result, _ = ask("drift", "timer", act, option, value)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert allowed in result.stderr


@pytest.mark.parametrize("act", ["install", "remove"])
def test_the_timer_wants_systemd(ask: Ask, act: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine whose PID 1 is something else: exit 2, with another way to go."""
    from hybridctl.timers import control

    real = control.require_control
    monkeypatch.setattr(control, "require_control", lambda kind: real(kind, tmp_path / "not-booted"))
    result, _ = ask("drift", "timer", act)
    assert result.exit_code == 2
    assert "does not run systemd" in result.stderr


def test_options_in_front_of_timer_are_refused(ask: Ask) -> None:
    """Nobody would read them: exit 2 instead of a timer without them."""
    result, _ = ask("drift", "--textfile", "x.prom", "timer", "show")
    assert result.exit_code == 2
    assert "come last" in result.stderr
