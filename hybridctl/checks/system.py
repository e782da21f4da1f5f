"""Checks of the operating system: distribution, release, service pack, architecture."""

import re
import shlex
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import file_text, output

__all__ = ["CHECKS", "lock_key", "parse_os_release", "service_pack_of"]

_ASSIGNMENT = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)=(.*)$")
_SERVICE_PACK = re.compile(r"\bLTS(?:-SP\d+)?\b")
# What a distribution calls itself at the beginning of NAME.
_FAMILIES = {"Debian GNU/Linux": "Debian"}


def parse_os_release(text: str) -> dict[str, str]:
    """Read /etc/os-release, which is written in the syntax of a shell.

    Raises:
        CannotTell: a line is not an assignment, or NAME is missing.
    """
    found: dict[str, str] = {}
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        assignment = _ASSIGNMENT.match(line)
        try:
            if assignment is None:
                raise ValueError
            words = shlex.split(assignment[2])
        except ValueError:
            raise CannotTell(f"/etc/os-release has a line that is no assignment: {line[:80]}") from None
        found[assignment[1]] = " ".join(words)
    if not found.get("NAME"):
        raise CannotTell("/etc/os-release names no system (NAME is missing)")
    return found


def distribution_of(release: dict[str, str]) -> str:
    """Return the distribution by its NAME: openEuler 24.03 may say `ID=centos`."""
    return _FAMILIES.get(release["NAME"], release["NAME"].split()[0])


def service_pack_of(release: dict[str, str]) -> str:
    """Return `LTS`, `LTS-SP4` and the like, which openEuler writes in VERSION and PRETTY_NAME only.

    Raises:
        CannotTell: neither has one, or they disagree.
    """
    named = {key: _SERVICE_PACK.findall(release.get(key, "")) for key in ("VERSION", "PRETTY_NAME")}
    packs = {pack for found in named.values() for pack in found}
    if len(packs) != 1:
        said = ", ".join(f"{key}={release.get(key, '')!r}" for key in named)
        raise CannotTell(f"/etc/os-release names {'no' if not packs else 'more than one'} service pack: {said}")
    return str(packs.pop())


def lock_key(host: Any) -> tuple[str, str]:
    """Return what the lock calls this system, such as `Debian_12`, and its architecture."""
    release = _release(host)
    return f"{distribution_of(release)}_{_version(release)}", _architecture(host)


def _release(host: Any) -> dict[str, str]:
    return parse_os_release(file_text(host, "/etc/os-release"))


def _version(release: dict[str, str]) -> str:
    if not release.get("VERSION_ID"):
        raise CannotTell("/etc/os-release has no VERSION_ID")
    return release["VERSION_ID"]


def _architecture(host: Any) -> str:
    return output(host, "uname -m").strip()


def distribution(host: Any, want: Want) -> Result:
    """The distribution; a different ID is worth a warning, for other tools go by it."""
    release = _release(host)
    name = distribution_of(release)
    result = want.judge(name)
    identity = release.get("ID", "")
    if result.verdict is Verdict.PASS and identity.casefold() != name.casefold():
        return want.result(
            Verdict.WARN,
            name,
            reason=f"/etc/os-release says ID={identity or '(nothing)'}: tools that go by it take this host for another",
            remedy="compare /etc/os-release with a fresh installation: rpm -V or dpkg -V of the package that owns it",
        )
    return result


def release(host: Any, want: Want) -> Result:
    """The release, VERSION_ID of /etc/os-release."""
    return want.judge(_version(_release(host)))


def service_pack(host: Any, want: Want) -> Result:
    """The service pack of openEuler."""
    return want.judge(service_pack_of(_release(host)))


def architecture(host: Any, want: Want) -> Result:
    """The architecture of the running kernel."""
    return want.judge(_architecture(host))


_REINSTALL = "install the system the profile names, or give the host another hybridctl_profile"

CHECKS = (
    Check("os.distribution", "Linux distribution", Kind.TEXT, distribution, _REINSTALL),
    Check("os.release", "release of the distribution", Kind.TEXT, release, _REINSTALL),
    Check(
        "os.service_pack",
        "openEuler's service pack",
        Kind.TEXT,
        service_pack,
        "bring the host to a supported service pack: dnf upgrade from its repository, then reboot",
        unproven="os-release of openEuler 22.03 SP1, SP3 and SP4",
    ),
    Check("os.architecture", "architecture of the kernel", Kind.TEXT, architecture, _REINSTALL),
)
