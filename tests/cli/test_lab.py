"""`hybridctl lab`: what its commands print, where, and how they exit."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from hybridctl.cli import cli
from hybridctl.errors import HybridctlError
from hybridctl.lab import fleet
from hybridctl.lab.fleet import HostStatus, Lab
from hybridctl.lab.spec import LabHost
from hybridctl.lab.state import State, write_state


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*args: str) -> Any:
    """Run `hybridctl lab ARGS`."""
    return CliRunner().invoke(cli, ["lab", *args])


@pytest.mark.parametrize("name", ["up", "status", "exec", "ssh", "poweroff", "poweron", "down"])
def test_every_command_has_help_with_an_example(name: str) -> None:
    """`hybridctl lab COMMAND --help` says what it does and shows an example."""
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"hybridctl lab {name}" in result.stdout.partition("Example")[2]


def test_every_example_of_the_help_can_be_typed() -> None:
    """Its words are options and arguments that the command takes."""
    group = cli.get_command(click.Context(cli), "lab")
    assert isinstance(group, click.Group)
    typed = []
    for command in (group, *group.commands.values()):
        for line in (command.help or "").splitlines():
            words = shlex.split(line) if line.strip().startswith("hybridctl lab ") else []
            if words:
                group.commands[words[2]].make_context(words[2], words[3:])
                typed.append(words[2])
    assert set(typed) == set(group.commands)


def test_up_talks_on_stderr_and_ends_with_the_next_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds and the command to type next come last; stdout stays empty."""
    monkeypatch.setattr(Lab, "up", lambda *_: {"gw1": 1.26, "cpu1": 2.44})
    result = run("up", "--name", "mine")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "2 hosts up in 2.4 s" in result.stderr
    assert result.stderr.splitlines()[-1] == "next: hybridctl provision -i .hybridctl/lab/mine/site/inventory"


def test_up_of_a_lab_that_is_up_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice is harmless, and tells that nothing was started."""
    monkeypatch.setattr(Lab, "up", lambda *_: {})
    result = run("up")
    assert result.exit_code == 0
    assert "lab lab is up: nothing was missing" in result.stderr


def test_up_as_json_is_one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """--json prints name, inventory and seconds on stdout."""
    monkeypatch.setattr(Lab, "up", lambda *_: {"gw1": 1.5})
    assert json.loads(run("up", "--json").stdout) == {
        "name": "lab",
        "inventory": ".hybridctl/lab/lab/site/inventory",
        "seconds": {"gw1": 1.5},
    }


def test_an_error_of_up_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine lacks is exit 1 with a remedy, nothing on stdout."""

    def fail(*_: object) -> None:
        raise HybridctlError("not installed: mmdebstrap", "apt-get install -y mmdebstrap")

    monkeypatch.setattr(Lab, "up", fail)
    result = run("up")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == ["Error: not installed: mmdebstrap", "  -> apt-get install -y mmdebstrap"]


@pytest.mark.parametrize(
    ("begun", "words"),
    [
        (True, ["Error: interrupted: lab mine is partly up", "  -> hybridctl lab down --name mine"]),
        (False, ["Error: interrupted before lab mine was begun", "  -> hybridctl lab up --name mine"]),
    ],
)
def test_an_interrupted_up_says_what_it_leaves(monkeypatch: pytest.MonkeyPatch, begun: bool, words: list[str]) -> None:
    """Ctrl-C is exit 130, with the command that removes what is there, if anything is."""

    def interrupted(lab: Lab, *_: object) -> None:
        if begun:
            lab.folder.mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(Lab, "up", interrupted)
    result = run("up", "--name", "mine")
    assert (result.exit_code, result.stdout, result.stderr.splitlines()) == (130, "", words)


