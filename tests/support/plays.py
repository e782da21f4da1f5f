"""Run tasks of our collection as a user does: by ansible-playbook, on this machine."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Played:
    """What a play said.

    Attributes:
        results: result of each task, in order; also of those that failed.
        output: everything ansible-playbook wrote.
    """

    results: list[dict[str, Any]]
    output: str


def play(
    folder: Path,
    *tasks: dict[str, Any],
    flags: tuple[str, ...] = (),
    python: str = sys.executable,
    variables: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    inventory: tuple[str, ...] = ("-i", "localhost,", "-c", "local"),
    host: str = "localhost",
) -> Played:
    """Run the tasks from a playbook in `folder`, here or on a host; a failing one is recorded, the next one runs."""
    folder.mkdir(exist_ok=True)
    record = folder / "results.json"
    names = [f"result_{index}" for index in range(len(tasks))]
    recorded = [{**task, "register": name, "ignore_errors": True} for task, name in zip(tasks, names, strict=True)]
    keep = {
        "ansible.builtin.copy": {
            "content": "{{ [" + ", ".join(names) + "] | to_json }}",
            "dest": str(record),
            "mode": "0600",
        },
        "check_mode": False,
        "diff": False,
        "no_log": True,
        "delegate_to": "localhost",
        "become": False,
        "vars": {"ansible_python_interpreter": sys.executable, "ansible_connection": "local"},
    }
    known = {**({"ansible_python_interpreter": python} if host == "localhost" else {}), **(variables or {})}
    book = [{"hosts": host, "gather_facts": False, "vars": known, "tasks": [*recorded, keep]}]
    (folder / "play.yml").write_text(yaml.safe_dump(book))
    argv = [Path(sys.executable).with_name("ansible-playbook"), *inventory, *flags]
    argv.append("play.yml")
    settings = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT),
        "ANSIBLE_HOME": str(folder / ".ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        **(environment or {}),
    }
    settings.pop("ANSIBLE_CONFIG", None)
    done = subprocess.run(argv, cwd=folder, env=settings, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    results: list[dict[str, Any]] = json.loads(record.read_text())
    record.unlink()
    return Played(results, done.stdout + done.stderr)


def old_python() -> str:
    """Return a Python 3.9, what the oldest supported target runs; without one the test is skipped."""
    found = [path for path in (shutil.which("python3.9"), *_managed("3.9")) if path]
    for path in found:
        # A shim may be on PATH for a version that is not chosen.
        if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return path
    pytest.skip("this machine has no python3.9 that runs")


def _managed(version: str) -> list[str]:
    """Return the Pythons of a version that pyenv keeps, if there is one."""
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        return []
    root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
    return [str(path) for path in sorted(Path(root).glob(f"versions/{version}.*/bin/python"))] if root else []
