"""The site folder: what the user owns, and where its runs are kept."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Site", "open_site"]


@dataclass(frozen=True)
class Site:
    """A folder with an inventory and a `hybridctl.yml`.

    Attributes:
        root: the folder; runs are kept in `root/.hybridctl/runs/`.
        inventory: what `-i` gives to Ansible, a file or a folder.
        name: shown in reports.
        vault_password_file: opens the vaulted variables; None when there are none.
        own_variables: glob patterns of variables that belong to the user's own roles.
    """

    root: Path
    inventory: Path
    name: str
    vault_password_file: Path | None = None
    own_variables: tuple[str, ...] = field(default=())

    @property
    def runs(self) -> Path:
        """The folder of this site's runs."""
        return self.root / ".hybridctl" / "runs"


def open_site(inventory: Path | None = None, start: Path | None = None) -> Site:
    """Find the site that `inventory` belongs to, or the one around `start` (default: the current folder)."""
    raise NotImplementedError
