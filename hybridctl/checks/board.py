"""Checks of the board: its firmware, its management controller (BMC), and the hardware errors it reports."""

import re
from typing import Any

from hybridctl.checks.kernel_events import counts
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Want
from hybridctl.checks.reading import file_text, output
from hybridctl.parsers.ipmi_mc import UNPROVEN as BMC_UNPROVEN
from hybridctl.parsers.ipmi_mc import read_firmware
from hybridctl.parsers.ipmi_sel import UNPROVEN as SEL_UNPROVEN
from hybridctl.parsers.ipmi_sel import read_sel
from hybridctl.parsers.kernel_log import UNPROVEN as LOG_UNPROVEN
from hybridctl.refusals import MOST_QUOTED

__all__ = ["CHECKS"]

_FIRMWARE = {"acpi", "devicetree", "dmi", "efi", "memmap"}  # what /sys/firmware holds, of which every host has some
_SERIOUS = re.compile(r"(?i)uncorrectable|non-recoverable|failure|critical|redundancy lost|bus fatal|CATERR")
_UNTIL_NOW = "what has happened until now"


def firmware_mode(host: Any, want: Want) -> Result:
    """How the firmware started the system: `UEFI` or `BIOS`."""
    names = output(host, "ls /sys/firmware").split()
    if not _FIRMWARE & set(names):
        raise CannotTell(f"ls /sys/firmware says {' '.join(names)[:MOST_QUOTED]!r}")
    return want.judge("UEFI" if "efi" in names else "BIOS", reason="it was started in the other mode")


def bios_version(host: Any, want: Want) -> Result:
    """The firmware's version, where it is a number such as 1.75."""
    said = file_text(host, "/sys/class/dmi/id/bios_version").strip()
    if not re.fullmatch(r"\d{1,3}\.\d{1,3}", said, re.ASCII):
        raise CannotTell(f"the firmware's version {said[:40]!r} is no number to compare")
    return want.judge(float(said), reason="the accelerators need a newer firmware")


def bmc_firmware(host: Any, want: Want) -> Result:
    """The version of the BMC's firmware; a BMC that does not answer is not measured."""
    return want.judge(read_firmware(output(host, "env LC_ALL=C ipmitool mc info")), reason="it is of another version")


def bmc_events(host: Any, want: Want) -> Result:
    """Serious events that the BMC recorded and that did not end as an event of their own."""
    events = read_sel(output(host, "env LC_ALL=C ipmitool sel elist"))
    serious = [one for one in events if one.is_asserted is not False and _SERIOUS.search(f"{one.event} {one.detail}")]
    last = f"the last: {serious[-1].sensor}: {serious[-1].event}" if serious else ""
    return want.judge(len(serious), reason=last)


CHECKS = (
    Check(
        "board.firmware_mode",
        "mode the firmware started in",
        Kind.TEXT,
        firmware_mode,
        "set the boot mode in the firmware's settings; a system installed in the other mode is installed anew",
        unproven="/sys/firmware of a Kunpeng board",
    ),
    Check(
        "board.bios_version",
        "version of the board's firmware",
        Kind.NUMBER,
        bios_version,
        "bring the firmware up to date through the BMC, in a window: dmidecode -t bios",
        unit="version",
        unproven="the version of a Kunpeng board's firmware",
    ),
    Check(
        "board.bmc_firmware",
        "version of the BMC's firmware",
        Kind.NUMBER,
        bmc_firmware,
        "bring the BMC up to date by its own pages; the host goes on meanwhile: ipmitool mc info",
        unit="version",
        unproven=BMC_UNPROVEN,
    ),
    Check(
        "board.bmc_events",
        "serious events the BMC recorded",
        Kind.NUMBER,
        bmc_events,
        "read them: ipmitool sel elist; when they are dealt with and kept elsewhere: ipmitool sel clear",
        unit="events",
        varies=_UNTIL_NOW,
        unproven=SEL_UNPROVEN,
    ),
    Check(
        "board.machine_checks",
        "machine checks in the kernel's log",
        Kind.NUMBER,
        counts("mce"),
        "see which part they name: journalctl -k -g 'mce|Hardware Error'; ras-mc-ctl --errors",
        unit="messages",
        varies=_UNTIL_NOW,
    ),
    Check(
        "board.firmware_errors",
        "hardware errors the firmware told the kernel",
        Kind.NUMBER,
        counts("ras"),
        "read the whole report of each, with the part it names: journalctl -k -g 'GHES|Hardware Error' --no-pager",
        unit="messages",
        varies=_UNTIL_NOW,
        unproven=LOG_UNPROVEN,
    ),
    Check(
        "board.pcie_errors",
        "PCIe errors in the kernel's log",
        Kind.NUMBER,
        counts("aer"),
        "see which device they name: journalctl -k -g 'AER|PCIe Bus Error'; reseat it and its riser",
        unit="messages",
        varies=_UNTIL_NOW,
    ),
    Check(
        "board.pcie_bandwidth",
        "devices short of PCIe bandwidth, in the kernel's log",
        Kind.NUMBER,
        counts("bandwidth"),
        "move the device to a faster or wider slot: journalctl -k -g 'available PCIe bandwidth'; lspci -tv",
        unit="messages",
    ),
)
