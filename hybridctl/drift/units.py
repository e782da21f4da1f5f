"""The two unit files of a timer that checks a site for drift, as text. Pure."""

import re
from dataclasses import dataclass
from pathlib import Path

from hybridctl.drift.calendar import calendar, seconds
from hybridctl.errors import InvalidInput

__all__ = ["TimerSpec", "slug", "unit_files"]

OWNER_LINE = "# Site: "  # tells units of one site from those of another that has the same name


@dataclass(frozen=True)
class TimerSpec:
    """What the timer does.

    Attributes:
        site: name of the site.
        root, inventory: of the site, absolute.
        program: our own executable, absolute.
        user, home: who owns the site's folder, and runs the check: root must not run what others can write.
        every: `1h`, see `calendar`.
        textfile: metrics go there; absolute, None for none.
    """

    site: str
    root: Path
    inventory: Path
    program: Path
    user: str
    home: Path
    every: str = "1h"
    textfile: Path | None = None

    @property
    def name(self) -> str:
        """Name of both units, without the suffix."""
        return f"hybridctl-drift-{slug(self.site)}"


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
    argv = ["drift", "--inventory", str(spec.inventory)]
    writable = [str(spec.root / ".hybridctl")]
    if spec.textfile:
        argv += ["--textfile", str(spec.textfile)]
        writable.append(str(spec.textfile.parent))
    # Ansible keeps its working files there where the control node is a host of the site.
    writable.append(f"-{spec.home / '.ansible'}")
    return f"""\
# Written by `hybridctl drift timer install`; changes of your own: systemctl edit {spec.name}.service
{OWNER_LINE}{_line(str(spec.root))}
[Unit]
Description=Drift check of site {_line(spec.site)}
Documentation=man:systemd.timer(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={spec.user}
WorkingDirectory={_line(str(spec.root))}
ExecStart={_word(str(spec.program))} {" ".join(_word(word, command=True) for word in argv)}
# Hosts differ: a finding, no failure of the check.
SuccessExitStatus=7
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
# Written by `hybridctl drift timer install`; changes of your own: systemctl edit {spec.name}.timer
{OWNER_LINE}{_line(str(spec.root))}
[Unit]
Description=Drift check of site {_line(spec.site)}, every {spec.every}
Documentation=man:systemd.timer(5)

[Timer]
OnCalendar={calendar(spec.every)}
RandomizedDelaySec={delay}
AccuracySec=1s
Persistent=yes

[Install]
WantedBy=timers.target
"""


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
