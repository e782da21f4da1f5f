"""A new site folder: the example, every variable of every role as a comment, secrets of its own."""

import os
import re
import secrets
import shutil
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import yaml

from hybridctl import content
from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.layers import role_groups
from hybridctl.variables import Option, role_options
from hybridctl.vault import encrypt

__all__ = ["SECRET_FILES", "check_target", "create", "plain_files", "vault_names"]

SECRET_FILES = (".vault-password", "inventory/group_vars/all/vault.yml")
"""What `create` writes beside `plain_files`, with random content of its own."""

_IGNORED_BY_GIT = "# Opens every secret of this site.\n.vault-password\n# Records of runs.\n.hybridctl/\n"
_WIDTH = 118


def create(target: Path, name: str) -> tuple[Path, ...]:
    """Make a site folder, whole or not at all, and return its files.

    Args:
        target: must not exist, or be empty.
        name: of the site, shown in reports.

    Raises:
        InvalidInput: there is something at `target` already.
        HybridctlError: it cannot be written.
    """
    check_target(target)
    try:
        work = Path(tempfile.mkdtemp(prefix=f".{target.absolute().name}.", dir=target.absolute().parent))
    except OSError as error:
        raise HybridctlError(
            f"{target.absolute().parent}: {error.strerror}", "choose a folder you may write to"
        ) from None
    try:
        _fill(work, name)
        files = tuple(sorted(path.relative_to(work) for path in work.rglob("*") if path.is_file()))
        _put(work, target)
    except OSError as error:
        raise HybridctlError(f"{target}: {error.strerror}; nothing was made", "see: df -h") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return files


def check_target(target: Path) -> None:
    """Refuse a place that is taken.

    Raises:
        InvalidInput: says by what.
    """
    if target.is_dir():
        inside = sorted(path.name for path in target.iterdir())
        if inside:
            named = ", ".join(inside[:3]) + (" ..." if len(inside) > 3 else "")
            raise InvalidInput(f"{target} is not empty ({named}); nothing was written", "name a new folder")
    elif target.exists() or target.is_symlink():
        raise InvalidInput(f"{target} is not a folder; nothing was written", "name a new folder")
    elif not target.absolute().parent.is_dir():
        parent = target.absolute().parent
        raise InvalidInput(f"{parent}: there is no such folder; nothing was written", f"mkdir -p {parent}")


def plain_files(name: str) -> dict[str, str]:
    """Return the text of each file without secrets, by its path in the site."""
    example = content.inventories() / "example"
    files = {
        str(path.relative_to(example)): path.read_text(encoding="utf-8")
        for path in sorted(example.rglob("*"))
        if path.is_file()
    }
    settings = files["hybridctl.yml"]
    files["hybridctl.yml"] = re.sub(r"(?m)^name: .*$", lambda _: yaml.safe_dump({"name": name}).strip(), settings)
    for group, roles in _roles_by_group().items():
        path = f"inventory/group_vars/{'all/main' if group == 'all' else group}.yml"
        files[path] = _with_all_variables(files.get(path, f"---\n# Hosts of the group {group}.\n"), roles)
    files[".gitignore"] = _IGNORED_BY_GIT
    return dict(sorted(files.items()))


def vault_names() -> tuple[str, ...]:
    """Return the vaulted variables that the roles' defaults refer to."""
    defaults = (str(option.default) for options in role_options().values() for option in options.values())
    return tuple(sorted({name for default in defaults for name in re.findall(r"\bvault_\w+", default)}))


def _fill(work: Path, name: str) -> None:
    for path, text in plain_files(name).items():
        file = work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    password, vault = (work / path for path in SECRET_FILES)
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(32) + "\n", encoding="utf-8")
    text = "---\n# Random keys, made by `hybridctl init`.\n"
    encrypt(text + "".join(f"{name}: {secrets.token_urlsafe(32)}\n" for name in vault_names()), password, vault)
    mask = os.umask(0)
    os.umask(mask)
    work.chmod(0o755 & ~mask)


def _put(work: Path, target: Path) -> None:
    if not target.is_dir():
        work.rename(target)
        return
    # Into the empty folder that is there, which may be somebody's current one.
    moved: list[Path] = []
    try:
        for path in sorted(work.iterdir()):
            moved.append(path.rename(target / path.name))
    except OSError:
        for path in moved:
            path.rename(work / path.name)
        raise


def _roles_by_group() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for role in role_options():
        for group in role_groups().get(role, ("all",)):
            groups.setdefault(group, []).append(role)
    return groups


def _with_all_variables(text: str, roles: list[str]) -> str:
    """Return the file with every variable of the roles that it does not set, as a comment."""
    given = set(yaml.safe_load(text) or {})
    blocks = [text.rstrip("\n")]
    for role in roles:
        rest = [option for name, option in role_options()[role].items() if name not in given]
        if rest:
            blocks.append(f"\n## ---- role {role}: to set a variable, take away the `# ` of its lines ----")
            blocks += ["\n" + "\n".join(_commented(option)) for option in rest]
    return "\n".join(blocks) + "\n"


def _commented(option: Option) -> Iterator[str]:
    about = re.sub(r"\b[CIOV]\(([^)]*)\)", r"\1", option.description)
    if option.choices:
        about += f" One of: {', '.join(map(str, option.choices))}."
    if option.options:
        about += " Keys: " + ", ".join(_key(key, part) for key, part in option.options.items()) + "."
    yield from (f"## {line}" for line in textwrap.wrap(about, _WIDTH - 3))
    dumped = yaml.safe_dump({option.name: option.default}, width=10_000, sort_keys=False, allow_unicode=True)
    yield from (f"# {line}" for line in dumped.splitlines())


def _key(name: str, option: Option) -> str:
    return f"{name} ({option.type}{', required' if option.required else ''})"
