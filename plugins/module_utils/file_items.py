"""Items of `hybridctl.site.files`: what one of them wants, and how they travel from the action plugin to the module."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any

__all__ = ["Item", "ItemError", "pack", "shown", "unpack"]


@dataclass(frozen=True)
class Item:
    """One path and how it shall be.

    Attributes:
        index: place in the task's list, from 0.
        path: absolute and normalised.
        state: file, directory, link or absent.
        content: what a file shall hold; None for other states.
        mode: permission bits; None leaves them (a new directory gets 0755).
        owner, group: name or number; None keeps what is there, or the user of the run.
        validate: command with %s in place of the new file.
        backup: keep what is replaced or removed under another name beside it.
        secret: no content in any result.
        target: what a link points at.
        force: replace a link by a file, a file by a link; accept a link into nowhere.
    """

    index: int
    path: str
    state: str = "file"
    content: bytes | None = None
    mode: int | None = None
    owner: str | None = None
    group: str | None = None
    validate: str | None = None
    backup: bool = False
    secret: bool = False
    target: str | None = None
    force: bool = False

    @property
    def raw(self) -> bytes:
        """The path for the operating system: UTF-8 whatever the locale of the target says."""
        return self.path.encode("utf-8", "surrogateescape")

    @property
    def raw_target(self) -> bytes:
        """The link's target for the operating system."""
        return (self.target or "").encode("utf-8", "surrogateescape")


class ItemError(Exception):
    """An item that cannot be had.

    Args:
        item: the item at fault.
        problem: what is wrong, and the remedy where there is one.
    """

    def __init__(self, item: Item, problem: str) -> None:
        super().__init__(f"files[{item.index}] {shown(item.path)}: {problem}")


def shown(path: str) -> str:
    """Return a path for people: as it is, or quoted with escapes where it holds what a terminal would act on."""
    return path if path.isprintable() else json.dumps(path)


def pack(items: list[Item]) -> str:
    """Return the items as one opaque text.

    One text, because Ansible logs a module's arguments on the host and masks whatever is marked `no_log` wherever it
    occurs: contents must not be logged, and a content such as "0" must not be masked in every output.
    """
    documents = []
    for item in items:
        document = dict(vars(item))
        if item.content is not None:
            document["content"] = base64.b64encode(item.content).decode("ascii")
        documents.append(document)
    return base64.b64encode(zlib.compress(json.dumps(documents).encode("ascii"), 1)).decode("ascii")


def unpack(payload: str) -> list[Item]:
    """Return the items that `pack` made into text.

    Raises:
        ValueError: it is not such a text.
    """
    try:
        documents: list[dict[str, Any]] = json.loads(zlib.decompress(base64.b64decode(payload)))
    except (ValueError, zlib.error) as error:
        raise ValueError(f"not a payload: {error}") from error
    for document in documents:
        if document["content"] is not None:
            document["content"] = base64.b64decode(document["content"])
    return [Item(**document) for document in documents]
