"""Where Debian packages come from: the apt settings of this machine, never a host named in our code."""

import os
import re
from pathlib import Path

__all__ = ["SUITE", "debian_sources", "key_files"]

SUITE = "bookworm"
"""The lab runs Debian 12 (design, decision 2)."""

_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$")


def debian_sources(apt: Path = Path("/etc/apt")) -> list[str]:
    """Return one-line apt sources for the lab's suite.

    `HYBRIDCTL_LAB_MIRROR` names a mirror and wins. Otherwise the lines of this machine's own settings that serve
    the suite; none on a machine that runs something else, where mmdebstrap's own default applies.
    """
    mirror = os.environ.get("HYBRIDCTL_LAB_MIRROR")
    if mirror:
        return [f"deb {mirror} {SUITE} main"]
    lines: list[str] = []
    for path in sorted([apt / "sources.list", *apt.glob("sources.list.d/*.list")]):
        lines += _from_one_line(path.read_text(encoding="utf-8")) if path.exists() else []
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        lines += _from_deb822(path.read_text(encoding="utf-8"))
    return lines


def key_files(lines: list[str]) -> list[Path]:
    """Return the key files that one-line sources name."""
    found = (re.search(r"signed-by=(/[^]\s]+)", line) for line in lines)
    return sorted({Path(match[1]) for match in found if match})


def _serves(suite: str) -> bool:
    return suite == SUITE or suite.startswith(f"{SUITE}-")


def _from_one_line(text: str) -> list[str]:
    """Return the `deb` lines for the suite; a repository with a key of its own is not Debian's."""
    found = (_ONE_LINE.match(line.strip()) for line in text.splitlines())
    return [m[0] for m in found if m and _serves(m["suite"]) and "main" in m["components"].split()]


def _from_deb822(text: str) -> list[str]:
    """Return the stanzas for the suite as one-line sources."""
    lines = []
    for stanza in re.split(r"\n\s*\n", text):
        body = "\n".join(line for line in stanza.splitlines() if not line.startswith("#"))
        fields = {
            key.strip().lower(): value.split()
            for key, sep, value in (x.partition(":") for x in body.splitlines())
            if sep
        }
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        options = f"[signed-by={fields['signed-by'][0]}] " if len(fields.get("signed-by", [])) == 1 else ""
        for uri in fields.get("uris", []):
            for suite in filter(_serves, fields.get("suites", [])):
                if "main" in fields.get("components", []):
                    lines.append(f"deb {options}{uri} {suite} {' '.join(fields['components'])}")
    return lines
