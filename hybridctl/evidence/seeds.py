"""The commands that judged a host last time, so that they are asked in the first trip this time.

A cache: one that is missing, damaged or cannot be written costs a trip and nothing else. It is as trusted as the
inventory beside it: its commands are run.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hybridctl.atomic import write_whole
from hybridctl.redaction import Redactor

__all__ = ["Seeds", "fingerprint"]

_SCHEMA = 1
_MOST_SETS = 8  # check sets of one host that are remembered, the newest ones
_MOST_COMMANDS = 2000


def fingerprint(*parts: Any) -> str:
    """Return a name for a set of checks, from whatever determines their commands; anything JSON can write."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


class Seeds:
    """The commands of each host and set of checks, below a folder.

    Args:
        redactor: a command that holds a secret is not kept.
    """

    def __init__(self, folder: Path, redactor: Redactor) -> None:
        self._folder = folder
        self._redactor = redactor

    def of(self, host: str, checks: str) -> list[str]:
        """Return the commands a set of checks asked last time, none when that is not known."""
        found = self._read(host).get(checks)
        return [command for command in found if isinstance(command, str)] if isinstance(found, list) else []

    def keep(self, host: str, checks: str, commands: Iterable[str]) -> None:
        """Remember the commands of a set of checks."""
        harmless = [command for command in commands if self._redactor.text(command) == command][:_MOST_COMMANDS]
        if harmless == self.of(host, checks):
            return
        sets: dict[str, Sequence[str]] = {checks: harmless}
        for name, known in self._read(host).items():
            if len(sets) < _MOST_SETS:
                sets.setdefault(name, known)
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._file(host), json.dumps({"schema": _SCHEMA, "sets": sets}), 0o600)

    def _read(self, host: str) -> Mapping[str, Any]:
        try:
            document = json.loads(self._file(host).read_text(encoding="utf-8"))
            sets = document["sets"] if document["schema"] == _SCHEMA else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return sets if isinstance(sets, dict) else {}

    def _file(self, host: str) -> Path:
        return self._folder / f"{quote(host, safe='')}.json"