def test_a_bad_fleet_file_exits_2_with_its_line(tmp_path: Path) -> None:
    """A mistake in the fleet file is a usage error, told before anything else is asked."""
    (tmp_path / "f.yml").write_text("hosts:\n  a: {groups: [x]}\n  b: {grops: [x]}\n")
    result = run("up", "--hosts", "f.yml")
    assert result.exit_code == 2
    assert "f.yml:3: unknown key 'grops' of host b (did you mean 'groups'?)" in result.stderr
    assert not (tmp_path / ".hybridctl").exists()


def test_status_shows_every_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table and the document hold address, process and SSH of each host."""
    hosts = [
        HostStatus("gw1", "10.231.0.11", ("gateway",), "running", 42, True),
        HostStatus("cpu1", "10.231.0.12", ("vllm_cpu", "spare"), "stopped", None, False),
    ]
    monkeypatch.setattr(Lab, "status", lambda _: hosts)
    lines = [line.split() for line in run("status").stdout.splitlines()]
    assert lines == [
        ["gw1", "10.231.0.11", "running", "42", "ssh", "answers", "gateway"],
        ["cpu1", "10.231.0.12", "stopped", "-", "no", "ssh", "vllm_cpu,spare"],
    ]
    document = json.loads(run("status", "--json").stdout)
    assert [(h["name"], h["pid"], h["ssh"]) for h in document["hosts"]] == [("gw1", 42, True), ("cpu1", None, False)]


def test_status_of_no_lab_is_empty_and_says_how_to_raise_it() -> None:
    """Without a lab, status is no error: nothing on stdout, the remedy on stderr."""
    result = run("status", "--name", "mine")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "hybridctl lab up --name mine" in result.stderr


@pytest.mark.parametrize("command", [("exec", "gw1", "--", "true"), ("ssh", "gw1"), ("poweroff", "gw1")])
def test_a_host_of_no_lab_is_a_usage_error(command: tuple[str, ...]) -> None:
    """Commands for a host exit 2 and say how to raise the lab."""
    result = run(*command)
    assert result.exit_code == 2
    assert "-> hybridctl lab up --name lab" in result.stderr


@pytest.fixture
def known(tmp_path: Path) -> Lab:
    """A lab that is known here, with one host."""
    lab = Lab("lab", tmp_path)
    lab.folder.mkdir(parents=True)
    write_state(lab.folder, State("10.231.0.0/24", (LabHost("gw1", ("gateway",)),), {"gw1": "10.231.0.11"}))
    return lab


def test_an_unknown_host_names_the_known_ones(known: Lab) -> None:
    """A mistyped host is answered with the hosts there are."""
    result = run("exec", "gw2", "--", "true")
    assert result.exit_code == 2
    assert "has no host 'gw2'" in result.stderr
    assert "its hosts: gw1" in result.stderr


def test_exec_passes_words_and_exit_status_through(known: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words arrive quoted as they were, options among them, and the status is ours."""
    calls: list[list[str]] = []

    def ssh(argv: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(argv)
        return subprocess.CompletedProcess(argv, 7)

    monkeypatch.setattr(subprocess, "run", ssh)
    assert run("exec", "gw1", "--", "ls", "-l", "--", "a b").exit_code == 7
    assert calls[0][-2:] == ["root@10.231.0.11", "ls -l -- 'a b'"]


def test_down_of_no_lab_exits_0_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to do, and nothing stays behind from asking."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(fleet, "cgroup_mount", lambda: tmp_path / "cgroup")
    monkeypatch.setattr("hybridctl.lab.network.is_there", lambda _: False)
    result = run("down", "--name", "mine")
    assert result.exit_code == 0
    assert "there is no lab mine here" in result.stderr
    assert not (tmp_path / ".hybridctl" / "lab" / "mine").exists()


@pytest.mark.parametrize("existed", [True, False])
def test_down_as_json_says_whether_there_was_a_lab(monkeypatch: pytest.MonkeyPatch, existed: bool) -> None:
    """Exit 0 both times; the document tells them apart."""
    monkeypatch.setattr(Lab, "down", lambda _: existed)
    result = run("down", "--name", "mine", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"name": "mine", "existed": existed})
