"""Hosts and groups of a site, validated before anything is contacted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridctl.site import Site

__all__ = ["Host", "Inventory", "load_inventory"]


@dataclass(frozen=True)
class Host:
    """One host as Ansible resolves it.

    Attributes:
        variables: all its variables, vault opened; never print them unredacted.
        profile: the name in `hybridctl_profile`.
    """

    name: str
    address: str
    port: int
    groups: tuple[str, ...]
    profile: str | None
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Inventory:
    """The hosts and groups of a site."""

    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]

    def select(self, limit: str | None) -> tuple[Host, ...]:
        """Return the hosts that Ansible pattern `limit` names, all without one."""
        raise NotImplementedError


def load_inventory(site: Site) -> Inventory:
    """Read and validate the inventory of `site`."""
    raise NotImplementedError
