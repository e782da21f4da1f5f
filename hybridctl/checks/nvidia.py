"""Checks of NVIDIA's software: that driver, modules, libraries, fabric manager and CUDA fit each other."""

from collections.abc import Iterator
from typing import Any

from hybridctl.checks.gpus import gpus_of, judge_each, report_of
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import file_text, output, run
from hybridctl.parsers import dcgmi_diag
from hybridctl.parsers.kernel_modules import Module, read_lsmod
from hybridctl.parsers.nvidia_software import (
    UNPROVEN,
    blocked_modules,
    library_versions,
    read_fabric_manager_version,
    read_loaded_module,
    read_toolkit,
)
from hybridctl.refusals import MOST_QUOTED, Unreadable

__all__ = ["CHECKS"]

_SAME = "same"
_TOOLKIT = "/usr/local/cuda/version.json"


def _loaded(host: Any) -> tuple[str, str]:
    return read_loaded_module(file_text(host, "/proc/driver/nvidia/version"))


def _compare(want: Want, one: str, other: str, reason: str) -> Result:
    """Judge `same`, or both versions."""
    return want.judge(_SAME if one == other else f"{one}, {other}", reason=reason)


def _modules(host: Any) -> dict[str, Module]:
    return dict(read_lsmod(output(host, "env LC_ALL=C lsmod")))


def driver_branch(host: Any, want: Want) -> Result:
    """The first number of the driver's version, the branch whose updates it gets."""
    return want.judge(report_of(host).driver.partition(".")[0])


def module_kind(host: Any, want: Want) -> Result:
    """Whether the loaded module is the open one or the proprietary one."""
    return want.judge(_loaded(host)[1])


def module_on_disk(host: Any, want: Want) -> Result:
    """The loaded module is the one that the next boot loads; none for the running kernel is a miss."""
    loaded = _loaded(host)[0]
    done = run(host, "env LC_ALL=C modinfo -F version nvidia", ok=(0, 1))
    if done.rc == 1 and "Module nvidia not found" not in done.stderr:
        raise CannotTell(f"modinfo did not answer: {' '.join(str(done.stderr).split())[:MOST_QUOTED]}")
    on_disk = str(done.stdout).strip()
    if done.rc == 1:
        return want.judge(f"{loaded}, none", reason=f"loaded is {loaded}; on disk is none for the running kernel")
    if not on_disk or len(on_disk.split()) != 1 or not on_disk[0].isdigit():
        raise Unreadable("modinfo", on_disk, "it is no version")
    return _compare(want, loaded, on_disk, f"loaded is {loaded}, on disk {on_disk}")


def libraries(host: Any, want: Want) -> Result:
    """The libraries on disk have the version of the loaded module, or nothing starts on a GPU."""
    loaded = _loaded(host)[0]
    found = library_versions(output(host, "find /usr -maxdepth 3 -name %s", "libnvidia-ml.so.*.*"))
    return _compare(want, loaded, " and ".join(found), f"the module is {loaded}, the libraries are {', '.join(found)}")


def gsp_firmware(host: Any, want: Want) -> Result:
    """The firmware that runs on each GPU has the driver's version."""
    driver = report_of(host).driver
    return judge_each(
        want, gpus_of(host), lambda gpu: _SAME if gpu.gsp_firmware == driver else f"{gpu.gsp_firmware}, {driver}"
    )


def modules(host: Any, want: Want) -> Iterator[Result]:
    """Each module is loaded."""
    loaded = _modules(host)
    for name in want.expectation.wanted:
        is_there = name.replace("-", "_") in loaded
        yield want.result(
            Verdict.PASS if is_there else Verdict.FAIL,
            "loaded" if is_there else "not loaded",
            subject=name,
            expected="loaded",
            reason="" if is_there else "the module is not loaded",
        )


def peermem(host: Any, want: Want) -> Result:
    """The module by which adapters reach the GPUs' memory, where dma-buf does not serve."""
    return want.judge("loaded" if "nvidia_peermem" in _modules(host) else "not loaded")


def nouveau(host: Any, want: Want) -> Result:
    """The kernel's own driver, which keeps NVIDIA's from the cards."""
    return want.judge("loaded" if "nouveau" in _modules(host) else "not loaded")


def nouveau_blocked(host: Any, want: Want) -> Result:
    """Whether the next boot may load nouveau."""
    blocked = blocked_modules(output(host, "env LC_ALL=C modprobe --showconfig"))
    return want.judge("blocked" if "nouveau" in blocked else "not blocked")


def fabric_manager(host: Any, want: Want) -> Result:
    """The fabric manager has the version of the loaded module, or CUDA does not start (error 802)."""
    loaded = _loaded(host)[0]
    manager = read_fabric_manager_version(output(host, "env LC_ALL=C nv-fabricmanager --version"))
    return _compare(want, loaded, manager, f"the module is {loaded}, the fabric manager {manager}")


def dcgm(host: Any, want: Want) -> Result:
    """Tests of DCGM's shortest diagnosis that did not pass on every GPU; one that was left out did not pass."""
    done = run(host, "env LC_ALL=C dcgmi diag -r 1", ok=(0, 226))  # 226: a test failed
    failed = [test.name for test in dcgmi_diag.read_diag(done.stdout) if set(test.gpus) != {"Pass"}]
    if done.rc and not failed:
        raise CannotTell("dcgmi ended with status 226 and names no test that failed")
    return want.judge(len(failed), reason=", ".join(failed))


