"""The two unit files of a timer that calls a command of ours for a site, as text. Pure."""

import re
from dataclasses import dataclass
from pathlib import Path

from hybridctl.errors import InvalidInput
from hybridctl.timers.calendar import calendar, seconds

__all__ = ["DRIFT", "OWNER_LINE", "VERIFY", "TimerKind", "TimerSpec", "slug", "unit_files"]

OWNER_LINE = "# Site: "  # tells units of one site from those of another that has the same name


@dataclass(frozen=True)
class TimerKind:
    """What all timers of one command have in common.

    Attributes:
        command: of ours.
        title: what it does, for systemd's lists.
        findings: exit statuses that say something of the hosts and are no failure of the unit.
        remark: the same in words.
    """

    command: str
    title: str
    findings: str
    remark: str


DRIFT = TimerKind("drift", "Drift check", "7", "Hosts differ: a finding, no failure of the check.")
VERIFY = TimerKind("verify", "Verification", "5 6", "A FAIL or an UNKNOWN: a finding, no failure of the verification.")


@dataclass(frozen=True)
class TimerSpec:
    """What a timer does.

    Attributes:
        site: name of the site.
        root, inventory: of the site, absolute.
        program: our own executable, absolute.
        user, home: who owns the site's folder, and runs it: root must not run what others can write.
        other_inventory: see `Site.other_inventory`; each inventory of a site has a timer of its own.
        every: `1h`, see `calendar`.
        textfile: metrics go there; absolute, None for none.
        on_change: command line that verify calls on a change, empty for none.
    """

    kind: TimerKind
    site: str
    root: Path
    inventory: Path
    program: Path
    user: str
    home: Path
    other_inventory: str = ""
    every: str = "1h"
    textfile: Path | None = None
    on_change: str = ""

    @property
    def name(self) -> str:
        """Name of both units, without the suffix."""
        names = [self.site, self.other_inventory] if self.other_inventory else [self.site]
        return "-".join(["hybridctl", self.kind.command, *map(slug, names)])

    @property
    def owner(self) -> str:
        """Whose units these are, as they say it themselves."""
        return _line(f"{self.root}, inventory {self.other_inventory}" if self.other_inventory else str(self.root))


def slug(site: str) -> str:
    """Return a site's name as a part of a unit's: small ASCII letters, digits and single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", site.lower())[:60].strip("-") or "site"


def unit_files(spec: TimerSpec) -> dict[str, str]:
    """Return file name -> content of service and timer.

    Raises:
        InvalidInput: the interval is not one, or a path cannot stand in a unit file.
    """
    return {f"{spec.name}.service": _service(spec), f"{spec.name}.timer": _timer(spec)}


def _service(spec: TimerSpec) -> str:
    if set(str(spec.program)) & set("\"'\\"):
        raise InvalidInput(
            f"{spec.program}: systemd starts no program with a quote or a backslash in its path",
            "install hybridctl elsewhere: pipx install hybridctl",
        )
    argv = [spec.kind.command, "--inventory", str(spec.inventory)]
    writable = [str(spec.root / ".hybridctl")]
    if spec.textfile:
        argv += ["--textfile", str(spec.textfile)]
        writable.append(str(spec.textfile.parent))
    if spec.on_change:
        argv += ["--on-change", spec.on_change]
    # Ansible keeps its working files there where the control node is a host of the site.
    writable.append(f"-{spec.home / '.ansible'}")
    return f"""\
# Written by `hybridctl {spec.kind.command} timer install`; changes of your own: systemctl edit {spec.name}.service
{OWNER_LINE}{spec.owner}
[Unit]
Description={_line(_title(spec))}
Documentation=man:systemd.timer(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={spec.user}
WorkingDirectory={_line(str(spec.root))}
ExecStart={_word(str(spec.program))} {" ".join(_word(word, command=True) for word in argv)}
# {spec.kind.remark}
SuccessExitStatus={spec.kind.findings}
TimeoutStartSec=2h
Environment=ANSIBLE_LOCAL_TEMP=/tmp
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={" ".join(_word(path) for path in writable)}
ProtectClock=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
"""


def _timer(spec: TimerSpec) -> str:
    # Many control nodes must not knock at the same hosts in one second; a tenth of the interval, at most 10 minutes.
    delay = min(seconds(spec.every) // 10, 600)
    return f"""\
# Written by `hybridctl {spec.kind.command} timer install`; changes of your own: systemctl edit {spec.name}.timer
{OWNER_LINE}{spec.owner}
[Unit]
Description={_line(_title(spec))}, every {spec.every}
Documentation=man:systemd.timer(5)

[Timer]
OnCalendar={calendar(spec.every)}
RandomizedDelaySec={delay}
AccuracySec=1s
Persistent=yes

[Install]
WantedBy=timers.target
"""


def _title(spec: TimerSpec) -> str:
    inventory = f", inventory {spec.other_inventory}" if spec.other_inventory else ""
    return f"{spec.kind.title} of site {spec.site}{inventory}"


def _line(text: str) -> str:
    """Return a value that takes its whole line; systemd reads `%` as the beginning of a specifier."""
    if not text.isprintable():
        raise InvalidInput(f"{text!r}: a unit file cannot hold its control characters", "rename it")
    return text.replace("%", "%%")


def _word(text: str, *, command: bool = False) -> str:
    """Return one word of a list, quoted when it must be; behind a command `$` begins a variable, too."""
    text = _line(text)
    if command:
        text = text.replace("$", "$$")
    if re.fullmatch(r"[A-Za-z0-9%$@:,+=_./-]+", text):
        return text
    text = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{text}"'
