"""The site folder: what the user owns, and where its runs are kept."""

import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridctl.errors import InvalidInput
from hybridctl.problems import Problem, invalid, nearest, shown_path
from hybridctl.rollout import SETTINGS, Rollout
from hybridctl.yamlmarks import entries, parse, value_of

if TYPE_CHECKING:
    import yaml

__all__ = ["SETTINGS_FILE", "Site", "inventory_option", "open_site"]

SETTINGS_FILE = "hybridctl.yml"
# Keys below `hooks:`, and what they are called in the rollout.
_HOOKS = {"before_batch": "before_batch", "after_batch": "after_batch", "timeout": "hook_timeout"}


@dataclass(frozen=True)
class Site:
    """A folder with an inventory and a `hybridctl.yml`.

    Attributes:
        root: the folder; runs are kept in `root/.hybridctl/runs/`.
        inventory: what `-i` gives to Ansible, a file or a folder.
        inventory_is_default: it is the one that hybridctl.yml names.
        name: shown in reports.
        vault_password_file: opens the vaulted variables; a program is asked. None when there are none.
        own_variables: glob patterns of variables that belong to the user's own roles.
        password_wanted: where the password was looked for; nothing need be there.
        rollout: how its hosts follow one another, unless the command line says otherwise.
        vault_answer: a file with what the program said that is asked for the password, where it was asked already.
    """

    root: Path
    inventory: Path
    name: str
    vault_password_file: Path | None = None
    own_variables: tuple[str, ...] = field(default=())
    password_wanted: Path | None = None
    rollout: Rollout = field(default_factory=Rollout)
    inventory_is_default: bool = True
    vault_answer: Path | None = None

    @property
    def inventory_name(self) -> str:
        """The inventory as records of runs name it: a path from the folder, which may be moved with all it holds."""
        return os.path.relpath(self.inventory, self.root)

    @property
    def other_inventory(self) -> str:
        """What tells apart what is kept of an inventory beside the site's default one, which is empty here."""
        return "" if self.inventory_is_default else self.inventory_name

    @property
    def vault_source(self) -> Path | None:
        """What a process of Ansible's is to read the vault's password from."""
        return self.vault_answer or self.vault_password_file

    @property
    def runs(self) -> Path:
        """The folder of this site's runs."""
        return self.root / ".hybridctl" / "runs"


@dataclass(frozen=True)
class _Settings:
    name: str = ""
    inventory: str = "inventory"
    vault_password_file: str = ".vault-password"  # noqa: S105 - a path
    own_variables: tuple[str, ...] = ()
    batch: Any = None
    max_fail: Any = None
    window: Any = None
    hooks: Any = None


def open_site(inventory: Path | None = None, start: Path | None = None) -> Site:
    """Find the site that `inventory` belongs to, or the one around `start` (default: the current folder).

    Without a `hybridctl.yml` in or above the inventory, the current folder is the site and every setting has its
    default. ANSIBLE_VAULT_PASSWORD_FILE, when set, comes before the setting.

    Raises:
        InvalidInput: there is no such inventory or site, or `hybridctl.yml` is wrong.
    """
    here = (start or Path.cwd()).absolute()
    if inventory is not None:
        path = inventory.absolute()
        if not path.exists():
            raise _missing_inventory(inventory)
        root = _above(path if path.is_dir() else path.parent)
        if root != path:  # the usual case; who names the site folder means the inventory in it
            return _site(root or here, path, _read(root / SETTINGS_FILE) if root else _Settings())
        here = path
    root = _above(here)
    if root is None:
        raise InvalidInput(
            f"{shown_path(here)} is not in a site folder: no {SETTINGS_FILE} here or above",
            "make one: hybridctl init DIR; or name an inventory: -i PATH",
        )
    settings = _read(root / SETTINGS_FILE)
    path = root / settings.inventory
    if not path.exists():
        line = _line(root / SETTINGS_FILE, "inventory")
        problem = Problem(
            root / SETTINGS_FILE,
            line,
            f"inventory: {settings.inventory}: there is no such file or folder",
            "name the inventory there, or copy one from a fresh site: hybridctl init DIR",
        )
        raise invalid([problem], "the site")
    return _site(root, path, settings)


def inventory_option(site: Site) -> str:
    """Return ` -i PATH` for commands that a user is told to type; empty where the folder we are in gives it already."""
    try:
        if open_site().inventory == site.inventory:
            return ""
    except InvalidInput:  # we are in no site, or in a broken one
        pass
    return f" -i {shlex.quote(str(site.inventory))}"


