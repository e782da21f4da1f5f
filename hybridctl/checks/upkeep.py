"""Checks of the host's upkeep: units that failed, a reboot that waits, half-installed packages, journal and crashes."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import file_text, output, run
from hybridctl.parsers.os_release import distribution_of, parse_os_release
from hybridctl.parsers.packages import DPKG_FORMAT, parse_dpkg_query
from hybridctl.parsers.systemctl import parse_show
from hybridctl.refusals import MOST_QUOTED, Unreadable

__all__ = ["CHECKS"]

_WHOLE = {"installed", "config-files", "not-installed"}
_ON = {"enabled", "enabled-runtime", "generated", "alias", "linked"}


def failed_units(host: Any, want: Want) -> Result:
    """How many units systemd counts as failed, and which."""
    text = output(host, "systemctl show --no-pager --property=NFailedUnits")
    count = parse_show(text, ("NFailedUnits",))["NFailedUnits"]
    if not re.fullmatch(r"\d{1,6}", count, re.ASCII):
        raise Unreadable("systemctl show", text.strip(), "NFailedUnits is no number")
    if not int(count):
        return want.judge(0)
    names = []
    with suppress(CannotTell):  # the count judges; without their names it is still true
        listed = output(host, "systemctl list-units --state=failed --plain --no-legend --no-pager --full")
        names = [line.split()[0] for line in listed.splitlines() if line.strip()]
    return want.judge(int(count), reason=", ".join(names[:5]) or "something that was to run does not")


def off_units(host: Any, want: Want) -> Iterator[Result]:
    """Each unit neither runs nor will after a reboot; one that is not installed is off."""
    properties = ("LoadState", "ActiveState", "UnitFileState")
    for unit in want.expectation.wanted:
        try:
            text = run(host, f"systemctl show --no-pager --property={','.join(properties)} -- %s", unit).stdout
            state = parse_show(text, properties)
        except CannotTell as error:
            yield want.result(Verdict.UNKNOWN, None, subject=unit, expected="off", reason=str(error))
            continue
        if state["LoadState"] in ("not-found", "masked") and state["ActiveState"] == "inactive":
            yield want.result(Verdict.PASS, state["LoadState"], subject=unit, expected="off")
            continue
        measured = f"{state['ActiveState']}, {state['UnitFileState'] or 'no unit file'}"
        off = state["ActiveState"] in ("inactive", "failed") and state["UnitFileState"] not in _ON
        reason = "" if off else "it runs, or will after a reboot"
        verdict = Verdict.PASS if off else Verdict.FAIL
        yield want.result(verdict, measured, subject=unit, expected="off", reason=reason)


def reboot_pending(host: Any, want: Want) -> Result:
    """Whether an upgrade waits for a reboot: the mark of Debian and Ubuntu, or what openEuler's dnf finds."""
    system = distribution_of(parse_os_release(file_text(host, "/etc/os-release")))
    if system in ("Debian", "Ubuntu"):
        # The folder itself is printed as well: an answer without it is none.
        found = output(host, "find -H /run -maxdepth 1 -path /run -o -path /run/reboot-required").split()
        if found[0] != "/run" or set(found[1:]) - {"/run/reboot-required"}:
            raise Unreadable("find", found[0], "/run was expected first")
        pending = len(found) > 1
    else:
        done = run(host, "env LC_ALL=C needs-restarting --reboothint", ok=(0, 1))
        words = ("Reboot should not be necessary.", "Reboot is required")[done.rc]
        if words not in done.stdout:
            raise Unreadable("needs-restarting", done.stdout.strip(), f"with status {done.rc} it does not say why")
        pending = done.rc == 1
    return want.judge("yes" if pending else "no", reason="an upgraded kernel or library is not in use yet")


