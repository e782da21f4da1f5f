"""What lies at a path now."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from dataclasses import dataclass

from ansible_collections.hybridctl.site.plugins.module_utils.file_items import Item, ItemError, shown

__all__ = ["Found", "as_text", "followed", "look", "refuse_unwritable", "same", "wrong_kind"]

# <linux/fs.h>: FS_IOC_GETFLAGS, and the flags that chattr +i and +a set.
_GETFLAGS = 0x80086601 if struct.calcsize("l") == 8 else 0x80046601
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20


@dataclass(frozen=True)
class Found:
    """What lies at a path: absent, file, directory, link or other (a device, a socket, a pipe)."""

    kind: str
    stat: os.stat_result | None = None
    target: bytes = b""


def as_text(raw: bytes) -> str:
    """Return bytes from the host as text that every channel carries; what is not UTF-8 becomes a replacement sign."""
    return raw.decode("utf-8", "replace")


def look(item: Item) -> Found:
    """Return what lies at the item's path itself, not behind a link."""
    try:
        status = os.lstat(item.raw)
    except FileNotFoundError:
        return Found("absent")
    if stat.S_ISLNK(status.st_mode):
        return Found("link", status, os.readlink(item.raw))
    if stat.S_ISREG(status.st_mode):
        return Found("file", status)
    return Found("directory" if stat.S_ISDIR(status.st_mode) else "other", status)


def followed(item: Item, found: Found) -> Found:
    """Return what lies behind the link that was found.

    Raises:
        ItemError: it leads nowhere.
    """
    try:
        status = os.stat(item.raw)
    except OSError as error:
        raise ItemError(item, f"it is a {_describe_link(item, found)}") from error
    return Found("directory" if stat.S_ISDIR(status.st_mode) else "other", status)


def same(path: bytes, status: os.stat_result | None, content: bytes) -> bool:
    """Tell whether a file of that status holds that content."""
    if status is None or status.st_size != len(content):
        return False
    # Neither follow a link nor wait for a pipe that took the file's place since it was looked at.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(len(content) + 1) == content


def wrong_kind(item: Item, found: Found) -> str:
    """Return the sentence that says what lies where something else is wanted, with the remedy where there is one."""
    if found.kind == "link":
        what = "a " + _describe_link(item, found)
    else:
        what = {"file": "a file", "directory": "a directory"}.get(found.kind, "neither a file, a directory nor a link")
    remedy = "; `force: true` replaces it" if {item.state, found.kind} == {"file", "link"} else ""
    return "a {} is wanted, but it is {}{}".format(item.state if item.state != "absent" else "removal", what, remedy)


def _describe_link(item: Item, found: Found) -> str:
    try:
        os.stat(item.raw)
        end = ""
    except OSError as error:
        end = ", a loop of links" if error.errno == errno.ELOOP else ", which does not exist"
    return f"link to {shown(as_text(found.target))}{end}"


def refuse_unwritable(item: Item, found: Found) -> None:
    """Refuse what the kernel would refuse in the middle: a read-only file system, chattr +i and +a.

    Raises:
        ItemError: the file cannot be replaced.
    """
    there = found.kind in ("file", "directory")
    # A single file can be a read-only mount of its own.
    for place in (os.path.dirname(item.raw), *([item.raw] if there else [])):
        if os.path.exists(place) and os.statvfs(place).f_flag & os.ST_RDONLY:
            raise ItemError(item, "it lies on a read-only file system")
    if not there:
        return
    buffer = bytearray(struct.calcsize("l"))
    try:
        descriptor = os.open(item.raw, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, _GETFLAGS, buffer)
        finally:
            os.close(descriptor)
    except OSError:
        return  # a file system without such flags, such as tmpfs before Linux 6.6
    flags = struct.unpack("I", buffer[:4])[0]
    if flags & _IMMUTABLE or (flags & _APPEND_ONLY and found.kind == "file"):
        flag = "i" if flags & _IMMUTABLE else "a"
        raise ItemError(item, f"it must not be changed (chattr +{flag}); `chattr -{flag}` allows it again")
