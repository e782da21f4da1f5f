"""`lspci`, with `-n`, `-nn`, `-D`, `-k` and up to `-vvv`: what is on the PCI bus, and how its links came up."""

import re
from dataclasses import dataclass, replace

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["Link", "PciDevice", "read_lspci"]

_TOOL = "lspci"
_ADDRESS = r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])"
_DEVICE = re.compile(_ADDRESS + r" (.+?)(?: \[([0-9a-f]{4})\])?: (.+?)( \(rev [0-9a-f]{2}\))?(?: \(prog-if .*\))?\s*")
_NUMERIC = re.compile(_ADDRESS + r" ([0-9a-f]{4}): ([0-9a-f]{4}):([0-9a-f]{4})( \(rev [0-9a-f]{2}\))?\s*")
_IDS = re.compile(r"(.*) \[([0-9a-f]{4}):([0-9a-f]{4})\]")
_LINK = re.compile(r"Speed (\d+(?:\.\d+)?)GT/s(?: \((\w+)\))?, Width x(\d+)(?: \((\w+)\))?", re.ASCII)


@dataclass(frozen=True)
class Link:
    """A PCIe link: GT/s a lane, and lanes."""

    speed: float
    width: int


@dataclass(frozen=True)
class PciDevice:
    """One function.

    Attributes:
        address: with its domain, such as `0000:19:00.0`.
        kind: class, such as `3D controller`; `kind_id`: the same as number, where printed.
        vendor: and `device`: ids, where printed.
        name: vendor and device in words; lspci may know none.
        details: the lines below, without their indent.
        is_whole: an empty line or another device follows, so that no detail is cut off.
    """

    address: str
    kind: str
    kind_id: str
    vendor: str
    device: str
    name: str
    details: tuple[str, ...] = ()
    is_whole: bool = False

    @property
    def capable(self) -> Link:
        """What the device can do (LnkCap).

        Raises:
            Unreadable: lspci did not say, mostly for want of root or of `-vv`.
        """
        return self._link("LnkCap")

    @property
    def link(self) -> Link:
        """How the link came up (LnkSta); raises as `capable`."""
        return self._link("LnkSta")

    @property
    def is_downgraded(self) -> bool:
        """The link is slower or narrower than the device can; raises as `capable`."""
        return self.link.speed < self.capable.speed or self.link.width < self.capable.width

    @property
    def numa_node(self) -> int:
        """The NUMA node; raises `Unreadable` when none is named."""
        return int(self._match(r"NUMA node: (\d+)", "NUMA node")[1])

    @property
    def driver(self) -> str:
        """The kernel's driver in use; raises `Unreadable` without one."""
        return str(self._match(r"Kernel driver in use: (\S+)", "driver in use")[1])

    @property
    def has_acs(self) -> bool:
        """Access control services redirect peer traffic (ACSCtl SrcValid+); False where the device has none."""
        self._match(r"Capabilities: \[.*", "capabilities")
        controls = [line for line in self.details if line.startswith("ACSCtl:")]
        if not controls and not self.is_whole:
            raise self._silent("ACSCtl")
        return any(re.match(r"ACSCtl:\s*SrcValid\+", line) for line in controls)

    def _link(self, register: str) -> Link:
        for line in self.details:
            if line.startswith(f"{register}:"):
                found = _LINK.search(line)
                if found is None:
                    raise Unreadable(_TOOL, line, f"{self.address} has no speed and width there")
                return Link(float(found[1]), int(found[3]))
        raise self._silent(register)

    def _match(self, pattern: str, what: str) -> re.Match[str]:
        for line in self.details:
            found = re.fullmatch(pattern, line, re.ASCII)
            if found and "<access denied>" not in line:
                return found
        raise self._silent(what)

    def _silent(self, what: str) -> Unreadable:
        denied = next((line for line in self.details if "access denied" in line), "")
        return Unreadable(_TOOL, denied, f"no {what} of {self.address} was printed")


def read_lspci(text: str) -> tuple[PciDevice, ...]:
    """Read it.

    Raises:
        Unreadable: a line at the margin is no device, a device is listed twice, or the last line may be cut.
    """
    found: list[PciDevice] = []
    details: list[str] = []
    # Without a line break a last line is whole only where it ends with its revision.
    for line in whole_lines(_TOOL, text, r"[0-9a-f].*\(rev [0-9a-f]{2}\)"):
        if line[:1] in (" ", "\t"):
            details.append(" ".join(line.split()))
        elif not line.strip():
            _close(found, details)
        elif not re.match(r"(?:pcilib|lspci|WARNING|sudo|perl): ", line):
            _close(found, details)
            found.append(_device(line))
            if found[-1].address in {one.address for one in found[:-1]}:
                raise Unreadable(_TOOL, line, "the device is listed twice")
    _close(found, details, is_whole=False)
    if not found:
        raise Unreadable(_TOOL, text.strip().split("\n")[0], "it lists no device")
    return tuple(found)


def _close(found: list[PciDevice], details: list[str], *, is_whole: bool = True) -> None:
    if found and details:
        found.append(replace(found.pop(), details=tuple(details), is_whole=is_whole))
    details.clear()


def _device(line: str) -> PciDevice:
    numeric, worded = _NUMERIC.fullmatch(line), _DEVICE.fullmatch(line)
    if numeric:
        return PciDevice(f"{numeric[1] or '0000'}:{numeric[2]}", "", numeric[3], numeric[4], numeric[5], "")
    if worded is None:
        raise Unreadable(_TOOL, line, "it is no line of a device")
    name, vendor, device = worded[5], "", ""
    ids = _IDS.fullmatch(name)
    if ids:
        name, vendor, device = ids[1], ids[2], ids[3]
    return PciDevice(f"{worded[1] or '0000'}:{worded[2]}", worded[3], worded[4] or "", vendor, device, name)
