"""Hooks: what they get, what becomes of their output, and that nothing of them outlives a Ctrl-C or their time."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from hybridctl import hooks
from hybridctl.errors import InvalidInput
from hybridctl.hooks import HookEnd, check_program, parse_command, run_hook
from hybridctl.processes import processes_with

# Starts a child in a session of its own, then says that it is there; neither listens when asked to end.
STUBBORN = """trap '' TERM; setsid sleep 986 & touch there; sleep 986"""


def run(
    tmp_path: Path, *argv: str, timeout: float = 60, variables: dict[str, str] | None = None
) -> tuple[HookEnd, list[str]]:
    """Run a hook and return how it ended and its lines."""
    lines: list[str] = []
    mark = {"HYBRIDCTL_RUN": f"test-{tmp_path}"}
    end = run_hook(argv, {**mark, **(variables or {})}, cwd=tmp_path, timeout=timeout, log=lines.append)
    return end, lines


def test_a_hook_gets_its_variables_and_the_site_folder(tmp_path: Path) -> None:
    """Both outputs come line by line, in the hook's order."""
    end, lines = run(tmp_path, "sh", "-c", 'pwd; echo "$HYBRIDCTL_HOSTS" >&2', variables={"HYBRIDCTL_HOSTS": "a b"})
    assert (HookEnd(), [str(tmp_path), "a b"]) == (end, lines)


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    """What looks like shell syntax arrives as it is."""
    _, lines = run(tmp_path, "echo", "$HOME; rm -rf *", "`id`")
    assert lines == ["$HOME; rm -rf * `id`"]


def test_a_hook_that_fails(tmp_path: Path) -> None:
    """Its status is told and its output is kept."""
    assert (HookEnd("it ended with status 7"), ["no"]) == run(tmp_path, "sh", "-c", "echo no; exit 7")


def test_a_hook_that_cannot_be_started(tmp_path: Path) -> None:
    """A program that is not there is a failure of the hook, not of ours."""
    assert HookEnd("./none: No such file or directory") == run(tmp_path, "./none")[0]


def test_a_hook_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """Also what left its group and does not listen."""
    end, _ = run(tmp_path, "sh", "-c", STUBBORN, timeout=4)
    assert (tmp_path / "there").exists()
    assert HookEnd("it was ended after 4 s") == end
    assert processes_with(f"test-{tmp_path}") == []


def test_a_hook_that_prints_without_end_fills_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended with that as the reason; of what it printed the last lines are kept."""
    monkeypatch.setattr(hooks, "_MOST", 1_000_000)
    end, lines = run(tmp_path, "yes", "line")
    assert HookEnd("it was ended: it had printed more than 1 MB") == end
    assert (len(lines), set(lines[:-1])) == (500, {"line"})  # it may have been ended within the last one
    assert processes_with(f"test-{tmp_path}") == []


def test_a_line_without_an_end_is_cut(tmp_path: Path) -> None:
    """run.log is for people: a binary file that a hook prints does not fill it."""
    _, lines = run(tmp_path, "sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' x; echo; echo last")
    assert lines[-1] == "last"
    assert sum(map(len, lines)) < 1_100_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_hook_leaves_no_process(tmp_path: Path, number: int) -> None:
    """Ctrl-C while a hook runs ends it and what it started, and the caller is told."""
    there, over = tmp_path / "there", threading.Event()

    def interrupt() -> None:
        while not there.exists() and not over.wait(0.05):
            pass
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        end, _ = run(tmp_path, "sh", "-c", STUBBORN)
    finally:
        over.set()
        thread.join()
    assert HookEnd("it was interrupted", cancelled=True) == end
    assert processes_with(f"test-{tmp_path}") == []


def test_what_a_hook_leaves_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    """A child that keeps the output open does not hold up the run, and lives on: the hook meant it so."""
    end, lines = run(tmp_path, "sh", "-c", "sleep 985 & echo started $!", timeout=30)
    (line,) = lines
    os.kill(int(line.removeprefix("started ")), signal.SIGKILL)
    assert HookEnd() == end


@pytest.mark.parametrize(
    ("value", "argv"),
    [("./hook.sh --minutes '9 0'", ("./hook.sh", "--minutes", "9 0")), (["a", "b c"], ("a", "b c"))],
)
def test_a_command_as_a_user_writes_it(value: Any, argv: tuple[str, ...]) -> None:
    """A line in a shell's quoting, or words."""
    assert argv == parse_command(value)


@pytest.mark.parametrize("value", ["", "  ", [], [""], [1], 7, None, {"a": 1}, "a 'b"])
def test_what_is_no_command_is_refused(value: Any) -> None:
    """The error shows the value."""
    with pytest.raises(InvalidInput, match="is not a command"):
        parse_command(value)


def test_a_program_that_is_not_there_is_refused_before_anything_runs(tmp_path: Path) -> None:
    """On PATH by its name, from the site folder by its path; it must be executable."""
    (tmp_path / "hook").write_text("#!/bin/sh\n")
    for program in ("no-such-program-at-all", "./hook", "./none"):
        with pytest.raises(InvalidInput, match=f"the hook's program {program} is not there or may not be executed"):
            check_program((program,), tmp_path)
    (tmp_path / "hook").chmod(0o755)
    check_program(("./hook",), tmp_path)
    check_program(("sh", "-c", "true"), tmp_path)
