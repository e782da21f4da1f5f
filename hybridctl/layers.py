"""Which roles run on which groups, read from the playbooks."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from hybridctl import content

__all__ = ["role_groups", "supported_systems"]


@cache
def role_groups() -> Mapping[str, tuple[str, ...]]:
    """Return the groups that each role of the site's playbook runs on, by the role's short name."""
    folder = content.collection_root() / "playbooks"
    found: dict[str, dict[str, None]] = {}
    for entry in yaml.safe_load((folder / "site.yml").read_text(encoding="utf-8")):
        for play in yaml.safe_load(_playbook(folder, entry).read_text(encoding="utf-8")):
            groups = [part for part in re.split(r"[:,]", play["hosts"]) if part and part[0] not in "!&"]
            for role in play.get("roles") or ():
                name = role if isinstance(role, str) else role["role"]
                found.setdefault(name.rpartition(".")[2], {}).update(dict.fromkeys(groups))
    return {role: tuple(groups) for role, groups in found.items()}


def _playbook(folder: Path, entry: Mapping[str, str]) -> Path:
    return folder / Path(entry["ansible.builtin.import_playbook"]).name


@cache
def supported_systems() -> tuple[str, ...]:
    """Return the systems the lock has versions for, such as `Debian_12_x86_64`; provision refuses all others."""
    packages = content.lock()["packages"]
    return tuple(f"{system}_{architecture}" for system, known in packages.items() for architecture in known)