def _site(root: Path, inventory: Path, settings: _Settings) -> Site:
    wanted = root / Path(os.environ.get("ANSIBLE_VAULT_PASSWORD_FILE") or settings.vault_password_file).expanduser()
    return Site(
        root=root,
        inventory=inventory,
        name=settings.name or root.name,
        vault_password_file=wanted if wanted.is_file() else None,
        own_variables=settings.own_variables,
        password_wanted=wanted,
        rollout=Rollout().over(_rollout(vars(settings))),
        inventory_is_default=inventory.resolve() == (root / settings.inventory).resolve(),
    )


def _rollout(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the settings say of the rollout, under the names it has there."""
    hooks = values.get("hooks") or {}
    chosen = {name: values.get(name) for name in ("batch", "max_fail", "window")}
    return {**chosen, **{_HOOKS[key]: value for key, value in hooks.items()}}


def _judge_rollout(path: Path, node: "yaml.Node") -> Iterator[Problem]:
    """Hold batches, budget, window and hooks against what reads them; every mistake with its line."""
    places = {entry.key: entry for entry in entries(node) if entry.key in ("batch", "max_fail", "window", "hooks")}
    hooks = places.pop("hooks", None)
    found = {key: (key, entry) for key, entry in places.items()}
    if hooks is not None and value_of(hooks.node) is not None:
        if not isinstance(value_of(hooks.node), dict):
            yield Problem(path, hooks.line, "hooks: must be a mapping", f"allowed keys: {', '.join(_HOOKS)}")
            return
        for entry in entries(hooks.node):
            if entry.key in _HOOKS:
                found[_HOOKS[entry.key]] = (f"hooks.{entry.key}", entry)
            else:
                yield Problem(path, entry.line, f"hooks.{entry.key}: unknown", f"allowed keys: {', '.join(_HOOKS)}")
    for name, (label, entry) in found.items():
        value = value_of(entry.node)
        try:
            if value is not None:
                SETTINGS[name](value)
        except InvalidInput as error:
            yield Problem(path, entry.line, f"{label}: {error.message}", error.hint)


def _above(folder: Path) -> Path | None:
    """Return the nearest folder, this one or above, that holds a `hybridctl.yml`."""
    return next((place for place in (folder, *folder.parents) if (place / SETTINGS_FILE).is_file()), None)


def _read(path: Path) -> _Settings:
    node, problems = parse(path)
    if problems:
        raise invalid(problems, shown_path(path))
    found = [*_judge(path, node), *_judge_rollout(path, node)] if node is not None else []
    if found:
        raise invalid(found, shown_path(path))
    values = {entry.key: value_of(entry.node) for entry in entries(node)} if node is not None else {}
    if "own_variables" in values:
        values["own_variables"] = tuple(values["own_variables"] or ())
    return _Settings(**{key: value for key, value in values.items() if value is not None})


def _judge(path: Path, node: "yaml.Node") -> Iterator[Problem]:
    """Hold the file against the model; every mistake with its line."""
    from pydantic import BaseModel, ConfigDict, ValidationError

    class Model(BaseModel):
        """What the file may say."""

        model_config = ConfigDict(extra="forbid", strict=True)
        name: str = ""
        inventory: str = ""
        vault_password_file: str = ""
        own_variables: list[str] = []
        # Read by the rollout itself.
        batch: Any = None
        max_fail: Any = None
        window: Any = None
        hooks: Any = None

    data = value_of(node)
    known = list(_Settings.__dataclass_fields__)
    if not isinstance(data, dict):
        yield Problem(path, 1, "must be a mapping", f"allowed keys: {', '.join(known)}")
        return
    lines = {entry.key: entry.line for entry in entries(node)}
    try:
        Model.model_validate({str(key): value for key, value in data.items() if value is not None or key not in known})
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            key = str(detail["loc"][0])
            line = lines.get(key, 0)
            if key not in known:
                near = nearest(key, known)
                message = f"{key}: unknown setting" + (f"; did you mean {near}?" if near else "")
                yield Problem(path, line, message, f"allowed: {', '.join(known)}")
            else:
                wanted = "a list of patterns" if key == "own_variables" else "text"
                yield Problem(
                    path, line, f"{key}: {data[key]!r} is not allowed; allowed: {wanted}", f"vi +{line} {path}"
                )


def _line(path: Path, key: str) -> int:
    node, _ = parse(path)
    return next((entry.line for entry in entries(node) if entry.key == key), 0) if node is not None else 0


def _missing_inventory(path: Path) -> InvalidInput:
    near = None
    if path.parent.is_dir():
        near = nearest(path.name, (p.name for p in path.parent.iterdir()))
    hint = (
        f"did you mean {path.parent / near}?"
        if near
        else "make a site: hybridctl init DIR; or name an inventory: -i PATH"
    )
    return InvalidInput(f"{path}: there is no such inventory; nothing was contacted", hint)
