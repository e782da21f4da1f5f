"""Checks of what the GPUs and their driver have noticed: errors, worn memory, heat, clocks held down, Xids."""

from typing import Any

from hybridctl.checks.gpus import gpus_of, how_many, judge_each
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Want
from hybridctl.checks.reading import output
from hybridctl.parsers.kernel_log import Record, of_kind, read_kernel_log, xids

__all__ = ["CHECKS"]

# What the driver's modules say, and the first line of every boot, which proves that nothing before it is gone.
_WORDS = "Linux version |NVRM|nvidia-"


def _driver_log(host: Any) -> tuple[Record, ...]:
    command = "env LC_ALL=C journalctl --dmesg --boot --no-pager --quiet --output=short-iso --grep=%s"
    records = read_kernel_log(output(host, command, _WORDS))
    if not any(record.message.startswith("Linux version ") for record in records):
        raise CannotTell("the journal of this boot has lost its beginning: an Xid may have gone with it")
    return records


def ecc_corrected(host: Any, want: Want) -> Result:
    """Errors that ECC put right since the driver was loaded, of the GPU with most."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.ecc_errors(corrected=True))


def ecc_uncorrected(host: Any, want: Want) -> Result:
    """Errors that ECC could not put right since the driver was loaded."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.ecc_errors(corrected=False))


def ecc_uncorrected_ever(host: Any, want: Want) -> Result:
    """Errors that ECC could not put right in the life of the board."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.ecc_errors(corrected=False, since_boot=False))


def remap_pending(host: Any, want: Want) -> Result:
    """GPUs with a row of memory that is replaced at the next reset only."""
    return how_many(want, gpus_of(host), lambda gpu: gpu.remapped.pending)


def remap_failed(host: Any, want: Want) -> Result:
    """GPUs with a row of memory that could not be replaced."""
    return how_many(want, gpus_of(host), lambda gpu: gpu.remapped.failed)


def remapped_rows(host: Any, want: Want) -> Result:
    """Rows of memory that were replaced after an error that could not be corrected."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.remapped.uncorrectable)


def exhausted_banks(host: Any, want: Want) -> Result:
    """Banks of memory without a spare row left."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.exhausted_banks)


def reset_required(host: Any, want: Want) -> Result:
    """GPUs that do not work on before a reset."""
    return how_many(want, gpus_of(host), lambda gpu: gpu.needs_reset)


def drain_recommended(host: Any, want: Want) -> Result:
    """GPUs that work on, but should be drained and reset soon."""
    return how_many(want, gpus_of(host), lambda gpu: gpu.wants_drain)


def thermal_slowdown(host: Any, want: Want) -> Result:
    """GPUs whose clocks are held down by heat, by the hardware or by the driver."""
    heat = {"HW Thermal Slowdown", "SW Thermal Slowdown"}
    return how_many(want, gpus_of(host), lambda gpu: bool(gpu.throttled_by & heat))


def power_brake(host: Any, want: Want) -> Result:
    """GPUs whose clocks are held down by the power supply of the host."""
    return how_many(want, gpus_of(host), lambda gpu: "HW Power Brake Slowdown" in gpu.throttled_by)


def hw_slowdown(host: Any, want: Want) -> Result:
    """GPUs whose hardware holds the clocks down and says neither heat nor power brake."""
    named = {"HW Thermal Slowdown", "HW Power Brake Slowdown"}
    return how_many(want, gpus_of(host), lambda gpu: "HW Slowdown" in gpu.throttled_by and not gpu.throttled_by & named)


def temperature(host: Any, want: Want) -> Result:
    """Temperature of each GPU."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.temperature)


