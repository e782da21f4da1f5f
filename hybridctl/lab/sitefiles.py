"""The site folder of a lab: the same files a user's site has, written for the lab's hosts."""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from hybridctl import content
from hybridctl.lab.spec import LabHost
from hybridctl.vault import encrypt

__all__ = ["write_site"]

_HEADER = "---\n# Written by `hybridctl lab up`.\n"


def write_site(site: Path, name: str, hosts: Mapping[LabHost, str], mirror: str, keys: Path) -> None:
    """Write or renew the site folder; the secrets of an earlier `up` are kept.

    Args:
        hosts: each host and its address.
        mirror: URL of the lab's package mirror.
        keys: folder with `id_ed25519` and `known_hosts`.
    """
    inventory = site / "inventory"
    variables = inventory / "group_vars"
    shutil.copytree(content.inventories() / "lab" / "group_vars", variables, dirs_exist_ok=True)
    settings = {"name": f"lab {name}", "inventory": "inventory", "vault_password_file": ".vault-password"}
    _write(site / "hybridctl.yml", settings)
    groups: dict[str, dict[str, dict[str, dict[str, object]]]] = {}
    for host in hosts:
        for group in host.groups:
            groups.setdefault(group, {"hosts": {}})["hosts"][host.name] = {}
    entries = {
        host.name: {"ansible_host": address, **({"hybridctl_profile": host.profile} if host.profile else {})}
        for host, address in hosts.items()
    }
    _write(inventory / "hosts.yml", {"all": {"hosts": entries, "children": groups}})
    connection = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(keys / "id_ed25519"),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={keys / 'known_hosts'} -o StrictHostKeyChecking=yes",
        "hybridctl_mirror": mirror,
    }
    _write(variables / "all" / "lab.yml", connection)
    _write_secrets(site / ".vault-password", variables / "all" / "vault.yml")


def _write_secrets(password: Path, vault: Path) -> None:
    """Make random keys, encrypted with a random password; both stay when they are there."""
    if not password.exists():
        # Under its own name only when it is whole; a vault without its password is of no use.
        vault.unlink(missing_ok=True)
        partial = password.with_name(f"{password.name}.partial")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_urlsafe(32) + "\n")
        partial.rename(password)
    if vault.exists():
        return
    plain = {key: secrets.token_urlsafe(32) for key in ("vault_vllm_api_key", "vault_gateway_api_key")}
    encrypt(yaml.safe_dump(plain), password, vault)


def _write(path: Path, data: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_HEADER + yaml.safe_dump(dict(data), sort_keys=False), encoding="utf-8")