def toolkit(host: Any, want: Want) -> Result:
    """The CUDA toolkit that /usr/local/cuda points to."""
    return want.judge(read_toolkit(file_text(host, _TOOLKIT)))


def cuda_of_driver(host: Any, want: Want) -> Result:
    """The newest CUDA that the driver runs without help."""
    return want.judge(_cuda(host))


def _cuda(host: Any) -> str:
    cuda = report_of(host).cuda
    if not cuda or not all(part.isdecimal() for part in cuda.split(".")):
        raise Unreadable("nvidia-smi -q -x", cuda, "the driver names no CUDA version")
    return cuda


def toolkit_fits(host: Any, want: Want) -> Result:
    """What the toolkit builds runs on this driver: the toolkit is not newer than the driver's CUDA."""
    ours, drivers = read_toolkit(file_text(host, _TOOLKIT)), _cuda(host)
    is_newer = [int(part) for part in ours.split(".")] > [int(part) for part in drivers.split(".")]
    reason = f"the toolkit is {ours}, the driver runs CUDA up to {drivers}"
    return want.judge("newer than the driver" if is_newer else "fits", reason=reason)


CHECKS = (
    Check(
        "gpu.driver_branch",
        "branch of the driver",
        Kind.TEXT,
        driver_branch,
        "install the branch that the profile names, held by the lock: apt-mark showhold; then reboot",
    ),
    Check(
        "nvidia.module_kind",
        "open or proprietary kernel module",
        Kind.TEXT,
        module_kind,
        "install the other kind of the same version, then reboot: apt list --installed 'nvidia-*'",
        unproven=UNPROVEN,
    ),
    Check(
        "nvidia.module_on_disk",
        "loaded module and the one on disk",
        Kind.TEXT,
        module_on_disk,
        "drain the host and reboot; where none is on disk, build it for this kernel first: dkms status",
        unproven=UNPROVEN,
    ),
    Check(
        "nvidia.libraries",
        "loaded module and the libraries",
        Kind.TEXT,
        libraries,
        "drain the host and reboot into the installed driver, then hold its packages: apt-mark hold 'libnvidia-*'",
        unproven=UNPROVEN,
    ),
    Check(
        "nvidia.gsp_firmware",
        "firmware on the GPUs and the driver",
        Kind.TEXT,
        gsp_firmware,
        "reinstall the driver's firmware package and reboot: ls /lib/firmware/nvidia; nvidia-smi -q | grep GSP",
    ),
    Check(
        "nvidia.modules",
        "modules of the driver",
        Kind.NAMES,
        modules,
        "modprobe {subject}; when it is refused: journalctl -k -b | grep -i nvidia; mokutil --sb-state",
    ),
    Check(
        "nvidia.peermem",
        "nvidia-peermem",
        Kind.TEXT,
        peermem,
        "modprobe nvidia-peermem; at every boot: echo nvidia-peermem > /etc/modules-load.d/nvidia-peermem.conf",
    ),
    Check(
        "nvidia.nouveau",
        "nouveau out of the kernel",
        Kind.TEXT,
        nouveau,
        "block it, rebuild the initramfs and reboot: update-initramfs -u or dracut -f",
    ),
    Check(
        "nvidia.nouveau_blocked",
        "nouveau kept out of the next boot",
        Kind.TEXT,
        nouveau_blocked,
        "write `blacklist nouveau` to /etc/modprobe.d/nouveau.conf, then rebuild the initramfs: update-initramfs -u",
        unproven="modprobe --showconfig",
    ),
    Check(
        "nvidia.fabric_manager",
        "loaded module and the fabric manager",
        Kind.TEXT,
        fabric_manager,
        "install the fabric manager of the driver's very version and hold it: apt-cache policy 'nvidia-fabricmanager*'",
        unproven=UNPROVEN,
    ),
    Check(
        "nvidia.dcgm_failures",
        "tests of DCGM that did not pass",
        Kind.NUMBER,
        dcgm,
        "read the warning below the test: dcgmi diag -r 1; with the host drained: dcgmi diag -r 3",
        unit="tests",
        unproven="dcgmi diag -r 1, and its exit status",
    ),
    Check(
        "cuda.toolkit",
        "CUDA toolkit",
        Kind.TEXT,
        toolkit,
        "point /usr/local/cuda to the toolkit that the profile names: update-alternatives --config cuda",
        unproven=UNPROVEN,
    ),
    Check(
        "cuda.driver",
        "newest CUDA of the driver",
        Kind.TEXT,
        cuda_of_driver,
        "give the host the driver that its model server was built for, by torch.version.cuda; see nvidia-smi --version",
    ),
    Check(
        "cuda.toolkit_fits",
        "toolkit no newer than the driver",
        Kind.TEXT,
        toolkit_fits,
        "upgrade the driver, or take an older toolkit: nvcc --version beside nvidia-smi",
        unproven=UNPROVEN,
    ),
)
