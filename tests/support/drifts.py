"""Changes by hand to a provisioned lab host, one of each kind, and what a plan must then name. Data, no code."""

from dataclasses import dataclass

__all__ = ["DRIFTS", "NOT_COVERED", "Drift"]


@dataclass(frozen=True)
class Drift:
    """One change by hand.

    Attributes:
        kind: what kind of thing is changed, in what way.
        group: of the hosts that have it: `all`, `gateway`, `vllm_cpu`.
        command: a shell line for root on the host.
        expected: (resource, action) that a plan names then, exactly these.
        check: a shell line that succeeds when it is repaired.
        alone: whether it is about what another one is about too, and wants a time of its own.
    """

    kind: str
    group: str
    command: str
    expected: frozenset[tuple[str, str]]
    check: str
    alone: bool = False


def _one(resource: str, action: str) -> frozenset[tuple[str, str]]:
    return frozenset({(resource, action)})


_LIMITS = "/etc/security/limits.d/60-hybridctl.conf"
_SYSCTL = "/etc/sysctl.d/60-hybridctl.conf"
_UPGRADES = "/etc/apt/apt.conf.d/52hybridctl-upgrades"
_PAGES = "/etc/tmpfiles.d/hybridctl-hugepages.conf"
_DROP_IN = "/etc/systemd/system/prometheus-node-exporter.service.d"
_EXPORTER = "prometheus-node-exporter.service"
_CERTIFICATE = "/etc/haproxy/tls/gateway.pem"
_SYSCTL_TASK = "host_base: Apply those that differ (net.core.somaxconn: 128 -> 4096)"
# dpkg is made to believe that an older version is there: the mirror of a lab has one only. (libc6 breaks chrony < 4.2.)
_OLDER = "sed -i '/^Package: chrony$/,/^$/ s/^Version: .*/Version: 4.3-1/' /var/lib/dpkg/status"

DRIFTS = (
    Drift("file content", "all", f"echo '# by hand' >> {_LIMITS}", _one(f"file {_LIMITS}", "write"),
          f"! grep -q 'by hand' {_LIMITS}"),
    Drift("file mode", "all", f"chmod 0666 {_UPGRADES}", _one(f"file {_UPGRADES}", "write"),
          f"test $(stat -c %a {_UPGRADES}) = 644"),
    Drift("file owner", "all", f"chown nobody:nogroup {_SYSCTL}", _one(f"file {_SYSCTL}", "write"),
          f"test $(stat -c %U:%G {_SYSCTL}) = root:root"),
    Drift("file removed", "all", f"rm {_PAGES}", _one(f"file {_PAGES}", "write"), f"test -s {_PAGES}"),
    Drift("directory mode", "all", f"chmod 0700 {_DROP_IN}", _one(f"directory {_DROP_IN}", "write"),
          f"test $(stat -c %a {_DROP_IN}) = 755"),
    Drift("package version", "all", _OLDER, _one("package chrony", "upgrade"),
          "! dpkg-query -W chrony | grep -q 4.3-1"),
    Drift("package hold", "all", "apt-mark unhold prometheus-node-exporter",
          _one("package prometheus-node-exporter", "hold"), "apt-mark showhold | grep -qx prometheus-node-exporter"),
    Drift("unit stopped", "all", f"systemctl stop {_EXPORTER}", _one(f"unit {_EXPORTER}", "start"),
          f"systemctl is-active {_EXPORTER}"),
    Drift("unit disabled", "all", f"systemctl disable --quiet {_EXPORTER}", _one(f"unit {_EXPORTER}", "enable"),
          f"systemctl is-enabled {_EXPORTER}"),
    Drift("unit masked", "all", f"systemctl mask --quiet --now {_EXPORTER}",
          frozenset({(f"unit {_EXPORTER}", "unmask"), (f"unit {_EXPORTER}", "start")}),
          f"systemctl is-active {_EXPORTER}", alone=True),
    Drift("kernel parameter", "all", "sysctl -qw net.core.somaxconn=128", _one(f"command {_SYSCTL_TASK}", "run"),
          "test $(sysctl -n net.core.somaxconn) = 4096"),
    Drift("user's shell", "vllm_cpu", "usermod -s /bin/bash vllm", _one("user vllm", "write"),
          "getent passwd vllm | grep -q :/usr/sbin/nologin$"),
    Drift("made by a command", "gateway", f"rm {_CERTIFICATE}",
          frozenset({("command gateway: Make a self-signed certificate", "run"), ("unit haproxy.service", "reload")}),
          f"test -s {_CERTIFICATE}"),
)  # fmt: skip

# Kinds without an entry, and why.
NOT_COVERED = {"link": "no role makes a link"}
