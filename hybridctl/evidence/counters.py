"""What was counted on each host when it was last verified, so that the next time can say what came to it.

A file that is missing or damaged makes the next verification the first one. One that cannot be written leaves the older
counts, from which growth is counted as truly.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hybridctl.atomic import write_whole
from hybridctl.checks.catalogue import CATALOGUE
from hybridctl.checks.counts import Count, counts_document, read_counts, to_remember
from hybridctl.checks.growth import Growth
from hybridctl.evidence.answers import Miss

__all__ = ["Counters", "counted"]

_SCHEMA = 1


class Counters:
    """The counts of each host, below a folder; its methods are called by many threads, each for its own host."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._noted: dict[str, Mapping[str, Count]] = {}

    def of(self, host: str) -> dict[str, Count]:
        """Return what was counted, by check; nothing when that is not known."""
        try:
            document = json.loads(self._file(host).read_text(encoding="utf-8"))
            return read_counts(document["checks"]) if document["schema"] == _SCHEMA else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}

    def keep(self, host: str, earlier: Mapping[str, Count], now: Mapping[str, Count]) -> None:
        """Note what to compare with next time; what was not counted now stays as it was."""
        if now:
            news = {check: to_remember(earlier.get(check), count) for check, count in now.items()}
            self._noted[host] = {**earlier, **news}

    def write(self) -> None:
        """Remember what was noted, at the end of a run: nobody has seen the growth of one that was interrupted."""
        for host, checks in self._noted.items():
            text = json.dumps({"schema": _SCHEMA, "checks": counts_document(checks)})
            with suppress(OSError):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_whole(self._file(host), text, 0o600)

    def _file(self, host: str) -> Path:
        return self._folder / f"{quote(host, safe='')}.json"


def counted(host: Any, checks: Iterable[str]) -> dict[str, Count]:
    """Return what checks of growth have counted on a testinfra host that knows its answers; others count nothing."""
    found = {}
    for check in set(checks) & set(CATALOGUE):
        function = CATALOGUE[check].function
        if isinstance(function, Growth):
            with suppress(Exception, Miss):  # a check that breaks or was never finished has counted nothing
                found[check] = function.count(host)
    return found
