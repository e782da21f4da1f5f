"""The root file system of lab hosts, and the package mirror that stands for the site's."""

import fnmatch
import os
import re
import shutil
import subprocess
from pathlib import Path

from hybridctl import content
from hybridctl.errors import HybridctlError
from hybridctl.lab import commands
from hybridctl.lab.cache import Progress, cached
from hybridctl.lab.sources import SUITE, debian_sources, key_files

__all__ = ["build_mirror", "build_rootfs"]

# A server as its installer leaves it: everything else comes from our roles.
PACKAGES = "systemd,systemd-sysv,dbus,openssh-server,python3,python3-apt,sudo,iproute2,kmod,procps,ca-certificates,gpg"
SYSTEM = "Debian_12"
ARCHITECTURE = "x86_64"

# In a throw-away copy of the root: what the lock names and what that needs, then the index of a flat repository.
_FILL = """
install='apt-get install -y -qq --no-install-recommends'
apt-get update -qq
$install --reinstall --download-only -o Dir::Cache::archives=/out "$@"
$install apt-utils
cd /out; rm -rf partial lock
apt-ftparchive packages . >Packages; gzip -k Packages; apt-ftparchive release . >Release
"""


def build_rootfs(cache: Path, progress: Progress, rebuild: bool = False) -> Path:
    """Return the read-only root file system all hosts share.

    Raises:
        HybridctlError: mmdebstrap failed.
    """
    sources = debian_sources()

    def build(folder: Path) -> None:
        progress("building the root file system (once, under a minute)")
        argv = [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={PACKAGES}",
            SUITE,
            str(folder),
            *sources,
        ]
        _run(
            argv,
            "mmdebstrap could not build the root file system",
            "check this machine's apt sources: apt-get update",
        )
        # Every clone is a host of its own: no keys, no machine id, no package lists are shared.
        for path in (*folder.glob("etc/ssh/ssh_host_*"), *folder.glob("etc/apt/sources.list.d/*")):
            path.unlink()
        (folder / "etc/machine-id").write_text("")
        # mmdebstrap leaves this machine's resolver there, which a host of the lab cannot reach and must not know.
        resolver = folder / "etc/resolv.conf"
        resolver.unlink(missing_ok=True)
        resolver.write_text("")
        commands.run(
            ["systemctl", f"--root={folder}", "enable", "systemd-networkd", "ssh"],
            "network and ssh could not be enabled in the root file system",
            "apt-get install -y --reinstall systemd",
        )

    inputs = {"packages": PACKAGES, "suite": SUITE, "sources": sources, "form": 2}
    return cached("rootfs", inputs, build, cache, rebuild, _refuse_in_use)


def build_mirror(cache: Path, rootfs: Path, progress: Progress, rebuild: bool = False) -> Path:
    """Return a flat package repository: what the lock names, with what that needs beyond the root file system.

    Raises:
        HybridctlError: a download failed, or the archive has another version than the lock names.
    """
    wanted: dict[str, str] = content.lock()["packages"][SYSTEM][ARCHITECTURE]
    sources = debian_sources()

    def build(folder: Path) -> None:
        progress(f"downloading {len(wanted)} packages and what they need")
        base = folder / "build"
        for part in ("upper/out", "upper/etc/apt", "work", "root"):
            (base / part).mkdir(parents=True)
        _lend_apt_settings(base / "upper", sources)
        # Mounted in the build's own namespace: nothing to undo when it is killed.
        script = 'mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"; shift 2; "$@"'
        _run(
            [
                *("sh", "-ec", script, "sh", str(rootfs), str(base)),
                *("chroot", str(base / "root"), "sh", "-ec", _FILL, "sh", *sorted(wanted)),
            ],
            "the package mirror could not be filled",
            "check this machine's apt sources: apt-get update",
        )
        for path in (base / "upper/out").iterdir():
            path.rename(folder / path.name)
        shutil.rmtree(base)
        _hold_to_lock(folder, wanted)

    inputs = {"rootfs": rootfs.name, "packages": wanted, "form": 2}
    return cached("mirror", inputs, build, cache, rebuild)


def _hold_to_lock(folder: Path, wanted: dict[str, str]) -> None:
    """Compare the versions that came with those the lock names."""
    index = (folder / "Packages").read_text(encoding="utf-8")
    versions = {}
    for stanza in index.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
        if fields:
            versions[fields["Package"]] = fields["Version"].split(":", 1)[-1]
    for name, pattern in wanted.items():
        have = versions.get(name, "nothing")
        if not fnmatch.fnmatchcase(have, pattern):
            raise HybridctlError(
                f"the lock names {name} {pattern}, this machine's apt sources have {have}",
                "correct hybridctl/data/lock.yml, or name a mirror that has it in HYBRIDCTL_LAB_MIRROR",
            )


def _lend_apt_settings(root: Path, sources: list[str]) -> None:
    """Let apt in the chroot reach what apt on this machine reaches: sources, their keys, resolver, CA bundle, proxy."""
    keys = key_files(sources)
    for path in (Path("/etc/resolv.conf"), Path("/etc/ssl/certs/ca-certificates.crt"), *keys):
        if path.exists():
            target = root / path.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    if sources:
        (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
    shown = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    lines = [line for line in shown.splitlines() if re.match(r"Acquire::https?::", line)]
    target = root / "etc/apt/apt.conf.d/99lab"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join([*lines, 'APT::Sandbox::User "root";']) + "\n")


def _refuse_in_use(rootfs: Path, mounts: Path = Path("/proc/mounts")) -> None:
    """Raise when a running lab stands on this root file system, which a rebuild would pull from under it."""
    if f"lowerdir={rootfs}," in mounts.read_text():
        raise HybridctlError(
            f"hosts of a lab run on {rootfs}, it cannot be rebuilt now",
            "take the labs down first, each in its folder: hybridctl lab down --name NAME; their hosts lie where"
            " this says: grep hybridctl- /proc/mounts",
        )


def _run(argv: list[str], message: str, hint: str) -> None:
    """Run a build step in namespaces that end, with all processes and mounts, when we are killed."""
    cage = ["setpriv", "--pdeathsig", "KILL", "--", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
    done = subprocess.run(
        [*cage, "--mount-proc", "--", *argv],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
    )
    if done.returncode != 0:
        raise HybridctlError(f"{message}:\n{(done.stdout + done.stderr)[-1500:].strip()}", hint)
