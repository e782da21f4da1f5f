"""What node_telemetry leaves on a host, and what it must refuse."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from testinfra.host import Host

UNIT = "prometheus-node-exporter"


def metrics(host: Host) -> str:
    """Ask the exporter as Prometheus would, at the one address it listens on."""
    address = host.check_output("hostname -I").split()[0]
    fetch = f"import urllib.request; print(urllib.request.urlopen('http://{address}:9177/metrics').read().decode())"
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


def test_nobody_listens_on_other_addresses(host: Host) -> None:
    """The address is bound alone: loopback has nothing there."""
    listening = host.check_output("ss -Hltn 'sport = :9177'").splitlines()
    assert [host.check_output("hostname -I").split()[0] + ":9177"] == [line.split()[3] for line in listening]


def test_the_service_may_do_little_and_still_sees_the_disks(host: Host) -> None:
    """systemd rates its exposure OK, and no file system looks read-only because of the unit's own sandbox."""
    rating = host.check_output("systemd-analyze security %s.service", UNIT).splitlines()[-1]
    found = re.search(r"([0-9.]+) OK", rating)
    assert found, rating
    assert float(found[1]) < 2.5
    assert re.search(r'node_filesystem_readonly\{.*mountpoint="/tmp"\} 0', metrics(host))


def test_the_pinned_list_of_collectors_is_that_of_the_binary(host: Host) -> None:
    """The names the role accepts are those the installed version has."""
    role = Path(__file__).resolve().parents[3] / "roles" / "node_telemetry" / "vars" / "main.yml"
    known = yaml.safe_load(role.read_text(encoding="utf-8"))["__node_telemetry_collectors"]
    told = host.run("%s --help", UNIT)
    has = re.findall(r"--collector\.([a-z0-9_]+)\s+Enable", told.stdout + told.stderr)
    assert known == sorted(has)


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ('{"node_telemetry_collectors_enabled": ["gpu"]}', "names gpu, which node_exporter 1.5.0 does not have"),
        ('{"node_telemetry_collectors_enabled": ["arp"]}', "arp stands in both"),
        ('{"node_telemetry_listen_address": "9100"}', 'listen_address is 9100; write address:port, as in ":9100"'),
    ],
    ids=["unknown collector", "both on and off", "no port"],
)
def test_bad_variables_are_refused(refused: Callable[..., str], variable: str, message: str) -> None:
    """The message names the value and what is allowed."""
    assert message in refused(variable)
