"""Checks of Kunpeng's accelerator engine (KAE), and of the PCIe generation its boards offer a GPU."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from hybridctl.checks.kernel_events import counts
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import output
from hybridctl.checks.subjects import each, stated
from hybridctl.parsers.kernel_log import UNPROVEN as LOG_UNPROVEN
from hybridctl.parsers.kernel_modules import UNPROVEN as MODULES_UNPROVEN
from hybridctl.parsers.kernel_modules import read_lsmod
from hybridctl.parsers.lspci import PciDevice, read_lspci
from hybridctl.parsers.openssl_engine import UNPROVEN as ENGINE_UNPROVEN
from hybridctl.parsers.openssl_engine import read_engines
from hybridctl.parsers.sysfs import read_values

__all__ = ["CHECKS"]

_GENERATIONS = {2.5: "1.0", 5.0: "2.0", 8.0: "3.0", 16.0: "4.0", 32.0: "5.0", 64.0: "6.0"}  # by GT/s a lane
_CLASSES = ("10", "12")  # PCI: encryption controllers, processing accelerators
_HUAWEI = "19e5"
_NO_RECORDING = "/sys and /proc of a Kunpeng with its accelerators"


def modules(host: Any, want: Want) -> Iterator[Result]:
    """Each module of the accelerators' driver is loaded."""
    loaded = read_lsmod(output(host, "env LC_ALL=C lsmod"))
    for name in want.expectation.wanted:
        is_loaded = name in loaded
        measured, reason = ("loaded", "") if is_loaded else ("not loaded", "the module is not loaded")
        yield stated(want, name, is_good=is_loaded, measured=measured, expected="loaded", reason=reason)


def functions(host: Any, want: Want) -> Iterator[Result]:
    """Each kind of accelerator is on the PCI bus, by its ids such as `19e5:a255`."""
    listed = _listed(output(host, "env LC_ALL=C lspci -D -nn"))
    for ids in want.expectation.wanted:
        count = sum(f"{device.vendor}:{device.device}" == ids.casefold() for device in listed)
        reason = "the firmware shows none: without its licence it hides them"
        yield stated(want, ids, is_good=count > 0, measured=count, expected="at least 1", reason=reason)


def without_driver(host: Any, want: Want) -> Result:
    """Accelerators on the PCI bus that no driver has."""
    found = [
        device
        for device in _listed(output(host, "env LC_ALL=C lspci -D -nn -k"))
        if device.vendor == _HUAWEI and device.kind_id.startswith(_CLASSES)
    ]
    if not found:
        raise CannotTell("no accelerator is on the PCI bus: accelerator.functions says which should be")
    bare = [d.address for d in found if not any(line.startswith("Kernel driver in use: ") for line in d.details)]
    return want.judge(len(bare), reason=f"no driver has {', '.join(bare)}")


def devices(host: Any, want: Want) -> Iterator[Result]:
    """Programs find each kind of accelerator, such as `hisi_sec2`, under /sys/class/uacce."""
    available = _available(host)
    for kind in want.expectation.wanted:
        count = len([name for name in available if name.rpartition("-")[0] == kind])
        reason = "programs have no device of it"
        yield stated(want, kind, is_good=count > 0, measured=count, expected="at least 1", reason=reason)


def _available(host: Any) -> dict[str, int]:
    """Return the free queues of each device."""
    found = {}
    for path, value in read_values(output(host, "grep -H . /sys/class/uacce/*/available_instances")).items():
        name = re.fullmatch(r"/sys/class/uacce/([\w-]+)/available_instances", path, re.ASCII)
        if name is None or not re.fullmatch(r"\d{1,6}", value, re.ASCII):
            raise CannotTell(f"{path} says {value[:40]!r}: a number of queues was expected")
        found[name[1]] = int(value)
    return found


def _queues(kind: str, work: str) -> Callable[[Any, Want], Iterator[Result]]:
    def free(host: Any, want: Want) -> Iterator[Result]:
        available = {name: n for name, n in _available(host).items() if name.rpartition("-")[0] == kind}
        nothing = f"there is no device {kind}: accelerator.devices says which should be there"
        return each(want, available, lambda name: available[name], f"programs find no free queue for {work}", nothing)

    free.__doc__ = f"Queues of each {kind} device that are free for {work}."
    return free


def _parameter(name: str, reason: str) -> Callable[[Any, Want], Iterator[Result]]:
    def read(host: Any, want: Want) -> Iterator[Result]:
        values = read_values(output(host, f"grep -H . /sys/module/hisi_*/parameters/{name}"))
        by_module = {path.split("/")[3]: value for path, value in values.items() if path.startswith("/sys/module/")}

        def of(module: str) -> int:
            if not re.fullmatch(r"\d{1,6}", by_module[module], re.ASCII):
                raise CannotTell(f"{module} has {name}={by_module[module][:40]!r}: a number was expected")
            return int(by_module[module])

        return each(want, by_module, of, reason, f"no module has a parameter {name}")

    read.__doc__ = f"The parameter {name} that each module was loaded with."
    return read


