"""A GPU as `nvidia-smi -q` describes it, whether as text or as XML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.refusals import Unreadable

__all__ = ["COMPLAINT", "Gpu", "GpuReport", "RemappedRows", "bdf"]

Path = tuple[str, ...]

# What nvidia-smi prints instead of, or before, its usual output when a GPU or the driver does not answer.
COMPLAINT = re.compile(
    r"(?i)unable to determine the device handle|nvidia-smi has failed|failed to initialize nvml|no devices were found"
    r"|gpu is lost|unknown error|couldn't communicate|fallen off the bus|reboot required|insufficient permissions"
    r"|\bwarning: infoROM|driver/library version mismatch|GPU requires reset"
)
_VALUE = re.compile(r"(-?\d+(?:\.\d+)?)(?: ?(\S.*))?", re.ASCII)


def bdf(said: str) -> str:
    """Return a PCI address in the kernel's form, `0000:19:00.0`; nvidia-smi has a domain of eight digits."""
    found = re.fullmatch(r"(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])", said.strip())
    if found is None:
        raise Unreadable("nvidia-smi", said, "a PCI address was expected")
    return f"{int(found[1] or '0', 16):04x}:{found[2]}:{found[3]}.{found[4]}".lower()


@dataclass(frozen=True)
class RemappedRows:
    """Rows of memory that spare ones stand in for.

    Attributes:
        pending: a reset is due before a new one takes effect.
        failed: no spare row was left.
    """

    correctable: int
    uncorrectable: int
    pending: bool
    failed: bool


