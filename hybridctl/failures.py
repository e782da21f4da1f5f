"""What a failed task says to a human: one message, one remedy, never a page of JSON."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["explain", "item_label"]

MESSAGE_LIMIT = 600  # characters: what fits on a screen beside the other hosts
LINES = 8  # of an output, the last ones: there the error stands

# What to do, by what the message says: first match wins.
_REMEDIES = (
    (r"^locked by ", "let that run end; if it is dead: hybridctl provision --limit {host} --break-locks"),
    (r"Host key verification failed|host key is known", "compare the host's key, then accept it: ssh {address}"),
    (r"Permission denied \(", "check ansible_user and the key that the host accepts: ssh {address}"),
    (r"Missing sudo password|[Ss]udo.*password", "put ansible_become_password into the vaulted variables"),
    (r"timed out|No route to host|Connection refused|unreachable|closed by|could not be sent|Broken pipe",
     "is the host up and its SSH port open? hybridctl doctor --limit {host}"),
    (r"Could not resolve hostname|Name or service not known", "correct ansible_host of {host} in the inventory"),
    (r"No space left on device|enough free space|Disk quota exceeded", "free space on {host}: df -h"),
    (r"dpkg was interrupted|half installed", "repair it on {host}: dpkg --configure -a; then provision again"),
    (r"Could not get lock|dpkg frontend lock|lock-frontend",
     "another package job runs on {host}; let it finish (ps -C apt,apt-get,dpkg), then provision again"),
    (r"No package matching|Unable to fetch|Failed to fetch|Failed to update apt cache",
     "does {host} reach its package mirror, and does the mirror have it? try apt-get update there"),
    (r"is undefined|undefined variable|has no attribute", "set the variable in group_vars; see the role's README"),
    (r"is not set|is required|one of the following is required", "set the variable in group_vars"),
    (r"discovered_interpreter|python.*not found|No python interpreters", "install python3 on {host}"),
)  # fmt: skip


def explain(result: Mapping[str, Any], *, host: str, path: str = "") -> tuple[str, str]:
    """Return message and remedy of a failed or unreachable result.

    Args:
        result: the `res` of the runner's event, redacted.
        host: its inventory name.
        path: `file:line` of the task, for the remedy when nothing better is known.
    """
    message = _message(result)
    address = str(result.get("ansible_host") or host)
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, message):
            return message, remedy.format(host=host, address=address)
    place = f"read {path}, then " if path else ""
    return message, f"{place}run again with --limit {host}"


def item_label(result: Mapping[str, Any]) -> str:
    """Return the name of a loop's item, short; empty when the result is of no loop."""
    label = result.get("_ansible_item_label", result.get("item", ""))
    if isinstance(label, Mapping):
        label = label.get("name") or label.get("path") or label.get("dest") or ", ".join(map(str, label))
    return _short(str(label), 80)


def _message(result: Mapping[str, Any]) -> str:
    if "censored" in result:
        return "the task hides its output because it handles secrets"
    failed = [item for item in result.get("results") or () if isinstance(item, Mapping) and _bad(item)]
    if failed:
        return _items_message(failed)
    message = _text(result.get("msg"))
    if re.match(r"MODULE FAILURE|Module result deserialization failed|non-zero return code", message) or not message:
        detail = _tail(result.get("module_stderr") or result.get("stderr") or result.get("exception")) or _tail(
            result.get("module_stdout") or result.get("stdout")
        )
        rc = f" (exit status {result['rc']})" if result.get("rc") not in (None, 0) else ""
        message = (detail or message or "it failed and gave no message") + rc
    return _short(message, MESSAGE_LIMIT)


def _items_message(failed: list[Mapping[str, Any]]) -> str:
    """Return what the failed items of a loop say, those that say the same together."""
    items: dict[str, list[str]] = {}
    for item in failed:
        items.setdefault(_message(item), []).append(item_label(item))
    parts = []
    for message, labels in list(items.items())[:3]:
        more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
        parts.append(f"{', '.join(labels[:3])}{more}: {message}")
    if len(items) > 3:
        parts.append(f"and {len(items) - 3} other messages")
    return _short("; ".join(parts), MESSAGE_LIMIT)


def _bad(item: Mapping[str, Any]) -> bool:
    return bool(item.get("failed") or item.get("unreachable"))


def _text(message: Any) -> str:
    if isinstance(message, list):
        return "; ".join(map(str, message))
    return str(message or "").strip().removeprefix("Task failed: ")


def _tail(output: Any) -> str:
    lines = [line.rstrip() for line in str(output or "").splitlines() if line.strip()]
    # Of a Python traceback only the last line tells a user something.
    if any(line.startswith("Traceback") for line in lines):
        lines = lines[-1:]
    return "\n".join(lines[-LINES:])


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 4] + " ..."