def memory_temperature(host: Any, want: Want) -> Result:
    """Temperature of each GPU's memory."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.memory_temperature)


def xid(host: Any, want: Want) -> Result:
    """Errors that the driver numbered since the host started."""
    found = xids(_driver_log(host))
    said = dict.fromkeys(f"Xid {one.code} of GPU {one.address}" for one in found)
    return want.judge(len(found), reason=", ".join(list(said)[:8]))


def sxid(host: Any, want: Want) -> Result:
    """Errors of the NVSwitches since the host started."""
    found = of_kind(_driver_log(host), "sxid")
    return want.judge(len(found), reason="; ".join(record.message[:120] for record in found[:2]))


def driver_errors(host: Any, want: Want) -> Result:
    """Cards that fell off the bus or that the driver could not start, since the host started."""
    found = of_kind(_driver_log(host), "nvidia")
    return want.judge(len(found), reason="; ".join(record.message[:120] for record in found[:2]))


_OWN = "what this host has come to: none is what a host must show"

CHECKS = (
    Check(
        "gpu.ecc_corrected",
        "GPU memory errors put right since the driver was loaded",
        Kind.NUMBER,
        ecc_corrected,
        "watch whether it grows: nvidia-smi -i {subject} -q -d ECC; when it does, test the card: dcgmi diag -r 3",
        unit="errors",
        varies=_OWN,
    ),
    Check(
        "gpu.ecc_uncorrected",
        "GPU memory errors not put right since the driver was loaded",
        Kind.NUMBER,
        ecc_uncorrected,
        "drain the host, reset the GPU and count again: nvidia-smi -i {subject} --gpu-reset; nvidia-smi -q -d ECC",
        unit="errors",
        varies=_OWN,
    ),
    Check(
        "gpu.ecc_uncorrected_ever",
        "GPU memory errors not put right in the board's life",
        Kind.NUMBER,
        ecc_uncorrected_ever,
        "ask the vendor for another card where it grows from month to month: nvidia-smi -i {subject} -q -d ECC",
        unit="errors",
        varies=_OWN,
    ),
    Check(
        "gpu.remap_pending",
        "GPUs with a memory row to be replaced",
        Kind.NUMBER,
        remap_pending,
        "drain the host and reset the GPU so that its spare row takes over: nvidia-smi -i {subject} --gpu-reset",
        unit="GPUs",
        varies=_OWN,
    ),
    Check(
        "gpu.remap_failed",
        "GPUs with a memory row that could not be replaced",
        Kind.NUMBER,
        remap_failed,
        "take the host out of service and have the card replaced: nvidia-smi -i {subject} -q -d ROW_REMAPPER",
        unit="GPUs",
        varies=_OWN,
    ),
    Check(
        "gpu.remapped_rows",
        "memory rows replaced after an error",
        Kind.NUMBER,
        remapped_rows,
        "plan for another card where it grows: nvidia-smi -i {subject} -q | grep -A4 'Remapped Rows'",
        unit="rows",
        varies=_OWN,
    ),
    Check(
        "gpu.exhausted_banks",
        "memory banks without a spare row",
        Kind.NUMBER,
        exhausted_banks,
        "have the card replaced before its next row fails: nvidia-smi -i {subject} -q | grep -A6 Histogram",
        unit="banks",
        varies=_OWN,
    ),
    Check(
        "gpu.reset_required",
        "GPUs that want a reset",
        Kind.NUMBER,
        reset_required,
        "end what still uses it, then: nvidia-smi -i {subject} --gpu-reset; where that is refused: reboot",
        unit="GPUs",
        varies=_OWN,
    ),
    Check(
        "gpu.drain_recommended",
        "GPUs that should be drained and reset",
        Kind.NUMBER,
        drain_recommended,
        "drain the host's worker in the next window, then: nvidia-smi -i {subject} --gpu-reset",
        unit="GPUs",
        varies=_OWN,
    ),
    Check(
        "gpu.thermal_slowdown",
        "GPUs slowed down by heat",
        Kind.NUMBER,
        thermal_slowdown,
        "look at fans and air flow: ipmitool sdr type Fan; nvidia-smi -i {subject} -q -d TEMPERATURE",
        unit="GPUs",
        varies=_OWN,
    ),
    Check(
        "gpu.power_brake",
        "GPUs slowed down by the power supply",
        Kind.NUMBER,
        power_brake,
        "look for a power supply that is missing or off: ipmitool sdr type 'Power Supply'; ipmitool sel list",
        unit="GPUs",
        varies=_OWN,
    ),
    Check(
        "gpu.hw_slowdown",
        "GPUs slowed down by their hardware without a reason",
        Kind.NUMBER,
        hw_slowdown,
        "power the host off and on; where it stays, check the card's power cable: nvidia-smi -q -d PERFORMANCE",
        unit="GPUs",
        varies=_OWN,
    ),
    Check(
        "gpu.temperature",
        "temperature of the hottest GPU",
        Kind.NUMBER,
        temperature,
        "compare with its neighbours and the inlet: nvidia-smi --query-gpu=temperature.gpu --format=csv; ipmitool sdr",
        unit="C",
        varies="it moves with the load",
    ),
    Check(
        "gpu.memory_temperature",
        "temperature of the hottest GPU memory",
        Kind.NUMBER,
        memory_temperature,
        "have the heat sink's contact checked where the GPU itself is cool: nvidia-smi -i {subject} -q -d TEMPERATURE",
        unit="C",
        varies="it moves with the load",
    ),
    Check(
        "gpu.xid",
        "Xids in the kernel's log since boot",
        Kind.NUMBER,
        xid,
        "look its number up in NVIDIA's list of Xids: journalctl -k -b | grep Xid; a reboot begins a new count",
        unit="errors",
        varies=_OWN,
    ),
    Check(
        "gpu.driver_errors",
        "GPUs lost by the driver since boot",
        Kind.NUMBER,
        driver_errors,
        "power the host off, not only reboot it; then: journalctl -k -b | grep -E 'fallen off|RmInitAdapter'",
        unit="errors",
        varies=_OWN,
    ),
    Check(
        "nvswitch.sxid",
        "NVSwitch errors in the kernel's log since boot",
        Kind.NUMBER,
        sxid,
        "look its number up in the fabric manager's guide: journalctl -k -b | grep SXid; /var/log/fabricmanager.log",
        unit="errors",
        varies=_OWN,
    ),
)
