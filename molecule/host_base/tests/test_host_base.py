"""What host_base leaves on a host, and what it must refuse."""

import re
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest
from testinfra.host import Host


def test_kernel_parameters_are_written_and_those_of_the_host_applied(host: Host) -> None:
    """A network parameter is the container's own and holds; swappiness is the machine's and is written only."""
    assert host.sysctl("net.core.somaxconn") == 8192
    written = host.file("/etc/sysctl.d/60-hybridctl.conf").content_string
    assert "net.core.somaxconn = 8192" in written
    assert "vm.swappiness = 7" in written


def test_limits_hold_in_a_new_session(host: Host) -> None:
    """A login gets the limit of limits.d, not only the file."""
    assert host.check_output("su -s /bin/sh nobody -c 'ulimit -H -n'") == "4321"


def test_time_servers_are_those_of_the_site_and_no_others(host: Host) -> None:
    """chronyd itself reads the site's server, no pool and no other file; its package is held at the lock's version."""
    host.check_output(
        "sh -c %s", "mkdir -p /etc/chrony/conf.d && echo 'server 192.0.2.99' > /etc/chrony/conf.d/planted.conf"
    )
    try:
        read = host.check_output("chronyd -p").splitlines()
    finally:
        host.check_output("rm /etc/chrony/conf.d/planted.conf")
    assert not [line for line in read if line.startswith("sourcedir ")]
    assert [line for line in read if line.startswith(("server ", "pool "))] == ["server 192.0.2.1 iburst"]
    assert host.package("chrony").version.startswith("4.3-")
    assert "chrony" in host.check_output("apt-mark showhold").split()


def test_unattended_upgrades_leave_our_packages_alone(host: Host) -> None:
    """apt itself reads the list back: patterns of the drivers, and the packages of the lock as whole names."""
    shown = host.check_output("apt-config dump Unattended-Upgrade::Package-Blacklist")
    assert '"nvidia-"' in shown
    assert '"haproxy$"' in shown


def test_transparent_hugepages_are_set_at_boot(host: Host) -> None:
    """The boot-time file asks for madvise."""
    assert host.file("/etc/tmpfiles.d/hybridctl-hugepages.conf").contains("enabled - - - - madvise$")


def test_drift_is_named_by_check_mode_and_repaired(host: Host, converged: Callable[..., CompletedProcess[str]]) -> None:
    """A parameter and a file changed by hand: check mode names both and touches neither, converging repairs both."""
    host.check_output("sysctl -w net.core.somaxconn=1234")
    host.check_output("rm /etc/security/limits.d/60-hybridctl.conf")
    written = "Write time servers, kernel parameters, huge pages, limits, and what unattended upgrades leave alone"
    wanted = {"Apply those that differ", written}

    planned = converged("--check")
    assert wanted == changed(planned.stdout), planned.stdout
    assert host.sysctl("net.core.somaxconn") == 1234
    assert not host.file("/etc/security/limits.d/60-hybridctl.conf").exists

    done = converged()
    assert wanted == changed(done.stdout), done.stdout
    assert host.sysctl("net.core.somaxconn") == 8192
    assert host.file("/etc/security/limits.d/60-hybridctl.conf").contains("nofile 4321")


def changed(output: str) -> set[str]:
    """Return the names of the tasks that changed something."""
    parts = re.split(r"(?m)^(?:TASK|RUNNING HANDLER) \[(?:\S+ : )?(.*?)\] \**$", output)
    return {name for name, said in zip(parts[1::2], parts[2::2], strict=True) if "\nchanged: " in said}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ('{"host_base_sysctl": {"vm.swapiness": "1"}}', "names vm.swapiness, which kernel"),
        (
            '{"host_base_sysctl": {"vm.swappiness": "1"}, "__host_base_container": false}',
            "names vm.swappiness, which this kernel lets nobody set",
        ),
        (
            '{"host_base_limits": [{"domain": "*", "type": "-", "item": "nofile", "value": "2000000000"}]}',
            "asks for 2000000000 open files (nofile); the kernel gives a process at most",
        ),
        ('{"host_base_hugepages": 100000000}', "% of the memory; at most 90 % leaves the host alive"),
    ],
    ids=["unknown parameter", "read-only parameter", "too many files", "too many huge pages"],
)
def test_bad_variables_are_refused(refused: Callable[..., str], variables: str, message: str) -> None:
    """The message names the variable's value and the remedy."""
    assert message in refused(variables)
