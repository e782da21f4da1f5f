"""What NVIDIA's software says of its versions: the loaded module, libraries on disk, toolkit, fabric manager."""

import re

from hybridctl.parsers._text import document, whole_lines
from hybridctl.refusals import Unreadable

__all__ = [
    "UNPROVEN",
    "blocked_modules",
    "library_versions",
    "read_fabric_manager_version",
    "read_loaded_module",
    "read_toolkit",
]

UNPROVEN = "what NVIDIA's software says of its versions"

_VERSION = r"(\d{3}\.\d+(?:\.\d+)?)"


def read_loaded_module(text: str) -> tuple[str, str]:
    """Read /proc/driver/nvidia/version: the version of the loaded kernel module, and `open` or `proprietary`.

    Raises:
        Unreadable: it has no line of that form.
    """
    tool = "/proc/driver/nvidia/version"
    lines = whole_lines(tool, text)
    for line in lines:
        found = re.match(rf"NVRM version: NVIDIA UNIX (Open )?.*Kernel Module.*?\s{_VERSION}\s", line, re.ASCII)
        if found:
            return found[2], "open" if found[1] else "proprietary"
    raise Unreadable(tool, lines[0], "no version of the kernel module")


def library_versions(text: str) -> tuple[str, ...]:
    """Read paths of `libnvidia-ml.so.VERSION`, one a line: the versions, each once.

    Raises:
        Unreadable: a path has another form, or there is none.
    """
    tool = "find"
    found = set()
    for line in whole_lines(tool, text):
        if line.strip():
            version = re.fullmatch(rf"/.*/libnvidia-ml\.so\.{_VERSION}", line, re.ASCII)
            if version is None:
                raise Unreadable(tool, line, "it is no path of libnvidia-ml")
            found.add(version[1])
    return tuple(sorted(found))


def read_fabric_manager_version(text: str) -> str:
    """Read `nv-fabricmanager --version`.

    Raises:
        Unreadable: no line names a version.
    """
    tool = "nv-fabricmanager"
    lines = whole_lines(tool, text)
    for line in lines:
        found = re.fullmatch(rf"(?i)fabric ?manager version is ?: ?{_VERSION}\s*", line, re.ASCII)
        if found:
            return found[1]
    raise Unreadable(tool, lines[0], "no version of the fabric manager")


def read_toolkit(text: str) -> str:
    """Read version.json of a CUDA toolkit: its version without the patch, such as `12.2`.

    Raises:
        Unreadable: it is no such file.
    """
    tool = "version.json"
    toolkit = document(tool, text).get("cuda")
    version = str(toolkit.get("version", "")) if isinstance(toolkit, dict) else ""
    found = re.match(r"(\d+\.\d+)\.\d+", version, re.ASCII)
    if found is None:
        raise Unreadable(tool, version, "no version of the toolkit")
    return found[1]


def blocked_modules(text: str) -> frozenset[str]:
    """Read `modprobe --showconfig`: modules that no device brings up by itself (`blacklist NAME`).

    Raises:
        Unreadable: it is no such configuration: the kernel's own aliases always stand in it.
    """
    tool = "modprobe"
    lines = whole_lines(tool, text)
    if not any(line.startswith(("alias ", "options ")) for line in lines):
        raise Unreadable(tool, lines[0], "it is no configuration of modules")
    return frozenset(line.split()[1].replace("-", "_") for line in lines if re.match(r"blacklist \S", line))
