"""`nvidia-smi -q -x`: the same as XML, whose tags change between drivers."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from xml.etree import ElementTree

from hybridctl.parsers._text import number, printed
from hybridctl.parsers.gpu import COMPLAINT, Gpu, GpuReport, Path, bdf
from hybridctl.refusals import Unreadable

__all__ = ["read_q_xml"]

_TOOL = "nvidia-smi -q -x"
_LINK = ("PCI", "GPU Link Info")
# Tags by what the text calls them.
_NAMES: dict[str, Path] = {
    "product_name": ("Product Name",),
    "product_brand": ("Product Brand",),
    "product_architecture": ("Product Architecture",),
    "persistence_mode": ("Persistence Mode",),
    "addressing_mode": ("Addressing Mode",),
    "mig_mode/current_mig": ("MIG Mode", "Current"),
    "mig_mode/pending_mig": ("MIG Mode", "Pending"),
    "serial": ("Serial Number",),
    "uuid": ("GPU UUID",),
    "minor_number": ("Minor Number",),
    "vbios_version": ("VBIOS Version",),
    "board_part_number": ("Board Part Number",),
    "gsp_firmware_version": ("GSP Firmware Version",),
    "inforom_version/img_version": ("Inforom Version", "Image Version"),
    "gpu_reset_status/reset_required": ("GPU Reset Status", "Reset Required"),
    "gpu_reset_status/drain_and_reset_recommended": ("GPU Reset Status", "Drain and Reset Recommended"),
    "pci/pci_device_id": ("PCI", "Device Id"),
    "pci/pci_gpu_link_info/pcie_gen/max_link_gen": (*_LINK, "PCIe Generation", "Max"),
    "pci/pci_gpu_link_info/pcie_gen/current_link_gen": (*_LINK, "PCIe Generation", "Current"),
    "pci/pci_gpu_link_info/link_widths/max_link_width": (*_LINK, "Link Width", "Max"),
    "pci/pci_gpu_link_info/link_widths/current_link_width": (*_LINK, "Link Width", "Current"),
    "pci/replay_counter": ("PCI", "Replays Since Reset"),
    "performance_state": ("Performance State",),
    "compute_mode": ("Compute Mode",),
    "fb_memory_usage/total": ("FB Memory Usage", "Total"),
    "fb_memory_usage/used": ("FB Memory Usage", "Used"),
    "fb_memory_usage/free": ("FB Memory Usage", "Free"),
    "bar1_memory_usage/total": ("BAR1 Memory Usage", "Total"),
    "ecc_mode/current_ecc": ("ECC Mode", "Current"),
    "ecc_mode/pending_ecc": ("ECC Mode", "Pending"),
    "remapped_rows": ("Remapped Rows",),
    "remapped_rows/remapped_row_corr": ("Remapped Rows", "Correctable Error"),
    "remapped_rows/remapped_row_unc": ("Remapped Rows", "Uncorrectable Error"),
    "remapped_rows/remapped_row_pending": ("Remapped Rows", "Pending"),
    "remapped_rows/remapped_row_failure": ("Remapped Rows", "Remapping Failure Occurred"),
    "remapped_rows/row_remapper_histogram/row_remapper_histogram_none": (
        "Remapped Rows",
        "Bank Remap Availability Histogram",
        "None",
    ),
    "temperature/gpu_temp": ("Temperature", "GPU Current Temp"),
    "temperature/memory_temp": ("Temperature", "Memory Current Temp"),
    "gpu_power_readings/power_draw": ("GPU Power Readings", "Power Draw"),
    "gpu_power_readings/current_power_limit": ("GPU Power Readings", "Current Power Limit"),
    "power_readings/power_draw": ("Power Readings", "Power Draw"),
    "power_readings/power_limit": ("Power Readings", "Power Limit"),
    "fabric/state": ("Fabric", "State"),
    "fabric/status": ("Fabric", "Status"),
}
_CLOCKS = {"graphics_clock": "Graphics", "sm_clock": "SM", "mem_clock": "Memory", "video_clock": "Video"}
_GROUPS = {"clocks": "Clocks", "max_clocks": "Max Clocks", "applications_clocks": "Applications Clocks"}
_REASONS = {
    "gpu_idle": "Idle",
    "applications_clocks_setting": "Applications Clocks Setting",
    "sw_power_cap": "SW Power Cap",
    "hw_slowdown": "HW Slowdown",
    "hw_thermal_slowdown": "HW Thermal Slowdown",
    "hw_power_brake_slowdown": "HW Power Brake Slowdown",
    "sync_boost": "Sync Boost",
    "sw_thermal_slowdown": "SW Thermal Slowdown",
    "display_clocks_setting": "Display Clock Setting",
}
_MEMORIES = {
    "sram_correctable": "SRAM Correctable",
    "sram_uncorrectable": "SRAM Uncorrectable",
    "sram_uncorrectable_parity": "SRAM Uncorrectable Parity",
    "sram_uncorrectable_secded": "SRAM Uncorrectable SEC-DED",
    "dram_correctable": "DRAM Correctable",
    "dram_uncorrectable": "DRAM Uncorrectable",
}


@lru_cache(maxsize=32)  # several checks read the same answer, and many hosts are judged at a time
def read_q_xml(text: str) -> GpuReport:
    """Read it.

    Raises:
        Unreadable: the driver did not answer, or the XML is cut or another.
    """
    text = printed(_TOOL, text)
    first = text.strip().split("\n")[0]
    start, end = re.search(r"<\?xml|<nvidia_smi_log>", text), text.rfind("</nvidia_smi_log>")
    if start is None:
        raise Unreadable(_TOOL, first, "no XML was printed")
    if end < 0 or "<!ENTITY" in text:
        raise Unreadable(_TOOL, text.strip().split("\n")[-1], "the XML is cut or another")
    try:
        root = ElementTree.fromstring(text[start.start() : end] + "</nvidia_smi_log>")  # noqa: S314 - no entities
    except ElementTree.ParseError as error:
        line = text[start.start() :].split("\n")[error.position[0] - 1]
        raise Unreadable(_TOOL, line, f"the XML is broken ({error})") from None
    except ValueError:  # bytes that were no UTF-8
        raise Unreadable(_TOOL, first, "the XML is broken") from None
    # Driver 610 tells the kernel's part and the user's apart.
    driver = _of(root, "driver_version" if root.find("driver_version") is not None else "kmd_version")
    attached = _of(root, "attached_gpus")
    return GpuReport(
        driver=driver,
        cuda=(root.findtext("cuda_version") or root.findtext("cuda_umd_version") or "").strip(),
        attached=number(_TOOL, f"<attached_gpus>{attached}", attached),
        gpus=tuple(Gpu(bdf(gpu.get("id", "")), _said(gpu), _TOOL) for gpu in root.findall("gpu")),
        complaints=tuple(line.strip() for line in text[: start.start()].split("\n") if COMPLAINT.search(line)),
        source=_TOOL,
    )


def _of(root: ElementTree.Element, tag: str) -> str:
    value = (root.findtext(tag) or "").strip()
    if not value:
        raise Unreadable(_TOOL, "", f"there is no <{tag}>")
    return value


def _said(gpu: ElementTree.Element) -> Mapping[Path, str]:
    said: dict[Path, str] = {}

    def add(path: Path, element: ElementTree.Element) -> None:
        if len(element) == 0 and element.text and element.text.strip():
            said[path] = element.text.strip()

    for tags, path in _NAMES.items():
        element = gpu.find(tags)
        if element is not None:
            add(path, element)
    for top in gpu:
        for leaf in top:
            if top.tag in _GROUPS and leaf.tag in _CLOCKS:
                add((_GROUPS[top.tag], _CLOCKS[leaf.tag]), leaf)
            reason = re.fullmatch(r"clocks_(?:event|throttle)_reason_(\w+)", leaf.tag)
            if reason and reason[1] in _REASONS:
                add(("Clocks Event Reasons", _REASONS[reason[1]]), leaf)
    for tag, word in (("volatile", "Volatile"), ("aggregate", "Aggregate")):
        for leaf in gpu.findall(f"ecc_errors/{tag}/*"):
            if leaf.tag in _MEMORIES:
                add(("ECC Errors", word, _MEMORIES[leaf.tag]), leaf)
    return MappingProxyType(said)
