"""Run the core of `hybridctl.site.files` in this process: plan, apply, report."""

from pathlib import Path
from typing import Any

from ansible_collections.hybridctl.site.plugins.module_utils.file_items import Item, pack, unpack
from ansible_collections.hybridctl.site.plugins.module_utils.file_planning import Planner, Step
from ansible_collections.hybridctl.site.plugins.module_utils.file_transaction import Transaction


def items(*wanted: dict[str, Any]) -> list[Item]:
    """Return items as the module gets them, through the text they travel in."""
    filled = []
    for index, want in enumerate(wanted):
        usual = {"content": b"", "mode": 0o644} if want.get("state", "file") == "file" else {}
        filled.append(Item(index=index, **{**usual, **want, "path": str(want["path"])}))
    return unpack(pack(filled))


def plan(*wanted: dict[str, Any], check: bool = False) -> list[Step]:
    """Return the steps to what is wanted."""
    return Planner(items(*wanted), check).steps()


def apply(*wanted: dict[str, Any]) -> Transaction:
    """Have it so, and return the transaction."""
    transaction = Transaction(plan(*wanted))
    transaction.run()
    return transaction


def summary(steps: list[Step]) -> list[tuple[str, str, str, str]]:
    """Return (name, action, why, depends_on) of each step."""
    return [(Path(step.item.path).name, step.action, ", ".join(step.why), ", ".join(step.depends_on)) for step in steps]


def tree(folder: Path) -> dict[str, bytes]:
    """Return what every file below `folder` holds, temporary ones too; a link counts as what it points at."""
    return {
        str(path.relative_to(folder)): str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }
