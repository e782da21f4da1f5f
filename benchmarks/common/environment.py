"""Somebody else's program in a virtual environment of its own, at one version; it is no dependency of the project."""

import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Environment"]


@dataclass(frozen=True)
class Environment:
    """One package at one version, in `.hybridctl/benchmark/PACKAGE`."""

    package: str
    version: str

    def build(self) -> None:
        """Make it, unless it is there at that version; pip finds the packages where the machine's settings say."""
        if self._found() == self.version:
            return
        venv.create(self._folder, clear=True, with_pip=True)
        pip = [self.binary("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"{self.package}=={self.version}"], check=True)

    def binary(self, name: str) -> str:
        """Return the absolute path of a program there."""
        return str((self._folder / "bin" / name).absolute())

    @property
    def _folder(self) -> Path:
        return Path(".hybridctl/benchmark") / self.package

    def _found(self) -> str:
        """Return the version that is there, empty when none is."""
        if not Path(self.binary("python")).exists():
            return ""
        code = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        done = subprocess.run([self.binary("python"), "-c", code], capture_output=True, text=True, check=False)
        return done.stdout.strip()
