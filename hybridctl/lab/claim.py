"""What a lab takes of this machine: a bridge, a subnet, an address for each host."""

import fcntl
import ipaddress
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hybridctl.errors import InvalidInput
from hybridctl.lab import mirror, network
from hybridctl.lab.spec import LabHost
from hybridctl.lab.state import State, read_state, write_state

__all__ = ["check_claim", "claim"]

_FIRST_HOST = 11  # the first host of 10.231.0.0/24 is 10.231.0.11; the bridge is .1


def check_claim(name: str, bridge: str, state: State | None, hosts: Sequence[LabHost], subnet: str | None) -> None:
    """Raise when the lab cannot have these hosts on this subnet (None: any, or the one it has).

    Raises:
        InvalidInput: the lab has other hosts or another subnet, or this machine uses the subnet otherwise.
        HybridctlError: the mirror's port is taken, or no subnet is free.
    """
    down = f"hybridctl lab down --name {name}"
    if state:
        lost = sorted({h.name for h in state.hosts} - {h.name for h in hosts})
        if lost:
            raise InvalidInput(
                f"lab {name} is up with {', '.join(lost)}, which the fleet file lacks",
                f"{down}; then raise it with the new fleet",
            )
        if subnet and subnet != state.subnet:
            raise InvalidInput(f"lab {name} is up in {state.subnet}", down)
    if network.is_there(bridge):
        return
    # No bridge: a new lab, or one from before this machine's last boot, whose subnet others may have taken since.
    mirror.check_port()
    used = network.used_networks()
    if state is None:
        network.choose_subnet(subnet, used)
        return
    net = ipaddress.IPv4Network(state.subnet)
    clash = next((other for other in used if net.overlaps(other)), None)
    if clash:
        raise InvalidInput(
            f"lab {name} has {net}, and {clash} of this machine overlaps it since the lab's bridge went",
            f"{down}; then raise it anew: a free subnet is chosen",
        )


def claim(folder: Path, name: str, bridge: str, hosts: Sequence[LabHost], subnet: str | None) -> State:
    """Choose subnet and addresses, write the state before anything is created, then make the bridge.

    Raises:
        InvalidInput, HybridctlError: as `check_claim`; things may have changed since it was asked.
    """
    with _machine_locked():
        state = read_state(folder)
        check_claim(name, bridge, state, hosts, subnet)
        net = ipaddress.IPv4Network(state.subnet) if state else network.choose_subnet(subnet, network.used_networks())
        addresses = dict(state.addresses) if state else {}
        for host in hosts:
            addresses.setdefault(host.name, str(net[_FIRST_HOST + len(addresses)]))
        state = replace(state or State(str(net), ()), hosts=tuple(hosts), addresses=addresses)
        write_state(folder, state)
        network.create_bridge(bridge, net)
    return state


@contextmanager
def _machine_locked() -> Iterator[None]:
    """Hold a lock that all labs of this machine share, while one of them chooses its subnet; it leaves no file."""
    handle = os.open("/run", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
