"""The fixed list of resources, and the content of its files."""

from dataclasses import dataclass, replace
from pathlib import Path

import yaml

__all__ = ["KINDS", "LIST", "Resource", "load", "named", "source", "text"]

KINDS = ("package", "user", "directory", "file", "template", "sysctl", "unit")
LIST = Path(__file__).with_name("resources.yml")
UNIT_FILE = """[Unit]
Description=A service of the benchmark that only sleeps
[Service]
Type=exec
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True)
class Resource:
    """One resource.

    Attributes:
        name: of a package, user, parameter or unit; the path of anything else.
        mode: octal, of files and directories.
        lines: length of a file's content.
        unit: whether the file is a unit's.
    """

    kind: str
    name: str
    mode: str = ""
    lines: int = 0
    shell: str = ""
    value: str = ""
    unit: bool = False


def load(path: Path = LIST, count: int | None = None) -> list[Resource]:
    """Return the resources of the list; with `count`, so many, by further copies of its files and templates.

    Raises:
        ValueError: a kind that the forms do not know, a name that stands twice, or a count below the list's own.
    """
    found = [Resource(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["resources"]]
    for entry in found:
        if entry.kind not in KINDS:
            raise ValueError(f"{path}: {entry.name}: kind {entry.kind!r}; known: {', '.join(KINDS)}")
    if len({(entry.kind, entry.name) for entry in found}) < len(found):
        raise ValueError(f"{path}: a resource stands twice")
    wanted = len(found) if count is None else count
    if wanted < len(found):
        raise ValueError(f"{wanted} resources asked for; the list alone has {len(found)}")
    patterns = [entry for entry in found if entry.kind in ("file", "template") and not entry.unit]
    copies = [
        replace(patterns[number % len(patterns)], name=f"{patterns[number % len(patterns)].name}-{number}")
        for number in range(wanted - len(found))
    ]
    return [entry for kind in KINDS for entry in (*found, *copies) if entry.kind == kind]


def named(resources: list[Resource], kind: str) -> list[Resource]:
    """Return the resources of one kind, in order."""
    return [entry for entry in resources if entry.kind == kind]


def source(resource: Resource) -> str:
    """Return the name of the file on the control node that holds the content."""
    return resource.name.strip("/").replace("/", "_") + (".j2" if resource.kind == "template" else "")


def text(resource: Resource, revision: int = 0, node: str | None = None) -> str:
    """Return a file's content as its source has it, or as the host `node` must have it.

    Args:
        revision: stands in the first line of a plain file, so that another one is a change at the source.
    """
    if resource.unit:
        return UNIT_FILE
    lines = [f"# {resource.name}, revision {revision}" if resource.kind == "file" else f"# {resource.name}"]
    for number in range(1, resource.lines):
        computed = resource.kind == "template" and number % 10 == 1
        if not computed:
            lines.append(f"option_{number} = value of option {number}, which is {number * number}")
        elif node is None:
            lines.append(f"option_{number} = {{{{ node }}}}, which is {{{{ {number} * {number} }}}}")
        else:
            lines.append(f"option_{number} = {node}, which is {number * number}")
    return "\n".join(lines) + "\n"
