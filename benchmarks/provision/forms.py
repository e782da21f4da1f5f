"""The three forms of the list: a naive playbook, a pyinfra deploy, and a playbook with our batch modules.

Each has every resource; tests/unit/test_benchmark_forms.py holds that. Gathering of facts is off in both playbooks,
since no resource needs one, and pyinfra gathers what its operations ask for.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks.provision.resources import Resource, named, source, text

__all__ = ["naive", "ours", "pyinfra_deploy", "write"]

Task = dict[str, Any]


def write(folder: Path, resources: list[Resource], versions: Mapping[str, str]) -> None:
    """Write the three forms and the files they send.

    Args:
        versions: of each package, as the lock has it.
    """
    for name in ("files", "templates"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for entry in resources:
        if entry.kind in ("file", "template"):
            (folder / f"{entry.kind}s" / source(entry)).write_text(text(entry), encoding="utf-8")
    (folder / "naive.yml").write_text(_yaml(naive(resources)), encoding="utf-8")
    (folder / "ours.yml").write_text(_yaml(ours(resources, versions)), encoding="utf-8")
    (folder / "deploy.py").write_text(pyinfra_deploy(resources), encoding="utf-8")


def naive(resources: list[Resource]) -> list[dict[str, Any]]:
    """Return the playbook with one builtin task for each resource."""
    return _play([_NAIVE[entry.kind](entry) for entry in resources])


def _package(entry: Resource) -> Task:
    return {"ansible.builtin.apt": {"name": entry.name, "state": "present", "install_recommends": False}}


def _user(entry: Resource) -> Task:
    return {"ansible.builtin.user": {"name": entry.name, "shell": entry.shell, "create_home": False}}


def _directory(entry: Resource) -> Task:
    return {"ansible.builtin.file": {"path": entry.name, "state": "directory", **_owned(entry)}}


def _copy(entry: Resource) -> Task:
    return {"ansible.builtin.copy": {"src": source(entry), "dest": entry.name, **_owned(entry)}}


def _template(entry: Resource) -> Task:
    return {"ansible.builtin.template": {"src": source(entry), "dest": entry.name, **_owned(entry)}}


def _sysctl(entry: Resource) -> Task:
    # There is no builtin module for kernel parameters.
    key, value = entry.name, entry.value
    return {
        "ansible.builtin.shell": {
            "cmd": f'[ "$(sysctl -n {key} | tr "\\t" " ")" = "{value}" ] || sysctl -w {key}="{value}"'
        },
        "register": "parameter",
        "changed_when": "parameter.stdout != ''",
    }


def _unit(entry: Resource) -> Task:
    return {"ansible.builtin.systemd_service": {"name": entry.name, "enabled": True, "state": "started"}}


_NAIVE: dict[str, Callable[[Resource], Task]] = {
    "package": _package,
    "user": _user,
    "directory": _directory,
    "file": _copy,
    "template": _template,
    "sysctl": _sysctl,
    "unit": _unit,
}


def ours(resources: list[Resource], versions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the playbook as our roles do it: batch modules; what has none is read at once and mended one by one."""
    users = [{"name": entry.name, "shell": entry.shell} for entry in named(resources, "user")]
    parameters = [{"name": entry.name, "value": entry.value} for entry in named(resources, "sysctl")]
    paths = [{"path": entry.name, "state": "directory", "mode": entry.mode} for entry in named(resources, "directory")]
    paths += [{"path": e.name, "src": source(e), "mode": e.mode} for e in named(resources, "file")]
    paths += [{"path": e.name, "template": source(e), "mode": e.mode} for e in named(resources, "template")]
    units = [{"name": entry.name, "enabled": True, "state": "started"} for entry in named(resources, "unit")]
    read = {"changed_when": False, "check_mode": False}
    return _play(
        [
            {"hybridctl.site.packages": {"packages": {e.name: versions[e.name] for e in named(resources, "package")}}},
            {
                "ansible.builtin.command": {"argv": ["getent", "passwd", *(user["name"] for user in users)]},
                "register": "accounts",
                "failed_when": "accounts.rc not in [0, 2]",  # 2: one is missing
                **read,
            },
            {
                "ansible.builtin.user": {"name": "{{ item.name }}", "shell": "{{ item.shell }}", "create_home": False},
                "loop": users,
                "when": "accounts.stdout_lines | select('match', item.name ~ ':.*:' ~ item.shell ~ '$') | length == 0",
            },
            {"hybridctl.site.files": {"owner": "root", "group": "root", "files": paths}},
            {
                "ansible.builtin.command": {"argv": ["sysctl", "-n", *(entry["name"] for entry in parameters)]},
                "register": "values",
                **read,
            },
            {
                "ansible.builtin.command": {"argv": ["sysctl", "-w", "{{ item.0.name }}={{ item.0.value }}"]},
                "loop": "{{ parameters | zip(values.stdout_lines) }}",
                "vars": {"parameters": parameters},
                "when": "item.1.split() != item.0.value.split()",
            },
            {"hybridctl.site.units": {"units": units}},
        ]
    )


def _owned(entry: Resource) -> dict[str, str]:
    return {"owner": "root", "group": "root", "mode": entry.mode}


def _play(tasks: list[Task]) -> list[dict[str, Any]]:
    titled = [{"name": f"{number} {next(iter(task))}", **task} for number, task in enumerate(tasks, 1)]
    return [
        {
            "name": "Resources",
            "hosts": "all",
            "gather_facts": False,
            "vars": {"node": "{{ inventory_hostname }}"},
            "tasks": titled,
        }
    ]


def _yaml(document: Any) -> str:
    return "---\n" + yaml.safe_dump(document, sort_keys=False, width=1000)


def pyinfra_deploy(resources: list[Resource]) -> str:
    """Return the text of a pyinfra deploy with one operation for each resource."""
    calls = [_PYINFRA[entry.kind](entry) for entry in resources]
    return "\n".join(
        [
            '"""Generated from resources.yml."""',
            "from pyinfra import host",
            "from pyinfra.operations import apt, files, server, systemd",
            *calls,
            "",
        ]
    )


def _mode(entry: Resource) -> str:
    return f'user="root", group="root", mode={entry.mode.lstrip("0")!r}'


_PYINFRA: dict[str, Callable[[Resource], str]] = {
    "package": lambda e: f"apt.packages(packages=[{e.name!r}], no_recommends=True)",
    "user": lambda e: f"server.user(user={e.name!r}, shell={e.shell!r}, home={f'/home/{e.name}'!r}, ensure_home=False)",
    "directory": lambda e: f"files.directory(path={e.name!r}, {_mode(e)})",
    "file": lambda e: f"files.put(src={f'files/{source(e)}'!r}, dest={e.name!r}, {_mode(e)})",
    "template": lambda e: (
        f"files.template(src={f'templates/{source(e)}'!r}, dest={e.name!r}, node=host.name, {_mode(e)})"
    ),
    "sysctl": lambda e: f"server.sysctl(key={e.name!r}, value={_number(e.value)!r})",
    "unit": lambda e: f"systemd.service(service={e.name!r}, running=True, enabled=True)",
}


def _number(value: str) -> int | list[int]:
    """Return what pyinfra compares with the values it has read, which are numbers or lists of them."""
    numbers = [int(word) for word in value.split()]
    return numbers[0] if len(numbers) == 1 else numbers
