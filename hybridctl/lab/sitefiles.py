"""The site folder of a lab: the same files a user's site has, written for the lab's hosts."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

import yaml

from hybridctl import content
from hybridctl.lab.spec import LabHost
from hybridctl.vault import encrypt

__all__ = ["write_site"]

_HEADER = "---\n# Written by `hybridctl lab up`.\n"


def write_site(site: Path, name: str, hosts: Mapping[LabHost, str], mirror: str, keys: Path) -> list[Path]:
    """Write or renew the site folder; the secrets of an earlier `up` are kept, and what the user has edited since.

    Args:
        hosts: each host and its address.
        mirror: URL of the lab's package mirror.
        keys: folder with `id_ed25519` and `known_hosts`.

    Returns:
        Files that were edited and stay as they are.
    """
    inventory = site / "inventory"
    variables = inventory / "group_vars"
    examples = content.inventories() / "lab" / "group_vars"
    texts = {
        variables / path.relative_to(examples): path.read_text(encoding="utf-8") for path in examples.rglob("*.yml")
    }
    settings = {"name": f"lab {name}", "inventory": "inventory", "vault_password_file": ".vault-password"}
    texts[site / "hybridctl.yml"] = _yaml(settings)
    groups: dict[str, dict[str, dict[str, dict[str, object]]]] = {}
    for host in hosts:
        for group in host.groups:
            groups.setdefault(group, {"hosts": {}})["hosts"][host.name] = {}
    entries = {
        host.name: {"ansible_host": address, **({"hybridctl_profile": host.profile} if host.profile else {})}
        for host, address in hosts.items()
    }
    texts[inventory / "hosts.yml"] = _yaml({"all": {"hosts": entries, "children": groups}})
    connection = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(keys / "id_ed25519"),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={keys / 'known_hosts'} -o StrictHostKeyChecking=yes",
        "hybridctl_mirror": mirror,
    }
    texts[variables / "all" / "lab.yml"] = _yaml(connection)
    kept = _write_unless_edited(site / ".written.json", texts)
    _write_secrets(site / ".vault-password", variables / "all" / "vault.yml")
    return kept


def _write_unless_edited(record: Path, texts: Mapping[Path, str]) -> list[Path]:
    """Write each file, but one that is nothing we ever wrote there; return those.

    The record is written first, and everything whole or not at all: what a killed `up` leaves is not taken for edited.
    """
    ours: dict[str, list[str]] = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    for path, text in texts.items():
        ours[str(path)] = sorted({*ours.get(str(path), []), _sum(text.encode())})
    _write(record, json.dumps(ours, indent=2))
    edited = [path for path in texts if path.exists() and _sum(path.read_bytes()) not in ours[str(path)]]
    for path in texts.keys() - edited:
        _write(path, texts[path])
    return edited


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.rename(path)


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


def _yaml(data: Mapping[str, object]) -> str:
    return _HEADER + yaml.safe_dump(dict(data), sort_keys=False)
