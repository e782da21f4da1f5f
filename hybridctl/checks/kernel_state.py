"""Checks of the running kernel: its series, what has happened to it, what it was told, its security modules."""

import re
from collections.abc import Iterator
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import file_text, output, run
from hybridctl.parsers._text import number
from hybridctl.parsers.kernel import UNPROVEN, parse_release, parse_sysctl
from hybridctl.parsers.meminfo import parse_meminfo
from hybridctl.refusals import MOST_QUOTED, Unreadable

__all__ = ["CHECKS"]

# Bits of /proc/sys/kernel/tainted, from the kernel's own admin-guide/tainted-kernels. Modules from outside the tree
# (0, 12, 13) are what NVIDIA's driver and KAE are: they say nothing bad.
_TROUBLE = {
    1: "a module was forced in",
    2: "it runs on hardware out of its specification",
    3: "a module was forced out",
    4: "a machine check",
    5: "a bad page of memory",
    7: "an oops",
    14: "a soft lockup",
}
_WARNED = 9
_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_ACCESS_CONTROLS = ("apparmor", "selinux", "smack", "tomoyo")


def release(host: Any, want: Want) -> Result:
    """The series of the running kernel: `5.10` of `5.10.0-136.12.0.86.oe2203sp1.aarch64`."""
    major, minor, whole = parse_release(output(host, "uname -r"))
    return want.judge(f"{major}.{minor}", reason=f"it runs {whole}, for which the drivers were not chosen")


def modules(host: Any, want: Want) -> Result:
    """The modules of the running kernel are on disk: else none can be loaded any more."""
    _, _, whole = parse_release(output(host, "uname -r"))
    found = output(host, "find /lib/modules/ -mindepth 1 -maxdepth 1 -printf %s", "%f\n").splitlines()
    if not all(re.fullmatch(r"\d[\w.+~-]*", name, re.ASCII) for name in found):
        raise CannotTell(f"/lib/modules holds what is no kernel: {found[0]!r}")
    reason = f"/lib/modules has {', '.join(sorted(found))}; {whole} runs"
    return want.judge("on disk" if whole in found else "gone", reason=reason)


def tainted(host: Any, want: Want) -> Result:
    """How many kinds of trouble the kernel has had since it was booted."""
    bits = _taint(host)
    told = [what for bit, what in _TROUBLE.items() if bits >> bit & 1]
    return want.judge(len(told), reason="since boot: " + ", ".join(told))


def warned(host: Any, want: Want) -> Result:
    """Whether the kernel printed a warning with a backtrace since it was booted."""
    return want.judge("yes" if _taint(host) >> _WARNED & 1 else "no", reason="a warning with a backtrace is in its log")


def _taint(host: Any) -> int:
    text = file_text(host, "/proc/sys/kernel/tainted").strip()
    return number("/proc/sys/kernel/tainted", text, text)


def secure_boot(host: Any, want: Want) -> Result:
    """What the firmware says of Secure Boot: with it on, only signed modules are loaded."""
    text = output(host, "od --address-radix=n --format=u1 -- %s", _SECURE_BOOT)
    words = text.split()
    # Four bytes of attributes, then the value.
    if len(words) != 5 or not all(re.fullmatch(r"\d{1,3}", word, re.ASCII) for word in words) or words[4] not in "01":
        raise Unreadable("SecureBoot", text.strip(), "it is no variable of one byte")
    return want.judge("on" if words[4] == "1" else "off")


def sysctl(host: Any, want: Want) -> Iterator[Result]:
    """Each kernel parameter, written `name=value`, has that value now."""
    wanted = [str(pair).partition("=") for pair in want.expectation.wanted]
    command = "env LC_ALL=C sysctl -- " + " ".join(["%s"] * len(wanted))
    done = run(host, command, *(name for name, _, _ in wanted), ok=(0, 1, 255))
    found = parse_sysctl(done.stdout) if done.stdout.strip() else {}
    # Any other status than 0 is an answer only with what sysctl says of a name that it does not know.
    unknown = [name for name, _, _ in wanted if f"cannot stat /proc/sys/{name.replace('.', '/')}:" in done.stderr]
    if bool(done.rc) != bool(unknown):
        raise CannotTell(f"sysctl ended with status {done.rc}: {done.stderr.strip()[:MOST_QUOTED]}")
    for name, equals, value in wanted:
        expected = " ".join(value.split())
        if name in unknown:
            reason = "this kernel has no such parameter"
            yield want.result(Verdict.FAIL, "(none)", subject=name, expected=expected, reason=reason)
        elif name not in found or not equals:
            reason = "sysctl did not print it" if equals else "the profile names no value: write NAME=VALUE"
            yield want.result(Verdict.UNKNOWN, None, subject=name, expected=expected or "?", reason=reason)
        elif found[name] == expected:
            yield want.result(Verdict.PASS, found[name], subject=name, expected=expected)
        else:
            reason = "another value is set now"
            yield want.result(Verdict.FAIL, found[name], subject=name, expected=expected, reason=reason)


