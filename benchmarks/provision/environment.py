"""pyinfra in a virtual environment of its own, at one version; it is no dependency of the project."""

import subprocess
import venv
from pathlib import Path

__all__ = ["FOLDER", "PYINFRA", "binary", "build", "version"]

PYINFRA = "3.10.0"
FOLDER = Path(".hybridctl/benchmark/pyinfra")


def build() -> None:
    """Make it, unless it is there at that version; pip finds the packages where the machine's settings say."""
    if version() == PYINFRA:
        return
    venv.create(FOLDER, clear=True, with_pip=True)
    pip = [binary("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"pyinfra=={PYINFRA}"], check=True)


def binary(name: str) -> str:
    """Return the absolute path of a program there."""
    return str((FOLDER / "bin" / name).absolute())


def version() -> str:
    """Return the version that is there, empty when none is."""
    if not Path(binary("pyinfra")).exists():
        return ""
    code = "import importlib.metadata as m; print(m.version('pyinfra'))"
    done = subprocess.run([binary("python"), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()
