"""`sshd -T`: the settings sshd has, its own defaults included."""

import re

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "read_sshd"]

UNPROVEN = "sshd -T"


def read_sshd(text: str) -> dict[str, str]:
    """Read it: the first value of each setting by its name in small letters.

    Raises:
        Unreadable: a line is no setting, PasswordAuthentication or PermitRootLogin is missing, or the last line is cut.
    """
    found: dict[str, str] = {}
    for line in whole_lines("sshd -T", text):
        setting = re.fullmatch(r"([a-z0-9]+)(?: (.*))?", line.rstrip())
        if not line.strip():
            continue
        if setting is None:
            raise Unreadable("sshd -T", line, "it is no setting")
        found.setdefault(setting[1], (setting[2] or "").strip())
    if missing := [name for name in ("passwordauthentication", "permitrootlogin") if not found.get(name)]:
        raise Unreadable("sshd -T", text.strip().split("\n")[0], f"it says nothing of {missing[0]}")
    return found
