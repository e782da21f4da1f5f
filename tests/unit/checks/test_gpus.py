"""Several GPUs and one result: the worst of them counts, and is named."""

from collections.abc import Callable

import pytest

from hybridctl.checks import CannotTell, Expectation, Result, Verdict, Want
from hybridctl.checks.gpus import how_many, judge_each
from hybridctl.parsers.gpu import Gpu

TOP = ("Temperature", "GPU Current Temp")


def gpus(*said: str) -> list[Gpu]:
    """GPUs with these temperatures."""
    return [Gpu(f"0000:{n:02x}:00.0", {TOP: text}) for n, text in enumerate(said)]


def want(form: str = "at_most", wanted: object = 80, severity: Verdict = Verdict.FAIL) -> Want:
    """What a profile asks of the temperature."""
    expectation = Expectation("gpu.temperature", form, wanted, "C", warn=5.0, severity=severity, source="a test")
    return Want(expectation, remedy="cool {subject}")


def temperature(gpu: Gpu) -> int:
    """Read by the tests."""
    return gpu.temperature


def told(result: Result) -> tuple[str, object, str, str]:
    """What matters of a result."""
    return result.verdict.value, result.measured, result.reason, result.remedy


def test_the_worst_gpu_counts() -> None:
    """A FAIL goes before a WARN, and is named with its value; the remedy has its address."""
    assert told(judge_each(want(), gpus("40 C", "82 C", "95 C", "99 C"), temperature)) == (
        "FAIL",
        95,
        "GPU 0000:02:00.0: 95, GPU 0000:03:00.0: 99",
        "cool 0000:02:00.0",
    )
    assert told(judge_each(want(), gpus("40 C", "82 C"), temperature))[:2] == ("WARN", 82)


def test_a_silent_gpu_is_not_a_good_one() -> None:
    """It makes the result UNKNOWN unless another one fails; a mere warning does not hide it."""
    assert told(judge_each(want(), gpus("N/A", "95 C"), temperature))[:2] == ("FAIL", 95)
    for said in (("N/A", "40 C"), ("40 C", "N/A"), ("N/A", "82 C")):
        with pytest.raises(CannotTell, match="GPU Current Temp"):
            judge_each(want(), gpus(*said), temperature)


@pytest.mark.parametrize(
    ("form", "wanted", "shown"),
    [("at_most", 80, 60), ("at_least", 30, 40), ("range", (30, 80), 40), ("value", 50, 50)],
)
def test_of_good_ones_the_nearest_to_the_limit_is_shown(form: str, wanted: object, shown: int) -> None:
    """The highest where less is better, else the lowest."""
    said = ("50 C", "50 C") if form == "value" else ("40 C", "60 C", "50 C")
    assert told(judge_each(want(form, wanted), gpus(*said), temperature)) == ("PASS", shown, "", "")


def test_texts_that_differ_and_may() -> None:
    """Every text that was found is shown, where several are allowed."""
    result = judge_each(
        want("any_of", ("a", "b")), gpus("1 C", "2 C"), lambda gpu: "a" if gpu.temperature == 1 else "b"
    )
    assert (result.verdict, result.measured) == (Verdict.PASS, "a, b")


def hot(gpu: Gpu) -> bool:
    """Counted by the tests."""
    return gpu.temperature > 80


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (("40 C", "50 C"), ("PASS", 0, "", "")),
        (("40 C", "90 C"), ("FAIL", 1, "GPU 0000:01:00.0", "cool 0000:01:00.0")),
        (("N/A", "90 C"), ("FAIL", 1, "GPU 0000:01:00.0", "cool 0000:01:00.0")),
        (("N/A", "40 C"), None),
    ],
)
def test_how_many(said: tuple[str, ...], outcome: tuple[str, int, str, str] | None) -> None:
    """One too many is a FAIL whatever the others say; none so far is UNKNOWN while one is silent."""
    count: Callable[[], Result] = lambda: how_many(want("value", 0), gpus(*said), hot)  # noqa: E731
    if outcome:
        assert told(count()) == outcome
    else:
        with pytest.raises(CannotTell):
            count()
