"""Checks of what hosts of one profile have in common: each function says what one host shows, `alike` compares."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hybridctl.checks.alike import shown
from hybridctl.checks.containers import docker_of
from hybridctl.checks.fabric import adapters_of
from hybridctl.checks.gpus import gpus_of, report_of
from hybridctl.checks.model import CannotTell, Check, Kind, Parameter, Result, Want
from hybridctl.checks.reading import file_text, output
from hybridctl.checks.request import SHORT_TIMEOUT, ask
from hybridctl.checks.service import worker_url
from hybridctl.parsers.docker_info import UNPROVEN as NO_DOCKER
from hybridctl.parsers.ipmi_mc import UNPROVEN as NO_BMC
from hybridctl.parsers.ipmi_mc import read_firmware
from hybridctl.parsers.kernel import UNPROVEN as NO_COMMAND_LINE
from hybridctl.parsers.kernel import parse_release
from hybridctl.parsers.nccl_conf import UNPROVEN as NO_NCCL
from hybridctl.parsers.nccl_conf import read_nccl_conf
from hybridctl.parsers.nvidia_software import UNPROVEN as NO_TOOLKIT
from hybridctl.parsers.nvidia_software import read_toolkit
from hybridctl.parsers.os_release import parse_os_release
from hybridctl.parsers.packages import DPKG_FORMAT, parse_dpkg_query
from hybridctl.refusals import MOST_QUOTED, Unreadable

__all__ = ["CHECKS"]

# Words of the kernel's command line that name a host's own disks and addresses.
_OWN_WORDS = {"BOOT_IMAGE", "initrd", "root", "resume", "resume_offset", "ip", "ifname"}
_LONGEST = 200  # characters of a value; a report shows it whole
_LONGEST_COMMAND_LINE = 8192


def _line(tool: str, text: str, longest: int = _LONGEST) -> str:
    """Return the only line of a text; anything else is no value to compare."""
    line = text.strip()
    if not line or not line.isprintable() or len(line) > longest:
        raise Unreadable(tool, line.split("\n")[0], "one line was expected")
    return line


def _digest(what: str, lines: Iterable[str]) -> str:
    """Return how many there are with a digest that tells two such lists apart."""
    listed = sorted(lines)
    text = "\n".join(listed).encode(errors="surrogatepass")
    return f"{what}: {len(listed)}, {hashlib.sha256(text).hexdigest()[:12]}"


def _kinds(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values)))


def kernel(host: Any, want: Want) -> Result:
    """The whole release of the running kernel."""
    return shown(want, parse_release(output(host, "uname -r"))[2])


def os_release(host: Any, want: Want) -> Result:
    """The system as it calls itself, with its point release or service pack."""
    said = parse_os_release(file_text(host, "/etc/os-release"))
    return shown(want, _line("/etc/os-release", said.get("PRETTY_NAME", "")))


def command_line(host: Any, want: Want) -> Result:
    """The words the kernel was started with, but those that name a host's own disks and addresses."""
    words = _line("/proc/cmdline", file_text(host, "/proc/cmdline"), _LONGEST_COMMAND_LINE).split()
    if not any("=" in word for word in words):
        raise Unreadable("/proc/cmdline", " ".join(words), "no word of it sets anything")
    return shown(want, _digest("words", (word for word in words if not _is_own(word))))


def _is_own(word: str) -> bool:
    key = word.partition("=")[0]
    return key in _OWN_WORDS or key.startswith("rd.")


def packages_held(host: Any, want: Want) -> Result:
    """The packages that are held, with their versions."""
    found = parse_dpkg_query(output(host, "env LC_ALL=C dpkg-query --show --showformat %s", DPKG_FORMAT))
    return shown(want, _digest("packages", (f"{name} {one[2]}" for name, one in found.items() if one[0] == "hold")))


def bios(host: Any, want: Want) -> Result:
    """The firmware's version, in whatever form its maker writes it."""
    version = _line("bios_version", file_text(host, "/sys/class/dmi/id/bios_version"))
    if not re.search(r"\d", version):
        raise Unreadable("bios_version", version, "a version has a digit")
    return shown(want, version)


def bmc(host: Any, want: Want) -> Result:
    """The version of the BMC's firmware."""
    return shown(want, str(read_firmware(output(host, "env LC_ALL=C ipmitool mc info"))))


def driver(host: Any, want: Want) -> Result:
    """The whole version of the GPUs' driver."""
    return shown(want, _line("nvidia-smi -q -x", report_of(host).driver))


def vbios(host: Any, want: Want) -> Result:
    """Every VBIOS that the GPUs have."""
    return shown(want, _line("nvidia-smi -q -x", _kinds(gpu.vbios for gpu in gpus_of(host))))


def cuda(host: Any, want: Want) -> Result:
    """The CUDA toolkit."""
    return shown(want, read_toolkit(file_text(host, "/usr/local/cuda/version.json")))


def adapter_firmware(host: Any, want: Want) -> Result:
    """The firmware of each type of RDMA adapter."""
    found = _kinds(f"{adapter.type} {adapter.firmware}" for adapter in adapters_of(host))
    return shown(want, _line("ibstat", found))


def nccl_settings(host: Any, want: Want) -> Result:
    """What nccl.conf sets; comments and order do not count."""
    said = read_nccl_conf(file_text(host, "/etc/nccl.conf"))
    return shown(want, _digest("settings", (f"{name}={value}" for name, value in said.items())))


