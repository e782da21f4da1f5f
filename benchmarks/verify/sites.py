"""The site folders that are verified, and the configuration of ssh that every tool reads."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["PROFILE", "hybridctl_verify", "used", "write_config", "write_site"]

PROFILE = "bench-host"
_TEXT = """---
# What is asked of a GPU server of the reference site, asked of a host that need not be one.
schema: 1
title: every line of a100-2x80g-reference
lab: true
inherits: a100-2x80g-reference
"""
LIMIT = 1800  # seconds; ends a hang


def write_config(path: Path, hosts: str, key: Path, known_hosts: Path, more: str = "") -> None:
    """Write the configuration of ssh for hosts of a pattern."""
    path.write_text(
        f"Host {hosts}\n  User root\n  IdentityFile {key}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {known_hosts}\n  StrictHostKeyChecking yes\n{more}",
        encoding="utf-8",
    )


def write_site(folder: Path, hosts: Mapping[str, Mapping[str, Any]], config: Path) -> Path:
    """Write a site whose hosts have these variables, and return its inventory."""
    for name, text in (("hybridctl.yml", "name: bench\n"), (f"profiles/{PROFILE}.yml", _TEXT)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    common = {"ansible_ssh_common_args": f"-F {config}", "ansible_user": "root", "hybridctl_profile": PROFILE}
    inventory = folder / "inventory"
    inventory.mkdir(exist_ok=True)
    group = {"hosts": {name: dict(variables) for name, variables in hosts.items()}}
    entries = {"all": {"vars": common, "children": {"nvidia": group}}}
    (inventory / "hosts.yml").write_text(yaml.safe_dump(entries), encoding="utf-8")
    return inventory


def hybridctl_verify(python: str, inventory: Path, note: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run `hybridctl verify --json` as its user would; return what it used, and its document.

    Raises:
        RuntimeError: it gave no verdict.
    """
    output = note.with_suffix(".json")
    argv = [python, "-m", "hybridctl", "verify", "-i", str(inventory), "--json"]
    with output.open("wb") as file:
        found = used(python, argv, note, stdout=file)
    document = json.loads(output.read_text(encoding="utf-8"))
    if "hosts" not in document:
        raise RuntimeError(f"verify gave no verdict: {document}")
    return found, document


def used(python: str, argv: list[str], note: Path, **pipes: Any) -> dict[str, Any]:
    """Run a command and return what it used, by `benchmarks.common.usage`."""
    subprocess.run(
        [python, "-m", "benchmarks.common.usage", str(note), *argv],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
        timeout=LIMIT,
        **pipes,
    )
    found: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    return found
