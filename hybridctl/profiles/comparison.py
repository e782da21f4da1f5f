"""What differs between two profiles, check by check."""

from collections.abc import Iterator
from dataclasses import dataclass

from hybridctl.checks.model import Expectation
from hybridctl.profiles.loader import Profile

__all__ = ["Difference", "compare_profiles", "in_words"]


@dataclass(frozen=True)
class Difference:
    """A check that two profiles do not ask for in the same way; None where one does not ask for it."""

    check: str
    first: Expectation | None
    second: Expectation | None


def compare_profiles(first: Profile, second: Profile) -> tuple[Difference, ...]:
    """Return the checks that the two would not judge alike; where a number comes from does not count."""
    return tuple(_differences(first, second))


def in_words(expectation: Expectation | None) -> str:
    """Return all of an expectation that a verdict depends on; `(not asked)` for none."""
    if expectation is None:
        return "(not asked)"
    parts = [expectation.text + (f" {expectation.unit}" if expectation.unit else "")]
    if expectation.warn:
        parts.append(f"warn within {expectation.warn:g} %")
    if expectation.severity != "FAIL":
        parts.append(f"a miss is {expectation.severity}")
    if expectation.parameters:
        parts.append(
            "with " + " and ".join(f"{name} {value}" for name, value in sorted(expectation.parameters.items()))
        )
    if expectation.later:
        parts.append("judged by no check yet")
    return ", ".join(parts)


def _differences(first: Profile, second: Profile) -> Iterator[Difference]:
    for check in dict.fromkeys((*first.expectations, *second.expectations)):
        one, other = first.expectations.get(check), second.expectations.get(check)
        if in_words(one) != in_words(other):
            yield Difference(check, one, other)
