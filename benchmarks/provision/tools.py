"""How each tool is run: one command from the outside, connections cold, as its user would type it."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.common.environment import Environment
from hybridctl.content import collections_path
from hybridctl.lab.fleet import Lab
from hybridctl.runner import SSH_ARGS

__all__ = ["PYINFRA", "TOOLS", "run", "write_inventories"]

TOOLS = ("ours", "pyinfra", "naive")
PYINFRA = Environment("pyinfra", "3.10.0")
FORKS = 20  # what `hybridctl provision` uses
LIMIT = 1800  # seconds; ends a hang


def write_inventories(folder: Path, lab: Lab, addresses: Mapping[str, str]) -> None:
    """Write the hosts for both tools, and the settings of Ansible that both playbooks share."""
    key, known = str(lab.keys / "id_ed25519"), str(lab.keys / "known_hosts")
    common = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": key,
        "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={known} -o IdentitiesOnly=yes",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    hosts = {name: {"ansible_host": address} for name, address in addresses.items()}
    (folder / "inventory.json").write_text(json.dumps({"all": {"vars": common, "hosts": hosts}}), encoding="utf-8")
    data = {
        "ssh_user": "root",
        "ssh_key": key,
        "ssh_known_hosts_file": known,
        "ssh_strict_host_key_checking": "yes",
    }
    (folder / "ansible.cfg").touch()  # empty: no other one is read
    entries = [(name, {"ssh_hostname": address, **data}) for name, address in addresses.items()]
    (folder / "inventory.py").write_text(f"hosts = {entries!r}\n", encoding="utf-8")


def run(tool: str, folder: Path) -> tuple[float, float]:
    """Run a tool's form in `folder` over all hosts of its inventories; return seconds, and those of the processor here.

    Raises:
        RuntimeError: it failed.
    """
    sockets = Path(tempfile.mkdtemp(prefix="bench-"))
    argv, environment = _pyinfra() if tool == "pyinfra" else _ansible(tool, sockets)
    try:
        started, used = time.perf_counter(), _used()
        done = subprocess.run(
            argv,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )
        seconds, used = time.perf_counter() - started, _used() - used
    finally:
        # ControlPersist's masters would serve the next run, and live on in its time.
        for socket in sockets.iterdir():
            subprocess.run(["ssh", "-O", "exit", "-S", str(socket), "x"], capture_output=True, check=False)
        shutil.rmtree(sockets, ignore_errors=True)  # a master takes its socket away itself, a moment later
    if done.returncode != 0:
        raise RuntimeError(f"{tool} ended with status {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return seconds, used


def _used() -> float:
    """Return the processor seconds of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _ansible(form: str, sockets: Path) -> tuple[list[str], dict[str, str]]:
    ansible = str(Path(sys.executable).with_name("ansible-playbook"))
    argv = [ansible, "-i", "inventory.json", "--forks", str(FORKS), f"{form}.yml"]
    return argv, {
        "ANSIBLE_CONFIG": "ansible.cfg",
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_SSH_ARGS": SSH_ARGS,
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_INJECT_FACT_VARS": "False",
        "ANSIBLE_NOCOLOR": "True",
    }


def _pyinfra() -> tuple[list[str], dict[str, str]]:
    # With -y it spares itself a pass over all operations that only tells what would change.
    return [PYINFRA.binary("pyinfra"), "-y", "inventory.py", "deploy.py"], {}
