"""What node_telemetry leaves on a host."""

from testinfra.host import Host

UNIT = "prometheus-node-exporter"


def metrics(host: Host) -> str:
    """Ask the exporter as Prometheus would."""
    fetch = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9177/metrics').read().decode())"
    return str(host.check_output("python3 -c %s", fetch))


def test_the_exporter_answers_with_metrics_of_this_host(host: Host) -> None:
    """The answer names this host, has unit states, and no metrics of a collector that is off."""
    text = metrics(host)
    assert f'nodename="{host.check_output("hostname")}"' in text
    assert "node_systemd_unit_state{" in text
    assert "node_arp_entries" not in text


def test_a_textfile_becomes_a_metric(host: Host) -> None:
    """Other roles put metrics into the folder; what lies there shows."""
    path = "/var/lib/prometheus/node-exporter/molecule.prom"
    host.check_output("sh -c %s", f"echo 'hybridctl_molecule 42' > {path}")
    try:
        assert "hybridctl_molecule 42" in metrics(host)
    finally:
        host.check_output("rm %s", path)


def test_the_unit_comes_back_after_a_kill(host: Host) -> None:
    """Restart=always: a killed exporter answers again."""
    before = host.check_output("systemctl show -p MainPID --value %s", UNIT)
    host.check_output("systemctl kill -s KILL %s", UNIT)
    wait = "for i in $(seq 100); do ss -ltn | grep -q :9177 && exit 0; sleep 0.1; done; exit 1"
    host.check_output("sh -c %s", wait)
    assert host.check_output("systemctl show -p MainPID --value %s", UNIT) != before
    assert host.service(UNIT).is_running
    assert host.service(UNIT).is_enabled


def test_the_package_is_held_at_the_locked_version(host: Host) -> None:
    """apt leaves the exporter alone."""
    assert host.package(UNIT).version.startswith("1.5.0-")
    assert UNIT in host.check_output("apt-mark showhold").split()
