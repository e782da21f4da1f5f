"""The control node: what a run needs of the machine it is started on."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hybridctl import content
from hybridctl.checks.model import Verdict
from hybridctl.doctor.findings import Finding
from hybridctl.errors import HybridctlError
from hybridctl.inventory import Inventory
from hybridctl.redaction import Redactor
from hybridctl.site import Site

__all__ = ["examine_control"]

LEAST_DISK = 1.0  # GiB, where runs are recorded
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def examine_control(site: Site | None, inventory: Inventory | None = None) -> tuple[Finding, ...]:
    """Examine this machine.

    Args:
        site: where runs will be recorded; None outside of a site folder.
        inventory: says what else is needed, such as sshpass.
    """
    return tuple(_findings(site, inventory))


def _findings(site: Site | None, inventory: Inventory | None) -> Iterator[Finding]:
    yield _python()
    yield _ansible()
    yield _playbook_command()
    yield _collection()
    yield _ssh()
    if inventory is not None:
        yield from _sshpass(inventory)
    yield _locale()
    yield _disk(site)
    yield _proxies(Redactor.for_inventory(inventory) if inventory is not None else Redactor())


def _python() -> Finding:
    # An older one than pyproject.toml asks for does not come this far.
    return Finding("python", Verdict.PASS, f"{'.'.join(map(str, sys.version_info[:3]))} ({sys.executable})")


def _ansible() -> Finding:
    from packaging.requirements import Requirement
    from packaging.version import Version

    try:
        version = importlib.metadata.version("ansible-core")
        wanted = next(
            requirement.specifier
            for requirement in map(Requirement, importlib.metadata.requires("hybridctl") or ())
            if requirement.name == "ansible-core"
        )
    except (importlib.metadata.PackageNotFoundError, StopIteration) as error:
        return Finding(
            "ansible-core", Verdict.FAIL, f"not installed with hybridctl: {error}", "pipx reinstall hybridctl"
        )
    if Version(version) in wanted:
        return Finding("ansible-core", Verdict.PASS, version)
    return Finding("ansible-core", Verdict.FAIL, f"{version}; wanted: {wanted}", "pipx reinstall hybridctl")


def _playbook_command() -> Finding:
    ours = Path(sys.executable).with_name("ansible-playbook")
    found = str(ours) if os.access(ours, os.X_OK) else shutil.which("ansible-playbook")
    if found:
        return Finding("ansible-playbook", Verdict.PASS, found)
    return Finding(
        "ansible-playbook", Verdict.FAIL, "neither beside our python nor on PATH", "pipx reinstall hybridctl"
    )


def _collection() -> Finding:
    try:
        return Finding("collection", Verdict.PASS, f"{content.COLLECTION} in {content.collection_root()}")
    except HybridctlError as error:
        return Finding("collection", Verdict.FAIL, error.message, error.hint)


def _ssh() -> Finding:
    command = shutil.which("ssh")
    if command is None:
        return Finding("ssh client", Verdict.FAIL, "no ssh on PATH", "apt-get install openssh-client")
    done = subprocess.run([command, "-V"], capture_output=True, text=True, errors="replace", check=False)
    return Finding("ssh client", Verdict.PASS, (done.stderr or done.stdout).strip() or command)


def _sshpass(inventory: Inventory) -> Iterator[Finding]:
    names = {"ansible_password", "ansible_ssh_pass", "ansible_ssh_password"}
    users = [host.name for host in inventory.hosts.values() if names & set(host.variables)]
    if users:
        about = f"{len(users)} hosts log in with a password"
        if shutil.which("sshpass"):
            yield Finding("sshpass", Verdict.PASS, about)
        else:
            remedy = "apt-get install sshpass, or log in with a key: ansible_ssh_private_key_file"
            yield Finding("sshpass", Verdict.FAIL, f"{about}, and there is no sshpass", remedy)


def _locale() -> Finding:
    name = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or "C"
    if "utf" in name.lower():
        return Finding("locale", Verdict.PASS, name)
    return Finding("locale", Verdict.WARN, f"{name} is not UTF-8; runs use C.UTF-8 instead", "export LC_ALL=C.UTF-8")


def _disk(site: Site | None) -> Finding:
    place = site.runs if site else Path.cwd()
    while not place.exists():
        place = place.parent
    try:
        free = shutil.disk_usage(place).free / 2**30
    except OSError as error:
        return Finding("disk", Verdict.UNKNOWN, f"{place}: {error.strerror}", f"df -h {place}")
    measured = f"{free:.1f} GiB free at {place}, where runs are recorded"
    if not os.access(place, os.W_OK):
        return Finding("disk", Verdict.FAIL, f"{place} cannot be written", f"ls -ld {place}")
    if free < LEAST_DISK:
        return Finding("disk", Verdict.WARN, f"{measured}; wanted: {LEAST_DISK:.0f} GiB", "remove old runs there")
    return Finding("disk", Verdict.PASS, measured)


def _proxies(redactor: Redactor) -> Finding:
    found = {name: value for name, value in sorted(os.environ.items()) if name.lower() in _PROXIES and value}
    if not found:
        return Finding("proxy", Verdict.PASS, "no proxy variable is set")
    # A proxy's address may carry a password.
    return Finding("proxy", Verdict.PASS, redactor.text(", ".join(f"{key}={value}" for key, value in found.items())))
