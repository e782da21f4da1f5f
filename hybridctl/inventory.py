"""Hosts and groups of a site, validated before anything is contacted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hybridctl import patterns
from hybridctl.errors import Interrupted, InvalidInput
from hybridctl.problems import invalid, nearest, shown_path
from hybridctl.site import Site

__all__ = ["Host", "Inventory", "load_inventory"]


@dataclass(frozen=True)
class Host:
    """One host as Ansible resolves it.

    Attributes:
        variables: all its variables, vault opened; never print them unredacted.
        profile: the name in `hybridctl_profile`, a template evaluated.
    """

    name: str
    address: str
    port: int
    groups: tuple[str, ...]
    profile: str | None
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Inventory:
    """The hosts and groups of a site.

    Attributes:
        hosts: in Ansible's order.
        groups: members of each group, those of its children included; `all` among them.
        secrets: values that are encrypted, whatever their variables are named; never print them.
    """

    hosts: Mapping[str, Host]
    groups: Mapping[str, tuple[str, ...]]
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def select(self, limit: str | None) -> tuple[Host, ...]:
        """Return the hosts that Ansible pattern `limit` names, all without one.

        Raises:
            InvalidInput: a part of the pattern names no host, or nothing is left.
        """
        if limit is None:
            return tuple(self.hosts.values())
        names, nothing = patterns.match(limit, tuple(self.hosts), self.groups)
        astray = [part for part in nothing if part[0] not in "!&"] or ([] if names else [limit])
        if astray:
            raise self._nobody(limit, astray[0])
        return tuple(self.hosts[name] for name in names)

    def _nobody(self, limit: str, part: str) -> InvalidInput:
        groups = sorted(name for name, members in self.groups.items() if members)
        near = nearest(part, [*self.hosts, *groups])
        guess = f"; did you mean {near}" if near and near != part else ""
        names = ", ".join(list(self.hosts)[:20]) + (f" and {len(self.hosts) - 20} more" if len(self.hosts) > 20 else "")
        whole = "" if part == limit else f" (in --limit '{limit}')"
        return InvalidInput(
            f"--limit '{part}' names no host{whole}{guess}; nothing was contacted",
            f"groups: {', '.join(groups)}; hosts: {names}",
        )


def load_inventory(site: Site) -> Inventory:
    """Read and validate the inventory of `site`; nothing is contacted.

    Raises:
        InvalidInput: with the file and line of everything that is wrong.
        Interrupted: Ctrl-C, while a slow inventory was read.
        HybridctlError: Ansible could not be asked.
    """
    try:
        return _load(site)
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was contacted") from None


def _load(site: Site) -> Inventory:
    from hybridctl import ansible_view
    from hybridctl.inventory_checks import Checks
    from hybridctl.inventory_files import read_files
    from hybridctl.secret_values import hidden_in_files

    files = read_files(site.inventory)
    checks = Checks(site, files)
    checks.judge_files()
    where = shown_path(site.inventory)
    if files.unparsed or checks.no_password:
        raise invalid(checks.problems, where)
    view = ansible_view.look(site, files.vaulted)
    checks.judge_view(view)
    if checks.problems:
        raise invalid(checks.problems, where)
    groups = {name: tuple(members) for name, members in view.groups.items()}
    # Ansible itself orders `all` by chance when groups are nested.
    groups["all"] = tuple(view.hosts)
    members = {name: frozenset(some) for name, some in groups.items() if name != "all"}
    hosts = {}
    for name, variables in view.hosts.items():
        known = view.evaluated[name]
        hosts[name] = Host(
            name=name,
            address=str(known["ansible_host"] or name),
            port=int(known["ansible_port"] or 22),
            groups=tuple(group for group, some in members.items() if name in some),
            profile=known["hybridctl_profile"],
            variables=variables,
        )
    return Inventory(hosts, groups, frozenset(view.secrets) | frozenset(hidden_in_files(files)))
