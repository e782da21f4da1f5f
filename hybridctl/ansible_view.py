"""The inventory as Ansible itself resolves it, asked for in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridctl import content
from hybridctl.errors import HybridctlError
from hybridctl.site import Site

__all__ = ["AnsibleView", "environment", "look"]

TIMEOUT = 120  # seconds; an inventory script may ask a slow CMDB


@dataclass(frozen=True)
class AnsibleView:
    """What Ansible made of the files.

    Attributes:
        hosts: variables of each host as they stand in the files, vault opened, templates not evaluated.
        evaluated: `ansible_host`, `ansible_port` and `hybridctl_profile` of each host, templates evaluated; None where
            that failed.
        broken: why it failed, by host and name.
        groups: members of each group, those of its children too, in Ansible's order.
        children: the groups inside each group.
        vaulted: the text of each vaulted file.
        locked_files: vaulted files that the password does not open; then nothing else was read.
        locked: variables that the password does not open, by host.
        secrets: the values that are encrypted in place, opened.
        errors: what Ansible refused, in its words.
    """

    hosts: dict[str, dict[str, Any]]
    evaluated: dict[str, dict[str, Any]]
    broken: dict[str, dict[str, str]]
    groups: dict[str, list[str]]
    children: dict[str, list[str]]
    vaulted: dict[str, str]
    locked_files: list[str]
    locked: dict[str, list[str]]
    secrets: list[str] = field(repr=False)
    errors: list[str]


def look(site: Site, vaulted: Iterable[Path]) -> AnsibleView:
    """Ask Ansible for the hosts, groups and variables of a site.

    Args:
        vaulted: files to open with the site's password.

    Raises:
        HybridctlError: Ansible could not be asked at all.
    """
    question = {
        "inventory": str(site.inventory),
        "basedir": str(site.root),
        "vault_password_file": str(site.vault_source) if site.vault_source else None,
        "vaulted": [str(path) for path in vaulted],
    }
    with tempfile.TemporaryDirectory(prefix="hybridctl-") as folder:
        answer = Path(folder) / "answer.json"
        argv = [sys.executable, "-m", "hybridctl._ansible_side", str(answer)]
        try:
            done = subprocess.run(
                argv,
                input=json.dumps(question),
                env=environment(Path(folder), site.vault_answer),
                cwd=site.root,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HybridctlError(
                f"{site.inventory}: Ansible did not read the inventory within {TIMEOUT} s",
                f"see where it hangs: ansible-inventory -i {site.inventory} --list",
            ) from None
        if done.returncode != 0 or not answer.exists():
            last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            raise HybridctlError(f"Ansible could not be asked about {site.inventory}: {last}", "hybridctl doctor")
        return AnsibleView(**json.loads(answer.read_text(encoding="utf-8")))


def environment(folder: Path, vault_answer: Path | None = None) -> dict[str, str]:
    """Return the environment in which a process of Ansible's reads an inventory: no `ansible.cfg` by chance.

    Args:
        folder: gets an empty `ansible.cfg`; whoever sets ANSIBLE_CONFIG means it.
        vault_answer: see `Site.vault_answer`.
    """
    configuration = folder / "ansible.cfg"
    configuration.touch()
    own = str(content.collections_path())
    users = os.environ.get("ANSIBLE_COLLECTIONS_PATH") or "~/.ansible/collections:/usr/share/ansible/collections"
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    # It may name the program that was asked already.
    vault = {"ANSIBLE_VAULT_PASSWORD_FILE": str(vault_answer)} if vault_answer else {}
    return {
        **os.environ,
        **vault,
        "ANSIBLE_CONFIG": os.environ.get("ANSIBLE_CONFIG") or str(configuration),
        "ANSIBLE_COLLECTIONS_PATH": f"{own}{os.pathsep}{users}",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "ANSIBLE_LOG_PATH": os.devnull,
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_FORCE_COLOR": "False",
        # Ansible starts in a UTF-8 locale only.
        **({} if "utf" in locale.lower() else {"LC_ALL": "C.UTF-8"}),
    }
