"""What host_base leaves on a host, and what it must refuse."""

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


def test_time_servers_are_those_of_the_site(host: Host) -> None:
    """chrony names the site's server, and its package is held at the locked version."""
    assert "server 192.0.2.1 iburst" in host.file("/etc/chrony/conf.d/hybridctl.conf").content_string
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
