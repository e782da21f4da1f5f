"""Carry out the steps so that whatever stops it leaves every file whole: the old one or the new one.

Everything that can fail for want of space, permission or a valid content happens before the first file is replaced:
directories are made, all new contents written beside their targets and validated, backups linked.
Then come the renames.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable

from ansible_collections.hybridctl.site.plugins.module_utils.file_items import Item, ItemError, shown
from ansible_collections.hybridctl.site.plugins.module_utils.file_planning import NoLabels, Step

__all__ = ["ApplyError", "Transaction", "remove_leftovers"]

# The owner of a temporary file is in its name: process and the time it started, so that a later run knows a dead one's.
_TEMPORARY = re.compile(rb"\.hybridctl-(\d+)-(\d+)-[0-9a-f]+\.tmp\Z")


class ApplyError(Exception):
    """A step failed after others were done.

    Args:
        problem: what failed, naming item and path.
    """


class Transaction:
    """The steps of one task, all or as far as they came.

    Attributes:
        done: steps that are done, in the order of the items.
        backups: path of each item that was kept -> where.
    """

    def __init__(self, steps: list[Step], labels: NoLabels | None = None) -> None:
        self.steps = steps
        self.labels = labels or NoLabels()
        self.backups: dict[str, str] = {}
        self._done: set[int] = set()
        self._temporaries: dict[int, bytes] = {}
        self._made: list[bytes] = []
        self._marker = b".hybridctl-%d-%d-" % (os.getpid(), _started(os.getpid()) or 0)

    @property
    def done(self) -> list[Step]:
        """The steps that are done."""
        return [step for step in self.steps if step.item.index in self._done]

    def run(self) -> None:
        """Do all steps: directories, then files and links, both in the order of the items, then removals.

        Raises:
            ItemError: an item could not be prepared; everything is as it was.
            ApplyError: a replacement failed; `done` tells which steps were done before it.
        """
        try:
            self._prepare()
        except BaseException:
            self._undo()
            raise
        self._commit()

    def _prepare(self) -> None:
        for step in sorted(self.steps, key=lambda step: step.item.path.count("/")):
            if step.kind == "directory" and step.action == "create":
                self._try(step, self._make_directory)
        for step in self.steps:
            if step.rewrite:
                self._try(step, self._write_temporary)
        for step in self.steps:
            if step.rewrite and step.item.validate:
                _validate(step.item, self._temporaries[step.item.index])
        for step in self.steps:
            if step.item.backup and step.found.kind in ("file", "link") and (step.rewrite or step.action == "remove"):
                self._try(step, self._back_up)

    def _try(self, step: Step, act: Callable[[Step], None]) -> None:
        try:
            act(step)
        except OSError as error:
            raise ItemError(step.item, f"{error.strerror or error}; nothing was changed") from error

    def _make_directory(self, step: Step) -> None:
        os.mkdir(step.item.raw, 0o700)
        self._made.append(step.item.raw)
        self._attributes(step, step.item.raw)

    def _write_temporary(self, step: Step) -> None:
        name = self._marker + b"%x.tmp" % step.item.index
        temporary = os.path.join(os.path.dirname(step.item.raw), name)
        if step.kind == "link":
            os.symlink(step.item.raw_target, temporary)
            self._temporaries[step.item.index] = temporary
            self.labels.restore(os.fsdecode(temporary), step.item.path)
            return
        # Nobody else may read it before owner and mode are right; O_EXCL: nobody may have laid a link there.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._temporaries[step.item.index] = temporary
        with os.fdopen(descriptor, "wb") as file:
            file.write(step.item.content or b"")
            file.flush()
            self._attributes(step, temporary)
            os.fsync(file.fileno())

    def _attributes(self, step: Step, path: bytes) -> None:
        status = os.stat(path)
        if (step.uid, step.gid) != (-1, -1) and (step.uid, step.gid) != (status.st_uid, status.st_gid):
            os.chown(path, step.uid, step.gid)
        if step.mode is not None:
            os.chmod(path, step.mode)  # after chown, which takes the set-user-ID bit away
        if step.action == "create" or step.rewrite or step.relabel:
            self.labels.restore(os.fsdecode(path), step.item.path)

    def _back_up(self, step: Step) -> None:
        # The rename gives the path a new inode, so the old one only needs a second name: no copy that takes space, or
        # that others can read for a moment.
        stamp = time.strftime("%Y-%m-%d@%H:%M:%S~", time.localtime())
        kept = f"{step.item.path}.{os.getpid()}.{stamp}"
        os.link(step.item.raw, kept.encode("utf-8", "surrogateescape"), follow_symlinks=False)
        self.backups[step.item.path] = kept

    def _undo(self) -> None:
        for path in (
            *self._temporaries.values(),
            *(kept.encode("utf-8", "surrogateescape") for kept in self.backups.values()),
        ):
            _quietly(os.unlink, path)
        for path in reversed(self._made):
            _quietly(os.rmdir, path)
        self.backups.clear()

    def _commit(self) -> None:
        touched = {os.path.dirname(path) for path in self._made}
        self._done.update(
            step.item.index for step in self.steps if step.kind == "directory" and step.action == "create"
        )
        # What lies in a directory is removed before the directory.
        removals = sorted(
            (step for step in self.steps if step.action == "remove"), key=lambda step: -step.item.path.count("/")
        )
        changes = [step for step in self.steps if step.action != "remove" and step.item.index not in self._done]
        for step in [*changes, *removals]:
            try:
                self._replace(step)
            except OSError as error:
                self._give_up(step, error)
            self._done.add(step.item.index)
            touched.add(os.path.dirname(step.item.raw))
        for folder in touched:
            _sync(folder)

    def _replace(self, step: Step) -> None:
        path = step.item.raw
        if step.action == "remove":
            (os.rmdir if step.kind == "directory" else os.unlink)(path)
        elif step.rewrite:
            os.rename(self._temporaries[step.item.index], path)
            del self._temporaries[step.item.index]
        else:
            self._attributes(step, path)

    def _give_up(self, failed: Step, error: OSError) -> None:
        for temporary in self._temporaries.values():
            _quietly(os.unlink, temporary)
        for step in self.steps:
            if step.item.path in self.backups and step.item.index not in self._done:
                _quietly(os.unlink, self.backups.pop(step.item.path).encode("utf-8", "surrogateescape"))
        done = ", ".join(shown(step.item.path) for step in self.done) or "none"
        problem = ItemError(failed.item, f"{error.strerror or error}; done before it: {done}")
        raise ApplyError(str(problem)) from error


def remove_leftovers(items: list[Item]) -> list[str]:
    """Remove the temporary files that killed runs left beside the items; return their paths."""
    removed = []
    for folder in sorted({os.path.dirname(item.raw) for item in items}):
        try:
            names = os.listdir(folder)
        except OSError:
            continue  # not there, or not to be read: the plan says so with the item's name
        for name in names:
            match = _TEMPORARY.match(name)
            if match and _started(int(match.group(1))) != int(match.group(2)):
                _quietly(os.unlink, os.path.join(folder, name))
                removed.append(os.fsdecode(os.path.join(folder, name)))
    return removed


def _validate(item: Item, temporary: bytes) -> None:
    argv = [part.replace("%s", os.fsdecode(temporary)) for part in shlex.split(item.validate or "")]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
    except OSError as error:
        raise ItemError(item, f"validate: {argv[0]}: {error.strerror}; nothing was changed") from error
    if done.returncode:
        said = "" if item.secret else ": " + done.stdout.decode("utf-8", "replace").strip()[-2000:]
        problem = "validate: `%s` says no (status %d)%s; nothing was changed"
        raise ItemError(item, problem % (item.validate, done.returncode, said))


def _started(process: int) -> int | None:
    """Return when a process started, in clock ticks since boot (proc(5), field 22 of stat); None when there is none."""
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            # The command's name, field 2, may hold blanks and parentheses.
            return int(file.read().rpartition(b")")[2].split()[19])
    except OSError:
        return None


def _sync(folder: bytes) -> None:
    """Have the names in a directory on the disk."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # removed by a later step
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quietly(act: Callable[[bytes], None], path: bytes) -> None:
    with contextlib.suppress(OSError):  # what led here is the error to report
        act(path)