def swap(host: Any, want: Want) -> Result:
    """Swap space that is switched on."""
    found = parse_meminfo(file_text(host, "/proc/meminfo"))
    if "SwapTotal" not in found:
        raise CannotTell("/proc/meminfo has no SwapTotal")
    return want.judge(round(found["SwapTotal"] / 2**30, 2), reason="a model that is swapped out answers in minutes")


def access_control(host: Any, want: Want) -> Result:
    """Which mandatory access control the kernel runs."""
    text = file_text(host, "/sys/kernel/security/lsm").strip()
    if not re.fullmatch(r"[a-z0-9_]+(,[a-z0-9_]+)*", text, re.ASCII):
        raise Unreadable("/sys/kernel/security/lsm", text, "it is no list of modules")
    return want.judge(next((name for name in text.split(",") if name in _ACCESS_CONTROLS), "none"))


def selinux(host: Any, want: Want) -> Result:
    """What SELinux does with what its policy forbids."""
    text = output(host, "getenforce").strip()
    if text not in ("Enforcing", "Permissive", "Disabled"):
        raise Unreadable("getenforce", text, "it is no mode")
    return want.judge(text)


def apparmor(host: Any, want: Want) -> Result:
    """How many of AppArmor's profiles are enforced."""
    path = "/sys/kernel/security/apparmor/profiles"
    lines = [line for line in file_text(host, path).splitlines() if line.strip()]
    modes = [re.fullmatch(r"\S.* \((enforce|complain|kill|unconfined|prompt|user|mixed)\)", line) for line in lines]
    if not all(modes):
        raise Unreadable(path, lines[modes.index(None)], "it is no line of a profile")
    return want.judge(sum(mode is not None and mode[1] == "enforce" for mode in modes))


_BOOT = "boot the kernel the profile names: grubby --info=ALL on openEuler, /etc/default/grub on Ubuntu; then reboot"

CHECKS = (
    Check("kernel.release", "series of the running kernel", Kind.TEXT, release, _BOOT, unproven=UNPROVEN),
    Check(
        "kernel.modules_on_disk",
        "modules of the running kernel on disk",
        Kind.TEXT,
        modules,
        "reboot into a kernel that is installed; an upgrade took away the one that runs",
    ),
    Check(
        "kernel.tainted",
        "no oops, machine check or lockup since boot",
        Kind.NUMBER,
        tainted,
        "read what it was: journalctl -k -b -p err; drain the host and reboot it before it serves again",
        unit="kinds",
        varies="what has happened to one host since it was booted",
    ),
    Check(
        "kernel.warned",
        "no kernel warning since boot",
        Kind.TEXT,
        warned,
        "find the backtrace: journalctl -k -b --grep 'cut here'; report it to who made the module it names",
        varies="what has happened to one host since it was booted",
    ),
    Check(
        "kernel.secure_boot",
        "Secure Boot of the firmware",
        Kind.TEXT,
        secure_boot,
        "set Secure Boot in the firmware as the profile says; on, drivers need a key of yours: mokutil --import",
        unproven="the variable SecureBoot, of a machine with UEFI",
    ),
    Check(
        "kernel.sysctl",
        "kernel parameters as set",
        Kind.NAMES,
        sysctl,
        "on {host}: find who sets it: grep -r {subject} /etc/sysctl.d /usr/lib/sysctl.d; then: sysctl --system",
    ),
    Check(
        "memory.swap",
        "swap space switched on",
        Kind.NUMBER,
        swap,
        "switch it off now: swapoff -a; and for good: take the swap lines out of /etc/fstab",
        unit="GiB",
    ),
    Check(
        "security.access_control",
        "mandatory access control of the kernel",
        Kind.TEXT,
        access_control,
        "take lsm=, selinux=0 and apparmor=0 off the kernel's command line, then reboot",
        unproven="/sys/kernel/security/lsm",
    ),
    Check(
        "security.selinux",
        "mode of SELinux",
        Kind.TEXT,
        selinux,
        "set SELINUX= in /etc/selinux/config; from disabled, relabel first: touch /.autorelabel; reboot",
        unproven="getenforce of openEuler 22.03",
    ),
    Check(
        "security.apparmor",
        "AppArmor profiles enforced",
        Kind.NUMBER,
        apparmor,
        "load them: systemctl restart apparmor; see which are left out: aa-status",
        unit="profiles",
        varies="each package adds profiles",
        unproven="/sys/kernel/security/apparmor/profiles",
    ),
)
