"""Checks of several ports, devices or words: each has a result of its own."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from accelerator_cases import queues
from all_cases import CASES
from fabric_cases import adapter, counters, port
from test_checks import expectation, judged

from hybridctl.checks import CATALOGUE, Result
from hybridctl.checks.fake import FakeHost
from hybridctl.checks.judge import judge_expectation

_TOPICS = ("fabric", "network", "accelerator", "board", "kernel", "memory")


def told(results: tuple[Result, ...]) -> list[tuple[str, str]]:
    """Subject and verdict of each."""
    return [(result.subject, result.verdict.value) for result in results]


@pytest.mark.parametrize("check", [check.id for check in CATALOGUE.values() if check.topic in _TOPICS])
def test_what_passes_has_no_reason(check: str) -> None:
    """A reason beside a PASS would be that of a failure."""
    for answers in CASES[check].passes:
        assert {result.reason for result in judged(check, answers)} == {""}


def test_a_port_does_not_hide_behind_another() -> None:
    """One port is judged, the other too, each by its name; the remedy names the one that needs it."""
    host = FakeHost({"ibstat": adapter(0, port()) + adapter(1, port("Down", "Polling"))})
    results = judge_expectation(host, expectation("fabric.physical_state", {"value": "LinkUp"}), {})
    assert told(results) == [("mlx5_0/1", "PASS"), ("mlx5_1/1", "FAIL")]
    assert "mlx5_1/1" in results[1].remedy
    assert "{subject}" not in results[1].remedy


def test_a_port_that_cannot_be_measured_leaves_the_others_alone() -> None:
    """A full counter says nothing of its own port only."""
    host = FakeHost({"/counters/*": counters("link_downed", 255)})
    results = judge_expectation(host, expectation("fabric.link_downed", {"at_most": 300}), {})
    assert told(results) == [("mlx5_0/1", "PASS"), ("mlx5_1/1", "UNKNOWN")]
    assert "full at 255" in results[1].reason


def test_each_kind_of_accelerator_is_named() -> None:
    """The one that is missing is told by its name."""
    host = FakeHost({"/available_instances": queues().replace("hisi_hpre", "hisi_zip")})
    wanted = {"value": ["hisi_sec2", "hisi_hpre"]}
    results = judge_expectation(host, expectation("accelerator.devices", wanted), {})
    assert told(results) == [("hisi_sec2", "PASS"), ("hisi_hpre", "FAIL")]
