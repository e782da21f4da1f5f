"""Write each host's evidence as soon as it is judged, so that a run's memory does not grow with its hosts."""

import fcntl
import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from hybridctl.evidence.files import HostEvidence, evidence_name, write_evidence
from hybridctl.redaction import Redactor

__all__ = ["FOLDER", "Recorder"]

FOLDER = "evidence"  # in the folder of a run
_PREFIX = ".evidence-"
_YOUNG = 60  # seconds


class Recorder:
    """Collects evidence files in a folder of its own until the run has one; called by many threads.

    Args:
        beside: where that folder is made, on the file system of the runs.

    Attributes:
        trouble: why there is no evidence, or not all of it; the hosts are judged all the same.
    """

    def __init__(self, beside: Path, redactor: Redactor) -> None:
        self.trouble = ""
        self._beside = beside
        self._redactor = redactor
        self._folder: Path | None = None
        self._lock = threading.Lock()
        self._handle = -1

    def write(self, evidence: HostEvidence) -> None:
        """Write a host's file; it raises nothing."""
        try:
            write_evidence(self._made() / evidence_name(evidence.host), evidence, self._redactor)
        except OSError as error:
            self.trouble = f"cannot write the evidence of {evidence.host}: {error.strerror or error}"

    def move_to(self, run: Path) -> None:
        """Hand the files to the folder of the run.

        Raises:
            OSError: they could not be moved, and are gone.
        """
        try:
            if self._folder is not None:
                self._folder.rename(run / FOLDER)
                self._folder = None
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove what was not handed to a run; it raises nothing."""
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _made(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._beside.mkdir(mode=0o700, parents=True, exist_ok=True)
                _remove_what_was_killed(self._beside)
                self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._beside))
                # Held as long as this process lives: a later run tells by it what a killed one left.
                self._handle = os.open(self._folder, os.O_RDONLY)
                fcntl.flock(self._handle, fcntl.LOCK_SH)
            return self._folder


def _remove_what_was_killed(beside: Path) -> None:
    for folder in beside.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime < _YOUNG:
                continue  # its owner may be about to hold it
            handle = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
