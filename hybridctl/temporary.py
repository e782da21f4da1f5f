"""Where folders with ssh's sockets go: a socket's path ends at 107 characters."""

import tempfile
from pathlib import Path

__all__ = ["short_temporary"]

# Behind it come `/hybridctl-XXXXXXXX/`, 40 of ssh's hash (%C; Ansible's has 10), and 17 that ssh adds while it opens.
_LONGEST = 107 - 20 - 40 - 17


def short_temporary() -> Path:
    """Return the folder for temporary files; /tmp where its own name is too long for sockets in it."""
    base = tempfile.gettempdir()
    return Path(base if len(base) <= _LONGEST else "/tmp")  # noqa: S108 - a folder of our own is made in it
