"""Drift on real hosts: each kind of change by hand is named, dated, shown by node_exporter, and repaired."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drifts import DRIFTS, Drift

from hybridctl.changes import key_set
from hybridctl.lab.fleet import Lab

pytestmark = pytest.mark.lab

BIN = Path(sys.executable).parent
NAME = "drift"
FLEET = """
hosts:
  mon1: {groups: [monitoring], profile: lab-monitoring, memory: 256}
  mon2: {groups: [monitoring], profile: undrifted, memory: 256}
"""
UNDRIFTED = """
schema: 1
title: monitoring of the lab whose drift is looked at
inherits: lab-monitoring
expect:
  drift.resources: {value: 0, unit: resources, source: a test}
"""
# The gateway's and the workers' drifts want minutes of installation; tests/e2e has such hosts.
HERE = [drift for drift in DRIFTS if drift.group == "all"]
PROM = "/var/lib/prometheus/node-exporter/hybridctl-drift.prom"


class Site:
    """A provisioned lab."""

    def __init__(self, lab: Lab, base: Path) -> None:
        self.lab, self.base = lab, base

    def on(self, host: str, command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on a host."""
        return subprocess.run([*self.lab.ssh_argv(host), command], capture_output=True, text=True, check=check)

    def power(self, state: str, host: str) -> None:
        """Switch a host off or on."""
        subprocess.run([BIN / "hybridctl", "lab", f"power{state}", "--name", NAME, host], cwd=self.base, check=True)

    def run(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run a command on the site; return its exit status and its JSON document."""
        argv = [BIN / "hybridctl", *words, "-i", self.lab.inventory, "--json"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 4, 5, 7), done.stdout[-2000:] + done.stderr[-4000:]
        document: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, document


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two provisioned hosts."""
    base = tmp_path_factory.mktemp("lab")
    (base / "fleet.yml").write_text(FLEET)
    lab = Lab(NAME, base)
    try:
        subprocess.run([BIN / "hybridctl", "lab", "up", "--name", NAME, "--hosts", "fleet.yml"], cwd=base, check=True)
        site = Site(lab, base)
        (lab.inventory.parent / "profiles").mkdir(exist_ok=True)
        (lab.inventory.parent / "profiles" / "undrifted.yml").write_text(UNDRIFTED)
        assert site.run("provision")[0] == 0
        yield site
    finally:
        lab.down()


def verdict(site: Site) -> tuple[str, object]:
    """Return what verify says of mon2's drift."""
    _, document = site.run("verify", "--only", "drift", "-l", "mon2")
    check = document["hosts"][0]["checks"][0]
    return check["verdict"], check["measured"]


def found(document: dict[str, Any], host: str = "mon1") -> dict[tuple[str, str], str]:
    """Return (resource, action) -> since of a host."""
    resources = next(entry for entry in document["hosts"] if entry["name"] == host)["resources"]
    return {(f"{r['kind']} {r['name']}", r["action"]): r["since"] for r in resources}


def test_a_provisioned_site_has_no_drift(site: Site) -> None:
    """Exit 0, both hosts judged, nothing named; verify knew it from the provision already."""
    assert verdict(site) == ("PASS", 0)
    status, document = site.run("drift")
    assert status == 0
    assert [(host["planned"], host["resources"]) for host in document["hosts"]] == [(True, []), (True, [])]


def test_each_kind_is_found_dated_shown_and_repaired(site: Site, tmp_path: Path) -> None:
    """All at once on one host: exactly these are named; the next check knows the day; provision does exactly these."""
    drifts = [drift for drift in HERE if not drift.alone]
    expected = {one for drift in drifts for one in drift.expected}
    for drift in drifts:
        site.on("mon1", drift.command)
    textfile = tmp_path / "hybridctl-drift.prom"
    status, first = site.run("drift", "--textfile", str(textfile))
    assert (status, set(found(first)), found(first, "mon2")) == (7, expected, {})

    status, second = site.run("drift")
    assert (status, found(second)) == (7, found(first))
    assert set(found(first).values()) == {first["checked"]}

    # The exporter that the drift stopped is the one of mon1; mon2's shows what was found.
    served = metrics(site, "mon2", textfile)
    text = textfile.read_text()
    assert served == samples(text)
    assert f'hybridctl_drift_host_planned{{host="mon1",site="lab {NAME}"}}' in served
    assert len(served) == sum(line[0] != "#" for line in text.splitlines()) > len(expected)

    status, done = site.run("provision")
    assert status == 0
    assert key_set(done["hosts"]) == {("mon1", *one) for one in expected}
    for drift in drifts:
        assert site.on("mon1", drift.check, check=False).returncode == 0, drift.kind

    # Repaired without a check in between, and changed again: a new drift.
    site.on("mon1", drifts[0].command)
    status, again = site.run("drift")
    assert status == 7
    assert found(again) == dict.fromkeys(drifts[0].expected, again["checked"])
    assert again["checked"] > first["checked"]
    assert site.run("provision")[0] == 0


@pytest.mark.parametrize("drift", [drift for drift in HERE if drift.alone], ids=lambda drift: drift.kind)
def test_kinds_that_want_a_time_of_their_own(site: Site, drift: Drift) -> None:
    """As above, one at a time."""
    site.on("mon2", drift.command)
    _, document = site.run("drift", "-l", "mon2")
    assert set(found(document, "mon2")) == drift.expected
    assert verdict(site) == ("FAIL", len({resource for resource, _ in drift.expected}))
    _, done = site.run("provision", "-l", "mon2")
    assert key_set(done["hosts"]) == {("mon2", *one) for one in drift.expected}
    assert site.on("mon2", drift.check, check=False).returncode == 0
    assert verdict(site) == ("PASS", 0)


def test_a_host_without_power_is_unknown(site: Site) -> None:
    """Exit 4; it is not planned, what was known of it stays, and the other host is judged."""
    site.on("mon2", HERE[0].command)
    _, before = site.run("drift")
    site.power("off", "mon2")
    try:
        status, document = site.run("drift")
    finally:
        site.power("on", "mon2")
    assert status == 4
    assert [(h["name"], h["planned"]) for h in document["hosts"]] == [("mon1", True), ("mon2", False)]
    assert found(document, "mon2") == found(before, "mon2") != {}
    assert site.run("provision")[0] == 0
    assert site.run("drift")[0] == 0


def samples(text: str) -> dict[str, float]:
    """Return sample -> value, labels in order of their names as an exporter prints them."""
    result = {}
    for line in text.splitlines():
        if line.startswith("hybridctl_drift_"):
            sample, value = line.rsplit(" ", 1)
            metric, _, labels = sample.partition("{")
            # A comma inside a value would not be split here; none of these has one.
            result[f"{metric}{{{','.join(sorted(labels[:-1].split(',')))}}}"] = float(value)
    return result


def metrics(site: Site, host: str, textfile: Path) -> dict[str, float]:
    """Return what a host's real node_exporter says when the file lies in its folder."""
    site.on(host, f"cat > {PROM}.new <<'END'\n{textfile.read_text()}END\nmv {PROM}.new {PROM}")
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9100/metrics').read().decode())"
    said = site.on(host, f'python3 -c "{ask}"; rm {PROM}').stdout
    assert "node_textfile_scrape_error 0" in said
    return samples(said)
