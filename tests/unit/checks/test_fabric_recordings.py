"""The checks of the fabric on recordings of real hosts: the verdicts a person would give."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from recordings import text_of

sys.path.insert(0, str(Path(__file__).parent))

from test_checks import expectation

from hybridctl.checks.fake import FakeHost
from hybridctl.checks.judge import judge_expectation


def verdicts(check: str, given: dict[str, Any], **answers: str) -> Counter[str]:
    """How many results of each verdict a host gets that prints these."""
    return Counter(r.verdict.value for r in judge_expectation(FakeHost(answers), expectation(check, given), {}))


@pytest.mark.parametrize(
    ("check", "given", "wanted"),
    [
        ("fabric.ports", {"value": 8}, {"PASS": 1}),
        ("fabric.state", {"value": "Active"}, {"PASS": 8}),
        ("fabric.rate", {"value": 200}, {"PASS": 8}),
        ("fabric.subnet_manager", {"at_least": 1}, {"PASS": 8}),
        ("network.ports", {"value": 1}, {"PASS": 1}),
    ],
)
def test_nine_adapters_that_are_well(check: str, given: dict[str, Any], wanted: dict[str, int]) -> None:
    """Eight ports of InfiniBand and one of Ethernet."""
    assert verdicts(check, given, ibstat=text_of("infiniband/ibstat-a100-9hca-active.txt")) == wanted


def test_three_ports_that_are_down() -> None:
    """They are Ethernet: InfiniBand is well, and one port of RoCE is left of four."""
    text = text_of("infiniband/ibstat-h100-3down.txt")
    assert verdicts("fabric.state", {"value": "Active"}, ibstat=text) == {"PASS": 8}
    assert verdicts("network.ports", {"value": 1}, ibstat=text) == {"PASS": 1}
    assert verdicts("network.ports", {"value": 4}, ibstat=text) == {"FAIL": 1}


def test_a_full_counter_of_a_port_that_is_active() -> None:
    """It went down 255 times or more: a FAIL where fewer are allowed, UNKNOWN where more are."""
    lines = text_of("infiniband/sysfs-h100").split("\n")
    text = "".join(f"/sys/class/infiniband/{line}\n" for line in lines if "/counters/" in line.partition(":")[0])
    assert verdicts("fabric.link_downed", {"at_most": 10}, grep=text) == {"PASS": 2, "FAIL": 1}
    assert verdicts("fabric.link_downed", {"at_most": 300}, grep=text) == {"PASS": 2, "UNKNOWN": 1}


def test_the_growth_of_a_port_that_is_active() -> None:
    """A port that never lost its link has not grown; of one that did, only the next verification can tell."""
    lines = text_of("infiniband/sysfs-h100").split("\n")
    text = "".join(f"/sys/class/infiniband/{line}\n" for line in lines if "/counters/" in line.partition(":")[0])
    moment = "00000000-1111-2222-3333-444444444444\n7200.00 1.00\n"
    assert verdicts("growth.link_downed", {"at_most": 0}, grep=text, uptime=moment) == {"PASS": 2, "UNKNOWN": 1}


def test_what_adapters_a_host_shows_to_be_compared() -> None:
    """Each type of adapter with its firmware, once."""
    host = FakeHost({"ibstat": text_of("infiniband/ibstat-h100-3down.txt")})
    (result,) = judge_expectation(host, expectation("fleet.adapter_firmware", {"value": "same"}), {})
    assert (result.verdict, result.measured) == ("UNKNOWN", "MT4125 22.38.1002, MT4129 28.39.1002")


def test_a_host_without_the_adapters() -> None:
    """What lspci lists of a real host is read whole; a card that is not there is a FAIL, not UNKNOWN."""
    assert verdicts("fabric.adapters", {"at_least": 99}, lspci=text_of("lspci/lspci-nn-a10.txt")) == {"FAIL": 1}
