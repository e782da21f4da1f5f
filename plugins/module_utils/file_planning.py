"""The steps from what lies at the paths now to what the items want. Reads; changes nothing."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from dataclasses import dataclass, field

from ansible_collections.hybridctl.site.plugins.module_utils.file_items import Item, ItemError, shown
from ansible_collections.hybridctl.site.plugins.module_utils.file_state import (
    Found,
    as_text,
    followed,
    look,
    refuse_unwritable,
    same,
    wrong_kind,
)

__all__ = ["NoLabels", "Planner", "Step"]

NEW_DIRECTORY_MODE = 0o755


@dataclass
class Step:
    """One item that differs from what is there.

    Attributes:
        kind: file, directory or link: what is created, changed or removed.
        action: create, change or remove.
        why: what differs, in short words.
        depends_on: what must come first; empty when the step is certain.
        rewrite: whether a file or link is replaced; otherwise only its attributes change.
    """

    item: Item
    kind: str
    action: str
    found: Found
    why: list[str] = field(default_factory=list)
    depends_on: list[str] = field(default_factory=list)
    rewrite: bool = False
    uid: int = -1
    gid: int = -1
    mode: int | None = None
    relabel: bool = False


class NoLabels:
    """SELinux where there is none."""

    def differs(self, path: str) -> bool:
        """Tell whether the label of `path` is not the policy's default for it."""
        return False

    def restore(self, path: str, place: str) -> None:
        """Give `path` the default label of `place`."""