def engine(host: Any, want: Want) -> Iterator[Result]:
    """OpenSSL can load each engine, and the engine finds its hardware."""
    for name in want.expectation.wanted:
        try:
            engines = read_engines(output(host, "env LC_ALL=C openssl engine -t %s", name))
            if name not in engines:
                raise CannotTell(f"openssl says nothing of the engine {name}")
        except CannotTell as error:
            yield want.result(Verdict.UNKNOWN, None, subject=name, expected="available", reason=str(error))
            continue
        measured, reason = ("available", "") if engines[name] else ("unavailable", "it finds no accelerator")
        yield stated(want, name, is_good=engines[name], measured=measured, expected="available", reason=reason)


def gpu_link(host: Any, want: Want) -> Result:
    """The PCIe generation of the host's fastest root port: the best a GPU can have there."""
    listed = read_lspci(output(host, "env LC_ALL=C lspci -D -nn -vvv -d ::0604"))
    roots = [device for device in listed if any(re.search(r"Express \(v\d\) Root Port", d) for d in device.details)]
    if not roots:
        raise CannotTell("lspci shows no root port: it needs root to see what a bridge is")
    speed = max(device.capable.speed for device in roots)
    if speed not in _GENERATIONS:
        raise CannotTell(f"{speed} GT/s is of no known generation of PCIe")
    return want.judge(f"PCIe {_GENERATIONS[speed]}", reason="the board's ports are of another generation")


def _listed(text: str) -> tuple[PciDevice, ...]:
    listed = read_lspci(text)
    if not all(device.vendor and device.kind_id for device in listed):
        raise CannotTell("lspci printed devices without their ids")
    return listed


_IN_USE = "queues in use at that moment are not free"

CHECKS = (
    Check(
        "accelerator.functions",
        "accelerators on the PCI bus",
        Kind.NAMES,
        functions,
        "install the accelerators' licence on the BMC, or firmware that needs none; then power off and on",
        unproven="lspci of a Kunpeng",
    ),
    Check(
        "accelerator.modules",
        "modules of the accelerators",
        Kind.NAMES,
        modules,
        "modprobe {subject}; at each boot: echo {subject} >> /etc/modules-load.d/kae.conf",
        unproven=MODULES_UNPROVEN,
    ),
    Check(
        "accelerator.without_driver",
        "accelerators that no driver has",
        Kind.NUMBER,
        without_driver,
        "the driver must be built for the running kernel: modinfo hisi_sec2 | grep vermagic; uname -r",
        unit="accelerators",
        unproven="lspci of a Kunpeng",
    ),
    Check(
        "accelerator.devices",
        "accelerators that programs find",
        Kind.NAMES,
        devices,
        "a module has devices only with its user interface on: uacce_mode in /etc/modprobe.d/{subject}.conf; "
        "then: modprobe -r {subject}; modprobe {subject}",
        unproven=_NO_RECORDING,
    ),
    Check(
        "accelerator.cipher_queues",
        "free queues for ciphers",
        Kind.NUMBER,
        _queues("hisi_sec2", "ciphers"),
        "see who holds them: fuser -v /dev/hisi_sec2-*",
        unit="queues",
        varies=_IN_USE,
        unproven=_NO_RECORDING,
    ),
    Check(
        "accelerator.key_queues",
        "free queues for RSA and key exchange",
        Kind.NUMBER,
        _queues("hisi_hpre", "RSA and key exchange"),
        "see which TLS servers hold them: fuser -v /dev/hisi_hpre-*",
        unit="queues",
        varies=_IN_USE,
        unproven=_NO_RECORDING,
    ),
    Check(
        "accelerator.zip_queues",
        "free queues for compression",
        Kind.NUMBER,
        _queues("hisi_zip", "compression"),
        "see which programs compress: fuser -v /dev/hisi_zip-*",
        unit="queues",
        varies=_IN_USE,
        unproven=_NO_RECORDING,
    ),
    Check(
        "accelerator.mode",
        "mode of the accelerators' user interface",
        Kind.NUMBER,
        _parameter("uacce_mode", "1 needs the SMMU, 2 needs it off or passed through; 0 leaves programs out"),
        "set uacce_mode in /etc/modprobe.d/{subject}.conf as the SMMU is set in the firmware, then reload the module",
        unit="mode",
        unproven=_NO_RECORDING,
    ),
    Check(
        "accelerator.queues",
        "queues given to the physical functions",
        Kind.NUMBER,
        _parameter("pf_q_num", "programs soon find no free queue"),
        "write `options {subject} pf_q_num=256` to /etc/modprobe.d/{subject}.conf, then load it anew",
        unit="queues",
        unproven=_NO_RECORDING,
    ),
    Check(
        "accelerator.engine",
        "OpenSSL's engine of the accelerators",
        Kind.NAMES,
        engine,
        "name where the engine lies: OPENSSL_ENGINES=/usr/local/lib/engines-1.1 openssl engine -t {subject}",
        unproven=ENGINE_UNPROVEN,
    ),
    Check(
        "accelerator.log_errors",
        "errors of the accelerators in the kernel's log",
        Kind.NUMBER,
        counts("uacce"),
        "read them: journalctl -k -g 'uacce|hisi_'; a device that resets again and again is changed with its board",
        unit="messages",
        varies="what the kernel has said until now",
        unproven=LOG_UNPROVEN,
    ),
    Check(
        "accelerator.gpu_link",
        "PCIe generation the board offers a GPU",
        Kind.TEXT,
        gpu_link,
        "see the root ports' LnkCap: lspci -vvv -d ::0604; the firmware's settings may hold them at a lower one",
        unproven="lspci of a Kunpeng",
    ),
)
