"""Runs in a process of its own: Ansible's code says how it would reach each host, one JSON file goes back.

`python -m hybridctl._access_side ANSWER SITE` with the question on stdin, which may come later: the inventory is read
meanwhile. Nothing here contacts a host.
"""

import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SSH = {"ssh", "smart", "ansible.builtin.ssh"}
_LOCAL = {"local", "ansible.builtin.local"}
_SUDO = {"sudo", "ansible.builtin.sudo"}


def main() -> None:
    """Answer the question."""
    answer = Path(sys.argv[1])
    answer.touch(mode=0o600)  # may hold passwords for a moment
    # The question is for us alone: a script that says the vault's password, or the inventory, may read its stdin.
    question = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    known = _read(json.loads(sys.argv[2]))
    answer.write_text(json.dumps(_answer(json.load(question), *known)), encoding="utf-8")


def _read(site: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Return Ansible's loader, inventory and manager of variables."""
    from ansible.cli import CLI
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    from ansible.vars.manager import VariableManager

    init_plugin_loader()
    loader = DataLoader()
    loader.set_basedir(site["basedir"])
    password = site["vault_password_file"]
    loader.set_vault_secrets(
        CLI.setup_vault_secrets(loader, [], vault_password_files=[password] if password else [], auto_prompt=False)
    )
    inventory = InventoryManager(loader=loader, sources=[site["inventory"]])
    return loader, inventory, VariableManager(loader=loader, inventory=inventory)


def _answer(question: Mapping[str, Any], loader: Any, inventory: Any, manager: Any) -> dict[str, Any]:
    hosts = {}
    for name in question["hosts"]:
        try:
            variables = manager.get_vars(host=inventory.get_host(name), include_hostvars=True)
            templar = _Templar(loader, variables)
            hosts[name] = {
                **_access(variables, templar),
                "variables": _wanted(question["variables"], variables, templar),
            }
        except Exception as error:
            hosts[name] = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    return hosts


class _Templar:
    """Evaluates templates of one host; what the inventory says is trusted, as in a play."""

    def __init__(self, loader: Any, variables: Mapping[str, Any]) -> None:
        from ansible.template import Templar

        self._templar = Templar(loader=loader, variables=variables)

    def __call__(self, value: Any) -> Any:
        from ansible.template import trust_as_template

        return self._templar.template(trust_as_template(value) if isinstance(value, str) else value)


def _access(variables: Mapping[str, Any], template: _Templar) -> dict[str, Any]:
    """Return how Ansible would reach the host and become root there."""
    from ansible import constants
    from ansible.plugins.loader import become_loader, connection_loader

    kind = str(template(variables.get("ansible_connection", constants.config.get_config_value("DEFAULT_TRANSPORT"))))
    found: dict[str, Any] = {"local": kind in _LOCAL}
    if kind in _SSH:
        from ansible.playbook.play_context import PlayContext

        plugin = connection_loader.get("ssh", PlayContext())
        found |= _ssh(_options(plugin, "connection", variables, template))
    elif kind not in _LOCAL:
        return {"error": f"ansible_connection={kind}: verify reaches hosts by ssh or local only"}
    if _yes(template(variables.get("ansible_become", constants.config.get_config_value("DEFAULT_BECOME")))):
        method = template(
            variables.get("ansible_become_method", constants.config.get_config_value("DEFAULT_BECOME_METHOD"))
        )
        if method not in _SUDO:
            return {"error": f"ansible_become_method={method}: verify becomes another user by sudo only"}
        option = _options(become_loader.get("sudo"), "become", variables, template)
        found |= {
            "become": [*shlex.split(option("become_exe") or "sudo"), *_flags(option("become_flags"))],
            "become_user": option("become_user") or "root",
            "become_password": option("become_pass"),
        }
    return found


def _flags(text: str | None) -> list[str]:
    """Split sudo's flags, less those that say how it gets its password: that is for the connection to decide."""
    kept = []
    for word in shlex.split(text or ""):
        if re.fullmatch("-[AbEHknPS]+", word):  # letters in a row, none of which takes a value
            word = word.replace("n", "").replace("S", "")  # noqa: PLW2901
        if word not in ("-", "--non-interactive", "--stdin"):
            kept.append(word)
    return kept


def _options(plugin: Any, kind: str, variables: Mapping[str, Any], template: _Templar) -> Any:
    """Fill a plugin's options as a play does, and return its reader of options."""
    from ansible import constants

    names = constants.config.get_plugin_vars(kind, plugin._load_name)
    plugin.set_options(var_options={name: template(variables[name]) for name in names if name in variables})
    return plugin.get_option


def _ssh(option: Any) -> dict[str, Any]:
    """Return ssh's arguments in the order in which Ansible gives them: the first of two that differ wins."""
    checking: list[str] = [] if option("host_key_checking") else ["-o", "StrictHostKeyChecking=no"]
    port, key, user = option("port"), option("private_key_file"), option("remote_user")
    return {
        "address": option("host"),
        "ssh": [
            *_split(option("ssh_args")),
            *checking,
            *(["-o", f"Port={port}"] if port else []),
            *(["-o", f"IdentityFile={Path(key).expanduser()}"] if key else []),
            *(["-o", f"User={user}"] if user else []),
            *_split(option("ssh_common_args")),
            *_split(option("ssh_extra_args")),
        ],
        "password": option("password"),
    }


def _split(text: str | None) -> list[str]:
    """Split arguments, less what would share a connection with others: verify has one of its own for each host."""
    words = shlex.split(text or "")
    kept: list[str] = []
    for word in words:
        option = word.removeprefix("-o").lower()
        if option.startswith(("controlmaster", "controlpersist", "controlpath")):
            if kept and kept[-1] == "-o" and not word.startswith("-o"):
                kept.pop()
            continue
        kept.append(word)
    return kept


def _wanted(wanted: Mapping[str, Any], variables: Mapping[str, Any], template: _Templar) -> dict[str, Any]:
    """Return the values of variables, those of the roles where the inventory has none; None where that fails."""
    from ansible.errors import AnsibleError

    found: dict[str, Any] = {}
    for name, default in wanted.items():
        try:
            value = template(variables.get(name, default))
            found[name] = value if isinstance(value, bool | int | float | None) else str(value)
        except AnsibleError:
            found[name] = None
    return found


def _yes(value: Any) -> bool:
    from ansible.module_utils.parsing.convert_bool import boolean

    return bool(boolean(value, strict=False))


if __name__ == "__main__":
    main()
