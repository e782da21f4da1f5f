"""The timer on the control node: units written, enabled, removed; every step only where it is needed."""

import os
import pwd
import stat
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hybridctl.atomic import write_whole
from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.hooks import check_program, parse_command
from hybridctl.site import Site
from hybridctl.textfile import check_target
from hybridctl.timers.calendar import seconds
from hybridctl.timers.units import OWNER_LINE, TimerKind, TimerSpec, unit_files

__all__ = ["UNITS", "Control", "install", "remove", "require_control", "timer_spec"]

UNITS = Path("/etc/systemd/system")
STAMPS = Path("/var/lib/systemd/timers")


def _systemctl(arguments: Sequence[str]) -> tuple[int, str]:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@dataclass(frozen=True)
class Control:
    """A machine's systemd.

    Attributes:
        units: folder of the administrator's unit files.
        stamps: folder where systemd keeps when each timer last ran (systemd.timer(5), Persistent=).
        systemctl: runs it with these arguments and returns exit status and what it said.
    """

    units: Path = UNITS
    stamps: Path = STAMPS
    systemctl: Callable[[Sequence[str]], tuple[int, str]] = _systemctl

    def do(self, *arguments: str) -> None:
        """Run systemctl.

        Raises:
            HybridctlError: it failed.
        """
        status, said = self.systemctl(arguments)
        if status:
            command = f"systemctl {' '.join(arguments)}"
            raise HybridctlError(f"{command}: exit {status}: {said.strip()}", f"try it by hand: {command}")


def require_control(kind: TimerKind, booted: Path = Path("/run/systemd/system")) -> None:
    """Refuse a machine or a user that cannot have the timer.

    Raises:
        InvalidInput: PID 1 is not systemd (sd_booted(3)), or we are not root.
    """
    command = kind.command
    if not booted.is_dir():
        raise InvalidInput(
            "this machine does not run systemd, and the timer is one of systemd's",
            f"call it by other means; hybridctl {command} timer show says what: hybridctl {command} --textfile FILE",
        )
    if os.geteuid() != 0:
        raise InvalidInput("units of the system can only be written by root", f"sudo hybridctl {command} timer install")


def timer_spec(
    kind: TimerKind,
    site: Site,
    program: Path,
    every: str = "1h",
    textfile: Path | None = None,
    on_change: str | None = None,
) -> TimerSpec:
    """Return the timer of a site: it runs as the one who owns the site's folder.

    Raises:
        InvalidInput: that user is unknown; or the interval is none, or the command it calls would refuse the textfile
            or what is told of changes.
    """
    seconds(every)
    uid = site.root.stat().st_uid
    try:
        owner = pwd.getpwuid(uid)
    except KeyError:
        raise InvalidInput(f"{site.root} belongs to uid {uid}, which no user has", f"chown it: {site.root}") from None
    access = partial(_access, owner)
    if textfile is not None:
        check_target(textfile, access, owner.pw_name)
    if on_change is not None:
        check_program(parse_command(on_change), site.root, access, owner.pw_name)
    return TimerSpec(
        kind,
        site.name,
        site.root,
        site.inventory,
        program,
        owner.pw_name,
        Path(owner.pw_dir),
        site.other_inventory,
        every,
        textfile.absolute() if textfile else None,
        on_change or "",
    )


def _access(user: pwd.struct_passwd, path: Path, wanted: int) -> bool:
    """Tell as access(2) does whether another user may, by uid, groups and modes on the way there.

    Somebody else asks for the one whom the unit runs as: root, who may everything, or a colleague.
    """
    groups = {user.pw_gid, *os.getgrouplist(user.pw_name, user.pw_gid)}

    def may(at: Path, wanted: int) -> bool:
        status = at.stat()
        if user.pw_uid == 0:
            return not wanted & os.X_OK or stat.S_ISDIR(status.st_mode) or bool(status.st_mode & 0o111)
        with suppress(OSError):
            if "system.posix_acl_access" in os.listxattr(at):
                return True  # more than its mode says is allowed, perhaps: no reason to refuse
        shift = 6 if status.st_uid == user.pw_uid else 3 if status.st_gid in groups else 0
        return status.st_mode >> shift & wanted == wanted

    real = path.absolute().resolve()
    try:
        return all(may(folder, os.X_OK) for folder in real.parents) and may(real, wanted)
    except OSError:
        return False


def install(spec: TimerSpec, control: Control) -> list[str]:
    """Write the units and start the timer; return what was done, nothing when all was so already.

    Raises:
        HybridctlError: another site has a timer of this name, or systemd refused.
    """
    files = unit_files(spec)
    timer = f"{spec.name}.timer"
    _refuse_another_site(spec, control)
    done = []
    for name, text in files.items():
        path = control.units / name
        if not path.exists() or path.read_text(encoding="utf-8") != text or path.stat().st_mode & 0o777 != 0o644:
            _write(path, text)
            done.append(f"wrote {path}")
    _make_memory_folder(spec)
    # A daemon-reload that an earlier, interrupted install did not come to is made up for.
    stale = control.systemctl(["show", "--value", "-p", "NeedDaemonReload", timer])[1].strip() == "yes"
    if done or stale:
        control.do("daemon-reload")
    enabled = control.systemctl(["is-enabled", "--quiet", timer])[0] == 0
    active = control.systemctl(["is-active", "--quiet", timer])[0] == 0
    if not enabled:
        control.do("enable", timer)
        done.append(f"enabled {timer}")
    if not active or done:
        # A running timer goes by its old calendar until it is started anew.
        control.do("restart", timer)
        done.append(f"started {timer}")
    return done


def remove(spec: TimerSpec, control: Control) -> list[str]:
    """Stop and remove the units and the timer's stamp; return what was done, nothing when there were none.

    Raises:
        HybridctlError: the timer of this name belongs to another site, or systemd refused.
    """
    _refuse_another_site(spec, control)
    paths = [control.units / f"{spec.name}.{kind}" for kind in ("timer", "service")]
    # When it last ran: a timer of that name, installed a year later, would make up for what it missed since. `systemctl
    # clean` removes it only while there is the timer's file.
    there = [path for path in (*paths, control.stamps / f"stamp-{paths[0].name}") if path.exists()]
    if not there:
        return []
    if paths[0] in there:
        control.do("disable", "--now", paths[0].name)
    if paths[1] in there:
        # One that is under way ends with its timer.
        control.do("stop", paths[1].name)
    for path in there:
        path.unlink()
    control.do("daemon-reload")
    control.systemctl(["reset-failed", paths[1].name])  # it fails when there is nothing to forget
    return [f"removed {path}" for path in there]


def _refuse_another_site(spec: TimerSpec, control: Control) -> None:
    for name in (f"{spec.name}.service", f"{spec.name}.timer"):
        path = control.units / name
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        other = next((line.removeprefix(OWNER_LINE) for line in lines if line.startswith(OWNER_LINE)), None)
        if lines and other != spec.owner:
            raise InvalidInput(
                f"{path} is the timer of {other or 'something that is not ours'}, not of {spec.owner}",
                f"give this site a name of its own: name: in {spec.root / 'hybridctl.yml'}; or its inventory another",
            )


def _make_memory_folder(spec: TimerSpec) -> None:
    """The unit may write there only; systemd refuses to start it when the folder is missing."""
    folder = spec.root / ".hybridctl"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        owner = spec.root.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text, 0o644)
    except OSError as error:
        raise HybridctlError(f"{path}: cannot be written: {error.strerror}", f"ls -ld {path.parent}") from error
