"""Checks of the GPUs: how many, which, and how they are set."""

import re
from typing import Any

from hybridctl.checks.gpus import gpus_of, how_many, judge_each, report_of
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import output
from hybridctl.parsers.lspci import PciDevice, read_lspci
from hybridctl.parsers.nvidia_smi_csv import read_csv
from hybridctl.refusals import Unreadable

__all__ = ["CHECKS", "nvidia_devices"]

_GPU_KINDS = {"0300", "0302"}  # VGA and 3D controllers


def nvidia_devices(host: Any, kinds: set[str]) -> tuple[PciDevice, ...]:
    """Return NVIDIA's devices of these classes; the whole bus is read, so none is an answer."""
    devices = read_lspci(output(host, "env LC_ALL=C lspci -Dnn"))
    unread = [one for one in devices if not one.kind_id]
    if unread:
        raise Unreadable("lspci -Dnn", unread[0].name, f"no class of {unread[0].address} was printed")
    return tuple(one for one in devices if one.vendor == "10de" and one.kind_id in kinds)


def count(host: Any, want: Want) -> Result:
    """GPUs that answer the driver; one that it complains of is not among them."""
    report = report_of(host)
    if len(report.gpus) != report.attached and not report.complaints:
        raise CannotTell(f"nvidia-smi speaks of {report.attached} GPUs and describes {len(report.gpus)}")
    return want.judge(len(report.gpus), reason="; ".join(report.complaints))


def on_bus(host: Any, want: Want) -> Result:
    """GPUs on the PCI bus, whether or not the driver takes them."""
    return want.judge(len(nvidia_devices(host, _GPU_KINDS)))


def model(host: Any, want: Want) -> Result:
    """The model of each GPU, by whole words of its name: `A100` is in `NVIDIA A100-SXM4-80GB`, `A10` is not."""
    wanted = want.expectation.wanted
    forms = [_words(name) for name in (wanted if isinstance(wanted, list | tuple) else [wanted])]
    names = {gpu.address: gpu.name for gpu in gpus_of(host)}
    for address, name in names.items():
        if not any(form and f" {form} " in f" {_words(name)} " for form in forms):
            return want.result(Verdict.FAIL, name, reason=f"GPU {address}: {name}")
    return want.result(Verdict.PASS, ", ".join(dict.fromkeys(names.values())))


