"""The tree /sys/class/infiniband: adapters, ports and their counters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import number, whole_lines
from hybridctl.parsers.sysfs import read_values
from hybridctl.refusals import Unreadable

__all__ = [
    "SATURATION",
    "SysfsAdapter",
    "SysfsPort",
    "read_counters",
    "read_interfaces",
    "read_listing",
    "read_rates",
    "read_tree",
]

_TOOL = "/sys/class/infiniband"
# The counters of the class PortCounters stop at their width (InfiniBand Architecture Specification 1, 16.1.3.5).
SATURATION = {
    "symbol_error": 2**16 - 1,
    "link_error_recovery": 2**8 - 1,
    "link_downed": 2**8 - 1,
    "port_rcv_errors": 2**16 - 1,
    "port_rcv_remote_physical_errors": 2**16 - 1,
    "port_rcv_switch_relay_errors": 2**16 - 1,
    "port_xmit_discards": 2**16 - 1,
    "port_xmit_constraint_errors": 2**8 - 1,
    "port_rcv_constraint_errors": 2**8 - 1,
    "local_link_integrity_errors": 2**4 - 1,
    "excessive_buffer_overrun_errors": 2**4 - 1,
    "VL15_dropped": 2**16 - 1,
}


@dataclass(frozen=True)
class SysfsPort:
    """One port.

    Attributes:
        state: `ACTIVE`, `DOWN` ...; `physical`: `LinkUp`, `Disabled` ...
        rate: Gb/s; lanes and speed as the kernel calls them, such as `4X NDR`.
        layer: `InfiniBand` or `Ethernet`.
        counters: `counters/` and `hw_counters/` by name.
    """

    number: int
    state: str
    physical: str
    rate: float
    speed: str
    layer: str
    counters: Mapping[str, int]

    def is_saturated(self, counter: str) -> bool:
        """Tell whether a counter is full: it grows no more, whatever happens on the link."""
        return counter in SATURATION and self.counters.get(counter, 0) >= SATURATION[counter]

    def growth(self, counter: str, before: "SysfsPort") -> int:
        """Return by how much a counter grew.

        Raises:
            Unreadable: it is missing, was set back meanwhile, or is full.
        """
        if counter not in self.counters or counter not in before.counters:
            raise Unreadable(_TOOL, "", f"port {self.number} has no counter {counter}")
        now, then = self.counters[counter], before.counters[counter]
        if now < then or self.is_saturated(counter):
            raise Unreadable(_TOOL, f"{counter}: {then}, then {now}", "its growth cannot be told")
        return now - then


@dataclass(frozen=True)
class SysfsAdapter:
    """One adapter."""

    name: str
    type: str
    firmware: str
    board: str
    ports: tuple[SysfsPort, ...]


def read_listing(text: str) -> tuple[SysfsAdapter, ...]:
    """Read `grep -r . /sys/class/infiniband/` (or `grep -r . DEVICE/` in there): lines of `PATH:VALUE`.

    Raises:
        Unreadable: as `read_tree`; or the last line is cut.
    """
    files: dict[str, str] = {}
    for line in whole_lines(_TOOL, text):
        path, colon, value = line.partition(":")
        if colon and "/" in path and not path.startswith("grep") and files.setdefault(path, value) != value:
            raise Unreadable(_TOOL, line, "the file is listed twice")
    return read_tree(files)


def read_counters(text: str) -> dict[str, dict[str, int]]:
    """Read `grep -H .` of counters: by port (`mlx5_0/1`) and name.

    Raises:
        Unreadable: a path is no counter's, or a value no number (`N/A (no PMA)`: a virtual function).
    """
    found: dict[str, dict[str, int]] = {}
    for path, value in read_values(text).items():
        place = re.fullmatch(r"/sys/class/infiniband/([\w.-]+)/ports/(\d{1,4})/(?:hw_)?counters/(\w+)", path, re.ASCII)
        if place is None:
            raise Unreadable(_TOOL, path, "it is no counter of a port")
        found.setdefault(f"{place[1]}/{place[2]}", {})[place[3]] = number(_TOOL, f"{path}:{value}", value)
    return found


def read_interfaces(text: str) -> dict[str, tuple[str, ...]]:
    """Read `ls -d /sys/class/infiniband/*/device/net/*`: network interfaces by adapter.

    Raises:
        Unreadable: a line is no such path, or the last one is cut.
    """
    found: dict[str, tuple[str, ...]] = {}
    for line in whole_lines(_TOOL, text):
        path = re.fullmatch(r"/sys/class/infiniband/([\w.-]+)/device/net/([\w.@-]+)", line, re.ASCII)
        if path:
            found[path[1]] = (*found.get(path[1], ()), path[2])
        elif line:
            raise Unreadable(_TOOL, line, "it is no interface of an adapter")
    return found


def read_rates(text: str) -> dict[str, tuple[int, str]]:
    """Read `grep -H .` of rates: lanes and speed (`4X HDR` is 4 and `HDR`) by port (`mlx5_0/1`).

    Raises:
        Unreadable: a path is no port's, or a value no rate with lanes and speed.
    """
    found = {}
    for path, value in read_values(text).items():
        place = re.fullmatch(r"/sys/class/infiniband/([\w.-]+)/ports/(\d{1,4})/rate", path, re.ASCII)
        rate = re.fullmatch(r"[\d.]+ Gb/sec \((\d{1,2})X ?(\w*)\)", value, re.ASCII)
        if place is None or rate is None:
            raise Unreadable(_TOOL, f"{path}:{value}", "it is no rate of a port")
        # The slowest speed, 2.5 Gb/s a lane, has no word in the kernel.
        found[f"{place[1]}/{place[2]}"] = (int(rate[1]), rate[2] or "SDR")
    return found


def read_tree(files: Mapping[str, str]) -> tuple[SysfsAdapter, ...]:
    """Read files by path, which begins with the adapter's name (or `/sys/class/infiniband/` and that).

    Raises:
        Unreadable: there is no port, or a file of one is missing or of another form.
    """
    ports: dict[str, dict[int, dict[str, str]]] = {}
    own: dict[str, dict[str, str]] = {}
    for path, value in files.items():
        found = re.fullmatch(r"(?:.*/infiniband/|\./)?([\w.-]+)/(?:ports/(\d{1,4})/)?(.+)", path, re.ASCII)
        if found is None or "gid" in path:
            continue
        if found[2]:
            ports.setdefault(found[1], {}).setdefault(int(found[2]), {})[found[3]] = value.strip()
        else:
            own.setdefault(found[1], {})[found[3]] = value.strip()
    if not ports:
        raise Unreadable(_TOOL, next(iter(files), ""), "there is no port")
    return tuple(_adapter(name, own.get(name, {}), ports[name]) for name in sorted(ports))


def _adapter(name: str, own: Mapping[str, str], ports: Mapping[int, Mapping[str, str]]) -> SysfsAdapter:
    kind, firmware, board = (_of(own, key, name) for key in ("hca_type", "fw_ver", "board_id"))
    return SysfsAdapter(
        name, kind, firmware, board, tuple(_port(name, number, ports[number]) for number in sorted(ports))
    )


def _port(name: str, index: int, said: Mapping[str, str]) -> SysfsPort:
    where = f"{name}/ports/{index}"
    words = {}
    for key in ("state", "phys_state"):
        word = re.fullmatch(r"\d+: *(\S.*)", _of(said, key, where), re.ASCII)
        if word is None:
            raise Unreadable(_TOOL, f"{where}/{key}:{said[key]}", "a number and a word were expected")
        words[key] = word[1]
    rate = re.fullmatch(r"(\d+(?:\.\d+)?) Gb/sec \((.+)\)", _of(said, "rate", where), re.ASCII)
    if rate is None:
        raise Unreadable(_TOOL, f"{where}/rate:{said['rate']}", "it is no rate")
    layer = _of(said, "link_layer", where)
    if layer not in ("InfiniBand", "Ethernet"):
        raise Unreadable(_TOOL, f"{where}/link_layer:{layer}", "it is no link layer")
    counters = {
        path.rpartition("/")[2]: number(_TOOL, f"{where}/{path}:{value}", value)
        for path, value in said.items()
        if path.startswith(("counters/", "hw_counters/")) and value != "N/A (no PMA)"
    }
    return SysfsPort(index, words["state"], words["phys_state"], float(rate[1]), rate[2], layer, counters)


def _of(said: Mapping[str, str], key: str, where: str) -> str:
    if not said.get(key):
        raise Unreadable(_TOOL, where, f"there is no {key}")
    return said[key]
