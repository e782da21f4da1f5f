"""What NVIDIA's software says of its versions, and the errors of its links: forms that no recording confirms yet."""

import pytest
from forms import FORMS

from hybridctl.parsers import Unreadable
from hybridctl.parsers.nvidia_smi_nvlink import read_nvlink_errors
from hybridctl.parsers.nvidia_software import blocked_modules, library_versions, read_loaded_module, read_toolkit


def test_the_loaded_module() -> None:
    """Both kinds, with a version of two and of three numbers."""
    closed = FORMS["driver/nvidia/version"][1]
    assert read_loaded_module(closed) == ("535.161.08", "proprietary")
    open_ = "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  590.48  Release Build  (builder@host)\n"
    assert read_loaded_module(open_) == ("590.48", "open")
    with pytest.raises(Unreadable, match="no version of the kernel module"):
        read_loaded_module("GCC version:  gcc version 11.4.0\n")


def test_errors_by_link() -> None:
    """Each counter is read once; a link that lacks one was cut."""
    text = FORMS["nvlink -e"][1]
    (gpu,) = read_nvlink_errors(text)
    assert gpu.counted == {0: {"Replay": 0, "CRC": 3}, 1: {"Replay": 1, "CRC": 0}}
    with pytest.raises(Unreadable, match="a link lacks its counters"):
        read_nvlink_errors(text.removesuffix("\t Link 1: CRC Errors: 0\n"))
    with pytest.raises(Unreadable, match="printed twice"):
        read_nvlink_errors(text + "\t Link 1: CRC Errors: 0\n")


def test_versions() -> None:
    """Of libraries that lie side by side, and of a toolkit without its patch."""
    assert library_versions(FORMS["libnvidia-ml"][1]) == ("535.161.08", "535.183.01")
    assert read_toolkit('{"cuda": {"version": "12.10.1"}}\n') == "12.10"
    for text in ('{"cuda": "12.2.2"}\n', '{"cuda": {"version": "12"}}\n', "{}\n"):
        with pytest.raises(Unreadable, match="no version of the toolkit"):
            read_toolkit(text)


def test_blocked_modules() -> None:
    """A module's name may be written with hyphens; an empty configuration is none."""
    assert blocked_modules("alias a b\nblacklist nvidia-drm\nblacklist nouveau # ours\n") == {"nvidia_drm", "nouveau"}
    with pytest.raises(Unreadable, match="no configuration of modules"):
        blocked_modules("blacklist nouveau\n")
