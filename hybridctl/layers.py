"""Which layers and roles there are and which groups they run on, read from the playbooks."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hybridctl import content

__all__ = ["known_layers", "role_groups", "role_layers", "role_tag", "supported_systems"]


@cache
def known_layers() -> tuple[str, ...]:
    """Return the layers in the order of the site's playbook.

    A layer is a playbook that carries its own name as a tag; what serves all layers, such as the lock, is none.
    """
    return tuple(dict.fromkeys(name for name, play in _plays() if name in play.get("tags", ())))


@cache
def role_groups() -> Mapping[str, tuple[str, ...]]:
    """Return the groups that each role of the site's playbook runs on, by the role's short name."""
    found: dict[str, dict[str, None]] = {}
    for _, play in _plays():
        groups = [part for part in re.split(r"[:,]", play["hosts"]) if part and part[0] not in "!&"]
        for role in _roles(play):
            found.setdefault(role, {}).update(dict.fromkeys(groups))
    return {role: tuple(groups) for role, groups in found.items()}


@cache
def role_layers() -> Mapping[str, tuple[str, ...]]:
    """Return the layers that each role of the site's playbook runs in, by the role's short name."""
    found: dict[str, dict[str, None]] = {}
    for name, play in _plays():
        for role in _roles(play):
            found.setdefault(role, {})[name] = None
    return {role: tuple(layers) for role, layers in found.items()}


def role_tag(role: str) -> str:
    """Return the tag that the playbooks put on a role; helper roles that it includes inherit it.

    It is not the bare name: the layer `gateway` is a tag, too, and may hold more than the role `gateway`.
    """
    return f"role_{role}"


@cache
def _plays() -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Return the plays of the site, each with the name of its playbook."""
    folder = content.collection_root() / "playbooks"
    names = [
        Path(entry["ansible.builtin.import_playbook"]).stem
        for entry in yaml.safe_load((folder / "site.yml").read_text(encoding="utf-8"))
    ]
    return tuple(
        (name, play) for name in names for play in yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8"))
    )


def _roles(play: Mapping[str, Any]) -> list[str]:
    names = [role if isinstance(role, str) else role["role"] for role in play.get("roles") or ()]
    return [name.rpartition(".")[2] for name in names]


@cache
def supported_systems() -> tuple[str, ...]:
    """Return the systems the lock has versions for, such as `Debian_12_x86_64`; provision refuses all others."""
    packages = content.lock()["packages"]
    return tuple(f"{system}_{architecture}" for system, known in packages.items() for architecture in known)
