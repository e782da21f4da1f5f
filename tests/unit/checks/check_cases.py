"""For every check: hosts on which it must PASS, FAIL and be UNKNOWN, by what their commands print."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hybridctl.checks.counts import Count
from hybridctl.checks.drifted import Drift, read_drift
from hybridctl.checks.fake import Answered

# By a part of the command line; by `drift` what the control node knows of it.
Answers = Mapping[str, Answered | str | Exception]

DENIED = Answered(1, "", "cat: Permission denied")
TOO_SLOW = Answered(124)
NOT_THERE = Answered(127, "", "sh: 1: not found")
NOT_ALLOWED = Answered(126, "", "sh: 1: Permission denied")

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'


def openeuler(version: str, pretty: str, identity: str = "openEuler") -> str:
    """os-release in openEuler's form."""
    return f'NAME="openEuler"\nVERSION="{version}"\nID="{identity}"\nVERSION_ID="22.03"\nPRETTY_NAME="{pretty}"\n'


KUNPENG = """Architecture:                    aarch64
CPU op-mode(s):                  64-bit
Byte Order:                      Little Endian
CPU(s):                          128
On-line CPU(s) list:             0-127
Vendor ID:                       HiSilicon
BIOS Vendor ID:                  HiSilicon
Model name:                      Kunpeng-920
BIOS Model name:                 HUAWEI Kunpeng 920 7260
Model:                           0
Thread(s) per core:              1
Core(s) per socket:              64
Socket(s):                       2
Stepping:                        0x1
CPU max MHz:                     2600.0000
CPU min MHz:                     200.0000
NUMA node(s):                    4
NUMA node0 CPU(s):               0-31
"""
# Full-width colons and translated keys: LC_ALL=C was ignored.
CHINESE = (
    "架构：                           aarch64\n"
    "CPU:                             128\n"
    "每个座的核数：                     64\n"
)
# A newer util-linux on a board whose firmware does not describe its sockets.
CLUSTERS = KUNPENG.replace("Core(s) per socket:              64", "Core(s) per cluster:             64").replace(
    "Socket(s):                       2", "Socket(s):                       -\nCluster(s):                      2"
)
CPUINFO = (
    "processor\t: 0\nBogoMIPS\t: 200.00\nCPU implementer\t: 0x48\nCPU part\t: 0xd01\n\n"
    "processor\t: 1\nBogoMIPS\t: 200.00\nCPU implementer\t: 0x48\nCPU part\t: 0xd01\n"
)


def meminfo(kilobytes: int) -> str:
    """The head of /proc/meminfo."""
    return f"MemTotal:       {kilobytes} kB\nMemFree:         1234567 kB\n"


def dpkg(*lines: tuple[str, str, str, str]) -> str:
    """What dpkg-query prints in our format."""
    return "".join("\t".join(line) + "\n" for line in lines)


CHRONY = ("chrony", "hold", "installed", "4.3-2+deb12u3")
SOCAT = ("socat", "hold", "installed", "1.7.4.4-2")


# In another language its words about an unknown package would not be found.
DPKG = "env LC_ALL=C dpkg-query"


def packages(*lines: tuple[str, str, str, str], rc: int = 0, stderr: str = "") -> Answers:
    """A Debian host with these packages."""
    return {"os-release": DEBIAN, "uname -m": "x86_64\n", DPKG: Answered(rc, dpkg(*lines), stderr)}


def unit(load: str = "loaded", active: str = "active", sub: str = "running", file: str = "enabled") -> str:
    """What systemctl show prints."""
    return f"LoadState={load}\nActiveState={active}\nSubState={sub}\nUnitFileState={file}\n"


def answer(**given: Any) -> str:
    """What the request's script prints on the host."""
    return json.dumps({"before": 1000.0, "after": 1000.2, **given})


