"""Checks of who may log in over SSH, by what sshd itself says of its settings."""

from typing import Any

from hybridctl.checks.model import Check, Kind, Result, Want
from hybridctl.checks.reading import output
from hybridctl.parsers.sshd import UNPROVEN, read_sshd

__all__ = ["CHECKS"]

# Both lead to a password: PAM asks for it as an interactive question. Old releases have the third name for the second.
_PASSWORDS = ("passwordauthentication", "kbdinteractiveauthentication", "challengeresponseauthentication")


def password(host: Any, want: Want) -> Result:
    """Whether a password opens a session, by either way of asking for it."""
    settings = _settings(host)
    ways = [name for name in _PASSWORDS if settings.get(name, "no") != "no"]
    return want.judge("yes" if ways else "no", reason=f"switched on: {', '.join(ways)}")


def root(host: Any, want: Want) -> Result:
    """How root may log in; OpenSSH prints `without-password` for `prohibit-password`."""
    return want.judge(_settings(host)["permitrootlogin"].replace("without-password", "prohibit-password"))


def _settings(host: Any) -> dict[str, str]:
    return read_sshd(output(host, "/usr/sbin/sshd -T"))


CHECKS = (
    Check(
        "ssh.password_login",
        "login by password",
        Kind.TEXT,
        password,
        "PasswordAuthentication no and KbdInteractiveAuthentication no in /etc/ssh/sshd_config.d; systemctl reload ssh",
        unproven=UNPROVEN,
    ),
    Check(
        "ssh.root_login",
        "login as root",
        Kind.TEXT,
        root,
        "set PermitRootLogin in /etc/ssh/sshd_config.d; try a second session before the first is closed",
        unproven=UNPROVEN,
    ),
)
