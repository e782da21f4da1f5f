"""The root command: its help, its errors, completion."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from hybridctl.checks import CATALOGUE, TOPICS
from hybridctl.cli import cli
from hybridctl.cli.options import json_option
from hybridctl.errors import InvalidInput
from hybridctl.layers import known_layers

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SITE_OF_THE_LAB = ".hybridctl/lab/lab/site/inventory"  # what `hybridctl lab up` makes


def leaves(group: click.Group = cli, *path: str) -> Iterator[tuple[str, ...]]:
    """Yield every command there is, those of groups too, as the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield (*path, name)
        if isinstance(found, click.Group):
            yield from leaves(found, *path, name)


def examples(text: str) -> list[list[str]]:
    """Return the calls of hybridctl in a text, as words, without what a shell does with them."""
    calls = []
    for line in text.splitlines():
        call = re.match(r"\s*hybridctl ([a-z].*)", line)
        if call:
            lexer = shlex.shlex(call[1].split(" #")[0], posix=True, punctuation_chars=";|>&")
            lexer.whitespace_split = True
            words = list(lexer)
            ends = [place for place, word in enumerate(words) if word in ("|", ">", "&&", ";")]
            calls.append(words[: ends[0]] if ends else words)
    return calls


def parsed(words: list[str]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Parse a call as click would, without running it; return the command and its options."""
    at, path, rest = click.Context(cli, info_name="hybridctl"), (), list(words)
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(at, rest[0]) if rest else None
        if found is None and command.invoke_without_command:
            break
        assert found is not None, f"there is no command {rest}"
        command, path = found, (*path, rest.pop(0))
        if rest or not isinstance(command, click.Group) or command.invoke_without_command:
            with command.make_context(path[-1], list(rest), parent=at) as context:
                at, options = context, context.params
    return path, options


@pytest.mark.parametrize("path", list(leaves()), ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(path: tuple[str, ...]) -> None:
    """`hybridctl COMMAND --help` says what it does, names its options and shows a call of this very command."""
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    assert f"hybridctl {' '.join(path)}" in result.output.partition("Example:")[2]


@pytest.mark.parametrize(
    "words",
    [words for path in leaves() for words in examples(CliRunner().invoke(cli, [*path, "--help"]).output)]
    + [words for document in DOCUMENTS for words in examples(document.read_text(encoding="utf-8"))],
    ids=" ".join,
)
def test_every_example_can_be_typed(words: list[str]) -> None:
    """Its command and options exist, its layers and checks too, and its inventory is one that we make."""
    _, options = parsed(words)
    assert set(options.get("layers") or ()) <= set(known_layers())
    assert set(options.get("only") or ()) <= {*CATALOGUE, *TOPICS}
    assert options.get("inventory") in (None, Path(SITE_OF_THE_LAB))


@pytest.mark.parametrize(
    "line", ["hybridctl provison", "hybridctl plan --layers base", "hybridctl lab raise", "hybridctl lab exec"]
)
def test_an_example_that_cannot_be_typed_is_found(line: str) -> None:
    """The test above can fail."""
    (words,) = examples(line)
    with pytest.raises((AssertionError, click.UsageError)):
        parsed(words)


def test_help_imports_nothing_slow() -> None:
    """`hybridctl --help` stays quick: no Ansible, testinfra, pydantic or rich is imported for it."""
    code = (
        "import sys; from click.testing import CliRunner; from hybridctl.cli import cli;"
        "CliRunner().invoke(cli, ['--help']);"
        "slow = {'ansible', 'ansible_runner', 'testinfra', 'pydantic', 'rich'};"
        "print(sorted({m.split('.')[0] for m in sys.modules} & slow))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_error_names_the_remedy_and_sets_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our errors become a message, a hint and an exit status; stdout stays empty."""

    @click.command()
    def broken() -> None:
        raise InvalidInput("hosts.yml:3: no such group", "name one of: gateway")

    monkeypatch.setattr("hybridctl.cli.collection.command", broken)
    result = CliRunner().invoke(cli, ["collection"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "hosts.yml:3: no such group" in result.stderr
    assert "-> name one of: gateway" in result.stderr


def failing(error: BaseException) -> click.Command:
    """A command that takes --json and fails so."""

    @click.command()
    @json_option
    def broken(as_json: bool) -> None:
        raise error

    return broken


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (RuntimeError("boom\nthere"), 1, "Error: hybridctl itself broke, the fault is ours: RuntimeError: boom there"),
        (ValueError("https://me:pw1234@host"), 1, "ValueError: https://********@host"),
        (OSError(28, "No space left on device", "/dev/full"), 1, "Error: /dev/full: No space left on device"),
        (OSError("no file in it"), 1, "OSError: no file in it"),
        (KeyboardInterrupt(), 130, "Error: interrupted"),
    ],
)
def test_what_nobody_foresaw_is_a_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, told: str
) -> None:
    """No traceback unless HYBRIDCTL_DEBUG asks for it; a file that failed is named first; Ctrl-C is 130."""
    monkeypatch.delenv("HYBRIDCTL_DEBUG", raising=False)
    monkeypatch.setattr("hybridctl.cli.collection.command", failing(error))
    result = CliRunner().invoke(cli, ["collection"])
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert ("HYBRIDCTL_DEBUG=1" in result.stderr) == (code == 1)
    debugged = CliRunner().invoke(cli, ["collection"], env={"HYBRIDCTL_DEBUG": "1"})
    assert ("Traceback" in debugged.stderr) == (code == 1)


