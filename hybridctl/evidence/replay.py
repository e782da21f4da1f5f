"""Judge from evidence files: a connection that contacts nobody and says what the host said then."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from testinfra.host import Host

from hybridctl.checks.model import CannotTell, ConnectionLost
from hybridctl.errors import InvalidInput
from hybridctl.evidence.answers import Told, Trouble
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.evidence.files import host_of, read_evidence
from hybridctl.evidence.record import FOLDER
from hybridctl.redaction import Redactor

__all__ = ["Replay", "evidence_files", "link_evidence", "was_replayed"]


def evidence_files(folder: Path) -> dict[str, Path]:
    """Return the file of each host in a folder of evidence, or in that of a run.

    Raises:
        InvalidInput: it has none.
    """
    place = _place(folder)
    try:
        found = {host: path for path in sorted(place.iterdir()) if (host := host_of(path)) and path.is_file()}
    except OSError as error:
        raise InvalidInput(f"--from-evidence {folder}: {error.strerror}", _HINT) from None
    if not found:
        raise InvalidInput(f"--from-evidence {folder}: there is no evidence in it", _HINT)
    return found


def link_evidence(folder: Path, run: Path) -> None:
    """Let the folder of a run name the evidence it was judged from.

    Raises:
        OSError: that could not be written.
    """
    (run / FOLDER).symlink_to(_place(folder).resolve())


def was_replayed(run: Path) -> bool:
    """Tell a run that was judged from evidence from one that asked its hosts."""
    return (run / FOLDER).is_symlink()


def _place(folder: Path) -> Path:
    return folder / FOLDER if (folder / FOLDER).is_dir() else folder


_HINT = "name the folder of a verification: hybridctl verify --from-evidence .hybridctl/runs/latest"


class Replay:
    """Stands in for a `Connection`.

    Args:
        path: the host's evidence file, None when there is none.
        redactor: of the site, which hid in the file what it hides in a command that is looked up.
    """

    def __init__(self, name: str, path: Path | None, redactor: Redactor) -> None:
        self.backend = EvidenceBackend(name, self.fetch)
        self.host: Any = Host(self.backend)
        self.backend.set_host(self.host)
        self.reached = False
        self._name, self._path, self._redactor = name, path, redactor
        self._told: Mapping[str, Told] = {}
        self._lost = ""

    def open(self, ask: Sequence[str] = ()) -> None:
        """Read the file.

        Raises:
            ConnectionLost: the host could not be reached then.
            CannotTell: there is no file, or it cannot be read.
        """
        if self._path is None:
            raise CannotTell("there is no evidence of this host")
        evidence = read_evidence(self._path)
        if evidence.host != self._name:
            raise CannotTell(f"{self._path.name} is the evidence of {evidence.host}")
        self._told, self._lost, self.reached = evidence.answers, evidence.lost, evidence.reached
        self.backend.earlier, self.backend.drift = evidence.earlier, evidence.drift
        if not self.reached:
            raise ConnectionLost(self._lost or "it was not reached")
        self.fetch([command for command in ask if self._redactor.text(command) in self._told])

    def fetch(self, commands: Iterable[str]) -> None:
        """Look commands up.

        Raises:
            ConnectionLost: the host was lost before it could be asked one of them.
        """
        missing = []
        for command in commands:
            known = self._told.get(self._redactor.text(command))
            if known is None:
                missing.append(command)
            else:
                self.backend.answers[command] = known
        if missing and self._lost:
            raise ConnectionLost(self._lost)
        for command in missing:
            self.backend.answers[command] = Trouble(f"the evidence has no answer to: {command}")

    def close(self) -> None:
        """Forget the file: the hosts of a fleet are judged one after another, and nobody asks this one again."""
        self._told = {}
        self.backend.answers.clear()
