"""Hosts with GPUs that are the wrong ones, too few, or set another way."""

from check_cases import Answers, Cases
from gpu_evidence import LOST, SILENT, SMI, one_gpu_lost, report, smi, tag

from hybridctl.checks.fake import Answered

READS = ("nvidia-smi -q -x", "nvidia-smi --query-gpu=", "lspci")

_LSPCI = "env LC_ALL=C lspci"
BUS = """0000:00:00.0 Host bridge [0600]: Advanced Micro Devices, Inc. [AMD] Milan Root Complex [1022:1480]
0000:3b:00.0 3D controller [0302]: NVIDIA Corporation GA100 [A100 PCIe 80GB] [10de:20b5] (rev a1)
0000:5e:00.0 VGA compatible controller [0300]: ASPEED Technology, Inc. ASPEED Graphics Family [1a03:2000] (rev 41)
0000:d8:00.0 3D controller [0302]: NVIDIA Corporation GA100 [A100 PCIe 80GB] [10de:20b5] (rev a1)
"""


_NONE = report().replace("<attached_gpus>2", "<attached_gpus>0").split("    <gpu ")[0] + "</nvidia_smi_log>\n"


def _unsaid(name: str, old: str) -> Answers:
    """A host whose second GPU does not say a value."""
    return smi(tag(name, old, "N/A"))


def _inforoms(*words: str, count: int = 2) -> Answers:
    """What each GPU says of its InfoROM's checksum."""
    rows = [f"{count}, 00000000:{n:02X}:00.0, {word}\n" for n, word in enumerate(words)]
    return {"nvidia-smi --query-gpu": "count, pci.bus_id, inforom.checksum_validation\n" + "".join(rows)}


CASES: dict[str, Cases] = {
    "gpu.on_bus": Cases(
        {"value": 2},
        [{_LSPCI: BUS}],
        [{_LSPCI: BUS.replace("d8:00.0 3D controller [0302]: NVIDIA", "d8:00.0 Bridge [0680]: NVIDIA")}],
        [{_LSPCI: BUS.replace(" [0302]", "")}, {_LSPCI: BUS[:-30]}, {_LSPCI: "pcilib: Cannot open /proc/bus/pci\n"}],
    ),
    "gpu.count": Cases(
        {"value": 2},
        [smi()],
        [one_gpu_lost(), {SMI: _NONE}],
        [*SILENT, {SMI: Answered(15, "", LOST)}],
    ),
    "gpu.model": Cases(
        {"value": "A100"},
        [smi(), smi(tag("product_name", "NVIDIA A100 80GB PCIe", "NVIDIA A100-SXM4-80GB"))],
        [
            smi(tag("product_name", "NVIDIA A100 80GB PCIe", "NVIDIA A10")),
            smi(tag("product_name", "NVIDIA A100 80GB PCIe", "NVIDIA A1000")),
        ],
        [*SILENT, _unsaid("product_name", "NVIDIA A100 80GB PCIe"), one_gpu_lost()],
    ),
    "gpu.memory": Cases(
        {"value": 81920, "tolerance": 1.0},
        [smi(), smi(tag("total", "81920 MiB", "81559 MiB"))],
        [smi(tag("total", "81920 MiB", "40960 MiB"))],
        [*SILENT, _unsaid("total", "81920 MiB"), smi(tag("total", "81920 MiB", "80 GiB"))],
    ),
    "gpu.bar1": Cases(
        {"at_least": 81920},
        [smi()],
        [smi(tag("total", "131072 MiB", "256 MiB"))],
        [*SILENT, _unsaid("total", "131072 MiB")],
    ),
    "gpu.vbios_versions": Cases(
        {"value": 1},
        [smi(), smi(tag("vbios_version", "92.00.68.00.01", "92.00.9E.00.01"), everywhere=True)],
        [smi(tag("vbios_version", "92.00.68.00.01", "92.00.9E.00.01"))],
        [*SILENT, _unsaid("vbios_version", "92.00.68.00.01")],
    ),
    "gpu.inforom_versions": Cases(
        {"value": 1},
        [smi()],
        [smi(tag("img_version", "1001.0230.00.03", "1001.0200.00.03"))],
        [*SILENT, _unsaid("img_version", "1001.0230.00.03")],
    ),
    "gpu.inforom_damaged": Cases(
        {"value": 0},
        [_inforoms("valid", "valid")],
        [_inforoms("valid", "invalid")],
        [
            _inforoms("valid", "[N/A]"),
            _inforoms("valid", "corrupt"),
            _inforoms("valid"),
            _inforoms(),
            {"nvidia-smi --query-gpu": 'Field "inforom.checksum_validation" is not a valid field to query.\n\n'},
        ],
    ),
    "gpu.ecc_mode": Cases(
        {"value": "on"},
        [smi()],
        [smi(tag("current_ecc", "Enabled", "Disabled"))],
        [*SILENT, _unsaid("current_ecc", "Enabled"), smi(tag("current_ecc", "Enabled", "Maybe"))],
    ),
    "gpu.ecc_after_reset": Cases(
        {"value": "on"},
        [smi()],
        [smi(tag("pending_ecc", "Enabled", "Disabled"))],
        [*SILENT, _unsaid("pending_ecc", "Enabled")],
    ),
    "gpu.mig_mode": Cases(
        {"value": "off"},
        [smi()],
        [smi(tag("current_mig", "Disabled", "Enabled"))],
        [*SILENT, _unsaid("current_mig", "Disabled")],
    ),
    "gpu.mig_after_reset": Cases(
        {"value": 0},
        [smi(), smi(tag("current_mig", "Disabled", "Enabled"), tag("pending_mig", "Disabled", "Enabled"))],
        [smi(tag("pending_mig", "Disabled", "Enabled"))],
        [*SILENT, _unsaid("pending_mig", "Disabled")],
    ),
    "gpu.persistence_mode": Cases(
        {"value": "on"},
        [smi()],
        [smi(tag("persistence_mode", "Enabled", "Disabled"))],
        [*SILENT, _unsaid("persistence_mode", "Enabled")],
    ),
    "gpu.compute_mode": Cases(
        {"value": "Default"},
        [smi()],
        [
            smi(tag("compute_mode", "Default", "Prohibited")),
            smi(tag("compute_mode", "Default", "Exclusive_Process"), everywhere=True),
        ],
        [*SILENT, _unsaid("compute_mode", "Default")],
    ),
    "gpu.addressing_mode": Cases(
        {"value": "None"},
        [smi()],
        [smi(tag("addressing_mode", "None", "HMM"))],
        [*SILENT, _unsaid("addressing_mode", "None"), smi(("        <addressing_mode>None</addressing_mode>\n", ""))],
    ),
    "gpu.power_limit": Cases(
        {"at_least": 300},
        [smi()],
        [smi(tag("current_power_limit", "300.00 W", "250.00 W"))],
        [*SILENT, _unsaid("current_power_limit", "300.00 W")],
    ),
    "gpu.sm_clock_max": Cases(
        {"value": 1410},
        [smi()],
        [smi(tag("sm_clock", "1410 MHz", "1095 MHz"))],
        [*SILENT, _unsaid("sm_clock", "1410 MHz")],
    ),
    "gpu.memory_clock_max": Cases(
        {"value": 1512},
        [smi()],
        [smi(tag("mem_clock", "1512 MHz", "1215 MHz"))],
        [*SILENT, smi(tag("mem_clock", "1512 MHz", "ERR!"))],
    ),
}
