"""Processes of a play are found by a marker and ended, also those that do not listen."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hybridctl.processes import end_processes, processes_with

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(99)"


@pytest.mark.parametrize("place", ["environment", "arguments"])
def test_a_marked_process_is_ended_though_it_ignores_the_request(tmp_path: Path, place: str) -> None:
    """SIGTERM first, SIGKILL after the grace; the mark may stand in the environment or in the arguments alone."""
    marker = str(tmp_path)
    arguments = [marker] if place == "arguments" else []
    environment = {**os.environ, "MARK": marker} if place == "environment" else dict(os.environ)
    # In a session of its own, as Ansible's workers are: no process group would find it.
    with subprocess.Popen(
        [sys.executable, "-c", DEAF, *arguments], env=environment, start_new_session=True, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert processes_with(marker) == [child.pid]
        started = time.monotonic()
        end_processes(marker, grace=0.3)
        assert time.monotonic() - started < 3
        assert processes_with(marker) == []


def test_a_process_without_the_mark_is_left_alone(tmp_path: Path) -> None:
    """Nothing but what carries the mark is touched."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        end_processes(str(tmp_path))
        assert other.poll() is None
        other.communicate(b"\n")
