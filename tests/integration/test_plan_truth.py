"""A plan leaves no trace and tells what the next provision does, resource by resource, on real hosts.

Fresh, half provisioned and drifted; the workers' roles, which take minutes to install, are held to it in tests/e2e.
"""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from drifts import DRIFTS
from host_checksum import differences
from lab_site import BIN, LabSite, raised

from hybridctl.changes import key_set

pytestmark = pytest.mark.lab

FLEET = """
hosts:
  gw1: {groups: [gateway], profile: lab-gateway, memory: 128}
  mon1: {groups: [monitoring], profile: lab-monitoring, memory: 128}
  # The gateway's worker is in the inventory and up, and this file provisions nothing on it.
  cpu1: {groups: [vllm_cpu], profile: lab-worker, memory: 128}
"""
ROLES = {"base": {"host_base"}, "gateway": {"gateway"}, "monitoring": {"node_telemetry"}}
HOSTS = {"gw1": set(ROLES), "mon1": {"base", "monitoring"}}


class Site(LabSite):
    """A lab and the two commands that this file compares."""

    def plan_then_provision(self, *args: str) -> set[tuple[str, str, str]]:
        """Hold a plan to leaving no trace and to naming what the provision after it reports; return that set."""
        before = self.checksums()
        plan = self.run("plan", *args)
        assert differences(before, self.checksums()) == []
        done = self.run("provision", *args)
        planned, made = key_set(plan["hosts"]), key_set(done["hosts"])
        sys.stderr.write(f"planned {len(planned)}, made {len(made)}, in one only: {sorted(planned ^ made)}\n")
        assert planned - made == set(), "planned, not made"
        assert made - planned == set(), "made, not planned"
        return made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Fresh hosts."""
    with raised("truth", tmp_path_factory.mktemp("lab"), FLEET) as lab:
        yield Site(lab, HOSTS)


def test_fresh_hosts(site: Site) -> None:
    """The first layer on hosts that have nothing: its role has something to do on each."""
    made = site.plan_then_provision("--layer", "base")
    assert {host for host, _, _ in made} == set(HOSTS)
    assert {"package chrony", "file /etc/chrony/chrony.conf"} <= {resource for _, resource, _ in made}


def test_half_provisioned_hosts(site: Site) -> None:
    """The base is there, the rest is not: every other role has something to do where its layer applies."""
    before = site.run("plan")
    for host in before["hosts"]:
        layers = {change["layer"] for change in host["changes"]}
        assert layers == HOSTS[host["name"]] - {"base"}
        roles = {change["role"] for change in host["changes"]}
        for layer in layers:
            assert roles & (ROLES[layer] | {"locked_packages"}), (host["name"], layer)
    made = site.plan_then_provision()
    assert {("gw1", "unit haproxy.service", "start"), ("gw1", "package haproxy", "install")} <= made


def test_a_plan_kept_in_a_file(site: Site) -> None:
    """A plan of a world that has moved is refused with what moved, nothing is done; a true one is done so."""
    file = site.lab.folder / "monday.plan"
    site.on("gw1", "echo drift >> /etc/haproxy/haproxy.cfg")
    site.run("plan", "--out", str(file))
    site.on("gw1", "apt-mark unhold socat; chmod 0600 /etc/sysctl.d/60-hybridctl.conf")
    before = site.checksums()
    argv = [BIN / "hybridctl", "provision", "-i", site.lab.inventory, "--plan", file]
    refused = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert refused.returncode == 3, refused.stderr[-3000:]
    for line in ("hold package socat", "write file /etc/sysctl.d/60-hybridctl.conf"):
        assert f"gw1: {line} is needed now and not in the plan" in refused.stderr
    assert differences(before, site.checksums()) == []
    site.run("plan", "--out", str(file))
    done = subprocess.run([*argv, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert key_set(json.loads(done.stdout)["hosts"]) == key_set(json.loads(file.read_text())["hosts"])
    assert "Warning" not in done.stderr


def test_provisioned_hosts(site: Site) -> None:
    """Nothing is planned, and nothing is done."""
    assert site.plan_then_provision() == set()


def test_drifted_hosts(site: Site) -> None:
    """One resource of every kind changed by hand: exactly these are planned, without a trace, and then made."""
    hosts = {"all": "mon1", "gateway": "gw1"}
    drifts = [drift for drift in DRIFTS if drift.group in hosts and not drift.alone]
    for drift in drifts:
        site.on(hosts[drift.group], drift.command)
    made = site.plan_then_provision()
    assert made == {(hosts[drift.group], *one) for drift in drifts for one in drift.expected}
    for drift in drifts:
        site.on(hosts[drift.group], drift.check)