def completion(tokens: int) -> str:
    """A completion of vLLM."""
    return answer(status=200, text=json.dumps({"choices": [{"text": "x"}], "usage": {"completion_tokens": tokens}}))


def models(*names: str) -> str:
    """A list of models."""
    return answer(status=200, text=json.dumps({"object": "list", "data": [{"id": name} for name in names]}))


def metrics(series: int, clock: float = 1000.1) -> str:
    """What node_exporter shows, with the series asked for."""
    lines = [f'node_cpu_seconds_total{{cpu="{n}",mode="idle"}} {n}.5e+03' for n in range(series - 1)]
    text = "# HELP node_time_seconds x\n# TYPE node_time_seconds gauge\n"
    return answer(status=200, text=text + "\n".join([*lines, f"node_time_seconds {clock!r}"]) + "\n")


REFUSED = answer(error="ConnectionRefusedError: [Errno 111] Connection refused")
NO_KEY = answer(unreadable="PermissionError: [Errno 13] Permission denied: '/etc/vllm/vllm.env'")
VARIABLES = {
    "vllm_bind_address": "0.0.0.0",  # noqa: S104 - the role's default
    "vllm_port": 8000,
    "vllm_served_model_name": "tiny",
    "vllm_model": "/srv/models/tiny",
    "gateway_port": 443,
    "node_telemetry_listen_address": ":9100",
    "hybridctl_mirror": "http://mirror.site",
}


@dataclass(frozen=True)
class Cases:
    """An expectation and the hosts it is tried on; before, they had counted `earlier`."""

    expect: Mapping[str, Any]
    passes: list[Answers]
    fails: list[Answers]
    unknown: list[Answers]
    warns: list[Answers] = field(default_factory=list)
    earlier: Count | None = None


def drift_of(answers: Answers) -> Drift | None:
    """What the control node knows of the host's drift."""
    said = answers.get("drift")
    return read_drift(json.loads(said)) if isinstance(said, str) else None


_SP = openeuler("22.03 (LTS-SP4)", "openEuler 22.03 (LTS-SP4)")
_CHROME = {"value": ["chrony", "socat"]}
_HTTP = "python3 -c"

READS = ("cat --", "uname", "lscpu", "dpkg-query --show", "systemctl show", "python3 -c")

