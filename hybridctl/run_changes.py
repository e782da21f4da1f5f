"""What a recorded CHANGED event changed: every entry as a label and the lines of its diff."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridctl.planning import LONGEST_DIFF, diff_lines

__all__ = ["ChangedItem", "RunChange", "changed_item"]


@dataclass(frozen=True)
class ChangedItem:
    """One resource that a task changed.

    Attributes:
        key: names the resource and the action, equal in every run that changes it likewise.
        label: for people; empty for a task that has no loop and names no resource.
        diff: unified diff, secrets masked; empty when the module gave none.
    """

    key: str
    label: str
    diff: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunChange:
    """One task that changed its host."""

    layer: str
    role: str
    task: str
    items: tuple[ChangedItem, ...]

    @property
    def title(self) -> str:
        """Return `role : task`."""
        return f"{self.role} : {self.task}" if self.role else self.task


def changed_item(entry: Any) -> ChangedItem:
    """Read an entry of an event's `changes`.

    Args:
        entry: `{"kind": "file", "name": "/etc/x", "action": "write", ...}`.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(entry, Mapping):
        raise ValueError("a change is an object")
    key, label = _words(entry)
    lines = list(diff_lines(entry.get("diff")))
    if len(lines) > LONGEST_DIFF:
        lines[LONGEST_DIFF:] = [f"... {len(lines) - LONGEST_DIFF} more lines"]
    return ChangedItem(key, label, tuple(lines))


def _words(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return key and label of a resource: `change file /etc/x`, and the same with versions, reason and condition."""
    words = {name: str(entry.get(name) or "") for name in ("action", "kind", "name", "why", "item", "old", "new")}
    # What only a command tells has the name of its task, which stands beside it; the item of a loop is left.
    parts = ("item",) if words["kind"] == "command" else ("action", "kind", "name")
    key = label = " ".join(words[part] for part in parts if words[part])
    if words["old"] or words["new"]:
        label += f": {words['old'] or 'none'} -> {words['new'] or 'none'}"
    if words["why"]:
        label += f" ({words['why']})"
    if entry.get("depends_on"):
        label += f", depends on {entry['depends_on']}"
    return key, label.strip()
