"""/etc/os-release."""

import re
import shlex

from hybridctl.parsers._text import lines_of
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "distribution_of", "parse_os_release", "service_pack_of"]

UNPROVEN = "os-release of openEuler 22.03 SP1, SP3 and SP4"

_ASSIGNMENT = re.compile(r"^([A-Za-z_][A-Za-z0-9_]*)=(.*)$")
_SERVICE_PACK = re.compile(r"\bLTS(?:-SP\d+)?\b")
# What a distribution calls itself at the beginning of NAME.
_FAMILIES = {"Debian GNU/Linux": "Debian"}


def parse_os_release(text: str) -> dict[str, str]:
    """Read it: it is written in the syntax of a shell. A last line without its line break is left out unless quoted.

    Raises:
        Unreadable: a line is not an assignment, or NAME is missing.
    """
    lines, last = lines_of("/etc/os-release", text)
    if re.fullmatch(r'\w+=".*"', last.strip()):
        lines.append(last)
    found: dict[str, str] = {}
    for line in map(str.strip, lines):
        if not line or line.startswith("#"):
            continue
        assignment = _ASSIGNMENT.match(line)
        try:
            if assignment is None:
                raise ValueError
            words = shlex.split(assignment[2])
        except ValueError:
            raise Unreadable("/etc/os-release", line, "a line that is no assignment") from None
        found[assignment[1]] = " ".join(words)
    if not found.get("NAME"):
        raise Unreadable("/etc/os-release", text.strip().split("\n")[0], "it names no system (NAME is missing)")
    return found


def distribution_of(release: dict[str, str]) -> str:
    """Return the distribution by its NAME: openEuler 24.03 may say `ID=centos`."""
    return _FAMILIES.get(release["NAME"], release["NAME"].split()[0])


def service_pack_of(release: dict[str, str]) -> str:
    """Return `LTS`, `LTS-SP4` and the like, which openEuler writes in VERSION and PRETTY_NAME only.

    Raises:
        Unreadable: neither has one, or they disagree.
    """
    named = {key: _SERVICE_PACK.findall(release.get(key, "")) for key in ("VERSION", "PRETTY_NAME")}
    packs = {pack for found in named.values() for pack in found}
    if len(packs) != 1:
        said = ", ".join(f"{key}={release.get(key, '')!r}" for key in named)
        raise Unreadable("/etc/os-release", said, f"{'no' if not packs else 'more than one'} service pack")
    return str(packs.pop())