class Planner:
    """Compares items with the host.

    Args:
        items: all items of the task; parents are looked for among them.
        check: whether something missing (a parent, a user) may still come from another task.
    """

    def __init__(self, items: list[Item], check: bool = False, labels: NoLabels | None = None) -> None:
        self.items = items
        self.check = check
        self.labels = labels or NoLabels()
        self._coming = {item.path for item in items if item.state != "absent"}
        self._directories = {item.path for item in items if item.state == "directory"}
        self._leaving = {item.raw for item in items if item.state == "absent"}
        self._ids: dict[tuple[str, str], int | None] = {}

    def steps(self) -> list[Step]:
        """Return what differs, in the order of the items.

        Raises:
            ItemError: an item that cannot be had; nothing was changed.
        """
        made = (self._step(item) for item in self.items)
        steps = [step for step in made if step is not None]
        for step in steps:
            refuse_unwritable(step.item, step.found)
        return steps

    def _step(self, item: Item) -> Step | None:
        try:
            missing = self._missing_parent(item)
            found = Found("absent") if missing else look(item)
            step: Step | None = {
                "file": self._file,
                "directory": self._directory,
                "link": self._link,
                "absent": self._absent,
            }[item.state](item, found)
        except OSError as error:
            raise ItemError(item, error.strerror or str(error)) from error
        if step and missing and missing not in self._directories:
            self._later(step, "directory " + missing, f"its directory {shown(missing)} does not exist")
        return step

    def _later(self, step: Step, what: str, problem: str) -> None:
        """Note in check mode what may still come; refuse it in a real run."""
        if not self.check:
            raise ItemError(step.item, problem)
        step.depends_on.append(what)

    def _missing_parent(self, item: Item) -> str:
        """Return the item's directory when it does not exist, else nothing."""
        parent = os.path.dirname(item.path)
        raw = os.path.dirname(item.raw)
        try:
            if stat.S_ISDIR(os.stat(raw).st_mode):
                return ""
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise ItemError(item, f"a loop of links lies in its directory {shown(parent)}") from error
            if error.errno == errno.ENOENT:
                if os.path.islink(raw):
                    problem = "its directory %s is a link to %s, which does not exist"
                    raise ItemError(item, problem % (shown(parent), as_text(os.readlink(raw)))) from error
                return parent
            if error.errno != errno.ENOTDIR:
                raise
        if item.state == "absent":
            return parent
        raise ItemError(item, f"{shown(parent)} is not a directory")

    def _file(self, item: Item, found: Found) -> Step | None:
        content = item.content or b""
        if found.kind == "absent":
            step = Step(item, "file", "create", found, ["absent"], rewrite=True)
        elif found.kind == "link" and item.force:
            step = Step(item, "file", "change", found, ["link to " + as_text(found.target)], rewrite=True)
        elif found.kind == "file":
            step = Step(item, "file", "change", found)
            if not same(item.raw, found.stat, content):
                step.why.append("content")
                step.rewrite = True
        else:
            raise ItemError(item, wrong_kind(item, found))
        self._attributes(step)
        return step if step.why else None

    def _directory(self, item: Item, found: Found) -> Step | None:
        if found.kind == "absent":
            step = Step(item, "directory", "create", found, ["absent"])
        else:
            if found.kind == "link":
                found = followed(item, found)
            if found.kind != "directory":
                raise ItemError(item, wrong_kind(item, found))
            step = Step(item, "directory", "change", found)
        self._attributes(step)
        return step if step.why else None

    def _link(self, item: Item, found: Found) -> Step | None:
        if found.kind == "absent":
            step = Step(item, "link", "create", found, ["absent"], rewrite=True)
        elif found.kind == "link":
            if found.target == item.raw_target:
                return None
            step = Step(item, "link", "change", found, ["target"], rewrite=True)
        elif found.kind == "file" and item.force:
            step = Step(item, "link", "change", found, ["was a file"], rewrite=True)
        else:
            raise ItemError(item, wrong_kind(item, found))
        aim = os.path.normpath(os.path.join(os.path.dirname(item.path), item.target or ""))
        if not item.force and aim not in self._coming and not os.path.exists(aim.encode("utf-8", "surrogateescape")):
            problem = "its target %s does not exist; `force: true` if it shall be made nevertheless"
            self._later(step, "file " + aim, problem % shown(aim))
        return step

    def _absent(self, item: Item, found: Found) -> Step | None:
        if found.kind == "absent":
            return None
        if found.kind == "other":
            raise ItemError(item, wrong_kind(item, found))
        step = Step(item, found.kind, "remove", found, ["present"])
        if found.kind == "directory":
            left = [name for name in os.listdir(item.raw) if os.path.join(item.raw, name) not in self._leaving]
            if left:
                problem = "the directory is not empty (%s ...); ansible.builtin.file removes whole trees"
                raise ItemError(item, problem % shown(as_text(sorted(left)[0])))
        return step

    def _attributes(self, step: Step) -> None:
        """Set the owner, group, mode and label the step shall give, and note those that differ."""
        item, old = step.item, step.found.stat
        if step.found.kind not in ("file", "directory"):
            old = None  # a link's own attributes are not handed on to the file that replaces it
        step.mode = item.mode
        if old is None and step.mode is None and step.kind == "directory":
            step.mode = NEW_DIRECTORY_MODE
        for wish, what, name in ((item.owner, "owner", "uid"), (item.group, "group", "gid")):
            have = -1 if old is None else (old.st_uid if name == "uid" else old.st_gid)
            want = have if wish is None else self._id(what, wish)
            if want is None:
                self._later(
                    step, ("user " if name == "uid" else "group ") + str(wish), f"no {what} {wish} on this host"
                )
                want = have
                if old is not None:
                    step.why.append(f"{what} {have} -> {wish}")
            elif old is not None and want != have:
                step.why.append(f"{what} {_name(what, have)} -> {wish}")
            setattr(step, name, want)
        if old is not None:
            now = stat.S_IMODE(old.st_mode)
            if step.mode is None:
                step.mode = now
            elif step.mode != now:
                step.why.append(f"mode {now:04o} -> {step.mode:04o}")
            if self.labels.differs(item.path):
                step.relabel = True
                step.why.append("SELinux context")

    def _id(self, what: str, name: str) -> int | None:
        """Return the number of a user or group; None when the host knows no such name."""
        key = (what, name)
        if key not in self._ids:
            try:
                number = pwd.getpwnam(name).pw_uid if what == "owner" else grp.getgrnam(name).gr_gid
                self._ids[key] = number
            except KeyError:
                self._ids[key] = int(name) if name.isdigit() else None
        return self._ids[key]


def _name(what: str, number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name if what == "owner" else grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
