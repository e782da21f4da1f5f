"""Judge each port, interface or device on its own, by one expectation."""

from collections.abc import Callable, Iterable, Iterator

from hybridctl.checks.model import CannotTell, Result, Verdict, Want

__all__ = ["each", "judged", "stated"]


def judged(want: Want, subject: str, measured: str | float, reason: str) -> Result:
    """Hold what was measured of a subject against the expectation; the reason is for what misses it."""
    verdict = want.expectation.verdict_of(measured)
    return want.result(verdict, measured, subject=subject, reason="" if verdict is Verdict.PASS else reason)


def stated(want: Want, subject: str, *, is_good: bool, measured: str | float, expected: str, reason: str) -> Result:
    """Return the result of a named subject that is as it should be or is not; the reason is for one that is not."""
    verdict = Verdict.PASS if is_good else Verdict.FAIL
    return want.result(verdict, measured, subject=subject, expected=expected, reason="" if is_good else reason)


def each(
    want: Want, subjects: Iterable[str], measure: Callable[[str], str | float], reason: str, nothing: str
) -> Iterator[Result]:
    """Judge every subject; one that cannot be measured is UNKNOWN and leaves the others alone.

    Raises:
        CannotTell: there is no subject; the message is `nothing`.
    """
    empty = True
    for subject in subjects:
        empty = False
        try:
            yield judged(want, subject, measure(subject), reason)
        except CannotTell as error:
            yield want.result(Verdict.UNKNOWN, None, subject=subject, reason=str(error))
    if empty:
        raise CannotTell(nothing)
