"""What a task changed, as resources: (kind, name, action). Pure: results of modules in, changes out.

The same function reads check-mode results for `plan` and real ones for `provision`, so that the two can be compared
resource by resource. Modules of ours say what they changed in `resources`; of Ansible's own it is read off the result.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hybridctl.failures import item_label

__all__ = ["KINDS", "Change", "TaskChange", "changes_of", "key_set"]


# As the schemas of plans and of results have them.
KINDS = ("file", "directory", "link", "package", "unit", "user", "group", "command", "reboot")


@dataclass(frozen=True)
class Change:
    """One resource of a host that a task changed, or would change.

    Attributes:
        kind: one of KINDS; command for what only a command tells.
        name: path, package, unit, user; of a command its role and task.
        action: write, remove, install, upgrade, downgrade, hold, start, restart, reload, enable ..., run.
        why: in a few words.
        depends_on: what must come first so that this happens; empty when it was read off the host, and is certain.
        old, new: versions of a package.
        size: bytes to download.
        item: of a loop whose task only a command tells.
        diff: as the module gave it, secrets masked.
        digest: of a content that the diff does not show.
    """

    kind: str
    name: str
    action: str
    why: str = ""
    depends_on: str = ""
    old: str = ""
    new: str = ""
    size: int = 0
    item: str = ""
    diff: Any = None
    digest: str = ""

    @property
    def resource(self) -> str:
        """Kind and name in one: `file /etc/hosts`."""
        return f"{self.kind} {self.name}"

    @property
    def key(self) -> tuple[str, str]:
        """What must be the same in a plan and in the provision that follows it."""
        return self.resource, self.action

    def as_dict(self) -> dict[str, Any]:
        """Return the fields that are set."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True)
class TaskChange:
    """A change and where in the site's playbook it is made."""

    layer: str
    role: str
    task: str
    change: Change

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON, without the diff, which can be long, and its digest, which only a plan is compared by."""
        fields = self.change.as_dict()
        fields.pop("diff", None)
        fields.pop("digest", None)
        return {"layer": self.layer, "role": self.role, "task": self.task, **fields}


def key_set(hosts: Iterable[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    """Return (host, resource, action) of the `hosts` of a plan's or a run's JSON document."""
    return {
        (host["name"], f"{change['kind']} {change['name']}", change["action"])
        for host in hosts
        for change in host["changes"]
    }


def changes_of(module: str, result: Mapping[str, Any], *, label: str, item: str = "") -> tuple[Change, ...]:
    """Return what a changed result changed, never nothing.

    Args:
        module: full or short name of the module or action.
        result: the `res` of the runner's event, redacted.
        label: `role: task`, the name of what only a command tells.
        item: of a loop.
    """
    items = [item for item in result.get("results") or () if isinstance(item, Mapping) and item.get("changed")]
    if items:
        return tuple(c for one in items for c in changes_of(module, one, label=label, item=item_label(one)))
    read = _READERS.get(module.rpartition(".")[2])
    found = tuple(_declared(result)) or (tuple(read(result)) if read else ())
    # Nobody else knows what a command changes: its task names it.
    name = f"{label} ({item})" if item else label
    return found or (Change("command", name, "run", item=item, diff=_placed(result)),)


def _declared(result: Mapping[str, Any]) -> Iterator[Change]:
    """Read what a module of ours says itself. Another's `resources` may be anything, and say nothing here."""
    resources = result.get("resources")
    if not isinstance(resources, list) or not all(_is_declared(resource) for resource in resources):
        return
    known = set(Change.__dataclass_fields__)
    for resource in resources:
        fields = {key: value for key, value in resource.items() if key in known}
        if fields["action"] in ("create", "change"):
            # Whether it is new then is not certain: a package that comes before may bring its own version of it.
            fields["action"] = "write"
        yield Change(**fields)


def _is_declared(resource: Any) -> bool:
    if not isinstance(resource, Mapping):
        return False
    return resource.get("kind") in KINDS and all(isinstance(resource.get(key), str) for key in ("name", "action"))


