"""Count what the kernel reported since it was booted; a log that lost its beginning may have lost more."""

import re
from collections.abc import Callable
from typing import Any

from hybridctl.checks.model import CannotTell, Result, Verdict, Want
from hybridctl.checks.reading import output
from hybridctl.parsers.kernel_log import of_kind, read_kernel_log

__all__ = ["counts"]

_COMMAND = "env LC_ALL=C journalctl --dmesg --no-pager --output=short-iso"
# The first words of every kernel: of arm64, and of all others.
_BEGINNING = re.compile(r"Booting Linux on physical CPU|Linux version \d")


def counts(kind: str) -> Callable[[Any, Want], Result]:
    """Return the function of the check that counts messages of a kind (`hybridctl.parsers.kernel_log.KINDS`)."""

    def counted(host: Any, want: Want) -> Result:
        records = read_kernel_log(output(host, _COMMAND))
        found = of_kind(records, kind)
        reason = f"the kernel says: {found[0].message[:160]!r}" if found else ""
        result = want.judge(len(found), reason=reason)
        may_miss = result.verdict is Verdict.PASS or not found
        if may_miss and not any(_BEGINNING.search(one.message) for one in records[:20]):
            raise CannotTell("the kernel's log does not reach back to the boot: what it lost may be what is asked for")
        return result

    counted.__doc__ = f"Count the kernel's messages of the kind {kind}."
    return counted
