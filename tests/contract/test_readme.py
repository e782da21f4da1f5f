"""What README and CONTRIBUTING say to type works as typed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hybridctl.cli import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLACE = "/srv/site"  # where the README's site lies


def lines(document: str, program: str) -> list[str]:
    """Return the lines of a document's code blocks that start with `program`."""
    blocks = re.findall(r"^```\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith(program)]


def typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Type a line into a fresh shell in the folder, with our commands on its PATH and none of our settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "HYBRIDCTL_"))}
    return subprocess.run(
        ["bash", "-ec", line],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**environment, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site that the README's own line makes, elsewhere."""
    folder = tmp_path_factory.mktemp("readme") / "site"
    (init,) = lines(README, "hybridctl init ")
    done = typed(init.replace(PLACE, str(folder)), ROOT)
    assert done.returncode == 0, done.stderr
    return folder


PLAYBOOKS = lines(README, "ansible-playbook ")


def test_there_are_lines_to_try() -> None:
    """The collection's two and the checkout's one."""
    assert len(PLAYBOOKS) == 3


@pytest.mark.parametrize("line", PLAYBOOKS)
def test_plain_ansible_takes_a_new_site(site: Path, line: str) -> None:
    """Each line finds its playbook, opens the vault and reads the hosts' variables; no task has the tag `none`."""
    (export,) = lines(README, "export ANSIBLE_COLLECTIONS_PATH=")
    ours = "playbooks/" in line
    typing = line.replace(PLACE, str(site)) if ours else f"{export}\n{line}"
    done = typed(f"{typing} --tags none", ROOT if ours else site)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "PLAY RECAP" in done.stdout


def test_the_vault_is_what_the_lines_need_a_password_for(site: Path) -> None:
    """The same line without the password file fails: the test above would see it missing."""
    (export,) = lines(README, "export ANSIBLE_COLLECTIONS_PATH=")
    bare = PLAYBOOKS[0].replace("--vault-password-file .vault-password ", "")
    done = typed(f"{export}\n{bare} --tags none", site)
    assert done.returncode != 0
    assert "vault secrets" in done.stderr + done.stdout


def test_the_commands_that_are_said_to_take_the_common_options_do() -> None:
    """And no other command that takes an inventory is left out."""
    sentence = re.search(r"^(.*) take `-i/--inventory`, `-l/--limit` and `--json`\.", README, re.MULTILINE)
    assert sentence is not None
    named = set(re.findall(r"`(\w+)`", sentence[1]))
    context = click.Context(cli)
    options = {
        name: {option for p in cli.get_command(context, name).params for option in p.opts}  # type: ignore[union-attr]
        for name in COMMANDS
    }
    assert named == {name for name in COMMANDS if {"-i", "-l", "--json"} <= options[name]}
    assert named == {name for name in COMMANDS if "-i" in options[name]}


@pytest.mark.parametrize("target", re.findall(r"\bmake ([\w-]+)", README))
def test_every_make_target_is_there(target: str) -> None:
    """The README names no target that the Makefile lacks."""
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_one_test_one_scenario_one_host() -> None:
    """In a fresh shell, CONTRIBUTING's first line brings every program of the others, hybridctl for molecule too."""
    document = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = next(b for b in re.findall(r"^```\n(.*?)^```$", document, re.MULTILINE | re.DOTALL) if "molecule" in b)
    first, *others = block.splitlines()
    assert first == 'export PATH="$PWD/.venv/bin:$PATH"'
    assert {line.split()[0] for line in others} == {"pytest", "molecule", "hybridctl"}
    missing = [name for name in ("pytest", "molecule", "hybridctl", "ansible-playbook") if not (BIN / name).exists()]
    assert missing == []
