"""Checks of packages: installed at the version of the lock, and held there."""

import fnmatch
from collections.abc import Iterator
from typing import Any

from hybridctl import content
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import run
from hybridctl.checks.system import lock_key
from hybridctl.parsers.packages import DPKG_FORMAT, parse_dpkg_query
from hybridctl.refusals import MOST_QUOTED

__all__ = ["CHECKS"]


def held(host: Any, want: Want) -> Iterator[Result]:
    """Each package is installed at the version the lock names for this system, and held."""
    names = list(want.expectation.wanted)
    system, architecture = lock_key(host)
    versions = content.lock()["packages"].get(system, {}).get(architecture)
    if versions is None:
        raise CannotTell(f"the lock names no packages for {system} on {architecture}")
    # In English, for what it says of a package that it does not know is read below.
    command = "env LC_ALL=C dpkg-query --show --showformat %s -- " + " ".join(["%s"] * len(names))
    done = run(host, command, DPKG_FORMAT, *names, ok=(0, 1))
    found = parse_dpkg_query(done.stdout)
    missing = [name for name in names if name not in found]
    # 1 also means that dpkg-query could not ask: only what it says of a package counts as an answer.
    unsaid = [name for name in missing if f"no packages found matching {name}" not in done.stderr]
    if unsaid or (done.rc == 1 and not missing):
        raise CannotTell(
            f"dpkg-query did not answer for {', '.join(unsaid or names)}: {done.stderr.strip()[:MOST_QUOTED]}"
        )
    for name in names:
        yield _one(want, name, found.get(name), versions.get(name), system)


def _one(want: Want, name: str, found: tuple[str, str, str] | None, pattern: str | None, system: str) -> Result:
    if pattern is None:
        return want.result(
            Verdict.UNKNOWN,
            None,
            subject=name,
            expected="held",
            reason=f"the lock names no version of it for {system}",
            remedy="take it out of the profile, or add it to the lock",
        )
    expected = f"{pattern} held"
    if found is None or found[1] != "installed":
        return want.result(
            Verdict.FAIL, "not installed", subject=name, expected=expected, reason="the package is not installed"
        )
    wanted, _, version = found
    measured = f"{version} {'held' if wanted == 'hold' else 'not held'}"
    if not fnmatch.fnmatchcase(version, pattern):
        return want.result(
            Verdict.FAIL, measured, subject=name, expected=expected, reason="it is not the version of the lock"
        )
    if wanted != "hold":
        return want.result(
            Verdict.FAIL, measured, subject=name, expected=expected, reason="an upgrade may move it at any time"
        )
    return want.result(Verdict.PASS, measured, subject=name, expected=expected)


CHECKS = (
    Check(
        "packages.held",
        "packages at the lock's version, held",
        Kind.NAMES,
        held,
        "hybridctl provision --limit {host}",
    ),
)
