"""Run checks until none misses a command: each round asks for everything the suspended ones wait for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hybridctl.checks.model import ConnectionLost
from hybridctl.evidence.answers import Miss

__all__ = ["ROUNDS", "Outcome", "first_misses", "in_rounds"]

# A check whose commands depend on each other this deep is one that asks for ever new ones.
ROUNDS = 100

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of the jobs.

    Attributes:
        done: the result of each job, None for those that were never finished.
        lost: why the host is not asked any more.
    """

    done: list[T | None]
    lost: ConnectionLost | None = None


def first_misses(jobs: Sequence[Callable[[], object]]) -> list[str]:
    """Return the commands that jobs ask for first, each once; they must be over a host of which nothing is known."""
    wanted: dict[str, None] = {}
    for job in jobs:
        try:
            job()
        except Miss as miss:
            wanted[miss.command] = None
    return list(wanted)


def in_rounds(jobs: Sequence[Callable[[], T]], fetch: Callable[[Sequence[str]], None]) -> Outcome[T]:
    """Run jobs, fetch what they miss, run the suspended ones again.

    Args:
        fetch: has asked the host for these commands when it returns. When it raises ConnectionLost, what it learnt
            until then is still judged.
    """
    done: list[T | None] = [None] * len(jobs)
    left, lost = list(range(len(jobs))), None
    for _ in range(ROUNDS):
        wanted: dict[str, None] = {}
        waiting = []
        for place in left:
            try:
                done[place] = jobs[place]()
            except Miss as miss:
                wanted[miss.command] = None
                waiting.append(place)
            except ConnectionLost as error:
                return Outcome(done, lost or error)
        left = waiting
        if lost is not None or not left:
            break
        try:
            fetch(list(wanted))
        except ConnectionLost as error:
            lost = error
    return Outcome(done, lost)