@pytest.mark.parametrize(
    ("arguments", "environment", "is_json"),
    [
        (["--json"], {}, True),
        ([], {"HYBRIDCTL_JSON": "1"}, True),
        ([], {}, False),
        ([], {"HYBRIDCTL_JSON": "0"}, False),
    ],
)
def test_an_error_is_json_when_json_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], environment: dict[str, str], is_json: bool
) -> None:
    """By flag or by variable; our own process's arguments say nothing about it."""
    monkeypatch.setattr("hybridctl.cli.collection.command", failing(InvalidInput("wrong", "right")))
    monkeypatch.setattr("sys.argv", ["pytest"] if is_json else ["pytest", "--json"])
    result = CliRunner().invoke(cli, ["collection", *arguments], env=environment)
    assert result.exit_code == 2
    said = json.loads(result.stdout) if is_json else result.stdout
    assert said == ({"error": {"message": "wrong", "hint": "right", "exit_code": 2}} if is_json else "")


SLOW = """#!/bin/sh
touch asked
exec sleep 60
"""


@pytest.mark.parametrize("command", ["doctor", "plan", "provision", "verify"])
def test_ctrl_c_while_the_inventory_is_read(tmp_path: Path, command: str) -> None:
    """130, and nothing was contacted; a slow inventory program does not turn it into a fault of ours."""
    (tmp_path / "hybridctl.yml").write_text("inventory: slow\n")
    (tmp_path / "slow").write_text(SLOW)
    (tmp_path / "slow").chmod(0o755)
    argv = [sys.executable, "-m", "hybridctl", command]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(argv, cwd=tmp_path, text=True, start_new_session=True, **streams) as running:
        while not (tmp_path / "asked").exists():
            assert running.poll() is None
            time.sleep(0.05)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does it
        _, said = running.communicate()
    assert running.returncode == 130
    assert "interrupted: nothing was contacted" in said
    assert "Traceback" not in said


def test_a_reader_that_goes_away_is_no_error() -> None:
    """`hybridctl ... | head -1` ends quietly."""
    reading, writing = os.pipe()
    os.close(reading)  # gone before the first line
    argv = [sys.executable, "-m", "hybridctl", "verify", "--list"]
    try:
        done = subprocess.run(argv, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writing)
    assert done.stderr == ""


def test_an_unknown_command_is_a_usage_error() -> None:
    """A mistyped command exits 2 and says so."""
    result = CliRunner().invoke(cli, ["provison"])
    assert result.exit_code == 2
    assert "provison" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_us_back(shell: str) -> None:
    """The script for each shell names our completion variable."""
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert "_HYBRIDCTL_COMPLETE" in result.stdout
