"""Hosts whose driver, modules, libraries, fabric manager and CUDA do not fit each other."""

import json

from check_cases import Answers, Cases
from gpu_evidence import DRIVER, SILENT, report, smi, tag

from hybridctl.checks.fake import Answered

READS = (
    "lsmod",
    "modinfo -F",
    "find /usr -maxdepth",
    "modprobe --showconfig",
    "nv-fabricmanager --version",
    "dcgmi diag -r 1",
)

_PROC = "/proc/driver/nvidia/version"
_SMI = "nvidia-smi -q -x"
_GCC = "GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)\n"
_CLOSED = f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {DRIVER}  Sat Feb 17 22:55:47 UTC 2024\n{_GCC}"
_OPEN = f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {DRIVER}  Release Build  (builder@host)\n{_GCC}"
_NEWER = "535.183.01"
_NO_MODULE = Answered(1, "", "cat: /proc/driver/nvidia/version: No such file or directory")


def on_disk(version: str = DRIVER) -> Answers:
    """A host with the module loaded and this one on disk."""
    return {_PROC: _CLOSED, "modinfo": f"{version}\n"}


def libraries(*versions: str) -> Answers:
    """A host with the module loaded and these libraries on disk."""
    paths = [f"/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.{version}\n" for version in versions]
    return {_PROC: _CLOSED, "find /usr": "".join(paths)}


def lsmod(*names: str) -> Answers:
    """These modules are loaded."""
    return {"lsmod": "Module                  Size  Used by\n" + "".join(f"{name} 57344 0\n" for name in names)}


def manager(version: str) -> Answers:
    """A fabric manager beside the loaded module."""
    return {_PROC: _CLOSED, "nv-fabricmanager": f"Fabric Manager version is : {version}\n"}


def toolkit(version: str, cuda: str = "12.2") -> Answers:
    """A toolkit beside the driver."""
    said = {"cuda": {"name": "CUDA SDK", "version": version}, "cuda_nvcc": {"name": "CUDA NVCC", "version": "12.2.140"}}
    return {"version.json": json.dumps(said, indent=3) + "\n", **smi(), _SMI: report().replace(">12.2<", f">{cuda}<")}


def diag(verdict: str) -> str:
    """The shortest diagnosis, with one test that ended so."""
    return (
        "+---------------------------+------------------------------------------------+\n"
        "| Diagnostic                | Result                                         |\n"
        "+===========================+================================================+\n"
        "| Software                  | Pass                                           |\n"
        f"| Persistence Mode          | {verdict:<46} |\n"
        "+---------------------------+------------------------------------------------+\n"
    )


_CONFIG = "blacklist nouveau\noptions nouveau modeset=0\nalias char_major_10_1 psmouse\n"

