"""The fleet file: which hosts a lab has."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hybridctl import content
from hybridctl.errors import InvalidInput

__all__ = ["KINDS", "LabHost", "default_fleet_file", "load_fleet"]

KINDS = ("container",)
"""How a host is made. Virtual machines come with the accelerators, which need kernels of their own."""

_KEYS = {"kind": str, "groups": list, "profile": str, "memory": int}
_NAME = re.compile(r"^[a-z][a-z0-9-]{0,30}$")
_GROUP = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_LEAST_MEMORY = 64  # MiB; systemd and sshd alone take 40 (measured)
_MOST_HOSTS = 200  # what a /24 holds beside the bridge
_WORKERS = {"vllm_cpu", "vllm_gpu"}


@dataclass(frozen=True)
class LabHost:
    """One host of a fleet file; memory in MiB."""

    name: str
    groups: tuple[str, ...]
    profile: str | None = None
    memory: int = 512
    kind: str = "container"

    @property
    def is_worker(self) -> bool:
        """Whether vLLM runs there, so that the wheelhouse and the model are needed."""
        return bool(_WORKERS & set(self.groups))


def default_fleet_file() -> Path:
    """Return the fleet file that `lab up` uses without `--hosts`."""
    return content.inventories() / "lab" / "lab-hosts.yml"


def load_fleet(path: Path) -> tuple[LabHost, ...]:
    """Read a fleet file.

    Raises:
        InvalidInput: with file and line, what is wrong and what is allowed.
    """
    try:
        document = yaml.compose(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such fleet file", f"start from a copy of {default_fleet_file()}") from None
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be read: {error.strerror}", "name a fleet file: --hosts FILE") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path}: not UTF-8 at byte {error.start}", "save it as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise InvalidInput(f"{path}:{line}: not YAML: {getattr(error, 'problem', error)}", _HINT) from None
    top = _mapping(path, document, "the file")
    for key, node in top.items():
        if key != "hosts":
            raise InvalidInput(f"{path}:{_line(node)}: unknown key {key!r}{_nearest(key, ['hosts'])}", _HINT)
    hosts = _mapping(path, top.get("hosts"), "hosts")
    if not hosts:
        raise InvalidInput(f"{path}: no hosts", _HINT)
    if len(hosts) > _MOST_HOSTS:
        raise InvalidInput(f"{path}: {len(hosts)} hosts", f"a lab holds at most {_MOST_HOSTS}")
    return tuple(_host(path, name, node) for name, node in hosts.items())


_HINT = "a fleet file holds: hosts: {NAME: {groups: [..], profile: NAME, memory: MiB, kind: container}}"


def _host(path: Path, name: str, node: yaml.Node) -> LabHost:
    where = f"{path}:{_line(node)}"
    if not _NAME.match(name) or name == "localhost":
        raise InvalidInput(
            f"{where}: bad host name {name!r}", "small letters, digits and -, at most 31, a letter first"
        )
    values: dict[str, Any] = {}
    for key, value in _mapping(path, node, f"host {name}").items():
        at = f"{path}:{_line(value)}"
        if key not in _KEYS:
            raise InvalidInput(
                f"{at}: unknown key {key!r} of host {name}{_nearest(key, _KEYS)}",
                f"allowed: {', '.join(_KEYS)}",
            )
        try:
            values[key] = yaml.safe_load(yaml.serialize(value))
        except yaml.YAMLError as error:
            raise InvalidInput(f"{at}: {key} of host {name}: {getattr(error, 'problem', error)}", _HINT) from None
        if not isinstance(values[key], _KEYS[key]) or isinstance(values[key], bool):
            raise InvalidInput(f"{at}: {key} of host {name} is {values[key]!r}, wants {_KEYS[key].__name__}", _HINT)
    if values.get("kind", "container") not in KINDS:
        raise InvalidInput(f"{where}: unknown kind {values['kind']!r} of host {name}", f"allowed: {', '.join(KINDS)}")
    if not values.get("groups"):
        raise InvalidInput(f"{where}: host {name} is in no group", "add for instance: groups: [vllm_cpu]")
    bad = next((group for group in values["groups"] if not _GROUP.match(str(group))), None)
    if bad is not None:
        raise InvalidInput(f"{where}: host {name}: bad group name {bad!r}", "letters, digits and _: Ansible's own rule")
    if values.get("memory", _LEAST_MEMORY) < _LEAST_MEMORY:
        raise InvalidInput(f"{where}: host {name}: memory {values['memory']} MiB", f"at least {_LEAST_MEMORY} MiB")
    return LabHost(name, tuple(str(g) for g in values.pop("groups")), **values)


def _mapping(path: Path, node: yaml.Node | None, what: str) -> dict[str, yaml.Node]:
    """Return the node's keys and value nodes; a key that stands twice is an error, not the last one's win."""
    if not isinstance(node, yaml.MappingNode):
        raise InvalidInput(f"{path}:{_line(node) if node else 1}: {what} must be a mapping", _HINT)
    result: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidInput(f"{path}:{_line(key)}: a key of {what} must be a word", _HINT)
        if key.value in result:
            raise InvalidInput(f"{path}:{_line(key)}: {key.value!r} stands twice", "remove one of them")
        result[key.value] = value
    return result


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _nearest(key: str, known: Any) -> str:
    near = difflib.get_close_matches(key, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
