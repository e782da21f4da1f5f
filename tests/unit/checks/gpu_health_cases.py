"""Hosts whose GPUs have errors, worn memory, heat, clocks held down, or Xids in the log."""

from check_cases import Answers, Cases
from gpu_evidence import SILENT, smi, tag

from hybridctl.checks.fake import Answered

READS = ("journalctl --dmesg",)

_JOURNAL = "env LC_ALL=C journalctl"
_BOOT = "2026-11-30T04:12:01+0000 gpu1 kernel: Linux version 5.15.0-101-generic (builder@host) #111-Ubuntu SMP\n"
_MODULE = "2026-11-30T04:12:21+0000 gpu1 kernel: NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.161.08\n"
_XID = "2026-11-30T05:40:07+0000 gpu1 kernel: NVRM: Xid (PCI:0000:d8:00): {code}, pid=4711, name=python3, {text}\n"
_REMAPPED = _XID.format(code=63, text="Row Remapper: New row marked for remapping, reset gpu to activate.")
_FELL_OFF = "2026-11-30T05:40:07+0000 gpu1 kernel: NVRM: GPU 0000:d8:00.0: GPU has fallen off the bus.\n"
_NOT_STARTED = "2026-11-30T04:12:30+0000 gpu1 kernel: NVRM: GPU 0000:d8:00.0: RmInitAdapter failed! (0x23:0x65:1456)\n"
_SXID = (
    "2026-11-30T05:41:00+0000 gpu1 kernel: nvidia-nvswitch3: SXid (PCI:0000:c3:00.0): 12028, Non-fatal, Link 32 egress "
    "non-posted PRIV error (First)\n"
)
_EXHAUSTED = "row_remapper_histogram_none"


def journal(*lines: str) -> Answers:
    """What the journal of this boot holds of the driver."""
    return {_JOURNAL: _BOOT + _MODULE + "".join(lines)}


_NO_JOURNAL: list[Answers] = [
    {_JOURNAL: _MODULE},  # its beginning is gone
    {_JOURNAL: Answered(1, "", "No journal files were opened due to insufficient permissions.")},
    {_JOURNAL: "journalctl: Compiled without pattern matching support: invalid\n"},
]


def reason(name: str) -> tuple[str, str]:
    """A reason of the clocks that is given."""
    return tag(f"clocks_event_reason_{name}", "Not Active", "Active")


def unsaid(name: str) -> tuple[str, str]:
    """A reason of the clocks that is not told."""
    return tag(f"clocks_event_reason_{name}", "Not Active", "N/A")


CASES: dict[str, Cases] = {
    "gpu.ecc_corrected": Cases(
        {"at_most": 100},
        [smi()],
        [smi(tag("dram_correctable", "2", "177"))],
        [
            *SILENT,
            smi(tag("dram_correctable", "2", "N/A")),
            smi(("                <sram_correctable>0</sram_correctable>\n", "")),
        ],
    ),
    "gpu.ecc_uncorrected": Cases(
        {"value": 0},
        [smi()],
        [smi(tag("dram_uncorrectable", "0", "1")), smi(("<sram_uncorrectable>0", "<sram_uncorrectable>4"))],
        [*SILENT, smi(tag("dram_uncorrectable", "0", "N/A"))],
    ),
    "gpu.ecc_uncorrected_ever": Cases(
        {"at_most": 10},
        [smi()],
        [smi(tag("dram_uncorrectable", "1", "11"))],
        [*SILENT, smi(tag("dram_uncorrectable", "1", "N/A"))],
    ),
    "gpu.remap_pending": Cases(
        {"value": 0},
        [smi()],
        [smi(tag("remapped_row_pending", "No", "Yes"))],
        [*SILENT, smi(tag("remapped_row_pending", "No", "N/A"))],
    ),
    "gpu.remap_failed": Cases(
        {"value": 0},
        [smi()],
        [smi(tag("remapped_row_failure", "No", "Yes"))],
        [*SILENT, smi(tag("remapped_row_failure", "No", ""))],
    ),
    "gpu.remapped_rows": Cases(
        {"at_most": 8},
        [smi()],
        [smi(tag("remapped_row_unc", "1", "9"))],
        [*SILENT, smi(tag("remapped_row_unc", "1", "one"))],
    ),
    "gpu.exhausted_banks": Cases(
        {"value": 0},
        [smi()],
        [smi(tag(_EXHAUSTED, "0 bank(s)", "1 bank(s)"))],
        [*SILENT, smi(tag(_EXHAUSTED, "0 bank(s)", "0"))],
    ),
    "gpu.reset_required": Cases(
        {"value": 0},
        [smi()],
        [smi(tag("reset_required", "No", "Yes"))],
        [*SILENT, smi(tag("reset_required", "No", "N/A"))],
    ),
    "gpu.drain_recommended": Cases(
        {"value": 0},
        [smi()],
        [smi(tag("drain_and_reset_recommended", "No", "Yes"))],
        [*SILENT, smi(tag("drain_and_reset_recommended", "No", "N/A"))],
    ),
    "gpu.thermal_slowdown": Cases(
        {"value": 0},
        [smi(), smi(reason("hw_power_brake_slowdown"))],
        [smi(reason("hw_thermal_slowdown")), smi(reason("sw_thermal_slowdown"), everywhere=True)],
        [*SILENT, smi(unsaid("hw_thermal_slowdown"))],
    ),
    "gpu.power_brake": Cases(
        {"value": 0},
        [smi(), smi(reason("hw_thermal_slowdown"))],
        [smi(reason("hw_slowdown"), reason("hw_power_brake_slowdown"))],
        [*SILENT, smi(unsaid("hw_power_brake_slowdown"))],
    ),
    "gpu.hw_slowdown": Cases(
        {"value": 0},
        [smi(), smi(reason("hw_slowdown"), reason("hw_power_brake_slowdown"))],
        [smi(reason("hw_slowdown"))],
        [*SILENT, smi(unsaid("hw_slowdown"))],
    ),
    "gpu.temperature": Cases(
        {"at_most": 85},
        [smi()],
        [smi(tag("gpu_temp", "34 C", "93 C"))],
        [*SILENT, smi(tag("gpu_temp", "34 C", "N/A"))],
    ),
    "gpu.memory_temperature": Cases(
        {"at_most": 95},
        [smi()],
        [smi(tag("memory_temp", "41 C", "97 C"))],
        [*SILENT, smi(tag("memory_temp", "41 C", "N/A"))],
    ),
    "gpu.xid": Cases(
        {"value": 0},
        [journal(), journal(_FELL_OFF)],
        [journal(_REMAPPED), journal(_XID.format(code=79, text="GPU has fallen off the bus."))],
        [*_NO_JOURNAL, journal("2026-11-30T05:40:07+0000 gpu1 kernel: NVRM: Xid (PCI:0000:d8:00): many\n")],
    ),
    "gpu.driver_errors": Cases(
        {"value": 0},
        [journal(), journal(_REMAPPED)],
        [journal(_FELL_OFF), journal(_NOT_STARTED)],
        _NO_JOURNAL,
    ),
    "nvswitch.sxid": Cases({"value": 0}, [journal(), journal(_REMAPPED)], [journal(_SXID)], _NO_JOURNAL),
}
