"""`hybridctl://PATTERN` for testinfra: hosts of a site, reached as verify reaches them, many commands a trip."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from hybridctl.access import Access, look_up
from hybridctl.checks.model import ConnectionLost
from hybridctl.connection import Connection
from hybridctl.errors import HybridctlError
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.evidence.seeds import Seeds
from hybridctl.inventory import Inventory, load_inventory
from hybridctl.redaction import Redactor
from hybridctl.site import Site, open_site

__all__ = ["SiteBackend", "register"]

_DAY = 86400  # seconds; a session of tests has no time limit of its own


def register() -> None:
    """Make testinfra know `hybridctl://`."""
    from testinfra.backend import BACKENDS

    BACKENDS[SiteBackend.NAME] = f"{SiteBackend.__module__}.{SiteBackend.__name__}"


class SiteBackend(EvidenceBackend):
    """A host of a site; nothing is contacted before the first command.

    Args:
        ansible_inventory: names the site; without it, the site folder around the current one.
        sudo, sudo_user: become this user where the inventory says nothing about it.

    Attributes:
        checks: fingerprint of the tests that will run, so that their commands are asked at first the next time.
    """

    opened: "list[SiteBackend]" = []  # noqa: RUF012 - of the whole process, which closes them at its end

    def __init__(
        self,
        name: str,
        ansible_inventory: str | None = None,
        sudo: bool = False,
        sudo_user: str | None = None,
        **_kwargs: Any,
    ) -> None:
        super().__init__(name, self._reach)
        self.suspending = False
        self.checks = ""
        site = _site(ansible_inventory)
        access = _accesses(ansible_inventory).get(name)
        if access is None:
            access = _accesses(ansible_inventory).setdefault(name, look_up(site, [name], {})[name])
        if sudo and not access.become_user:
            access = replace(access, become_user=sudo_user or "root")
        self._connection = Connection(name, access, host_timeout=_DAY)
        self._connection.backend = self
        self._seeds = _seeds(ansible_inventory)
        self._lost: ConnectionLost | None = None

    @classmethod
    def get_hosts(cls, host: str | None, ansible_inventory: str | None = None, **_kwargs: Any) -> list[str]:
        """Return the hosts that an Ansible pattern names; without one, all."""
        try:
            names = [known.name for known in _inventory(ansible_inventory).select(host or "all")]
            new = [name for name in names if name not in _accesses(ansible_inventory)]
            _accesses(ansible_inventory).update(look_up(_site(ansible_inventory), new, {}) if new else {})
        except HybridctlError as error:
            raise RuntimeError(f"{error.message} -> {error.hint}") from None
        return names

    @property
    def host(self) -> Any:
        """The testinfra host over this backend."""
        return self._host

    @property
    def trips(self) -> int:
        """Scripts sent to the host."""
        return self._connection.trips

    def ask(self, commands: Sequence[str]) -> None:
        """Ask commands in as few trips as there can be.

        Raises:
            ConnectionLost: the host cannot be reached; said again at once whenever it is asked again.
        """
        self._reach(commands)

    def close(self) -> None:
        """End the connection and remember what was asked; harmless when nothing is open."""
        if self in self.opened:
            self.opened.remove(self)
            if self.checks and self._lost is None:
                self._seeds.keep(self.hostname, self.checks, self.asked)
        self._connection.close()

    def _reach(self, commands: Sequence[str]) -> None:
        if self._lost is not None:
            raise self._lost
        try:
            if self in self.opened:
                self._connection.fetch(commands)
            else:
                self.opened.append(self)
                known = self._seeds.of(self.hostname, self.checks) if self.checks else []
                self._connection.open([*commands, *known])
        except ConnectionLost as error:
            self._lost = error
            raise


@cache
def _site(inventory: str | None) -> Site:
    return open_site(Path(inventory) if inventory else None)


@cache
def _inventory(inventory: str | None) -> Inventory:
    return load_inventory(_site(inventory))


@cache
def _accesses(_inventory: str | None) -> dict[str, Access]:
    """Return what is known of how to reach hosts; it is filled as they are asked for."""
    return {}


@cache
def _seeds(inventory: str | None) -> Seeds:
    site = _site(inventory)
    redactor = Redactor.for_inventory(_inventory(inventory), password_file=site.vault_password_file)
    return Seeds(site.runs.parent / "seeds", redactor)
