"""Control node's side of `hybridctl.site.files`: refuse what is wrong, render templates, send it all at once."""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.template import generate_ansible_template_vars, trust_as_template

from ansible_collections.hybridctl.site.plugins.module_utils.file_items import Item, pack, shown

__all__ = ["ActionModule"]

LARGEST = 16 * 1024 * 1024  # bytes of one item
SOURCES = ("template", "src", "content")
KEYS = {
    "file": {"path", "state", "mode", "owner", "group", "validate", "backup", "secret", "force", *SOURCES},
    "directory": {"path", "state", "mode", "owner", "group"},
    "link": {"path", "state", "target", "force", "backup"},
    "absent": {"path", "state", "backup", "secret"},
}
TASK_KEYS = {"files", "owner", "group", "mode", "backup"}


class ActionModule(ActionBase):  # type: ignore[misc]
    """The action that Ansible calls for a task of `hybridctl.site.files`."""

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: object = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result.

        Raises:
            AnsibleActionFail: an item is wrong; the host was not contacted.
        """
        super().run(tmp, task_vars)
        arguments = self._task.args
        unknown = sorted(set(arguments) - TASK_KEYS)
        if unknown:
            raise AnsibleActionFail(
                "unknown: {}; the task takes {}".format(", ".join(unknown), ", ".join(sorted(TASK_KEYS)))
            )
        files = arguments.get("files")
        if not isinstance(files, list):
            raise AnsibleActionFail("`files` must be a list of items, each with a path")
        defaults = {
            key: arguments[key] for key in ("owner", "group", "mode", "backup") if arguments.get(key) is not None
        }
        items = [self._item(index, raw, defaults, task_vars or {}) for index, raw in enumerate(files)]
        refuse_conflicts(items)
        result: dict[str, Any] = self._execute_module(
            module_name="hybridctl.site.files", module_args={"payload": pack(items)}, task_vars=task_vars
        )
        result.pop("invocation", None)
        return result

    def _item(self, index: int, raw: Any, defaults: Mapping[str, Any], task_vars: dict[str, Any]) -> Item:
        where = f"files[{index}]"
        if not isinstance(raw, Mapping):
            raise AnsibleActionFail(f"{where}: an item is a mapping with a path")
        given = {key: value for key, value in raw.items() if value is not None}
        path = path_of(where, given.get("path"))
        where = f"{where} {shown(path)}"
        state = given.get("state", "file")
        if state not in KEYS:
            raise AnsibleActionFail("{}: state is {!r}; it takes {}".format(where, state, ", ".join(sorted(KEYS))))
        # A task-wide mode is meant for files: 0644 on a directory would close it.
        inherited = KEYS[state] - ({"mode"} if state == "directory" else set())
        given = {**{key: value for key, value in defaults.items() if key in inherited}, **given}
        unknown = sorted(set(given) - KEYS[state])
        if unknown:
            message = "%s: unknown for state %s: %s; it takes %s"
            raise AnsibleActionFail(message % (where, state, ", ".join(unknown), ", ".join(sorted(KEYS[state]))))
        mode = mode_of(where, given.get("mode"))
        if state == "file" and mode is None:
            raise AnsibleActionFail(f'{where}: a file needs a mode, here or for the task, such as "0644"')
        if state == "link" and not text_of(where, "target", given.get("target")):
            raise AnsibleActionFail(f"{where}: a link needs a target")
        return Item(
            index=index,
            path=path,
            state=str(state),
            content=self._content(where, path, given, task_vars) if state == "file" else None,
            mode=mode,
            owner=name_of(where, "owner", given.get("owner")),
            group=name_of(where, "group", given.get("group")),
            validate=validate_of(where, given.get("validate")),
            backup=flag_of(where, "backup", given.get("backup", False)),
            secret=flag_of(where, "secret", given.get("secret", False)),
            target=text_of(where, "target", given.get("target")),
            force=flag_of(where, "force", given.get("force", False)),
        )

    def _content(self, where: str, path: str, given: Mapping[str, Any], task_vars: dict[str, Any]) -> bytes:
        named = [key for key in SOURCES if key in given]
        if len(named) != 1:
            message = "%s: a file takes exactly one of %s, not %s"
            raise AnsibleActionFail(message % (where, ", ".join(SOURCES), " and ".join(named) or "none"))
        value = given[named[0]]
        if not isinstance(value, str):
            raise AnsibleActionFail(f"{where}: {named[0]} must be a string; to_json and to_nice_yaml make one")
        try:
            if named[0] == "content":
                content = value.encode("utf-8", "surrogateescape")
            elif named[0] == "src":
                content = self._read(where, self._find_needle("files", value))
            else:
                content = self._render(where, value, self._find_needle("templates", value), path, task_vars)
        except AnsibleActionFail:
            raise
        except (AnsibleError, OSError, UnicodeError) as error:
            raise AnsibleActionFail(f"{where}: {error}") from error
        refuse_large(where, len(content))
        return content

    def _read(self, where: str, source: str) -> bytes:
        real = self._loader.get_real_file(source, decrypt=True)
        try:
            refuse_large(where, os.stat(real).st_size)
            with open(real, "rb") as file:
                return file.read()
        finally:
            self._loader.cleanup_tmp_file(real)

    def _render(self, where: str, name: str, source: str, path: str, task_vars: dict[str, Any]) -> bytes:
        """Render as ansible.builtin.template does: same variables, same search path, same defaults of Jinja."""
        refuse_large(where, os.stat(source).st_size)
        template = trust_as_template(self._loader.get_text_file_contents(source))
        variables = task_vars.copy()
        variables.update(generate_ansible_template_vars(name, source, path))
        if "ansible_managed" in task_vars:
            variables["ansible_managed"] = task_vars["ansible_managed"]
        folders = [*task_vars.get("ansible_search_path", []), self._loader.get_basedir(), os.path.dirname(source)]
        search = [place for folder in folders for place in (os.path.join(folder, "templates"), folder)]
        templar = self._templar.copy_with_new_env(searchpath=search, available_variables=variables)
        text = templar.template(
            template, escape_backslashes=False, overrides={"trim_blocks": True, "lstrip_blocks": False}
        )
        return ("" if text is None else str(text)).encode("utf-8", "surrogateescape")


def refuse_large(where: str, size: int) -> None:
    """Refuse content that does not belong into a task's arguments."""
    if size > LARGEST:
        message = (
            "%s: %d bytes are more than the 16 MiB of an item; use ansible.builtin.copy or ansible.builtin.get_url"
        )
        raise AnsibleActionFail(message % (where, size))


