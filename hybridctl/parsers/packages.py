"""Lists of packages from dpkg-query and rpm, in formats of our own."""

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["DPKG_FORMAT", "RPM_FORMAT", "UNPROVEN", "parse_dpkg_query", "parse_rpm_query"]

UNPROVEN = "rpm of openEuler 22.03"

DPKG_FORMAT = r"${Package}\t${db:Status-Want}\t${db:Status-Status}\t${Version}\n"
RPM_FORMAT = r"%{NAME}\t%{EPOCHNUM}\t%{VERSION}-%{RELEASE}\t%{ARCH}\n"


def parse_dpkg_query(text: str) -> dict[str, tuple[str, str, str]]:
    """Read lines of package, wanted state, state and version; no line is an answer too.

    Raises:
        Unreadable: a line has another form, or the last one is cut.
    """
    found = {}
    for line in whole_lines("dpkg-query", text) if text else []:
        parts = line.split("\t")
        if not line.strip():
            continue
        if len(parts) != 4 or not all(parts[:3]):
            raise Unreadable("dpkg-query", line, "a line of another form")
        found[parts[0]] = (parts[1], parts[2], parts[3])
    return found


def parse_rpm_query(text: str) -> dict[str, tuple[str, ...]]:
    """Read lines of package, epoch, version with release, architecture: versions by package, sorted.

    Several may be installed (kernels). `package X is not installed` is an answer: no version.

    Raises:
        Unreadable: a line has another form, or the last one is cut.
    """
    found: dict[str, tuple[str, ...]] = {}
    for line in whole_lines("rpm", text):
        parts = line.split("\t")
        words = line.split()
        if words[:1] == ["package"] and words[2:] == ["is", "not", "installed"]:
            found.setdefault(words[1], ())
        elif line.strip():
            if len(parts) != 4 or not all(parts) or not parts[1].isdecimal():
                raise Unreadable("rpm", line, "a line of another form")
            version = parts[2] if parts[1] == "0" else f"{parts[1]}:{parts[2]}"
            found[parts[0]] = tuple(sorted({*found.get(parts[0], ()), version}))
    return found