@dataclass(frozen=True)
class Gpu:
    """One GPU. Every property raises `Unreadable` where nvidia-smi does not say it (N/A, an error, an older driver).

    Attributes:
        address: on the PCI bus, as the kernel writes it.
        said: what was printed, by the headings above it.
        source: the command, for messages.
    """

    address: str
    said: Mapping[Path, str]
    source: str = "nvidia-smi -q"

    def text(self, *path: str) -> str:
        """Return what is printed under these headings."""
        value = self.said.get(path)
        if value is None:
            raise Unreadable(self.source, "", f"GPU {self.address} has no '{' > '.join(path)}'")
        if value in ("", "N/A", "[N/A]") or value.startswith("[") or "ERR!" in value or COMPLAINT.search(value):
            raise self._unread(path)
        return value

    def number(self, *path: str, unit: str = "") -> float:
        """Return a number that is printed with exactly this unit."""
        found = _VALUE.fullmatch(self.text(*path))
        if found is None or (found[2] or "") != unit:
            raise self._unread(path)
        return float(found[1])

    def count(self, *path: str, unit: str = "") -> int:
        """Return a whole number that is printed with exactly this unit."""
        value = self.number(*path, unit=unit)
        if value != int(value):
            raise self._unread(path)
        return int(value)

    def flag(self, *path: str) -> bool:
        """Return whether it is on."""
        words = {"Enabled": True, "Active": True, "Yes": True, "Disabled": False, "Not Active": False, "No": False}
        value = self.text(*path)
        if value not in words:
            raise self._unread(path)
        return words[value]

    def _unread(self, path: Path) -> Unreadable:
        line = f"{' > '.join(path)} : {self.said[path]}"
        return Unreadable(self.source, line, f"GPU {self.address} does not say it")

    @property
    def name(self) -> str:
        """Product name, such as `NVIDIA A100-SXM4-80GB`."""
        return self.text("Product Name")

    @property
    def uuid(self) -> str:
        """`GPU-` and the UUID."""
        return self.text("GPU UUID")

    @property
    def serial(self) -> str:
        """Serial number of the board."""
        return self.text("Serial Number")

    @property
    def vbios(self) -> str:
        """Version of the VBIOS."""
        return self.text("VBIOS Version")

    @property
    def inforom(self) -> str:
        """Version of the InfoROM's image, what the board knows about itself."""
        return self.text("Inforom Version", "Image Version")

    @property
    def gsp_firmware(self) -> str:
        """Version of the GSP's firmware: the driver's own where the GSP runs."""
        return self.text("GSP Firmware Version")

    @property
    def is_persistent(self) -> bool:
        """Persistence mode."""
        return self.flag("Persistence Mode")

    @property
    def addressing(self) -> str:
        """Addressing mode: None, HMM or ATS, as reported."""
        return self.text("Addressing Mode")

    @property
    def compute_mode(self) -> str:
        """Who may use it: `Default` (several processes), `Exclusive_Process`, `Prohibited`."""
        return self.text("Compute Mode")

    @property
    def has_mig(self) -> bool:
        """MIG is on."""
        return self.flag("MIG Mode", "Current")

    @property
    def pcie_generation(self) -> int:
        """Of the link now; a GPU at rest may lower it."""
        return self.count("PCI", "GPU Link Info", "PCIe Generation", "Current")

    @property
    def pcie_generation_max(self) -> int:
        """What GPU and slot can do together."""
        return self.count("PCI", "GPU Link Info", "PCIe Generation", "Max")

    @property
    def pcie_width(self) -> int:
        """Lanes of the link now."""
        return self.count("PCI", "GPU Link Info", "Link Width", "Current", unit="x")

    @property
    def pcie_width_max(self) -> int:
        """Lanes that GPU and slot can do together."""
        return self.count("PCI", "GPU Link Info", "Link Width", "Max", unit="x")

    @property
    def pcie_replays(self) -> int:
        """Packets of the link sent again since the last reset."""
        return self.count("PCI", "Replays Since Reset")

    @property
    def memory(self) -> int:
        """Memory of the GPU, in MiB."""
        return self.count("FB Memory Usage", "Total", unit="MiB")

    @property
    def memory_used(self) -> int:
        """In MiB."""
        return self.count("FB Memory Usage", "Used", unit="MiB")

    @property
    def bar1(self) -> int:
        """Size of BAR1 in MiB."""
        return self.count("BAR1 Memory Usage", "Total", unit="MiB")

    @property
    def has_ecc(self) -> bool:
        """ECC is on."""
        return self.flag("ECC Mode", "Current")

    @property
    def ecc_pending(self) -> bool:
        """ECC after the next reset."""
        return self.flag("ECC Mode", "Pending")

    def ecc_errors(self, *, corrected: bool, since_boot: bool = True) -> int:
        """Return how many errors ECC found, in all memories; a driver names up to five kinds of them."""
        top = ("ECC Errors", "Volatile" if since_boot else "Aggregate")
        kind = re.compile(r"(SRAM|DRAM) " + ("Correctable" if corrected else r"Uncorrectable(?: Parity| SEC-DED)?"))
        counted = [path for path in self.said if path[:2] == top and len(path) == 3 and kind.fullmatch(path[2])]
        memories = {path[2].split()[0] for path in counted}
        parity = {path[2].rpartition(" ")[2] for path in counted} & {"Parity", "SEC-DED"}
        if memories != {"SRAM", "DRAM"} or len(parity) == 1:
            raise Unreadable(self.source, "", f"GPU {self.address} does not count its {' '.join(top)}")
        return sum(self.count(*path) for path in counted)

    @property
    def remapped(self) -> RemappedRows:
        """Remapped rows of memory."""
        top = "Remapped Rows"
        if (top,) in self.said:
            self.text(top)
            raise self._unread((top,))
        return RemappedRows(
            self.count(top, "Correctable Error"),
            self.count(top, "Uncorrectable Error"),
            self.flag(top, "Pending"),
            self.flag(top, "Remapping Failure Occurred"),
        )

    @property
    def exhausted_banks(self) -> int:
        """Banks of memory that have no spare row left."""
        return self.count("Remapped Rows", "Bank Remap Availability Histogram", "None", unit="bank(s)")

    @property
    def throttled_by(self) -> frozenset[str]:
        """Reasons that hold the clocks down now; a GPU at rest names `Idle`."""
        tops = ("Clocks Event Reasons", "Clocks Throttle Reasons")
        reasons = {path for path in self.said if path[0] in tops and len(path) > 1}
        if not any(path[-1] == "HW Slowdown" for path in reasons):
            raise Unreadable(self.source, "", f"GPU {self.address} names no reasons of its clocks")
        return frozenset(path[-1] for path in reasons if self.flag(*path))

    @property
    def temperature(self) -> int:
        """In degrees Celsius."""
        return self.count("Temperature", "GPU Current Temp", unit="C")

    @property
    def memory_temperature(self) -> int:
        """In degrees Celsius; cards without a sensor of their memory do not say it."""
        return self.count("Temperature", "Memory Current Temp", unit="C")

    @property
    def power_limit(self) -> float:
        """In watts; where it stands depends on the driver."""
        for path in (("GPU Power Readings", "Current Power Limit"), ("Power Readings", "Power Limit")):
            if path in self.said:
                return self.number(*path, unit="W")
        return self.number("GPU Power Readings", "Current Power Limit", unit="W")

    def clock(self, which: str, group: str = "Clocks") -> int:
        """Return a clock in MHz: `SM`, `Memory`, `Graphics`; group `Clocks`, `Max Clocks`, `Applications Clocks`."""
        return self.count(group, which, unit="MHz")

    @property
    def fabric(self) -> tuple[str, str]:
        """State and status of the NVSwitch fabric: `Completed`, `Success`; only with NVSwitch."""
        return self.text("Fabric", "State"), self.text("Fabric", "Status")

    @property
    def wants_drain(self) -> bool:
        """The driver recommends to end what runs on the GPU, then to reset it."""
        return self.flag("GPU Reset Status", "Drain and Reset Recommended")

    @property
    def needs_reset(self) -> bool:
        """The driver wants the GPU reset."""
        return self.flag("GPU Reset Status", "Reset Required")


@dataclass(frozen=True)
class GpuReport:
    """What one run of `nvidia-smi -q` says.

    Attributes:
        cuda: the highest CUDA version of the driver; empty without one.
        attached: how many GPUs the driver knows.
        gpus: those described. Use `all_gpus`, which refuses when one is missing.
        complaints: lines about a GPU or a driver that does not answer.
    """

    driver: str
    cuda: str
    attached: int
    gpus: tuple[Gpu, ...]
    complaints: tuple[str, ...] = ()
    source: str = "nvidia-smi -q"

    def all_gpus(self) -> tuple[Gpu, ...]:
        """Return the GPUs.

        Raises:
            Unreadable: one of them did not answer or is not described.
        """
        if self.complaints:
            raise Unreadable(self.source, self.complaints[0], "it complains")
        if len(self.gpus) != self.attached:
            said = f"Attached GPUs : {self.attached}"
            raise Unreadable(self.source, said, f"{len(self.gpus)} are described")
        return self.gpus
