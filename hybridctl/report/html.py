"""What all pages have in common: text of hosts is escaped, and a reader never sees half a file."""

import base64
import hashlib
import os
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hybridctl.errors import HybridctlError
from hybridctl.problems import shown_path
from hybridctl.report.run_text import clean

__all__ = ["digest", "environment", "own_file", "write_page"]

_HERE = Path(__file__).parent


def environment(**filters: Any) -> Environment:
    """Return where templates come from. They escape every kind of text: what comes from hosts is not to be trusted."""
    made = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_clean,
    )
    made.filters.update(filters)
    return made


def own_file(name: str) -> Markup:
    """Return a style or script of ours, as it is."""
    return Markup((_HERE / name).read_text(encoding="utf-8"))  # noqa: S704 - no word of a host is in it


def digest(text: str) -> str:
    """Return what a content security policy calls this style or script, and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def write_page(path: Path, html: str, mode: int = 0o644) -> None:
    """Write a page in one step: whoever reads the file never sees half of it.

    Args:
        mode: permissions of the file, less what the umask takes away.

    Raises:
        HybridctlError: the file cannot be written.
    """
    path = path.resolve()  # a link stays one
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.touch(mode)
        new.write_text(html, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise HybridctlError(
            f"{shown_path(path)}: the page cannot be written: {error.strerror}", "name another file: --html FILE"
        ) from error


def _clean(value: Any) -> Any:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
