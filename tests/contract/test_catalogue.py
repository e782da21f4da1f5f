"""The catalogue: each check is one of its own."""

from collections import Counter

import pytest

from hybridctl.checks import CATALOGUE


@pytest.mark.parametrize("what", ["title", "remedy", "function"])
def test_no_two_checks_share(what: str) -> None:
    """Each has a title, a remedy and a function that no other has."""
    said = Counter(getattr(check, what) for check in CATALOGUE.values())
    assert [one for one, times in said.items() if times > 1] == []


def test_every_check_has_a_title_and_a_remedy() -> None:
    """Both in words, neither with the full stop of a sentence."""
    for check in CATALOGUE.values():
        assert check.title, check.id
        assert len(check.remedy.split()) > 1, check.id
        assert not (check.title + check.remedy).endswith("."), check.id