def _reboot(_result: Mapping[str, Any]) -> Iterator[Change]:
    yield Change("reboot", "host", "run")


_KINDS = {"directory": "directory", "link": "link", "hard": "link"}


def _file(result: Mapping[str, Any]) -> Iterator[Change]:
    arguments = (result.get("invocation") or {}).get("module_args") or {}
    path = result.get("dest") or result.get("path") or arguments.get("dest") or arguments.get("path")
    if not path:
        return
    wanted = str(result.get("state") or arguments.get("state") or "file")
    action = "remove" if wanted == "absent" else "write"
    yield Change(_KINDS.get(wanted, "file"), str(path), action, diff=_placed(result))


def _account(kind: str) -> Callable[[Mapping[str, Any]], Iterator[Change]]:
    def read(result: Mapping[str, Any]) -> Iterator[Change]:
        arguments = (result.get("invocation") or {}).get("module_args") or {}
        name = result.get("name") or arguments.get("name")
        if name:
            yield Change(kind, str(name), "remove" if result.get("state") == "absent" else "write")

    return read


_STATES = {"started": "start", "stopped": "stop", "restarted": "restart", "reloaded": "reload"}


def _unit(result: Mapping[str, Any]) -> Iterator[Change]:
    arguments = (result.get("invocation") or {}).get("module_args") or {}
    name = str(result.get("name") or arguments.get("name") or "")
    if name:
        unit = name if "." in name else f"{name}.service"
        yield Change("unit", unit, _STATES.get(str(arguments.get("state")), "enable"))


# apt-get, simulating: "Inst NAME [OLD] (NEW SOURCE [ARCH])", "Remv NAME [OLD]"; for real: "Unpacking NAME:ARCH (NEW)
# over (OLD) ...", "Removing NAME (OLD) ...". Recorded on Debian 12, tests/unit/test_changes.py.
_SIMULATED = re.compile(r"^(?P<do>Inst|Remv) (?P<name>\S+)(?: \[(?P<old>[^]]+)\])?(?: \((?P<new>\S+))?", re.MULTILINE)
_UNPACKED = re.compile(r"Unpacking (?P<name>[^\s:]+)(?::\w+)? \((?P<new>[^)]+)\)(?: over \((?P<old>[^)]+)\))?")
_REMOVED = re.compile(r"Removing (?P<name>[^\s:]+)(?::\w+)? \((?P<old>[^)]+)\)")


def _packages(result: Mapping[str, Any]) -> Iterator[Change]:
    output = str(result.get("stdout") or "")
    for match in (*_SIMULATED.finditer(output), *_UNPACKED.finditer(output), *_REMOVED.finditer(output)):
        found = match.groupdict(default="")
        new = found.get("new", "")
        action = "upgrade" if found["old"] and new else "install" if new else "remove"
        yield Change("package", found["name"].partition(":")[0], action, old=found["old"], new=new)


_READERS: dict[str, Callable[[Mapping[str, Any]], Iterator[Change]]] = {
    **dict.fromkeys(
        ("assemble", "blockinfile", "copy", "file", "get_url", "lineinfile", "replace", "template", "tempfile"), _file
    ),
    **dict.fromkeys(("apt", "package"), _packages),
    **dict.fromkeys(("service", "systemd", "systemd_service"), _unit),
    "reboot": _reboot,
    "user": _account("user"),
    "group": _account("group"),
}


def _placed(result: Mapping[str, Any]) -> Any:
    """Return the diff of a result, with the path on the host: the diff's own header may name a temporary file."""
    diff, place = result.get("diff"), result.get("dest") or result.get("path")
    parts = diff if isinstance(diff, list) else [diff]
    if place and sum(isinstance(part, Mapping) and ("before" in part or "after" in part) for part in parts) == 1:
        parts = [{**part, "place": str(place)} if isinstance(part, Mapping) else part for part in parts]
        return parts if isinstance(diff, list) else parts[0]
    return diff