def path_of(where: str, value: Any) -> str:
    """Return an item's path, or refuse it."""
    if not isinstance(value, str) or not value:
        raise AnsibleActionFail(f"{where}: path is missing")
    where = f"{where} {shown(value)}"
    if not value.startswith("/"):
        raise AnsibleActionFail(f"{where}: the path must be absolute")
    normal = "/" + posixpath.normpath(value).lstrip("/")
    if "\0" in value or value != normal or value == "/":
        remedy = "" if "\0" in value or normal == "/" else f"; write {shown(normal)}"
        raise AnsibleActionFail(f"{where}: such a path is not taken{remedy}")
    return str(value)


def mode_of(where: str, value: Any) -> int | None:
    """Return permission bits, or refuse them: YAML reads an unquoted 0644 as 420 or 644."""
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"0?[0-7]{3,4}", value):
        raise AnsibleActionFail(f'{where}: mode is {value!r}; write it as a quoted octal number such as "0644"')
    return int(value, 8)


def text_of(where: str, key: str, value: Any) -> str | None:
    """Return a string, or refuse what is none."""
    if value is not None and (not isinstance(value, str) or "\0" in value):
        raise AnsibleActionFail(f"{where}: {key} must be a string")
    return None if value is None else str(value)


def name_of(where: str, key: str, value: Any) -> str | None:
    """Return a user or group: its name, or its number as text."""
    number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if number else text_of(where, key, value)


def flag_of(where: str, key: str, value: Any) -> bool:
    """Return a boolean, or refuse what is none."""
    try:
        return bool(boolean(value, strict=True))
    except TypeError as error:
        raise AnsibleActionFail(f"{where}: {key} must be true or false, not {value!r}") from error


def validate_of(where: str, value: Any) -> str | None:
    """Return a command with %s in it, or refuse it."""
    command = text_of(where, "validate", value)
    if command is None:
        return None
    try:
        parts = shlex.split(command)
    except ValueError as error:
        raise AnsibleActionFail(f"{where}: validate: {error}") from error
    if not any("%s" in part for part in parts[1:]):
        raise AnsibleActionFail(f"{where}: validate needs %s where the new file's name shall stand")
    return command


def refuse_conflicts(items: list[Item]) -> None:
    """Refuse two items for one path, and an item below one that is no directory."""
    places: dict[str, Item] = {}
    for item in items:
        if item.path in places:
            first = places[item.path]
            raise AnsibleActionFail(f"files[{item.index}] {shown(item.path)}: it is files[{first.index}] already")
        places[item.path] = item
    for item in items:
        parent = posixpath.dirname(item.path)
        while parent != "/":
            above = places.get(parent)
            if above and above.state != "directory" and not (above.state == item.state == "absent"):
                message = "files[%d] %s: it lies below files[%d] %s, whose state is %s"
                where = (item.index, shown(item.path), above.index, shown(parent), above.state)
                raise AnsibleActionFail(message % where)
            parent = posixpath.dirname(parent)
