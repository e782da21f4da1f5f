"""What is built once and used by every lab: folders named by a hash of what determines them."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hybridctl.errors import HybridctlError

__all__ = ["DamagedCache", "Progress", "cache_root", "cached", "in_use"]

Progress = Callable[[str], None]


class DamagedCache(HybridctlError):
    """A cached folder is not what was built; building it anew helps."""


def cache_root() -> Path:
    """Return the cache folder, `$XDG_CACHE_HOME/hybridctl` or `~/.cache/hybridctl`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hybridctl"


@contextmanager
def in_use(cache: Path, rebuild: bool, progress: Progress) -> Iterator[None]:
    """Hold the cache while a lab is raised from it: many at once, but one alone that rebuilds.

    From the moment a folder is found until hosts are mounted on it, nothing else shows that it is needed.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "use.lock").open("w") as handle:
        kind = fcntl.LOCK_EX if rebuild else fcntl.LOCK_SH
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting: another `lab up` {'uses' if rebuild else 'rebuilds'} the cache {cache}")
            fcntl.flock(handle, kind)
        yield


def cached(
    kind: str,
    inputs: Any,
    build: Callable[[Path], None],
    cache: Path,
    rebuild: bool = False,
    may_remove: Callable[[Path], None] | None = None,
) -> Path:
    """Return the folder that `build` fills from `inputs`, built now or taken from the cache.

    Args:
        kind: names the folder and its lock, for instance `rootfs`.
        inputs: JSON-able; everything that determines the content.
        build: fills the empty folder it is given.
        cache: where the folders lie.
        rebuild: throw away what is there.
        may_remove: raises when the folder must stay; asked before a rebuild.

    Raises:
        DamagedCache: a file of the cached folder is missing or has not the size it was built with.
    """
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
    folder = cache / f"{kind}-{digest}"
    manifest = folder.with_suffix(".manifest")
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{kind}.lock"):
        if rebuild:
            if may_remove:
                may_remove(folder)
            manifest.unlink(missing_ok=True)
        if manifest.exists():
            _check(folder, manifest)
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        build(partial)
        partial.rename(folder)
        # The manifest comes last: without it the folder does not count.
        written = manifest.with_suffix(".manifest-partial")
        written.write_text("".join(f"{size}\t{name}\n" for name, size in _files(folder)), encoding="utf-8")
        written.rename(manifest)
    return folder


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield each regular file below the folder with its size in bytes."""
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)  # noqa: PTH118 - ten thousand files: os.path is several times faster
            stat = os.lstat(path)
            if stat.st_mode & 0o170000 == 0o100000:
                yield os.path.relpath(path, folder).encode("utf-8", "backslashreplace").decode(), stat.st_size


def _check(folder: Path, manifest: Path) -> None:
    """Compare sizes, which notice a file cut short and cost milliseconds where hashes cost seconds."""
    found = dict(_files(folder)) if folder.exists() else {}
    for line in manifest.read_text(encoding="utf-8").splitlines():
        size, _, name = line.partition("\t")
        if found.get(name) != int(size):
            have = "missing" if name not in found else f"{found[name]} bytes"
            raise DamagedCache(
                f"damaged cache: {folder / name} should have {size} bytes, is {have}",
                "the same command again, with --rebuild-cache",
            )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file lock, so that two labs that start together build one thing once."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