CASES: dict[str, Cases] = {
    "gpu.driver_branch": Cases(
        {"value": "535"},
        [smi(), {_SMI: report().replace("535.161.08</driver", "535.54.03</driver")}],
        [{_SMI: report().replace("535.161.08</driver", "550.90.12</driver")}],
        [SILENT[0], SILENT[1], SILENT[3]],
    ),
    "nvidia.module_kind": Cases(
        {"value": "open"},
        [{_PROC: _OPEN}],
        [{_PROC: _CLOSED}],
        [{_PROC: _NO_MODULE}, {_PROC: _GCC}, {_PROC: _OPEN.replace(DRIVER, "unknown")}],
    ),
    "nvidia.module_on_disk": Cases(
        {"value": "same"},
        [on_disk()],
        [
            on_disk(_NEWER),
            {_PROC: _CLOSED, "modinfo": Answered(1, "", "modinfo: ERROR: Module nvidia not found.\n")},
        ],
        [
            {_PROC: _NO_MODULE, "modinfo": f"{DRIVER}\n"},
            {_PROC: _CLOSED, "modinfo": Answered(1, "", "modinfo: ERROR: could not open the index")},
            {_PROC: _CLOSED, "modinfo": "two words\n"},
            {_PROC: _CLOSED},
        ],
    ),
    "nvidia.libraries": Cases(
        {"value": "same"},
        [libraries(DRIVER)],
        [libraries(_NEWER), libraries(DRIVER, _NEWER)],
        [libraries(), libraries("old"), {_PROC: _CLOSED, "find /usr": Answered(1, "", "find: Permission denied")}],
    ),
    "nvidia.gsp_firmware": Cases(
        {"value": "same"},
        [smi()],
        [smi(tag("gsp_firmware_version", DRIVER, "535.54.03"))],
        [*SILENT, smi(tag("gsp_firmware_version", DRIVER, "N/A"))],
    ),
    "nvidia.modules": Cases(
        {"value": ["nvidia", "nvidia-uvm"]},
        [lsmod("nvidia", "nvidia_uvm", "ib_core")],
        [lsmod("nvidia"), lsmod("nvidia_uvm", "nvidia_drm")],
        [{"lsmod": "nvidia 57344 0\n"}, {"lsmod": lsmod("nvidia", "nvidia_uvm")["lsmod"][:-4]}],
    ),
    "nvidia.peermem": Cases(
        {"value": "loaded"},
        [lsmod("nvidia", "nvidia_peermem")],
        [lsmod("nvidia", "nv_peer_mem")],
        [{"lsmod": "nvidia_peermem\n"}],
    ),
    "nvidia.nouveau": Cases(
        {"value": "not loaded"},
        [lsmod("nvidia")],
        [lsmod("nouveau", "nvidia")],
        [{"lsmod": "Module Size\nnouveau\n"}],
    ),
    "nvidia.nouveau_blocked": Cases(
        {"value": "blocked"},
        [{"modprobe": _CONFIG}],
        [{"modprobe": _CONFIG.replace("blacklist nouveau", "blacklist amdgpu")}, {"modprobe": _CONFIG[18:]}],
        [{"modprobe": "blacklist nouveau\n"}, {"modprobe": _CONFIG[:-3]}],
    ),
    "nvidia.fabric_manager": Cases(
        {"value": "same"},
        [manager(DRIVER)],
        [manager(_NEWER)],
        [{_PROC: _CLOSED}, manager("new"), {**manager(DRIVER), _PROC: _NO_MODULE}],
    ),
    "nvidia.dcgm_failures": Cases(
        {"value": 0},
        [{"dcgmi diag": diag("Pass")}],
        [
            {"dcgmi diag": Answered(226, diag("Fail - GPU: 0"))},
            {"dcgmi diag": diag("Fail - All")},
            {"dcgmi diag": diag("Skip - All")},
        ],
        [
            {"dcgmi diag": Answered(226, diag("Pass"))},
            {"dcgmi diag": "Error: unable to establish a connection to the specified host: localhost\n"},
            {"dcgmi diag": diag("Pass")[:-90]},
        ],
    ),
    "cuda.toolkit": Cases(
        {"value": "12.2"},
        [toolkit("12.2.2")],
        [toolkit("12.4.1"), toolkit("11.8.0")],
        [toolkit("none"), {"version.json": "{}\n"}, {"version.json": "CUDA Version 10.2.89\n"}],
    ),
    "cuda.driver": Cases(
        {"value": "12.2"},
        [toolkit("12.2.2")],
        [toolkit("12.2.2", "12.4")],
        [SILENT[0], SILENT[1], toolkit("12.2.2", "N/A")],
    ),
    "cuda.toolkit_fits": Cases(
        {"value": "fits"},
        [toolkit("12.2.2"), toolkit("12.2.2", "13.0"), toolkit("11.8.0")],
        [toolkit("12.4.1"), toolkit("13.0.0"), toolkit("12.10.0", "12.9")],
        [toolkit("12.2.2", ""), toolkit("x")],
    ),
}
