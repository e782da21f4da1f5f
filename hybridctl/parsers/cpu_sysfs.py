"""Files under /sys/devices/system/cpu, as `grep -H .` lists them: governors and vulnerabilities."""

import re

from hybridctl.parsers.sysfs import read_values
from hybridctl.refusals import Unreadable

__all__ = ["read_governors", "read_vulnerabilities"]

_ROOT = "/sys/devices/system/cpu/"


def read_governors(text: str) -> dict[int, str]:
    """Return the frequency governor of each CPU.

    Raises:
        Unreadable: a path is no CPU's, or its value no word.
    """
    found = {}
    for path, value in read_values(text).items():
        cpu = re.fullmatch(_ROOT + r"cpu(\d{1,6})/cpufreq/scaling_governor", path, re.ASCII)
        if cpu is None or not re.fullmatch(r"[a-z_]+", value):
            raise Unreadable(_ROOT, f"{path}:{value}", "it is no governor of a CPU")
        found[int(cpu[1])] = value
    return found


def read_vulnerabilities(text: str) -> dict[str, bool]:
    """Return of each vulnerability whether the processor still has it.

    Raises:
        Unreadable: a path is none, or the kernel does not say whether it is open.
    """
    found = {}
    for path, value in read_values(text).items():
        name = re.fullmatch(_ROOT + r"vulnerabilities/(\w+)", path, re.ASCII)
        state = re.match(r"Not affected|Mitigation|(?:Processor )?[Vv]ulnerable|KVM: (?:Mitigation|Vulnerable)", value)
        if name is None or state is None:
            raise Unreadable(_ROOT, f"{path}:{value}", "it is not said whether it is open")
        found[name[1]] = state[0].casefold().endswith("vulnerable")
    return found