def half_installed(host: Any, want: Want) -> Result:
    """How many packages an installation left between two states."""
    found = parse_dpkg_query(output(host, "env LC_ALL=C dpkg-query --show --showformat %s", DPKG_FORMAT))
    if odd := [name for name in found if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", name, re.ASCII)]:
        raise Unreadable("dpkg-query", odd[0], "it is no name of a package")
    bad = [f"{name} ({state})" for name, (_, state, _) in sorted(found.items()) if state not in _WHOLE]
    return want.judge(len(bad), reason=", ".join(bad[:5]))


def held_back(host: Any, want: Want) -> Iterator[Result]:
    """Each pattern is among those that unattended upgrades leave alone."""
    text = output(host, "env LC_ALL=C apt-config dump Unattended-Upgrade::Package-Blacklist")
    lines = [line for line in text.splitlines() if line.strip()]
    entries = [re.fullmatch(r'Unattended-Upgrade::Package-Blacklist(?:::\S*)? "(.*)";', line) for line in lines]
    if not all(entries):
        raise Unreadable("apt-config dump", lines[entries.index(None)], "it is no line of the blacklist")
    found = {entry[1] for entry in entries if entry}
    for pattern in want.expectation.wanted:
        has = pattern in found
        reason = "" if has else "unattended upgrades may change what it names"
        verdict = Verdict.PASS if has else Verdict.FAIL
        yield want.result(
            verdict, "left alone" if has else "not named", subject=pattern, expected="left alone", reason=reason
        )


def foreign_sources(host: Any, want: Want) -> Result:
    """How many of apt's sources are not the site's mirror."""
    mirror = str(want.variable("hybridctl_mirror")).rstrip("/")
    found = output(host, "env LC_ALL=C apt-get indextargets --format %s", "$(SITE)").split("\n")
    sites = sorted({line.strip().rstrip("/") for line in found if line.strip()})
    if odd := [site for site in sites if not re.fullmatch(r"[a-z][a-z0-9+]*:/\S*", site, re.ASCII)]:
        raise Unreadable("apt-get indextargets", odd[0], "it is no address")
    bad = [site for site in sites if site != mirror and not site.startswith(f"{mirror}/")]
    return want.judge(len(bad), reason=f"not of {mirror}: {', '.join(bad)}")


def journal(host: Any, want: Want) -> Result:
    """Where the journal lies: in /run it is gone with the next reboot, and with it why there was one."""
    text = output(host, "find /var/log/ /run/log/ -maxdepth 3 -name system.journal")
    paths = text.split()
    if not all(path.startswith(("/var/log/journal/", "/run/log/journal/")) for path in paths):
        raise Unreadable("find", text.strip(), "another path than a journal's")
    return want.judge("on disk" if any(path.startswith("/var/") for path in paths) else "in memory")


def cores(host: Any, want: Want) -> Result:
    """How many programs ended with a core that systemd keeps."""
    done = run(host, "env LC_ALL=C coredumpctl list --no-pager --no-legend", ok=(0, 1))
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    if done.rc == 1:
        if lines or "No coredumps found" not in done.stderr:
            raise CannotTell(f"coredumpctl ended with status 1: {done.stderr.strip()[:MOST_QUOTED]}")
        return want.judge(0)
    day = r"[A-Z][a-z]{2} \d{4}-\d{2}-\d{2} .*"
    if not lines or not all(re.fullmatch(day, line, re.ASCII) for line in lines):
        raise Unreadable("coredumpctl", lines[0] if lines else "", "lines that begin with a day were expected")
    return want.judge(len(lines), reason=f"the last: {lines[-1]}")


def crash_files(host: Any, want: Want) -> Result:
    """How many crashes lie in /var/crash: of the kernel by kdump, of programs by apport."""
    names = ("vmcore*", "dump.*", "*.crash")
    found = output(host, "find -H /var/crash -maxdepth 2 -path /var/crash -o -name %s -o -name %s -o -name %s", *names)
    first, *rest = found.split("\n")
    paths = [line for line in rest if line]
    if first != "/var/crash" or not all(path.startswith("/var/crash/") for path in paths):
        raise Unreadable("find", first, "/var/crash was expected first")
    return want.judge(len(paths), reason=f"such as {paths[-1] if paths else ''}")


def pstore(host: Any, want: Want) -> Result:
    """How many records of a dying kernel the firmware kept."""
    # systemd moves them to the disk when the host comes up again.
    command = "find -H /sys/fs/pstore /var/lib/systemd -maxdepth 4 -path /sys/fs/pstore -o -path %s -type f"
    first, *rest = output(host, command, "*/pstore/*").split("\n")
    paths = [line for line in rest if line]
    if first != "/sys/fs/pstore" or not all("/pstore/" in path for path in paths):
        raise Unreadable("find", first, "/sys/fs/pstore was expected first")
    return want.judge(len(paths), reason=f"such as {paths[-1] if paths else ''}")


_PAST = "what has happened to one host"

CHECKS = (
    Check(
        "units.failed",
        "units that failed",
        Kind.NUMBER,
        failed_units,
        "on {host}: systemctl --failed; journalctl -b -u UNIT; when put right: systemctl reset-failed",
        unit="units",
        varies=_PAST,
    ),
    Check(
        "units.off",
        "units that must not run",
        Kind.NAMES,
        off_units,
        "on {host}: systemctl disable --now {subject}",
    ),
    Check(
        "os.reboot_pending",
        "reboot that an upgrade waits for",
        Kind.TEXT,
        reboot_pending,
        "drain the host and reboot it in a change window; what asks for it: cat /run/reboot-required.pkgs",
        varies="what was upgraded on one host",
        unproven="needs-restarting of openEuler 22.03",
    ),
    Check(
        "packages.half_installed",
        "packages between two states",
        Kind.NUMBER,
        half_installed,
        "finish what was begun: dpkg --configure --pending; then: apt-get --fix-broken install",
        unit="packages",
        varies=_PAST,
    ),
    Check(
        "packages.held_back",
        "packages that unattended upgrades leave alone",
        Kind.NAMES,
        held_back,
        "add {subject} to host_base_upgrade_blacklist, then: hybridctl provision --role host_base --limit {host}",
    ),
    Check(
        "packages.foreign_sources",
        "package sources other than the site's mirror",
        Kind.NUMBER,
        foreign_sources,
        "take it out of /etc/apt/sources.list.d; the packages it brought: apt list --installed and not in the mirror",
        unit="sources",
        variables=("hybridctl_mirror",),
    ),
    Check(
        "journal.place",
        "where the journal is kept",
        Kind.TEXT,
        journal,
        "mkdir -p /var/log/journal; systemd-tmpfiles --create --prefix /var/log/journal; journalctl --flush",
    ),
    Check(
        "crash.cores",
        "programs that dumped core",
        Kind.NUMBER,
        cores,
        "coredumpctl info shows the last with its backtrace; then remove what is in /var/lib/systemd/coredump",
        unit="cores",
        varies=_PAST,
        unproven="coredumpctl list",
    ),
    Check(
        "crash.files",
        "crashes kept in /var/crash",
        Kind.NUMBER,
        crash_files,
        "read the last one: crash vmlinux vmcore, or apport-unpack; move it off the host, then remove it",
        unit="files",
        varies=_PAST,
    ),
    Check(
        "crash.pstore",
        "last words of a kernel, kept by the firmware",
        Kind.NUMBER,
        pstore,
        "read them: cat /sys/fs/pstore/dmesg-* /var/lib/systemd/pstore/*/dmesg.txt; then remove them to make room",
        unit="records",
        varies=_PAST,
    ),
)