CASES: dict[str, Cases] = {
    "os.distribution": Cases(
        {"value": "openEuler"},
        [{"os-release": _SP}],
        [{"os-release": DEBIAN}],
        [{"os-release": DENIED}, {}, {"os-release": "no assignment\n"}, {"os-release": "ID=openEuler\n"}],
        [{"os-release": openeuler("24.03", "openEuler 24.03", "centos")}],
    ),
    "os.release": Cases(
        {"value": "12"},
        [{"os-release": DEBIAN}],
        [{"os-release": DEBIAN.replace('"12"', '"11"')}],
        [{"os-release": DEBIAN.replace('VERSION_ID="12"\n', "")}, {"os-release": NOT_ALLOWED}],
    ),
    "os.service_pack": Cases(
        {"any_of": ["LTS-SP3", "LTS-SP4"]},
        [{"os-release": _SP}, {"os-release": openeuler("22.03", "openEuler 22.03 (LTS-SP3)")}],
        [{"os-release": openeuler("22.03 LTS", "openEuler 22.03 LTS")}],
        [
            {"os-release": openeuler("22.03", "openEuler 22.03")},
            {"os-release": openeuler("22.03 (LTS-SP4)", "openEuler 22.03 (LTS-SP3)")},
        ],
    ),
    "os.architecture": Cases(
        {"value": "aarch64"},
        [{"uname -m": "aarch64\n"}],
        [{"uname -m": "x86_64\n"}],
        [{"uname -m": "\n"}, {"uname -m": TOO_SLOW}],
    ),
    "cpu.implementer": Cases(
        {"value": "0x48"},
        [{"/proc/cpuinfo": CPUINFO}],
        [{"/proc/cpuinfo": CPUINFO.replace("0x48", "0x41")}, {"/proc/cpuinfo": "vendor_id\t: GenuineIntel\n"}],
        [{"/proc/cpuinfo": CPUINFO.replace("0x48", "0x41", 1)}, {"/proc/cpuinfo": "processor: 0\n"}],
    ),
    "cpu.model": Cases(
        {"value": "Kunpeng 920"},
        [
            {"lscpu": KUNPENG},
            {"lscpu": KUNPENG.replace("Model name:                      Kunpeng-920", "Model name: -")},
        ],
        [{"lscpu": KUNPENG.replace("Kunpeng-920", "Kunpeng-916")}],
        [{"lscpu": CHINESE}, {"lscpu": NOT_THERE}, {"lscpu": "Architecture: aarch64\nCPU(s): 4\n"}],
    ),
    "cpu.sockets": Cases(
        {"value": 2},
        [{"lscpu": KUNPENG}],
        [{"lscpu": KUNPENG.replace("Socket(s):                       2", "Socket(s): 1")}],
        [{"lscpu": CLUSTERS}, {"lscpu": CHINESE}, {"lscpu": "Socket(s): 2\n"}],
    ),
    "cpu.cores_per_socket": Cases(
        {"value": 64},
        [{"lscpu": KUNPENG}],
        [{"lscpu": KUNPENG.replace("Core(s) per socket:              64", "Core(s) per socket:  48")}],
        [{"lscpu": CLUSTERS}, {"lscpu": TOO_SLOW}],
    ),
    "cpu.threads": Cases(
        {"value": 128},
        [{"lscpu": KUNPENG}, {"lscpu": KUNPENG.replace("0-127", "0-63,64-127")}],
        [{"lscpu": KUNPENG.replace("0-127", "0-126")}, {"lscpu": KUNPENG.replace("0-127", "0,2-127")}],
        [{"lscpu": KUNPENG.replace("0-127", "all")}, {"lscpu": CHINESE}],
    ),
    "cpu.max_frequency": Cases(
        {"value": 2600, "tolerance": 1.0},
        [{"lscpu": KUNPENG}, {"lscpu": KUNPENG.replace("2600.0000", "2600")}],
        [{"lscpu": KUNPENG.replace("2600.0000", "2400.0000")}],
        [{"lscpu": KUNPENG.replace("CPU max MHz", "CPU MHz")}, {"lscpu": KUNPENG.replace("2600.0000", "-")}],
    ),
    "memory.total": Cases(
        {"value": 512, "tolerance": 3.0},
        [{"/proc/meminfo": meminfo(528_246_540)}, {"/proc/meminfo": meminfo(536_870_912)}],
        [{"/proc/meminfo": meminfo(494_000_000)}, {"/proc/meminfo": meminfo(1_056_000_000)}],
        [{"/proc/meminfo": "MemFree: 1 kB\n"}, {"/proc/meminfo": "MemTotal: 512 GB\n"}, {"/proc/meminfo": DENIED}],
    ),
    "packages.held": Cases(
        _CHROME,
        [packages(CHRONY, SOCAT)],
        [
            packages(CHRONY, ("socat", "install", "installed", "1.7.4.4-2")),
            packages(CHRONY, ("socat", "hold", "installed", "1.8.0.0-1")),
            packages(CHRONY, ("socat", "deinstall", "config-files", "1.7.4.4-2")),
            packages(CHRONY, rc=1, stderr="dpkg-query: no packages found matching socat\n"),
        ],
        [
            packages(CHRONY),
            packages(CHRONY, rc=1, stderr="dpkg-query: error: cannot read the database\n"),
            packages(CHRONY, SOCAT, rc=1),
            {**packages(), DPKG: NOT_ALLOWED},
            {**packages(), DPKG: "rubbish\n"},
            {"os-release": _SP, "uname -m": "aarch64\n"},
        ],
    ),
    "units.active": Cases(
        {"value": ["a.service"]},
        [
            {"systemctl show": unit()},
            {"systemctl show": unit(sub="waiting")},
            {"systemctl show": unit(active="reloading")},
            {"systemctl show": unit(file="generated")},
            {"systemctl show": unit(file="alias")},
        ],
        [
            {"systemctl show": unit(active="inactive", sub="dead")},
            {"systemctl show": unit(active="failed", sub="failed")},
            {"systemctl show": unit(active="activating", sub="auto-restart")},
            {"systemctl show": unit(file="disabled")},
            {"systemctl show": unit(file="enabled-runtime")},
            {"systemctl show": unit(file="linked")},
            {"systemctl show": unit(file="transient")},
            {"systemctl show": unit("not-found", "inactive", "dead", "")},
            {"systemctl show": unit("masked", "inactive", "dead", "masked")},
        ],
        [
            {"systemctl show": Answered(1, "", "Failed to connect to bus")},
            {"systemctl show": NOT_THERE},
            {"systemctl show": "ActiveState=active\n"},
            {"systemctl show": unit(file="static")},
            {"systemctl show": unit(file="indirect")},
        ],
    ),
    "service.worker_completion": Cases(
        {"value": 1},
        [{_HTTP: completion(1)}],
        [
            {_HTTP: completion(0)},
            {_HTTP: REFUSED},
            {_HTTP: answer(error="TimeoutError: timed out")},
            {_HTTP: answer(status=500, text="EngineDeadError")},
            {_HTTP: answer(status=500, text='{"usage": {"completion_tokens": 1}}')},
            {_HTTP: answer(status=401, text="Unauthorized")},
            {_HTTP: answer(status=200, text="<html>")},
            {_HTTP: answer(status=200, text="[]")},
        ],
        [{_HTTP: NO_KEY}, {_HTTP: TOO_SLOW}, {_HTTP: NOT_THERE}, {_HTTP: "rubbish"}, {_HTTP: "[1]"}],
    ),
    "service.gateway_models": Cases(
        {"at_least": 1},
        [{_HTTP: models("tiny")}],
        [
            {_HTTP: models()},
            {_HTTP: answer(status=503, text="no worker is ready")},
            {_HTTP: answer(error="SSLCertVerificationError: certificate has expired")},
            {_HTTP: answer(status=200, text='{"data": 7}')},
        ],
        [{_HTTP: NO_KEY}, {_HTTP: Answered(1, "", "Traceback")}],
    ),
    "service.gateway_completion": Cases(
        {"value": 1},
        [{_HTTP: completion(1)}],
        [{_HTTP: answer(status=503, text="every worker is busy")}, {_HTTP: answer(status=200, text="{}")}],
        [{_HTTP: NO_KEY}, {_HTTP: ""}],
    ),
    "exporter.node_series": Cases(
        {"at_least": 100},
        [{_HTTP: metrics(100)}],
        [{_HTTP: metrics(99)}, {_HTTP: REFUSED}, {_HTTP: answer(status=404, text="not here\n")}],
        [{_HTTP: answer(status=200, text="node_load1 0.5\nnode_lo")}, {_HTTP: answer(status=200, text="<html>\n")}],
    ),
    "exporter.node_clock": Cases(
        {"at_most": 5},
        [{_HTTP: metrics(2)}, {_HTTP: metrics(2, 1004.9)}],
        [{_HTTP: metrics(2, 940.0)}, {_HTTP: metrics(2, 1060.0)}, {_HTTP: answer(status=200, text="node_load1 1\n")}],
        [
            {_HTTP: answer(status=200, text="node_time_seconds 1.2.3\n")},
            {_HTTP: answer(status=200, text="node_time_seconds 1000")},  # cut short: it may have been 1000000
            {_HTTP: TOO_SLOW},
        ],
    ),
}
