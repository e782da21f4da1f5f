"""How the hosts of a provision follow one another: what the site's settings say, and what the user says over them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hybridctl.batches import Share, in_order, parse_batches, parse_max_fail, written
from hybridctl.errors import InvalidInput
from hybridctl.hooks import check_program, parse_command
from hybridctl.redaction import MASK
from hybridctl.window import Window, parse_window

__all__ = ["SETTINGS", "Rollout"]


@dataclass(frozen=True)
class Rollout:
    """Batches, failure budget, window and hooks.

    Attributes:
        batch: sizes of the batches; empty means all hosts at once.
        canary: the host that goes first.
        max_fail: more failed hosts than that, and no further batch starts.
        before_batch, after_batch: argv of what runs around each batch.
        hook_timeout: seconds.
    """

    batch: tuple[Share, ...] = ()
    canary: str | None = None
    max_fail: Share | None = None
    window: Window | None = None
    before_batch: tuple[str, ...] = ()
    after_batch: tuple[str, ...] = ()
    hook_timeout: int = 300

    @property
    def shares(self) -> tuple[Share, ...]:
        """The sizes of the batches; a canary goes alone unless the user said otherwise."""
        return self.batch or ((Share(1), Share(100, percent=True)) if self.canary else ())

    @property
    def budget(self) -> Share:
        """How many hosts may fail before no further batch starts: none, unless the user says otherwise."""
        return self.max_fail or Share(0)

    def over(self, given: Mapping[str, Any]) -> "Rollout":
        """Return these settings with those of the command line over them; None leaves a setting as it is.

        Raises:
            InvalidInput: names the option.
        """
        chosen: dict[str, Any] = {}
        for name, value in given.items():
            if value is None:
                continue
            try:
                chosen[name] = SETTINGS[name](value)
            except InvalidInput as error:
                raise InvalidInput(f"--{name.replace('_', '-')} {error.message}", error.hint) from None
        return replace(self, **chosen)

    def check_programs(self, root: Path) -> None:
        """Refuse hooks that cannot run.

        Raises:
            InvalidInput: names the program.
        """
        for argv in (self.before_batch, self.after_batch):
            if argv:
                check_program(argv, root)

    def check_canary(self, hosts: Sequence[str]) -> None:
        """Refuse a canary that is none of the hosts.

        Raises:
            InvalidInput: names those who could be meant.
        """
        in_order(hosts, self.canary)

    def without_canary_unless_in(self, hosts: Sequence[str]) -> "Rollout":
        """Return this rollout for the hosts that are left: a canary that is done already leads nobody."""
        return self if self.canary in hosts else replace(self, canary=None)

    def document(self) -> dict[str, Any]:
        """Return what the record says of it, and `from_document` reads."""
        return {
            "batch": written(self.batch) or None,
            "canary": self.canary,
            "max_fail": self.max_fail and str(self.max_fail),
            "window": self.window and str(self.window),
            "before_batch": list(self.before_batch) or None,
            "after_batch": list(self.after_batch) or None,
            "hook_timeout": self.hook_timeout,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], given: Mapping[str, Any]) -> "Rollout":
        """Return the settings of a record, with those of the command line over them.

        Raises:
            InvalidInput: a hook of the record had a secret in it, which was masked, and none is given instead.
        """
        known = {name: document.get(name) for name in asdict(cls())}
        known |= {name: value for name, value in given.items() if value is not None}
        for name in ("before_batch", "after_batch"):
            if MASK in str(known[name]):
                option = f"--{name.replace('_', '-')}"
                raise InvalidInput(
                    f"{option} of that run had a secret in it, which its record does not keep",
                    f"give {option} again; better: let the program read the secret from a file",
                )
        return cls().over(known)


def _host(value: Any) -> str:
    return str(value)


def _timeout(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 86400:
        raise InvalidInput(f"{value!r} is not a timeout", "allowed: whole seconds from 1 to 86400")
    return value


SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    "batch": parse_batches,
    "canary": _host,
    "max_fail": parse_max_fail,
    "window": parse_window,
    "before_batch": parse_command,
    "after_batch": parse_command,
    "hook_timeout": _timeout,
}
"""How each setting is read, from a file or from the command line."""
