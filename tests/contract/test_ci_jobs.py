"""The jobs of docs/ci.md: YAML that a server reads, shell that a runner reads, calls that we take."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from hybridctl.cli import cli

DOCUMENT = (Path(__file__).parents[2] / "docs/ci.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
GITHUB, GITLAB = (yaml.safe_load(snippet) for snippet in SNIPPETS)


def scripts(job: Any) -> Iterator[str]:
    """Yield every shell script of a job: a `run:` of GitHub's, a `script:` of GitLab's as the one that it becomes."""
    if isinstance(job, dict):
        for key, value in job.items():
            if key == "run":
                yield value
            elif key == "script":
                yield "\n".join(value)
            else:
                yield from scripts(value)
    elif isinstance(job, list):
        for entry in job:
            yield from scripts(entry)


def calls(script: str) -> list[list[str]]:
    """Return the calls of hybridctl in a script."""
    return [shlex.split(line, comments=True)[1:] for line in script.splitlines() if line.startswith("hybridctl ")]


SCRIPTS = [*scripts(GITHUB), *scripts(GITLAB)]


def parse(words: list[str]) -> dict[str, Any]:
    """Parse a call as click would, without running it."""
    name, *rest = words
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, f"there is no command {name}"
    return command.make_context(name, rest).params


def test_each_job_verifies_once() -> None:
    """Both have a script, and in it one call."""
    assert [len(calls(script)) for script in SCRIPTS] == [1, 1]


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_calls_are_ours(script: str) -> None:
    """Our own command line takes them; they are for CI, and leave JUnit where the job looks for it."""
    (words,) = calls(script)
    options = parse(words)
    assert options["ci"] is True
    assert options["junit"] is None


@pytest.mark.parametrize("line", ["hybridctl verify --cii", "hybridctl verfy --ci"])
def test_a_call_that_is_not_ours_is_found(line: str) -> None:
    """The test above can fail."""
    (words,) = calls(line)
    with pytest.raises((AssertionError, click.UsageError)):
        parse(words)


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_scripts_are_shell(script: str) -> None:
    """`bash -n` reads them to the end; GitHub's own expressions stand in `env:` only, where no shell reads them."""
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert "${{" not in script


def test_results_are_kept_also_when_the_job_is_red() -> None:
    """The file that --ci writes by default is the artifact, and GitLab's report."""
    (job,) = GITHUB["jobs"].values()
    keep = next(step for step in job["steps"] if step.get("uses", "").startswith("actions/upload-artifact@"))
    assert keep["if"] == "always()"
    assert "verify-junit.xml" in keep["with"]["path"].split()
    (job,) = GITLAB.values()
    assert job["artifacts"]["when"] == "always"
    assert "verify-junit.xml" in job["artifacts"]["paths"]
    assert job["artifacts"]["reports"]["junit"] == "verify-junit.xml"


def test_github_sees_a_schedule() -> None:
    """`on` is a boolean to YAML 1.1, and a key to GitHub: it must stand there once."""
    assert set(GITHUB) == {"name", True, "permissions", "concurrency", "jobs"}
    assert "runs-on" in GITHUB["jobs"]["verify"]
