"""Checks of the processors."""

import re
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import file_text, output
from hybridctl.parsers.cpu_sysfs import read_governors, read_vulnerabilities
from hybridctl.parsers.lscpu import UNPROVEN, implementer_of, model_of, number_of, online_of, parse_lscpu

__all__ = ["CHECKS"]


def _lscpu(host: Any) -> dict[str, str]:
    return parse_lscpu(output(host, "env LC_ALL=C lscpu"))


def implementer(host: Any, want: Want) -> Result:
    """Who made the cores."""
    return want.judge(implementer_of(file_text(host, "/proc/cpuinfo")))


def model(host: Any, want: Want) -> Result:
    """The model, as a part of lscpu's name: `Kunpeng-920` is also in `HUAWEI Kunpeng 920 5250`."""
    measured = model_of(_lscpu(host))
    wanted = want.expectation.wanted
    for name in wanted if isinstance(wanted, list | tuple) else [wanted]:
        # Nothing is a part of everything: a name without a letter would pass on any board.
        if _letters(name) and _letters(name) in _letters(measured):
            return want.result(Verdict.PASS, measured)
    return want.result(Verdict.FAIL, measured)


def sockets(host: Any, want: Want) -> Result:
    """How many sockets are fitted."""
    return want.judge(number_of(_lscpu(host), "Socket(s)"))


def cores_per_socket(host: Any, want: Want) -> Result:
    """Cores of one socket."""
    return want.judge(number_of(_lscpu(host), "Core(s) per socket"))


def threads(host: Any, want: Want) -> Result:
    """Threads that are online, over all sockets."""
    return want.judge(online_of(_lscpu(host)))


def frequency(host: Any, want: Want) -> Result:
    """The highest frequency the kernel may set, in MHz."""
    value = _lscpu(host).get("CPU max MHz", "")
    if not re.fullmatch(r"\d+(\.\d+)?", value):
        raise CannotTell(f"lscpu says CPU max MHz: {value or '(nothing)'}; without cpufreq the kernel does not know it")
    return want.judge(float(value))


def threads_per_core(host: Any, want: Want) -> Result:
    """Threads of one core."""
    return want.judge(number_of(_lscpu(host), "Thread(s) per core"))


def numa_nodes(host: Any, want: Want) -> Result:
    """NUMA nodes of one socket."""
    cpu = _lscpu(host)
    nodes = number_of(cpu, "NUMA node(s)") / number_of(cpu, "Socket(s)")
    return want.judge(int(nodes) if nodes.is_integer() else nodes, reason="the firmware cuts the sockets otherwise")


def governor(host: Any, want: Want) -> Result:
    """What sets the frequency of the cores; without cpufreq the firmware does, and nothing is measured."""
    found = read_governors(output(host, "grep -H . /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"))
    names = sorted(set(found.values()))
    few = min(names, key=list(found.values()).count)
    odd = [str(cpu) for cpu, name in sorted(found.items()) if name == few]
    return want.judge(", ".join(names), reason=f"{few} on CPU {', '.join(odd[:8])}{' ...' if odd[8:] else ''}")


def vulnerabilities(host: Any, want: Want) -> Result:
    """Vulnerabilities of the processor that are open."""
    found = read_vulnerabilities(output(host, "grep -H . /sys/devices/system/cpu/vulnerabilities/*"))
    is_open = sorted(name for name, vulnerable in found.items() if vulnerable)
    return want.judge(len(is_open), reason=f"open: {', '.join(is_open)}")


def _letters(text: str) -> str:
    # Of any script: boards sold in China name themselves 鲲鹏.
    return "".join(letter for letter in text.casefold() if letter.isalnum())


_MAKER = "the board has other processors than the profile is for: dmidecode -t processor; correct hybridctl_profile"
_MODEL = "compare with the order: dmidecode -t processor; another model wants a profile of its own"
_SOCKETS = "look for a processor that is missing or switched off: dmidecode -t processor, Status"
_CORES = "look whether the firmware switches cores off: dmidecode -t processor, Core Enabled"

CHECKS = (
    Check("cpu.implementer", "maker of the cores", Kind.TEXT, implementer, _MAKER),
    Check("cpu.model", "processor model", Kind.TEXT, model, _MODEL, unproven=UNPROVEN),
    Check("cpu.sockets", "sockets fitted", Kind.NUMBER, sockets, _SOCKETS, unit="sockets"),
    Check("cpu.cores_per_socket", "cores of a socket", Kind.NUMBER, cores_per_socket, _CORES, unit="cores"),
    Check(
        "cpu.threads",
        "threads online",
        Kind.NUMBER,
        threads,
        "see which are offline: lscpu --extended; bring one back: echo 1 > /sys/devices/system/cpu/cpuN/online",
        unit="threads",
    ),
    Check(
        "cpu.max_frequency",
        "highest frequency",
        Kind.NUMBER,
        frequency,
        "set the firmware's power policy to performance; see cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_driver",
        unit="MHz",
        unproven=UNPROVEN,
    ),
    Check(
        "cpu.threads_per_core",
        "threads of a core",
        Kind.NUMBER,
        threads_per_core,
        "see whether SMT is as wanted: cat /sys/devices/system/cpu/smt/control; it is set in the firmware's settings",
        unit="threads",
        unproven=UNPROVEN,
    ),
    Check(
        "cpu.numa_nodes",
        "NUMA nodes of a socket",
        Kind.NUMBER,
        numa_nodes,
        "set NUMA (NPS, sub-NUMA clusters, die interleaving) in the firmware's settings; see: lscpu | grep NUMA",
        unit="nodes",
        unproven=UNPROVEN,
    ),
    Check(
        "cpu.governor",
        "governor of the cores' frequency",
        Kind.TEXT,
        governor,
        "cpupower frequency-set -g performance; a unit must set it at each boot",
        unproven="/sys/devices/system/cpu of a Kunpeng 920",
    ),
    Check(
        "cpu.vulnerabilities",
        "open vulnerabilities of the processor",
        Kind.NUMBER,
        vulnerabilities,
        "install the newest kernel and microcode; what stays: grep -H . /sys/devices/system/cpu/vulnerabilities/*",
        unit="vulnerabilities",
        unproven="/sys/devices/system/cpu of a Kunpeng 920",
    ),
)