def _words(name: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", str(name).casefold()))


def memory(host: Any, want: Want) -> Result:
    """Memory of each GPU."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.memory)


def bar1(host: Any, want: Want) -> Result:
    """The part of each GPU's memory that adapters and other GPUs can reach over PCIe."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.bar1)


def vbios_versions(host: Any, want: Want) -> Result:
    """How many different VBIOS the GPUs have."""
    found = sorted({gpu.vbios for gpu in gpus_of(host)})
    return want.judge(len(found), reason=", ".join(found))


def inforom_versions(host: Any, want: Want) -> Result:
    """How many different InfoROM images the GPUs have."""
    found = sorted({gpu.inforom for gpu in gpus_of(host)})
    return want.judge(len(found), reason=", ".join(found))


def inforom_damaged(host: Any, want: Want) -> Result:
    """GPUs whose InfoROM does not match its own checksum; drivers before branch 550 cannot be asked."""
    columns = "count,pci.bus_id,inforom.checksum_validation"
    rows = read_csv(output(host, "nvidia-smi --query-gpu=%s --format=csv", columns))
    if not rows:
        raise CannotTell("the driver knows no GPU")
    said = {row.text("pci.bus_id"): row.text("inforom.checksum_validation") for row in rows}
    odd = [word for word in said.values() if word not in ("valid", "invalid")]
    if odd:
        raise Unreadable("nvidia-smi --query-gpu", odd[0], "neither valid nor invalid")
    damaged = [address for address, word in said.items() if word == "invalid"]
    return want.judge(len(damaged), reason=", ".join(f"GPU {address}" for address in damaged))


def ecc_mode(host: Any, want: Want) -> Result:
    """Error correction of each GPU's memory, now."""
    return judge_each(want, gpus_of(host), lambda gpu: "on" if gpu.has_ecc else "off")


def ecc_after_reset(host: Any, want: Want) -> Result:
    """Error correction as it will be after the next reset: a change may be waiting for it."""
    return judge_each(want, gpus_of(host), lambda gpu: "on" if gpu.ecc_pending else "off")


def mig_mode(host: Any, want: Want) -> Result:
    """Whether each GPU is cut into instances."""
    return judge_each(want, gpus_of(host), lambda gpu: "on" if gpu.has_mig else "off")


def mig_after_reset(host: Any, want: Want) -> Result:
    """GPUs whose MIG mode changes with the next reset."""
    return how_many(want, gpus_of(host), lambda gpu: gpu.flag("MIG Mode", "Pending") != gpu.has_mig)


def persistence(host: Any, want: Want) -> Result:
    """Whether the driver stays loaded for each GPU when nobody uses it."""
    return judge_each(want, gpus_of(host), lambda gpu: "on" if gpu.is_persistent else "off")


def compute_mode(host: Any, want: Want) -> Result:
    """Who may use each GPU."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.compute_mode)


def addressing_mode(host: Any, want: Want) -> Result:
    """How each GPU reaches the memory of the host: by itself (HMM, ATS), or as the driver maps it (None)."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.addressing)


def power_limit(host: Any, want: Want) -> Result:
    """What each GPU may draw."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.power_limit)


def sm_clock(host: Any, want: Want) -> Result:
    """The highest clock of each GPU's multiprocessors."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.clock("SM", "Max Clocks"))


def memory_clock(host: Any, want: Want) -> Result:
    """The highest clock of each GPU's memory."""
    return judge_each(want, gpus_of(host), lambda gpu: gpu.clock("Memory", "Max Clocks"))


CHECKS = (
    Check(
        "gpu.on_bus",
        "GPUs on the PCI bus",
        Kind.NUMBER,
        on_bus,
        "power off, reseat the cards and their power cables, compare the slots: lspci -Dnn -d 10de:",
        unit="GPUs",
    ),
    Check(
        "gpu.count",
        "GPUs that answer the driver",
        Kind.NUMBER,
        count,
        "see why the driver does not take one: journalctl -k | grep NVRM; nvidia-smi; then reboot",
        unit="GPUs",
    ),
    Check("gpu.model", "GPU model", Kind.TEXT, model, "compare the cards with the order: nvidia-smi -L"),
    Check(
        "gpu.memory",
        "memory of a GPU",
        Kind.NUMBER,
        memory,
        "compare model and memory with the order: nvidia-smi -i {subject} -q -d MEMORY; ECC and MIG take a part",
        unit="MiB",
    ),
    Check(
        "gpu.bar1",
        "GPU memory that the PCI bus can reach",
        Kind.NUMBER,
        bar1,
        "switch on Above 4G Decoding in the firmware, then look: nvidia-smi -i {subject} -q | grep -A1 BAR1",
        unit="MiB",
    ),
    Check(
        "gpu.vbios_versions",
        "different VBIOS of the GPUs",
        Kind.NUMBER,
        vbios_versions,
        "have the vendor bring all cards to one VBIOS: nvidia-smi --query-gpu=pci.bus_id,vbios_version --format=csv",
        unit="versions",
    ),
    Check(
        "gpu.inforom_versions",
        "different InfoROM images of the GPUs",
        Kind.NUMBER,
        inforom_versions,
        "see which card differs, and ask the vendor: nvidia-smi --query-gpu=pci.bus_id,inforom.img --format=csv",
        unit="versions",
    ),
    Check(
        "gpu.inforom_damaged",
        "GPUs whose InfoROM is damaged",
        Kind.NUMBER,
        inforom_damaged,
        "have the card replaced or its InfoROM written anew by the vendor: nvidia-smi -q | grep -A4 'Inforom Version'",
        unit="GPUs",
        unproven="how nvidia-smi calls an InfoROM that is not valid",
    ),
    Check(
        "gpu.ecc_mode",
        "error correction of the GPUs",
        Kind.TEXT,
        ecc_mode,
        "drain the host, then: nvidia-smi -i {subject} -e 1; nvidia-smi -i {subject} --gpu-reset",
    ),
    Check(
        "gpu.ecc_after_reset",
        "error correction after the next reset",
        Kind.TEXT,
        ecc_after_reset,
        "take the waiting change back: nvidia-smi -i {subject} -e 1",
    ),
    Check(
        "gpu.mig_mode",
        "GPUs cut into instances",
        Kind.TEXT,
        mig_mode,
        "drain the host, then: nvidia-smi -i {subject} -mig 0; where it stays pending: reboot",
    ),
    Check(
        "gpu.mig_after_reset",
        "GPUs whose MIG mode is about to change",
        Kind.NUMBER,
        mig_after_reset,
        "drain the host and reset the GPU to its pending mode: nvidia-smi -i {subject} --gpu-reset",
        unit="GPUs",
    ),
    Check(
        "gpu.persistence_mode",
        "driver kept loaded",
        Kind.TEXT,
        persistence,
        "systemctl enable --now nvidia-persistenced; where it cannot be had: nvidia-smi -i {subject} -pm 1",
    ),
    Check(
        "gpu.compute_mode",
        "who may use a GPU",
        Kind.TEXT,
        compute_mode,
        "nvidia-smi -i {subject} -c DEFAULT",
    ),
    Check(
        "gpu.addressing_mode",
        "how a GPU addresses the host's memory",
        Kind.TEXT,
        addressing_mode,
        "compare kernel and kind of module with the profile's: uname -r; cat /proc/driver/nvidia/version",
    ),
    Check(
        "gpu.power_limit",
        "power limit of a GPU",
        Kind.NUMBER,
        power_limit,
        "find out who lowered it, then: nvidia-smi -i {subject} -pl WATTS, as in nvidia-smi -i {subject} -q -d POWER",
        unit="W",
    ),
    Check(
        "gpu.sm_clock_max",
        "highest clock of the multiprocessors",
        Kind.NUMBER,
        sm_clock,
        "compare with other cards: nvidia-smi -i {subject} -q -d CLOCK; undo a lock: nvidia-smi -i {subject} -rgc",
        unit="MHz",
    ),
    Check(
        "gpu.memory_clock_max",
        "highest clock of the GPU's memory",
        Kind.NUMBER,
        memory_clock,
        "compare with other cards: nvidia-smi -i {subject} -q -d CLOCK; undo a lock: nvidia-smi -i {subject} -rmc",
        unit="MHz",
    ),
)
