"""Checks of the words the kernel was started with."""

from collections.abc import Iterator
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Want
from hybridctl.checks.reading import file_text
from hybridctl.checks.subjects import stated
from hybridctl.parsers.kernel import UNPROVEN, parse_cmdline
from hybridctl.refusals import MOST_QUOTED

__all__ = ["CHECKS"]


def _words(host: Any) -> dict[str, tuple[str, ...]]:
    text = file_text(host, "/proc/cmdline")
    if not text.strip().isprintable():
        raise CannotTell("/proc/cmdline holds more than printable text")
    if "=" not in text:
        raise CannotTell(f"/proc/cmdline sets nothing, not even a root: {text.strip()[:MOST_QUOTED]}")
    return parse_cmdline(text)


def _split(word: str) -> tuple[str, str]:
    key, _, value = word.partition("=")
    return key.replace("-", "_"), value


def present(host: Any, want: Want) -> Iterator[Result]:
    """Each word is there; of a parameter that stands there more than once the last counts."""
    words = _words(host)
    for word in want.expectation.wanted:
        key, value = _split(word)
        given = words.get(key)
        measured = "not there" if given is None else f"{key}={given[-1]}" if given[-1] else key
        is_good = given is not None and given[-1] == value
        reason = "the kernel was started without it"
        yield stated(want, word, is_good=is_good, measured=measured, expected=word, reason=reason)


def absent(host: Any, want: Want) -> Iterator[Result]:
    """No such word is there: it would keep the kernel from telling, or from doing, what is relied on."""
    words = _words(host)
    for word in want.expectation.wanted:
        key, value = _split(word)
        found = value in words.get(key, ())
        measured = word if found else "not there"
        reason = "the kernel was started with it"
        yield stated(want, word, is_good=not found, measured=measured, expected="not there", reason=reason)


CHECKS = (
    Check(
        "kernel.command_line",
        "words the kernel is started with",
        Kind.NAMES,
        present,
        "add {subject} to GRUB_CMDLINE_LINUX in /etc/default/grub; then update-grub or grub2-mkconfig, and reboot",
        unproven=UNPROVEN,
    ),
    Check(
        "kernel.command_line_without",
        "words the kernel is not started with",
        Kind.NAMES,
        absent,
        "take {subject} out of the boot loader: grep -r {subject} /etc/default/grub /boot/grub*/grub.cfg, and reboot",
        unproven=UNPROVEN,
    ),
)
