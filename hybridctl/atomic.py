"""A file written whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, text: str, mode: int) -> None:
    """Replace a file in one step: a reader finds the old content or the new one, never a part.

    Args:
        text: written as UTF-8; what is no text (a lone surrogate) as an escape, so that readers can rely on UTF-8.
        mode: permissions, whatever the umask is.

    Raises:
        OSError: nothing was changed, and nothing is left behind.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            # After a power cut the new name must not stand for an empty file.
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
