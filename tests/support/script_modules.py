"""The programs of scripts/ as modules: they are no package."""

import importlib.util
from pathlib import Path
from types import ModuleType

__all__ = ["script"]

_FOLDER = Path(__file__).parents[2] / "scripts"


def script(name: str) -> ModuleType:
    """Return scripts/NAME.py as a module; it is not run."""
    spec = importlib.util.spec_from_file_location(name, _FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
