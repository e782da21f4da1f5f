"""Checks of the operating system: distribution, release, service pack, architecture."""

from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import file_text, output
from hybridctl.parsers.os_release import UNPROVEN, distribution_of, parse_os_release, service_pack_of

__all__ = ["CHECKS", "lock_key"]


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


_DISTRIBUTION = "install the distribution the profile names, or give the host another hybridctl_profile"
_RELEASE = "upgrade to the release the profile names in a change window, or install it anew"
_MACHINE = "see uname -a: the host is another machine than the profile is for; correct hybridctl_profile"

CHECKS = (
    Check(
        "os.distribution",
        "Linux distribution",
        Kind.TEXT,
        distribution,
        _DISTRIBUTION,
    ),
    Check(
        "os.release",
        "release of the distribution",
        Kind.TEXT,
        release,
        _RELEASE,
    ),
    Check(
        "os.service_pack",
        "openEuler's service pack",
        Kind.TEXT,
        service_pack,
        "bring the host to a supported service pack: dnf upgrade from its repository, then reboot",
        unproven=UNPROVEN,
    ),
    Check(
        "os.architecture",
        "architecture of the kernel",
        Kind.TEXT,
        architecture,
        _MACHINE,
    ),
)
