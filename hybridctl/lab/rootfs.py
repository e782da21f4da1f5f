"""The root file system of lab hosts, and the package mirror that stands for the site's."""

import fnmatch
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hybridctl import content
from hybridctl.errors import HybridctlError
from hybridctl.lab.cache import Progress, cached
from hybridctl.lab.sources import SUITE, debian_sources

__all__ = ["build_mirror", "build_rootfs", "mounted_overlay"]

# A server as its installer leaves it: everything else comes from our roles.
PACKAGES = "systemd,systemd-sysv,dbus,openssh-server,python3,python3-apt,sudo,iproute2,kmod,procps,ca-certificates,gpg"
SYSTEM = "Debian_12"
ARCHITECTURE = "x86_64"


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
        subprocess.run(
            ["systemctl", f"--root={folder}", "enable", "systemd-networkd", "ssh"],
            check=True,
            capture_output=True,
        )

    return cached(
        "rootfs", {"packages": PACKAGES, "suite": SUITE, "sources": sources, "form": 1}, build, cache, rebuild
    )


def build_mirror(cache: Path, rootfs: Path, progress: Progress, rebuild: bool = False) -> Path:
    """Return a flat package repository: what the lock names, with what that needs beyond the root file system.

    Raises:
        HybridctlError: a download failed, or the archive has another version than the lock names.
    """
    wanted: dict[str, str] = content.lock()["packages"][SYSTEM][ARCHITECTURE]
    sources = debian_sources()

    def build(folder: Path) -> None:
        progress(f"downloading {len(wanted)} packages and what they need")
        with mounted_overlay(rootfs) as root:
            (root / "out").mkdir()
            if sources:
                (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n")
            _lend_network_settings(root)
            script = (
                "set -e; apt-get update -qq; apt-get install -y -qq --no-install-recommends --download-only"
                f" -o Dir::Cache::archives=/out {' '.join(sorted(wanted))};"
                " apt-get install -y -qq --no-install-recommends apt-utils >/dev/null;"
                " cd /out; rm -rf partial lock; apt-ftparchive packages . > Packages; gzip -k Packages;"
                " apt-ftparchive release . > Release"
            )
            _run(
                ["chroot", str(root), "sh", "-c", script],
                "the package mirror could not be filled",
                "check this machine's apt sources: apt-get update",
            )
            for path in (root / "out").iterdir():
                if path.is_file():
                    shutil.copy2(path, folder / path.name)
        _hold_to_lock(folder, wanted)

    inputs = {"rootfs": rootfs.name, "packages": wanted, "form": 1}
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


def _lend_network_settings(root: Path) -> None:
    """Let apt in the chroot reach what apt on this machine reaches: resolver, CA bundle, proxy."""
    for path in (Path("/etc/resolv.conf"), Path("/etc/ssl/certs/ca-certificates.crt")):
        target = root / path.relative_to("/")
        target.unlink(missing_ok=True)
        shutil.copyfile(path, target)
    shown = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    lines = [line for line in shown.splitlines() if line.startswith("Acquire::") and "::proxy" in line.lower()]
    (root / "etc/apt/apt.conf.d/99lab").write_text("\n".join([*lines, 'APT::Sandbox::User "root";']) + "\n")


@contextmanager
def mounted_overlay(lower: Path) -> Iterator[Path]:
    """Yield a writable view of `lower` that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=lower.parent, prefix="overlay-") as name:
        base = Path(name)
        for part in ("upper", "work", "root"):
            (base / part).mkdir()
        options = f"lowerdir={lower},upperdir={base}/upper,workdir={base}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(base / "root")], check=True)
        try:
            yield base / "root"
        finally:
            subprocess.run(["umount", "--lazy", str(base / "root")], check=True)


def _run(argv: list[str], message: str, hint: str) -> None:
    """Run a build step that ends when we are killed; its last lines explain a failure."""
    done = subprocess.run(
        ["setpriv", "--pdeathsig", "KILL", "--", *argv],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
    )
    if done.returncode != 0:
        raise HybridctlError(f"{message}:\n{(done.stdout + done.stderr)[-1500:].strip()}", hint)
