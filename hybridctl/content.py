"""Where the Ansible collection lies: inside the installed wheel, or in the checkout."""

import json
from pathlib import Path
from typing import Any

import yaml

from hybridctl.errors import HybridctlError

__all__ = ["COLLECTION", "collection_root", "collections_path", "inventories", "lock", "schema"]

COLLECTION = "hybridctl.site"
_PACKAGE = Path(__file__).resolve().parent


def collections_path() -> Path:
    """Return the folder to give to Ansible as ANSIBLE_COLLECTIONS_PATH.

    Raises:
        HybridctlError: the installation carries no collection.
    """
    for base in (_PACKAGE / "_content", _PACKAGE.parent):
        if (base / "ansible_collections" / "hybridctl" / "site" / "galaxy.yml").exists():
            return base
    raise HybridctlError(
        f"the Ansible collection {COLLECTION} is missing beside {_PACKAGE}",
        "reinstall: pipx reinstall hybridctl",
    )


def collection_root() -> Path:
    """Return the folder of the collection itself, which holds `playbooks/` and `roles/`."""
    return collections_path() / "ansible_collections" / "hybridctl" / "site"


def inventories() -> Path:
    """Return the folder of the inventories that travel with us: `example/`, which `init` copies, and `lab/`."""
    return collections_path() / "inventories"


def lock() -> dict[str, Any]:
    """Return the lock: exact versions per operating system release and architecture."""
    data: dict[str, Any] = yaml.safe_load((collection_root() / "lock.yml").read_text(encoding="utf-8"))
    return data


def schema(name: str) -> dict[str, Any]:
    """Return one of our JSON Schemas: `plan`, `run-result`, `verify-result`."""
    data: dict[str, Any] = json.loads((_PACKAGE / "data" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return data
