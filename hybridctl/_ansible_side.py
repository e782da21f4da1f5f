"""Runs in a process of its own: Ansible's code reads the inventory, one JSON file goes back.

`python -m hybridctl._ansible_side ANSWER` with the question on stdin. Nothing here contacts a host.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

# What Ansible adds to every host on its own account.
_MAGIC = {"omit", "inventory_hostname", "inventory_hostname_short", "group_names", "inventory_file", "inventory_dir"}

# What must be known before a host is contacted, with older names of the same.
_EVALUATED = {"ansible_host": ("ansible_ssh_host",), "ansible_port": ("ansible_ssh_port",), "hybridctl_profile": ()}


def main() -> None:
    """Answer the question."""
    question = json.load(sys.stdin)
    answer = Path(sys.argv[1])
    answer.touch(mode=0o600)  # holds opened secrets for a moment
    answer.write_text(json.dumps(_answer(question)), encoding="utf-8")


def _answer(question: Mapping[str, Any]) -> dict[str, Any]:
    from ansible import constants
    from ansible.cli import CLI
    from ansible.errors import AnsibleError
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    from ansible.vars.manager import VariableManager

    result: dict[str, Any] = {
        "hosts": {},
        "evaluated": {},
        "broken": {},
        "groups": {},
        "children": {},
        "vaulted": {},
        "locked_files": [],
        "locked": {},
        "secrets": [],
        "errors": [],
    }
    init_plugin_loader()
    loader = DataLoader()
    loader.set_basedir(question["basedir"])
    password = question["vault_password_file"]
    try:
        loader.set_vault_secrets(
            CLI.setup_vault_secrets(
                loader,
                constants.DEFAULT_VAULT_IDENTITY_LIST,
                vault_password_files=[password] if password else [],
                auto_prompt=False,
            )
        )
        for path in question["vaulted"]:
            _open(loader, path, result)
        if result["locked_files"]:
            return result
        inventory = InventoryManager(loader=loader, sources=[question["inventory"]])
        manager = VariableManager(loader=loader, inventory=inventory)
        secrets: set[str] = set()
        for host in inventory.hosts.values():
            variables = manager.get_vars(host=host, include_hostvars=False)
            result["hosts"][host.name] = _variables(host.name, variables, result["locked"])
            secrets.update(_secrets(variables))
            result["evaluated"][host.name] = _evaluated(loader, variables, host.name, result["broken"])
        result["secrets"] = sorted(secrets)
        for name, group in inventory.groups.items():
            result["groups"][name] = [host.name for host in group.get_hosts()]
            result["children"][name] = [child.name for child in group.child_groups]
    except AnsibleError as error:
        result["errors"].append(str(error))
    return result


def _open(loader: Any, path: str, result: dict[str, Any]) -> None:
    from ansible.errors import AnsibleError

    try:
        result["vaulted"][path] = loader.get_text_file_contents(path)
    except AnsibleError:
        result["locked_files"].append(path)


def _variables(host: str, variables: Mapping[str, Any], locked: dict[str, list[str]]) -> dict[str, Any]:
    from ansible import constants
    from ansible.errors import AnsibleError

    plain = {}
    for name, value in variables.items():
        if name in _MAGIC or name in constants.INTERNAL_STATIC_VARS:
            continue
        try:
            plain[str(name)] = _plain(value)
        except AnsibleError:  # the password does not open it
            locked.setdefault(host, []).append(str(name))
    return plain


def _secrets(value: Any) -> Iterator[str]:
    """Yield the values that are encrypted in place, however deep and whatever their names; those that open."""
    from ansible.errors import AnsibleError
    from ansible.parsing.vault import EncryptedString

    if isinstance(value, EncryptedString):
        with suppress(AnsibleError):
            yield str(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _secrets(item)


def _evaluated(
    loader: Any, variables: Mapping[str, Any], host: str, broken: dict[str, dict[str, str]]
) -> dict[str, Any]:
    from ansible.errors import AnsibleError
    from ansible.template import Templar

    templar = Templar(loader=loader, variables=variables)
    found = {}
    for name, others in _EVALUATED.items():
        value = next((variables[key] for key in (name, *others) if key in variables), None)
        try:
            found[name] = _plain(templar.template(value))
        except AnsibleError as error:
            broken.setdefault(host, {})[name] = str(error)
            found[name] = None
    return found


def _plain(value: Any) -> Any:
    """Return the value as JSON knows it, secrets opened."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    return None if value is None else str(value)


if __name__ == "__main__":
    main()
