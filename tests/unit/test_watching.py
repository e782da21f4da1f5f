"""Rounds of a watch."""

from types import SimpleNamespace

import pytest

from hybridctl import watching
from hybridctl.errors import InvalidInput
from hybridctl.watching import parse_every, rounds


def test_rounds_begin_at_their_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time a round took is part of it; behind one that took too long there is a second of rest."""
    now, pauses, lasting = [0.0], [], [5.0, 45.0, 0.0]

    def judge() -> int:
        now[0] += lasting[len(pauses)]
        return len(pauses)

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(watching, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    found = rounds(judge, 30)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    assert pauses == [25.0, 1.0]


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("5m", 300), ("90s", 90), ("1h", 3600)])
def test_intervals(text: str, seconds: int) -> None:
    """Whatever is one; no calendar has to hold it."""
    assert parse_every(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "now", "-5s", "timer", "5"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    """With what is allowed."""
    with pytest.raises(InvalidInput, match="--watch") as error:
        parse_every(text)
    assert "30s" in error.value.hint
