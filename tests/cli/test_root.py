"""The root command: its help, its errors, completion."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from hybridctl.cli import COMMANDS, cli
from hybridctl.errors import InvalidInput


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    """`hybridctl COMMAND --help` says what it does and shows an example."""
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.output


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
