"""The lab's bridge. Nothing is routed or translated: lab hosts see each other and this machine's bridge address."""

import ipaddress
import json
import subprocess
from typing import Any

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.lab import commands

__all__ = ["choose_subnet", "create_bridge", "delete_bridge", "is_there", "used_networks"]

_HINT = "the lab wants a machine whose root may change its network (CAP_NET_ADMIN); see: ip link"
_POOL = ipaddress.IPv4Network("10.231.0.0/16")


def used_networks() -> list[ipaddress.IPv4Network]:
    """Return the networks this machine has addresses in or routes to, the default route left out."""
    networks: list[ipaddress.IPv4Network] = []
    for entry in _ip("-4", "addr", "show"):
        for address in entry.get("addr_info", []):
            networks.append(ipaddress.IPv4Network(f"{address['local']}/{address['prefixlen']}", strict=False))
    for entry in _ip("-4", "route", "show", "table", "main"):
        if entry.get("dst", "default") != "default":
            networks.append(ipaddress.IPv4Network(entry["dst"], strict=False))
    return networks


def choose_subnet(wanted: str | None, used: list[ipaddress.IPv4Network]) -> ipaddress.IPv4Network:
    """Return `wanted`, or the first free /24 of 10.231.0.0/16.

    Raises:
        InvalidInput: `wanted` is no /24 or overlaps a network in use.
        HybridctlError: none is free.
    """
    if wanted is None:
        for candidate in _POOL.subnets(new_prefix=24):
            if not any(candidate.overlaps(network) for network in used):
                return candidate
        raise HybridctlError(f"no free /24 in {_POOL}", "hybridctl lab status; hybridctl lab down --name NAME")
    try:
        subnet = ipaddress.ip_network(wanted)
    except ValueError as error:
        raise InvalidInput(f"--subnet {wanted}: {error}", "write it as 10.231.7.0/24") from None
    if not isinstance(subnet, ipaddress.IPv4Network) or subnet.prefixlen != 24 or not subnet.is_private:
        raise InvalidInput(f"--subnet {wanted}: wants a private IPv4 /24", "write it as 10.231.7.0/24")
    clash = next((network for network in used if subnet.overlaps(network)), None)
    if clash:
        raise InvalidInput(
            f"--subnet {subnet} overlaps {clash}, which this machine uses",
            "leave --subnet out: a free one is chosen",
        )
    return subnet


def create_bridge(name: str, subnet: ipaddress.IPv4Network) -> None:
    """Make the bridge and give it the subnet's first address; one that is there already stays."""
    what = f"bridge {name} with {subnet} could not be made"
    if not is_there(name):
        commands.run(["ip", "link", "add", name, "type", "bridge"], what, _HINT)
    commands.run(["ip", "addr", "replace", f"{subnet[1]}/{subnet.prefixlen}", "dev", name], what, _HINT)
    commands.run(["ip", "link", "set", name, "up"], what, _HINT)


def delete_bridge(name: str) -> None:
    """Remove the bridge, if there is one."""
    if is_there(name):
        commands.run(["ip", "link", "delete", name], f"bridge {name} could not be removed", _HINT)


def is_there(name: str) -> bool:
    """Return whether this machine has the link."""
    return subprocess.run(["ip", "link", "show", name], capture_output=True, check=False).returncode == 0


def _ip(*argv: str) -> list[dict[str, Any]]:
    shown = commands.run(["ip", "-json", *argv], "this machine's networks could not be read", f"ip {' '.join(argv)}")
    data: list[dict[str, Any]] = json.loads(shown or "[]")
    return data
