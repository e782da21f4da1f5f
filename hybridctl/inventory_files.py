"""The files Ansible will read for a site, and what stands where in them."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from hybridctl.host_ranges import expand
from hybridctl.ini_lines import read_ini
from hybridctl.problems import Problem
from hybridctl.yamlmarks import VAULT_HEADER, compose, entries, line_of, read_text

__all__ = ["InventoryFiles", "Place", "Setting", "read_files"]

# What Ansible passes over in an inventory folder.
_IGNORED = re.compile(
    r"^\.|^(host_vars|group_vars|vars_plugins)$|(~|\.(pyc|pyo|swp|bak|rpm|md|txt|rst|orig|cfg|retry))$"
)
_YAML = (".yml", ".yaml", ".json")
_GROUP_KEYS = ("hosts", "vars", "children")


@dataclass(frozen=True, order=True)
class Place:
    """A line in a file."""

    path: Path
    line: int


@dataclass(frozen=True)
class Setting:
    """A variable that a file sets.

    Attributes:
        scope: the group or host it is set for.
    """

    name: str
    place: Place
    scope: str
    node: yaml.Node


@dataclass
class InventoryFiles:
    """Everything the files say, with its place.

    Attributes:
        vaulted: files that are encrypted whole.
        locked: variables whose value is encrypted in place.
        variable_files: each file of group_vars and host_vars with the kind and the name it is for.
    """

    settings: list[Setting] = field(default_factory=list)
    hosts: dict[str, Place] = field(default_factory=dict)
    groups: dict[str, Place] = field(default_factory=dict)
    vaulted: list[Path] = field(default_factory=list)
    locked: list[tuple[str, Place]] = field(default_factory=list)
    variable_files: list[tuple[str, str, Path]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unparsed: bool = False

    def read_variables(self, path: Path, scope: str, text: str) -> None:
        """Take in the text of a file of variables."""
        node, problems = compose(path, text)
        self.problems += problems
        self.unparsed |= bool(problems)
        if node is None:
            return
        if not isinstance(node, yaml.MappingNode):
            message = f"holds {_kind(node)}; allowed: a mapping of variables"
            self.problems.append(Problem(path, line_of(node), message, "write NAME: VALUE, one variable a line"))
            self.unparsed = True
            return
        self._settings(path, scope, node)

    def _settings(self, path: Path, scope: str, node: yaml.Node) -> None:
        for entry in entries(node):
            place = Place(path, entry.line)
            self.settings.append(Setting(entry.key, place, scope, entry.node))
            if entry.node.tag.startswith("!vault"):
                self.locked.append((entry.key, place))

    def read_source(self, path: Path) -> None:
        """Take in a file of hosts and groups."""
        if os.access(path, os.X_OK) and path.read_bytes()[:2] == b"#!":
            return  # a program that Ansible will run
        text, problems = read_text(path)
        if text is None:
            self.problems += problems
            self.unparsed = True
            return
        if text.encode().startswith(VAULT_HEADER):
            self.vaulted.append(path)
            return
        is_yaml = path.suffix in _YAML
        if not is_yaml and not (path.suffix == "" and re.search(r"(?m)^[\w.-]+:\s*(#.*)?$", text)):
            self._read_ini(path, text)
            return
        node, problems = compose(path, text)
        self.problems += problems
        if node is None:
            if not problems:
                self._nothing(path)
            self.unparsed = True
        elif not isinstance(node, yaml.MappingNode):
            message = f"holds {_kind(node)}; allowed: a mapping of groups"
            self.problems.append(Problem(path, line_of(node), message, _EXAMPLE))
            self.unparsed = True
        elif any(entry.key == "plugin" for entry in entries(node)):
            return  # configures an inventory plugin
        else:
            for entry in entries(node):
                self._group(path, entry.key, entry.line, entry.node)

    def _nothing(self, path: Path) -> None:
        self.problems.append(Problem(path, 0, "no host stands in it, only comments", "add hosts to a group"))
        self.unparsed = True

    def _read_ini(self, path: Path, text: str) -> None:
        lines = list(read_ini(text))
        if not lines:
            self._nothing(path)
        for line in lines:
            place = Place(path, line.number)
            if line.kind == "mistake":
                self.problems.append(Problem(path, line.number, line.name, line.scope))
                self.unparsed = True
            elif line.kind == "variable":
                # Blank lines in front of it give the value the line of the file.
                node = yaml.compose("\n" * (line.number - 1) + yaml.safe_dump(line.value))
                if node is not None:
                    self.settings.append(Setting(line.name, place, line.scope, node))
            elif line.kind == "host":
                self.hosts.setdefault(line.name, place)
            else:
                self.groups.setdefault(line.name, place)

    def _group(self, path: Path, name: str, line: int, node: yaml.Node) -> None:
        self.groups.setdefault(name, Place(path, line))
        if _is_nothing(node):
            return
        if not isinstance(node, yaml.MappingNode):
            message = f"group {name} holds {_kind(node)}; allowed: a mapping of {', '.join(_GROUP_KEYS)}"
            self.problems.append(Problem(path, line, message, _EXAMPLE))
            return
        for entry in entries(node):
            if entry.key not in _GROUP_KEYS:
                message = f"group {name}: unknown key {entry.key}; allowed: {', '.join(_GROUP_KEYS)}"
                remedy = f"hosts stand under `hosts:`, groups under `children:`; Ansible would pass over {entry.key}"
                self.problems.append(Problem(path, entry.line, message, remedy))
            elif not _is_nothing(entry.node) and not isinstance(entry.node, yaml.MappingNode):
                message = f"{entry.key} of group {name} is {_kind(entry.node)}; allowed: a mapping"
                self.problems.append(Problem(path, entry.line, message, _EXAMPLE))
            elif entry.key == "vars":
                self._settings(path, name, entry.node)
            else:
                self._members(path, entry.key, entry.node)

    def _members(self, path: Path, key: str, node: yaml.Node) -> None:
        for entry in entries(node):
            if key == "children":
                self._group(path, entry.key, entry.line, entry.node)
                continue
            try:
                names = expand(entry.key)
            except ValueError as error:
                message = f"host range {entry.key}: {error}"
                self.problems.append(Problem(path, entry.line, message, "write it so: gw[1:3]"))
                continue
            for name in names:
                self.hosts.setdefault(name, Place(path, entry.line))
                if isinstance(entry.node, yaml.MappingNode):
                    self._settings(path, name, entry.node)
            if not isinstance(entry.node, yaml.MappingNode) and not _is_nothing(entry.node):
                message = f"host {entry.key} is {_kind(entry.node)}; allowed: a mapping of variables"
                self.problems.append(Problem(path, entry.line, message, f"{entry.key}: {{ansible_host: ADDRESS}}"))


_EXAMPLE = "GROUP: {hosts: {NAME: {ansible_host: ADDRESS}}}"


def read_files(inventory: Path) -> InventoryFiles:
    """Read every file that Ansible will read for this inventory, a file or a folder."""
    found = InventoryFiles()
    sources = list(_sources(inventory))
    if not sources:
        found.problems.append(Problem(inventory, 0, "no inventory file in this folder", "write hosts.yml in it"))
        found.unparsed = True
    for path in sources:
        found.read_source(path)
    base = inventory if inventory.is_dir() else inventory.parent
    for kind in ("group_vars", "host_vars"):
        for name, path in _variable_files(base / kind):
            found.variable_files.append((kind, name, path))
            text, problems = read_text(path)
            found.problems += problems
            if text is None:
                found.unparsed = True
            elif text.encode().startswith(VAULT_HEADER):
                found.vaulted.append(path)
            else:
                found.read_variables(path, name, text)
    return found


def _sources(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for entry in sorted(path.iterdir()):
        if not _IGNORED.search(entry.name):
            yield from _sources(entry)


def _variable_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name and path of what Ansible reads in group_vars or host_vars: NAME, NAME.yml, NAME/**."""
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name.endswith("~"):
            continue
        if entry.is_dir():
            for path in sorted(entry.rglob("*")):
                if path.is_file() and path.suffix in ("", *_YAML) and not _hidden(path.relative_to(entry)):
                    yield entry.name, path
        elif entry.suffix in _YAML:
            yield entry.stem, entry
        elif "." not in entry.name:
            yield entry.name, entry


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part.endswith("~") for part in path.parts)


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a single value"
