"""Steps as the result names them: resources for plans and reports, and the diffs of `ansible-playbook --diff`."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from ansible_collections.hybridctl.site.plugins.module_utils.file_items import Item, shown
from ansible_collections.hybridctl.site.plugins.module_utils.file_planning import Step
from ansible_collections.hybridctl.site.plugins.module_utils.file_state import as_text

__all__ = ["LONGEST_TEXT", "Report", "ansible_diff"]

LONGEST_TEXT = 100 * 1024  # bytes of one side of a diff; beyond it the diff says only that the content differs
MOST_TEXT = 8 * 1024 * 1024  # bytes of all diffs of one task
# Of PBKDF2: about 0.1 s for each secret that is about to change, and for each guess of somebody who has the digest.
ROUNDS = 100_000


class Report:
    """Turns steps into what the result carries; to be made before they are done, for it reads what will be replaced."""

    def __init__(self) -> None:
        self._room = MOST_TEXT

    def resource(self, step: Step) -> dict[str, Any]:
        """Return one entry of `resources`."""
        diff = self._diff(step)
        return {
            "kind": step.kind,
            "name": step.item.path,
            "action": step.action,
            "why": ", ".join(step.why),
            "depends_on": ", ".join(step.depends_on),
            "diff": diff,
            "digest": _digest(step.item) if step.rewrite and step.kind == "file" and "prepared" in diff else "",
        }

    def _diff(self, step: Step) -> dict[str, str]:
        words = {"create": "new " + step.kind, "remove": step.kind + " removed"}.get(step.action, ", ".join(step.why))
        removed = step.action == "remove"
        if step.kind == "link":
            after = b"" if removed else step.item.raw_target
            return {"before": _arrow(step.found.target), "after": _arrow(after), "place": step.item.path}
        if step.kind == "directory" or not (step.rewrite or removed):
            mode = f", mode {step.mode:04o}" if step.action == "create" and step.mode is not None else ""
            return {"prepared": words + mode}
        if step.item.secret:
            return {"prepared": words + " (secret, not shown)"}
        contents = [_content(step), b"" if removed else step.item.content or b""]
        sizes = [self._room if content is None else len(content) for content in contents]
        if max(sizes) > LONGEST_TEXT or sum(sizes) > self._room:
            return {"prepared": words + " (too long to be shown)"}
        texts = [_text(content or b"") for content in contents]
        if None in texts:
            return {"prepared": words + " (binary, not shown)"}
        self._room -= sum(sizes)
        return {"before": texts[0] or "", "after": texts[1] or "", "place": step.item.path}


def ansible_diff(resource: dict[str, Any]) -> dict[str, str]:
    """Return a resource's diff as Ansible's own callbacks show it."""
    diff: dict[str, str] = resource["diff"]
    if "prepared" in diff:
        return {"prepared": "{}: {}\n".format(shown(resource["name"]), diff["prepared"])}
    header = shown(resource["name"]) + (" ({})".format(resource["why"]) if resource["action"] == "change" else "")
    return {"before": diff["before"], "after": diff["after"], "before_header": header, "after_header": header}


def _digest(item: Item) -> str:
    """Return what tells a content that the diff does not show from another one."""
    content = item.content or b""
    if item.secret:
        return hashlib.pbkdf2_hmac("sha256", content, item.raw, ROUNDS).hex()[:16]
    return hashlib.sha256(content).hexdigest()[:16]


def _content(step: Step) -> bytes | None:
    """Return what the file holds now; None when that is too long or cannot be read."""
    if step.found.kind != "file":
        return b""
    try:
        descriptor = os.open(step.item.raw, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(LONGEST_TEXT + 1)
    except OSError:
        return None
    return content if len(content) <= LONGEST_TEXT else None


def _text(content: bytes) -> str | None:
    """Return content as text; None when it is none."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _arrow(target: bytes) -> str:
    return f"-> {as_text(target)}\n" if target else ""
