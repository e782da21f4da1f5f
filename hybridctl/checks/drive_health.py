"""Checks of what the drives say of their own health."""

from collections.abc import Callable, Iterator
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import output, run
from hybridctl.checks.storage import nvme_disks
from hybridctl.parsers.drives import UNPROVEN, NvmeLog, read_nvme_log, read_scan, read_smart

__all__ = ["CHECKS"]

# smartctl ends with a number of bits; the three lowest say that it could not ask, the others what it found.
_ASKED = tuple(range(0, 256, 8))


def used(host: Any, want: Want) -> Iterator[Result]:
    """How much of its endurance each NVMe drive has used; a drive may live on past 100 %."""
    yield from _each(host, want, lambda log: log.percentage_used)


def spare(host: Any, want: Want) -> Iterator[Result]:
    """Spare blocks that each NVMe drive has left."""
    yield from _each(host, want, lambda log: log.spare)


def media_errors(host: Any, want: Want) -> Iterator[Result]:
    """How often each NVMe drive could not give back what was written."""
    yield from _each(host, want, lambda log: log.media_errors)


def critical_warning(host: Any, want: Want) -> Iterator[Result]:
    """The bits by which each NVMe drive says that it is failing, too hot or read-only; 0 is none."""
    yield from _each(host, want, lambda log: log.critical_warning)


def temperature(host: Any, want: Want) -> Iterator[Result]:
    """How warm each NVMe drive is."""
    yield from _each(host, want, lambda log: log.temperature)


def _each(host: Any, want: Want, of: Callable[[NvmeLog], int]) -> Iterator[Result]:
    disks = nvme_disks(host)
    if not disks:
        raise CannotTell("there is no NVMe drive")
    for disk in disks:
        try:
            log = read_nvme_log(output(host, "nvme smart-log --output-format=json %s", f"/dev/{disk}"))
        except CannotTell as error:
            yield want.result(Verdict.UNKNOWN, None, subject=disk, reason=str(error))
        else:
            yield want.judge(of(log), subject=disk)


def smart(host: Any, want: Want) -> Iterator[Result]:
    """Each drive says that it is well, whatever its protocol."""
    drives = read_scan(run(host, "smartctl --json --scan", ok=_ASKED).stdout)
    if not drives:
        raise CannotTell("smartctl finds no drive")
    for drive in drives:
        try:
            said = run(host, "smartctl --json --all --device=%s %s", drive.type, drive.name, ok=_ASKED).stdout
            health = read_smart(said)
        except CannotTell as error:
            yield want.result(Verdict.UNKNOWN, None, subject=drive.name, reason=str(error))
        else:
            reason = f"{health.model} {health.serial} says that it will fail soon"
            yield want.judge("passed" if health.has_passed else "failed", subject=drive.name, reason=reason)


def firmware(host: Any, want: Want) -> Iterator[Result]:
    """How many firmware versions the drives of one model have."""
    drives = read_scan(run(host, "smartctl --json --scan", ok=_ASKED).stdout)
    if not drives:
        raise CannotTell("smartctl finds no drive")
    versions: dict[str, set[str]] = {}
    for drive in drives:
        health = read_smart(run(host, "smartctl --json --all --device=%s %s", drive.type, drive.name, ok=_ASKED).stdout)
        if not health.model or not health.firmware:
            raise CannotTell(f"{drive.name} names no model or no firmware")
        versions.setdefault(health.model, set()).add(health.firmware)
    for model, found in sorted(versions.items()):
        yield want.judge(len(found), subject=model, reason=f"it has {' and '.join(sorted(found))}")


CHECKS = (
    Check(
        "storage.nvme_used",
        "endurance of the NVMe drives used",
        Kind.NUMBER,
        used,
        "order a drive in place of {subject}; what wears it: nvme smart-log /dev/{subject}, data_units_written",
        unit="%",
        varies="the age of one host's drives",
        unproven=UNPROVEN,
    ),
    Check(
        "storage.nvme_spare",
        "spare blocks of the NVMe drives left",
        Kind.NUMBER,
        spare,
        "replace {subject} before its spare blocks run out; until then keep no only copy of a model on it",
        unit="%",
        varies="the age of one host's drives",
        unproven=UNPROVEN,
    ),
    Check(
        "storage.nvme_media_errors",
        "media errors of the NVMe drives",
        Kind.NUMBER,
        media_errors,
        "verify the models on it: hybridctl provision --role model_store; see nvme error-log /dev/{subject}",
        unit="errors",
        varies="what has happened to one host's drives",
        unproven=UNPROVEN,
    ),
    Check(
        "storage.nvme_critical_warning",
        "critical warning of the NVMe drives",
        Kind.NUMBER,
        critical_warning,
        "drain the host and replace {subject}; which bit it is: nvme smart-log --human-readable /dev/{subject}",
        varies="what has happened to one host's drives",
        unproven=UNPROVEN,
    ),
    Check(
        "storage.nvme_temperature",
        "temperature of the NVMe drives",
        Kind.NUMBER,
        temperature,
        "look at the fans and the air's way past {subject}: ipmitool sdr type Fan",
        unit="°C",
        varies="how warm it is at this moment",
        unproven=UNPROVEN,
    ),
    Check(
        "storage.smart",
        "drives that say they are well",
        Kind.TEXT,
        smart,
        "replace {subject}; what it found: smartctl --all {subject}",
        varies="what has happened to one host's drives",
        unproven=UNPROVEN,
    ),
    Check(
        "storage.firmware",
        "firmware versions of one drive model",
        Kind.NUMBER,
        firmware,
        "bring all to one version, one drive at a time, with the host drained: nvme fw-download, nvme fw-commit",
        unit="versions",
        unproven=UNPROVEN,
    ),
)
