"""Cases of what hosts share: `fails` are hosts that differ from the first that passes."""

from typing import Any

from board_cases import cmdline, mc_info
from check_cases import DEBIAN, DENIED, NOT_THERE, REFUSED, TOO_SLOW, Answers, Cases, answer, dpkg
from containers_cases import info
from fabric_cases import UNREADABLE, adapter, port
from gpu_evidence import DRIVER, SILENT, report, smi, tag
from nvidia_cases import toolkit

from hybridctl.checks.fake import Answered

READS = ("find -H /srv/models/tiny -type f -printf", "nvidia-ctk --version", "ipmitool mc info")

_SAME = {"value": "same"}
_HTTP = "python3 -c"
_BIOS = "bios_version"
_CTK = "nvidia-ctk"
_FIND = "find -H"
_HELD = ("chrony", "hold", "installed", "4.3-2"), ("vim", "install", "installed", "9.0")
_CONF = "NCCL_IB_HCA==mlx5_0\nNCCL_DEBUG=WARN\n"
_FILES = "15 config.json\n4096 a/model-1.safetensors\n"
_VERSION = "NVIDIA Container Toolkit CLI version 1.14.3\ncommit: 53b24618a542025b108239fe602e66e912b7d6e2\n"
_ADAPTERS = adapter(0, port()) + adapter(1, port())


def _cases(passes: list[Answers], fails: list[Answers], unknown: list[Answers]) -> Cases:
    return Cases(_SAME, passes, fails, unknown)


def _dpkg(*lines: tuple[str, str, str, str]) -> Answers:
    return {"dpkg-query": dpkg(*lines)}


def _said(text: str) -> Answers:
    return {_HTTP: answer(status=200, text=text)}


def _docker(**changed: Any) -> Answers:
    return {"docker info": info(**changed)}


CASES: dict[str, Cases] = {
    "fleet.kernel": _cases(
        [{"uname -r": "5.15.0-101-generic\n"}],
        [{"uname -r": "5.15.0-105-generic\n"}],
        [{"uname -r": "5.15.0 and more\n"}, {"uname -r": TOO_SLOW}],
    ),
    "fleet.os_release": _cases(
        [{"os-release": DEBIAN}],
        [{"os-release": DEBIAN.replace("12 (bookworm)", "12.9 (bookworm)")}],
        [{"os-release": DEBIAN.replace("PRETTY_NAME", "NICE_NAME")}, {"os-release": DENIED}],
    ),
    "fleet.command_line": _cases(
        [cmdline("iommu=pt"), {"/proc/cmdline": "BOOT_IMAGE=/b quiet root=UUID=7 iommu=pt rd.md.uuid=3 ro\n"}],
        [cmdline(), cmdline("iommu=pt", "mitigations=off"), {"/proc/cmdline": "BOOT_IMAGE=/b root=/dev/sda2\n"}],
        [{"/proc/cmdline": said} for said in ("a=\x1b[2J\n", "a=1\nb\n", "a=" * 9000, "device or resource busy\n")],
    ),
    "fleet.packages_held": _cases(
        [_dpkg(*_HELD), _dpkg(_HELD[1], _HELD[0], ("nano", "install", "installed", "7.2"))],
        [
            _dpkg(("chrony", "hold", "installed", "4.5-1"), _HELD[1]),
            _dpkg(_HELD[0], ("vim", "hold", "installed", "9.0")),
            _dpkg(("chrony", "install", "installed", "4.3-2")),
        ],
        [{"dpkg-query": "chrony hold\n"}, {"dpkg-query": dpkg(*_HELD)[:-1]}, {"dpkg-query": ""}],
    ),
    "fleet.bios": _cases(
        [{_BIOS: "U75 v1.2 (07/11/2023)\n"}],
        [{_BIOS: "U75 v1.3 (01/09/2024)\n"}],
        [
            {_BIOS: DENIED},
            {_BIOS: "device or resource busy\n"},
            {_BIOS: "1" * 201},
            {_BIOS: "1\n2\n"},
            {_BIOS: "\u202e1.75\n"},
        ],
    ),
    "fleet.bmc": _cases(
        [{"ipmitool": mc_info("3.65")}],
        [{"ipmitool": mc_info("3.66")}],
        [{"ipmitool": NOT_THERE}, {"ipmitool": mc_info("three")}],
    ),
    "fleet.driver": _cases(
        [smi()], [{"nvidia-smi -q -x": report().replace(f">{DRIVER}</driver", ">535.183.01</driver")}], SILENT[:2]
    ),
    "fleet.vbios": _cases(
        [smi()],
        [smi(tag("vbios_version", "92.00.68.00.01", "92.00.9E.00.02"))],
        [*SILENT, smi(tag("vbios_version", "92.00.68.00.01", "N/A"))],
    ),
    "fleet.cuda": _cases([toolkit("12.2.2")], [toolkit("12.4.1")], [toolkit("new"), {"version.json": DENIED}]),
    "fleet.adapter_firmware": _cases(
        [{"ibstat": _ADAPTERS}, {"ibstat": adapter(0, port())}],
        [
            {"ibstat": adapter(0, port()) + adapter(1, port(), "20.35.1012")},
            {"ibstat": adapter(0, port(), kind="MT4125") + adapter(1, port())},
        ],
        UNREADABLE,
    ),
    "fleet.nccl_settings": _cases(
        [{"nccl.conf": _CONF}, {"nccl.conf": "# ours\nNCCL_DEBUG=WARN # or so\nNCCL_IB_HCA==mlx5_0\n"}],
        [{"nccl.conf": _CONF.replace("WARN", "INFO")}, {"nccl.conf": _CONF + "NCCL_IB_TC=106\n"}],
        [{"nccl.conf": _CONF[:-1]}, {"nccl.conf": "NCCL\n"}, {"nccl.conf": DENIED}],
    ),
    "fleet.vllm": _cases(
        [_said('{"version": "0.11.0"}')],
        [_said('{"version": "0.11.1"}')],
        [
            {_HTTP: REFUSED},
            {_HTTP: answer(status=404, text='{"version": "0.11.0"}')},
            _said("<html>"),
            _said('["0.11.0"]'),
            _said('{"version": 11}'),
            _said('{"version": "0.11\\n0"}'),
        ],
    ),
    "fleet.model": _cases(
        [{_FIND: _FILES}, {_FIND: "4096 a/model-1.safetensors\n15 config.json\n"}],
        [{_FIND: _FILES.replace("4096", "4095")}, {_FIND: _FILES + "7 new\n"}, {_FIND: "15 config.json\n"}],
        [{_FIND: _FILES[:-1]}, {_FIND: "config.json\n"}, {_FIND: Answered(1, _FILES, "find: Permission denied")}],
    ),
    "fleet.container_toolkit": _cases(
        [{_CTK: _VERSION}],
        [{_CTK: _VERSION.replace("1.14.3", "1.17.0-rc.1")}],
        [{_CTK: NOT_THERE}, {_CTK: _VERSION.replace("1.14.3", "new")}, {_CTK: "1.14.3\n"}],
    ),
    "fleet.container_engine": _cases(
        [_docker()],
        [_docker(ServerVersion="27.5.1")],
        [_docker(ServerVersion=""), _docker(ServerVersion="2\n7"), {"docker info": NOT_THERE}],
    ),
}
