"""Check-mode results -> a plan: host by host and layer by layer, what a provision would change."""

import difflib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from hybridctl.changes import TaskChange
from hybridctl.results import RunResult

__all__ = ["PLAN_SCHEMA", "Group", "Plan", "PlannedChange", "diff_lines"]

PLAN_SCHEMA = 2  # of the JSON document; described by data/plan.schema.json
# Packages that run only after the next boot: kernels and what is loaded before them, by Debian's names and RPM's.
KERNEL = re.compile(
    r"(linux-image-|kernel(-core|-modules)?$|intel-microcode$|amd64-microcode$|microcode_ctl$|grub|shim)"
)
LONGEST_DIFF = 200  # lines kept of one change; a whole new file need not be read here to know that it is new


@dataclass(frozen=True)
class PlannedChange:
    """One resource that would change.

    Attributes:
        depends_on: the resource that must come first; empty when the change is certain.
        diff: unified diff, secrets masked; empty when the module gives none.
        digest: of the whole diff, which `diff` may have cut, and of what it does not show.
    """

    layer: str
    role: str
    task: str
    kind: str
    name: str
    action: str
    why: str
    depends_on: str
    old: str
    new: str
    size: int
    diff: tuple[str, ...]
    digest: str

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self), "diff": list(self.diff), "certain": not self.depends_on}


@dataclass(frozen=True)
class Group:
    """Hosts on which the same would change.

    Attributes:
        changes: those of the first host, each with the number of hosts whose diff is another.
    """

    hosts: tuple[str, ...]
    changes: tuple[tuple[PlannedChange, int], ...]


@dataclass(frozen=True)
class Plan:
    """What would change, by host; every host that was asked for is in it.

    Attributes:
        result: the check-mode run behind it; it also tells which hosts could not be planned.
    """

    changes: Mapping[str, tuple[PlannedChange, ...]]
    result: RunResult

    @classmethod
    def of(cls, result: RunResult) -> "Plan":
        """Read the plan off a check-mode run that has ended."""
        return cls({host.name: tuple(_planned(host.changes)) for host in result.hosts}, result)

    def grouped(self) -> list["Group"]:
        """Return hosts of the same changes together, in inventory order.

        Diffs do not count: a file that names its host's own address would set every host apart.
        """
        groups: dict[tuple[PlannedChange, ...], list[str]] = {}
        for host, changes in self.changes.items():
            groups.setdefault(tuple(replace(change, diff=(), digest="") for change in changes), []).append(host)
        return [Group(tuple(hosts), tuple(self._alike(hosts))) for hosts in groups.values()]

    def _alike(self, hosts: list[str]) -> Iterator[tuple[PlannedChange, int]]:
        """Yield the changes of the first host, each with how many of the hosts have another diff there."""
        first, *others = (self.changes[host] for host in hosts)
        for place, change in enumerate(first):
            yield change, sum(other[place].digest != change.digest for other in others)

    def summary(self) -> dict[str, dict[str, int]]:
        """Return kind -> action -> number, over all hosts."""
        counts: dict[str, Counter[str]] = {}
        for change in (change for changes in self.changes.values() for change in changes):
            counts.setdefault(change.kind, Counter())[change.action] += 1
        return {kind: dict(actions) for kind, actions in counts.items()}

    def is_planned(self, host: str) -> bool:
        """Tell whether check mode came to the end of the host's tasks."""
        return next(outcome.state.is_fine for outcome in self.result.hosts if outcome.name == host)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        run = self.result.document
        outcomes = {host.name: host for host in self.result.hosts}
        kept = ("id", "site", "limit", "layers", "roles", "asked", "judged", "exit_code", "message")
        return {
            "schema": PLAN_SCHEMA,
            **{key: run[key] for key in kept},
            "summary": self.summary(),
            "hosts": [
                {
                    "name": name,
                    "planned": self.is_planned(name),
                    "state": outcomes[name].state.value,
                    "reboot": reboot(changes),
                    "changes": [change.document() for change in changes],
                    "failures": [vars(failure) for failure in outcomes[name].failures],
                }
                for name, changes in self.changes.items()
            ],
        }


def reboot(changes: Iterable[PlannedChange]) -> dict[str, Any]:
    """Return whether the host wants a reboot, and why or why not: a task reboots it, or a new kernel waits for one."""
    why = [
        f"the task {change.task}" if change.kind == "reboot" else f"package {change.name} takes effect at boot"
        for change in changes
        if change.kind == "reboot" or (change.new and change.kind == "package" and KERNEL.match(change.name))
    ]
    return {"needed": bool(why), "why": "; ".join(why) or "no change here takes effect only at boot"}


def _planned(changes: Iterable[TaskChange]) -> Iterator[PlannedChange]:
    """Yield the changes as planned ones.

    What only a command tells stands on what the role would have done before it: Ansible asks such a task nothing but
    whether a path is there.
    """
    before: dict[str, str] = {}
    for made in changes:
        change = made.change
        depends_on = change.depends_on
        if change.kind == "command" and not depends_on:
            depends_on = before.get(made.role, "")
        before[made.role] = change.resource
        lines = tuple(diff_lines(change.diff))
        yield PlannedChange(
            made.layer,
            made.role,
            made.task,
            change.kind,
            change.name,
            change.action,
            change.why,
            depends_on,
            change.old,
            change.new,
            change.size,
            _cut(lines),
            hashlib.sha256("\n".join([*lines, change.digest]).encode()).hexdigest()[:16] if lines else "",
        )


def _cut(lines: tuple[str, ...]) -> tuple[str, ...]:
    if len(lines) <= LONGEST_DIFF:
        return lines
    return (*lines[:LONGEST_DIFF], f"... {len(lines) - LONGEST_DIFF} more lines")


def diff_lines(diff: Any) -> Iterator[str]:
    """Yield the lines of what a module gave as its diff: one or a list of before/after pairs, or ready text."""
    if isinstance(diff, list):
        for part in diff:
            yield from diff_lines(part)
    elif isinstance(diff, Mapping):
        if "prepared" in diff:
            yield from _lines(diff["prepared"])
        elif "before" in diff or "after" in diff:
            yield from _unified(diff)


def _unified(diff: Mapping[str, Any]) -> Iterator[str]:
    before, after = _lines(diff.get("before")), _lines(diff.get("after"))
    place = next((name for name in map(diff.get, ("place", "before_header", "after_header")) if _on_host(name)), "")
    for line in difflib.unified_diff(before, after, f"now {place}", f"then {place}", n=1, lineterm=""):
        # Line numbers say nothing to a reader who has not got the file before them.
        if not line.startswith("@@"):
            yield line.rstrip()


def _on_host(place: Any) -> bool:
    """Tell a path on the host from the temporary file on our side, which has a new name in every run."""
    return bool(place) and "/tmp/ansible-" not in str(place) and ".ansible/tmp" not in str(place)  # noqa: S108


def _lines(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    if not isinstance(value, str):
        value = json.dumps(value, indent=1, sort_keys=True)
    return list(value.splitlines())
