"""Checks of the container engine."""

from typing import Any

from hybridctl.checks.model import Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import output
from hybridctl.parsers.docker_info import UNPROVEN, DockerInfo, read_docker_info
from hybridctl.refusals import Unreadable

__all__ = ["CHECKS", "docker_of"]

# No more than is read: the whole answer holds proxies, some with a password.
_FIELDS = ("ServerVersion", "Runtimes", "CgroupDriver", "CgroupVersion", "Driver", "ServerErrors")
_FORMAT = "{" + ",".join(f'"{field}":{{{{json .{field}}}}}' for field in _FIELDS) + "}"


def runtimes(host: Any, want: Want) -> Any:
    """Each runtime is one the daemon knows."""
    found = docker_of(host).runtimes
    for name in want.expectation.wanted:
        has = name in found
        reason = "" if has else f"the daemon knows {', '.join(found)}"
        verdict = Verdict.PASS if has else Verdict.FAIL
        measured = "registered" if has else "not registered"
        yield want.result(verdict, measured, subject=name, expected="registered", reason=reason)


def cgroup_driver(host: Any, want: Want) -> Result:
    """Who makes the control groups of containers; two who do lose count of the memory."""
    return want.judge(docker_of(host).cgroup_driver)


def storage_driver(host: Any, want: Want) -> Result:
    """How layers are kept."""
    return want.judge(docker_of(host).storage_driver)


def cgroups(host: Any, want: Want) -> Result:
    """Which version of control groups the host itself has mounted."""
    text = output(host, "stat --file-system --format %s -- /sys/fs/cgroup", "%T").strip()
    versions = {"cgroup2fs": "v2", "tmpfs": "v1"}
    if text not in versions:
        raise Unreadable("stat", text, "it is no file system of control groups")
    return want.judge(versions[text])


def docker_of(host: Any) -> DockerInfo:
    """Return what the daemon says of itself; raises `CannotTell` where it does not answer."""
    return read_docker_info(output(host, "docker info --format %s", _FORMAT))


CHECKS = (
    Check(
        "containers.runtimes",
        "runtimes that Docker knows",
        Kind.NAMES,
        runtimes,
        "nvidia-ctk runtime configure --runtime=docker; then, with no container running: systemctl restart docker",
        unproven=UNPROVEN,
    ),
    Check(
        "containers.cgroup_driver",
        "who makes the containers' control groups",
        Kind.TEXT,
        cgroup_driver,
        'set "exec-opts": ["native.cgroupdriver=systemd"] in /etc/docker/daemon.json, then restart docker',
        unproven=UNPROVEN,
    ),
    Check(
        "containers.storage_driver",
        "how Docker keeps layers",
        Kind.TEXT,
        storage_driver,
        'set "storage-driver" in /etc/docker/daemon.json; images kept by the old one must be loaded again',
        unproven=UNPROVEN,
    ),
    Check(
        "containers.cgroups",
        "version of control groups",
        Kind.TEXT,
        cgroups,
        "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line",
    ),
)
