"""The checks of GPUs on recordings of real machines: the verdict a person reads off the file."""

import pytest
from recordings import text_of

from hybridctl.checks import Verdict, judge
from hybridctl.checks.fake import FakeHost

SXM = "a100-8x80g-sxm"
H200 = "h200-8x141g-sxm"
SMI = "nvidia-smi -q -x"


def said(command: str, recording: str, check: str, profile: str = SXM, *, only: bool = False) -> str:
    """Verdict and measured value; `only`: the file shows one of several attached GPUs, and is taken for all."""
    text = text_of(f"nvidia-smi/{recording}")
    if only:
        text = text.replace("<attached_gpus>4", "<attached_gpus>1")
    (result,) = judge(FakeHost({command: text}), check, profile)
    return f"{result.verdict} {result.measured}"


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ("gpu.model", "PASS NVIDIA A100-SXM4-80GB"),
        ("gpu.count", "FAIL 1"),
        ("gpu.memory", "PASS 81920"),
        ("gpu.bar1", "PASS 131072"),
        ("gpu.ecc_mode", "PASS on"),
        ("gpu.mig_mode", "FAIL on"),
        ("gpu.mig_after_reset", "PASS 0"),
        ("gpu.persistence_mode", "FAIL off"),
        ("gpu.compute_mode", "PASS Default"),
        ("gpu.addressing_mode", "PASS None"),
        ("gpu.power_limit", "PASS 500.0"),
        ("gpu.sm_clock_max", "PASS 1410"),
        ("gpu.memory_clock_max", "PASS 1593"),
        ("gpu.remap_pending", "UNKNOWN None"),  # with MIG the rows are N/A
        ("gpu.ecc_uncorrected_ever", "PASS 0"),
        ("gpu.drain_recommended", "PASS 0"),
        ("gpu.hw_slowdown", "PASS 0"),
        ("gpu.memory_temperature", "PASS 44"),
        ("gpu.pcie_generation", "PASS 4"),
        ("gpu.pcie_lanes_lost", "PASS 0"),
        ("gpu.driver_branch", "PASS 535"),
        ("nvidia.gsp_firmware", "PASS same"),
        ("cuda.driver", "PASS 12.2"),
        # Alone they are no verdict.
        ("fleet.driver", "UNKNOWN 535.54.03"),
        ("fleet.vbios", "UNKNOWN 92.00.36.00.02"),
    ],
)
def test_an_a100(check: str, told: str) -> None:
    """One A100 of four, cut into instances, without persistence."""
    assert said(SMI, "q-x-a100-sxm4-80gb-535-mig-4gpu.xml", check, only=True) == told


def test_a_report_of_one_gpu_of_four_is_not_judged() -> None:
    """What was asked of one GPU only says nothing about the others."""
    assert said(SMI, "q-x-a100-sxm4-80gb-535-mig-4gpu.xml", "gpu.ecc_mode") == "UNKNOWN None"
    assert said(SMI, "q-x-a100-sxm4-80gb-535-mig-4gpu.xml", "gpu.count") == "UNKNOWN None"


def test_a_card_on_half_its_lanes() -> None:
    """An A10G whose link came up with 8 of 16 lanes, and which spares all its rows."""
    assert said(SMI, "q-x-a10g.xml", "gpu.pcie_lanes_lost") == "FAIL 1"
    assert said(SMI, "q-x-a10g.xml", "gpu.exhausted_banks") == "PASS 0"
    assert said(SMI, "q-x-a10g.xml", "gpu.remap_failed") == "PASS 0"
    assert said(SMI, "q-x-a10g.xml", "gpu.model") == "FAIL NVIDIA A10G"


@pytest.mark.parametrize(
    ("command", "recording", "check", "profile", "told"),
    [
        ("topo -m", "topo-m-a100-8gpu-spaces.txt", "gpu.link", SXM, "PASS NVLink"),
        ("topo -m", "topo-m-a100-8gpu-spaces.txt", "gpu.pair_links", SXM, "PASS 12"),
        ("topo -m", "topo-m-a100-8gpu-spaces.txt", "gpu.pair_links", H200, "FAIL 12"),
        ("topo -m", "topo-m-a100-8gpu-spaces.txt", "gpu.adapter_distance", SXM, "UNKNOWN None"),
        ("topo -m", "topo-m-2gpu-phb.txt", "gpu.link", SXM, "FAIL PCIe"),
        ("--query-gpu", "query-gpu-csv-h200.txt", "gpu.inforom_damaged", H200, "PASS 0"),
        ("topo -m", "topo-m-h100.txt", "gpu.link", SXM, "UNKNOWN None"),
        ("topo -p2p", "topo-p2p-r-h100.txt", "gpu.peers_refused", H200, "PASS 0"),
        ("nvlink -s", "nvlink-s-a100-sxm4-80gb-8gpu.txt", "nvlink.active", SXM, "PASS 12"),
        ("nvlink -s", "nvlink-s-a100-sxm4-80gb-8gpu.txt", "nvlink.speed", SXM, "PASS 25.0"),
        ("nvlink -s", "nvlink-s-h100.txt", "nvlink.active", H200, "PASS 18"),
        ("nvlink -s", "nvlink-s-h100.txt", "nvlink.speed", H200, "PASS 26.562"),
        ("nvlink -s", "nvlink-s-l40s.txt", "nvlink.active", SXM, "FAIL 0"),
    ],
)
def test_links(command: str, recording: str, check: str, profile: str, told: str) -> None:
    """Eight A100 behind switches, an H100, two cards under one bridge, a card that has no NVLink."""
    assert said(command, recording, check, profile) == told


def test_an_xid_in_the_journal() -> None:
    """The recorded line of a row that was remapped, after the first line of a boot and without it."""
    first = "2026-11-30T04:12:01+0000 gpu1 kernel: Linux version 5.15.0-101-generic (builder@host)\n"
    line = "2026-11-30T05:40:07+0000 gpu1 kernel: " + text_of("dmesg/xid63-row-remap.log").strip() + "\n"
    (result,) = judge(FakeHost({"journalctl": first + line}), "gpu.xid", SXM)
    assert (result.verdict, result.measured) == (Verdict.FAIL, 1)
    assert result.reason == "Xid 63 of GPU 0000:10:1c"
    (result,) = judge(FakeHost({"journalctl": line}), "gpu.xid", SXM)
    assert result.verdict is Verdict.UNKNOWN
