"""Which hosts go together, in which order, and how many may fail before the next batch is not started. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hybridctl.errors import InvalidInput

__all__ = ["Share", "in_order", "parse_batches", "parse_max_fail", "split", "written"]

_SHARE = re.compile(r"([0-9]{1,9})(%?)")


@dataclass(frozen=True)
class Share:
    """A number of hosts, or a percentage of all hosts of a run."""

    number: int
    percent: bool = False

    def of(self, total: int) -> int:
        """Return the size of a batch in a run over `total` hosts: rounded up, at least 1."""
        return max(1, -(-self.number * total // 100) if self.percent else self.number)

    def is_exceeded_by(self, count: int, total: int) -> bool:
        """Tell whether `count` hosts of `total` are more than this share; nothing is rounded."""
        return count * 100 > self.number * total if self.percent else count > self.number

    def __str__(self) -> str:
        return f"{self.number}{'%' * self.percent}"


def parse_batches(value: Any) -> tuple[Share, ...]:
    """Read `1,10%,50%`, or the same as a list.

    Raises:
        InvalidInput: says what is allowed.
    """
    parts = value if isinstance(value, list) and value else str(value).split(",")
    shares = tuple(_share(part) for part in parts)
    if any(share is None or share.number == 0 for share in shares):
        raise InvalidInput(
            f"{written(value)!r} is not a list of batches",
            "allowed: whole numbers of hosts and percentages from 1% to 100%, such as 1,10%,50%",
        )
    return tuple(share for share in shares if share is not None)


def parse_max_fail(value: Any) -> Share:
    """Read `2` or `10%`; `0` stops at the first host that fails.

    Raises:
        InvalidInput: says what is allowed.
    """
    share = _share(value)
    if share is None:
        raise InvalidInput(
            f"{written(value)!r} is not a number of failed hosts",
            "allowed: a whole number of hosts or a percentage up to 100%, such as 0 or 5%",
        )
    return share


def in_order(hosts: Sequence[str], canary: str | None) -> tuple[str, ...]:
    """Return the hosts in the order of the inventory, the canary first.

    Raises:
        InvalidInput: the canary is none of them.
    """
    if canary is None:
        return tuple(hosts)
    if canary not in hosts:
        names = ", ".join(hosts[:12]) + (f" and {len(hosts) - 12} more" if len(hosts) > 12 else "")
        raise InvalidInput(f"--canary {canary}: it is none of the hosts of this run", f"hosts: {names}")
    return (canary, *(host for host in hosts if host != canary))


def split(hosts: Sequence[str], shares: Sequence[Share]) -> tuple[tuple[str, ...], ...]:
    """Return the batches: one of each share in turn, the last share until no host is left; without any, one batch."""
    if not shares:
        return (tuple(hosts),)
    return tuple(_batches(hosts, shares))


def _batches(hosts: Sequence[str], shares: Sequence[Share]) -> Iterator[tuple[str, ...]]:
    begin = number = 0
    while begin < len(hosts):
        end = begin + shares[min(number, len(shares) - 1)].of(len(hosts))
        yield tuple(hosts[begin:end])
        begin, number = end, number + 1


def written(value: Any) -> str:
    """Return an option's value as a user writes it."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _share(value: Any) -> Share | None:
    found = None if isinstance(value, bool | float) else _SHARE.fullmatch(str(value).strip())
    if not found:
        return None
    share = Share(int(found[1]), found[2] == "%")
    return None if share.percent and share.number > 100 else share