def vllm(host: Any, want: Want) -> Result:
    """The version of the vLLM that runs, as it says itself."""
    answer = ask(host, worker_url(want), "/version", timeout=want.parameters["timeout"])
    if answer.trouble:
        raise CannotTell(f"it does not tell its version: {answer.trouble}")
    said = answer.document()
    version = said.get("version") if isinstance(said, dict) else None
    if not isinstance(version, str):
        raise CannotTell(f"the answer names no version: {answer.text[:MOST_QUOTED]!r}")
    return shown(want, _line("/version", version))


def model(host: Any, want: Want) -> Result:
    """The files of the model that vLLM serves, by name and size; reading all of them would take minutes."""
    folder = str(want.variable("vllm_model"))
    if not folder.startswith("/"):
        raise CannotTell(f"vllm_model is no folder of the host: {folder!r}")
    text = output(host, "find -H %s -type f -printf %s", folder, r"%s %P\n")
    files = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or not all(re.match(r"\d{1,20} .", line, re.ASCII) for line in files):
        raise Unreadable("find", files[-1], "a size and a name were expected")
    return shown(want, _digest("files", files))


def container_toolkit(host: Any, want: Want) -> Result:
    """The version of NVIDIA's container toolkit."""
    text = output(host, "env LC_ALL=C nvidia-ctk --version")
    found = re.match(r"NVIDIA Container Toolkit CLI version (\d+\.\d+\.\d+\S*)\n", text, re.ASCII)
    if found is None:
        raise Unreadable("nvidia-ctk", text.strip().split("\n")[0], "no version of the container toolkit")
    return shown(want, found[1])


def container_engine(host: Any, want: Want) -> Result:
    """The version of Docker's daemon."""
    return shown(want, _line("docker info", docker_of(host).version))


def _check(
    name: str,
    title: str,
    function: Callable[[Any, Want], Result],
    remedy: str,
    unproven: str = "",
    variables: tuple[str, ...] = (),
    parameters: Mapping[str, Parameter] | None = None,
) -> Check:
    return Check(
        f"fleet.{name}",
        title,
        Kind.ALIKE,
        function,
        remedy,
        variables=variables,
        unproven=unproven,
        parameters=parameters or {},
    )


CHECKS = (
    _check(
        "kernel",
        "one kernel on all hosts",
        kernel,
        "install the kernel of the others on {host}, drain it and reboot; then keep upgrades to one window for all",
    ),
    _check(
        "os_release",
        "one release of the system on all hosts",
        os_release,
        "bring {host} to the release of the others from the site's mirror: apt-get or dnf upgrade, in a window",
    ),
    _check(
        "command_line",
        "one kernel command line on all hosts",
        command_line,
        "compare /proc/cmdline of {host} with another host's; then mend /etc/default/grub there, and reboot",
        NO_COMMAND_LINE,
    ),
    _check(
        "packages_held",
        "the same packages held on all hosts",
        packages_held,
        "compare `apt-mark showhold` of {host} with another host's; then: hybridctl provision --limit {host}",
    ),
    _check(
        "bios",
        "one firmware of the board on all hosts",
        bios,
        "update the firmware of {host} through its BMC in a window: dmidecode -s bios-version",
    ),
    _check(
        "bmc",
        "one firmware of the BMC on all hosts",
        bmc,
        "update the BMC of {host} by its own pages to the version of the others: ipmitool mc info",
        NO_BMC,
    ),
    _check(
        "driver",
        "one GPU driver on all hosts",
        driver,
        "install on {host} the driver of the others and hold it, drained; then reboot: nvidia-smi --version",
    ),
    _check(
        "vbios",
        "the same VBIOS on all hosts",
        vbios,
        "ask the vendor for the VBIOS of the others: nvidia-smi --query-gpu=serial,vbios_version --format=csv",
    ),
    _check(
        "cuda",
        "one CUDA toolkit on all hosts",
        cuda,
        "install the toolkit of the others on {host}, and point the link to it: ls -l /usr/local/cuda",
        NO_TOOLKIT,
    ),
    _check(
        "adapter_firmware",
        "one firmware of RDMA adapters on all hosts",
        adapter_firmware,
        "flash the adapters of {host} to the firmware of the others, drained: mlxfwmanager --query; then mlxfwreset",
    ),
    _check(
        "nccl_settings",
        "the same NCCL settings on all hosts",
        nccl_settings,
        "compare /etc/nccl.conf of {host} with another host's: ranks with different settings hang or go slowly",
        NO_NCCL,
    ),
    _check(
        "vllm",
        "one vLLM on all workers",
        vllm,
        "hybridctl provision --role vllm --limit {host}; it restarts the worker drained",
        "vLLM's /version",
        ("vllm_bind_address", "vllm_port"),
        SHORT_TIMEOUT,
    ),
    _check(
        "model",
        "the same files of the model on all workers",
        model,
        "hybridctl provision --role model_store --limit {host}, which fetches what its SHA256SUMS misses",
        variables=("vllm_model",),
    ),
    _check(
        "container_toolkit",
        "one container toolkit on all hosts",
        container_toolkit,
        "install the nvidia-container-toolkit of the others on {host}: apt-cache policy nvidia-container-toolkit",
        "nvidia-ctk --version",
    ),
    _check(
        "container_engine",
        "one Docker on all hosts",
        container_engine,
        "install the Docker of the others on {host}, with its containers stopped: docker version",
        NO_DOCKER,
    ),
)
