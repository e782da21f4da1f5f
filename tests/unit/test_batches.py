"""The arithmetic of batches and of the failure budget, by examples and by properties."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridctl.batches import Share, in_order, parse_batches, parse_max_fail, split
from hybridctl.errors import InvalidInput

SHARES = st.lists(
    st.one_of(
        st.builds(Share, st.integers(1, 50)), st.builds(Share, st.integers(1, 100), st.just(True))
    ),
    max_size=4,
)  # fmt: skip
HOSTS = st.integers(1, 300).map(lambda count: [f"h{number}" for number in range(count)])


@given(HOSTS, SHARES)
def test_every_host_is_in_exactly_one_batch_in_order(hosts: list[str], shares: list[Share]) -> None:
    """Batches strung together are the hosts: none is forgotten, none comes twice, none overtakes."""
    batches = split(hosts, shares)
    assert hosts == [host for batch in batches for host in batch]
    assert all(batches)


@given(HOSTS, SHARES.filter(bool))
def test_each_batch_has_its_share_and_only_the_last_may_be_smaller(hosts: list[str], shares: list[Share]) -> None:
    """Sizes follow the list; its last entry repeats."""
    sizes = [len(batch) for batch in split(hosts, shares)]
    wanted = [shares[min(number, len(shares) - 1)].of(len(hosts)) for number in range(len(sizes))]
    assert wanted[:-1] == sizes[:-1]
    assert 1 <= sizes[-1] <= wanted[-1]


@given(st.integers(1, 100), st.integers(1, 10_000))
def test_a_percentage_is_rounded_up(percent: int, total: int) -> None:
    """The batch holds at least that percentage, and one host fewer would be less than it."""
    size = Share(percent, percent=True).of(total)
    assert size * 100 >= percent * total
    assert size == 1 or (size - 1) * 100 < percent * total


@given(st.integers(0, 100), st.integers(1, 1000), st.integers(0, 1000))
def test_a_budget_once_exceeded_stays_so(percent: int, total: int, failed: int) -> None:
    """More failed hosts never bring a run back under its budget."""
    budget = Share(percent, percent=True)
    if budget.is_exceeded_by(failed, total):
        assert budget.is_exceeded_by(failed + 1, total)


@pytest.mark.parametrize(
    ("value", "total", "sizes"),
    [
        ("1,10%,50%", 20, [1, 2, 10, 7]),
        ("1, 10%", 4, [1, 1, 1, 1]),
        ("100%", 7, [7]),
        (["1", "50%"], 5, [1, 3, 1]),
        (2, 5, [2, 2, 1]),
        ("50", 3, [3]),
    ],
)
def test_batches_as_a_user_writes_them(value: Any, total: int, sizes: list[int]) -> None:
    """Text, a number or a list as YAML gives it."""
    hosts = [str(number) for number in range(total)]
    assert sizes == [len(batch) for batch in split(hosts, parse_batches(value))]


def test_without_shares_all_hosts_go_at_once() -> None:
    """One batch, as a provision without the option has always been."""
    assert split(["a", "b"], ()) == (("a", "b"),)


@pytest.mark.parametrize("value", ["", "0", "0%", "1,0", "101%", "-1", "1.5", "ten", "1,,2", "1;2", [], [True], [0.5]])
def test_what_is_no_list_of_batches_is_refused(value: Any) -> None:
    """The error shows the value and what is allowed."""
    with pytest.raises(InvalidInput, match="is not a list of batches") as caught:
        parse_batches(value)
    assert "1,10%,50%" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "failed", "total", "exceeded"),
    [
        ("0", 0, 10, False),
        ("0", 1, 10, True),
        (2, 2, 10, False),
        (2, 3, 10, True),
        ("10%", 1, 10, False),
        ("10%", 1, 9, True),
        ("0%", 1, 1000, True),
    ],
)
def test_the_failure_budget(value: Any, failed: int, total: int, exceeded: bool) -> None:
    """As many as the budget says may fail; one more is too many."""
    assert exceeded == parse_max_fail(value).is_exceeded_by(failed, total)


@pytest.mark.parametrize("value", ["", "-1", "101%", "1,2", "all", True, 1.5, None])
def test_what_is_no_budget_is_refused(value: Any) -> None:
    """The error shows the value and what is allowed."""
    with pytest.raises(InvalidInput, match="is not a number of failed hosts"):
        parse_max_fail(value)


def test_the_canary_comes_first_and_the_others_keep_their_order() -> None:
    """Only the canary changes its place."""
    assert in_order(["a", "b", "c"], "c") == ("c", "a", "b")
    assert in_order(["a", "b"], None) == ("a", "b")


def test_a_canary_that_is_no_host_of_the_run_is_refused() -> None:
    """It is named together with those who could be meant."""
    with pytest.raises(InvalidInput, match="--canary x: it is none of the hosts of this run") as caught:
        in_order([f"h{number}" for number in range(14)], "x")
    assert caught.value.hint.endswith("h11 and 2 more")
