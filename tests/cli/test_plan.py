"""`plan` as a person reads it: every kind of change in its words, and a document that its schema describes."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from hybridctl import content
from hybridctl.cli import cli
from hybridctl.inventory import Host
from hybridctl.site import Site
from hybridctl.testing import FakeRunner, FewHosts, play_start, result_event, stats

HOSTS = ("gw1", "gw2", "gw3", "cpu1")


def changed(host: str, role: str, *resources: dict[str, Any], task: str = "Do it") -> dict[str, Any]:
    """Return the event of a task of ours that would change these resources."""
    event = result_event("runner_on_ok", host, task, {"changed": True, "resources": list(resources)}, role=role)
    event["event_data"]["play"] = "gateway | gateways"
    return event


UPGRADE = {"kind": "package", "name": "haproxy", "action": "upgrade", "why": "the lock wants 2.6.12-*",
           "old": "2.6.11-1", "new": "2.6.12-1", "size": 2_041_000}  # fmt: skip
INSTALL = {"kind": "package", "name": "socat", "action": "install", "why": "goes with what is asked for",
           "old": "", "new": "1.7.4.4-2", "size": 900}  # fmt: skip
WRITE = {"kind": "file", "name": "/etc/x", "action": "change", "why": "content",
         "diff": {"before": "a\n", "after": "b\n", "place": "/etc/x"}}  # fmt: skip
RESTART = {"kind": "unit", "name": "x.service", "action": "restart", "why": "/etc/x changed",
           "diff": {"prepared": "restart: /etc/x changed"}}  # fmt: skip
START = {"kind": "unit", "name": "y.service", "action": "start", "why": "not there yet", "depends_on": "package y"}
KERNEL = {"kind": "package", "name": "linux-image-6.1.0-42-amd64", "action": "install", "new": "6.1.170-1"}
EVENTS = (
    play_start("gateway | gateways"),
    *(changed(host, "gateway", UPGRADE, INSTALL, WRITE, RESTART) for host in ("gw1", "gw2")),
    changed("gw3", "gateway", START, KERNEL),
    result_event("runner_on_ok", "cpu1", "Read"),
    stats(ok=dict.fromkeys(HOSTS, 1), changed=dict.fromkeys(HOSTS[:3], 1)),
)


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what `plan` with these words prints for a site of four hosts."""
    hosts = {name: Host(name, name, 22, ("gateway",), None, {}) for name in HOSTS}
    monkeypatch.setattr("hybridctl.site.open_site", lambda _path=None: Site(tmp_path, tmp_path / "inventory", "bank"))
    monkeypatch.setattr("hybridctl.execution.load_inventory", lambda _site: FewHosts(hosts, {"all": HOSTS}))
    monkeypatch.setattr("hybridctl.runner.run", FakeRunner(EVENTS, None))

    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(cli, ["plan", *words])
        assert result.exit_code == code, result.output
        return result.stdout

    return run


def test_every_kind_of_change_in_words(plan: Any) -> None:
    """Versions and sizes, diff, why a unit is restarted, what is certain; equal hosts once; reboot or not and why."""
    assert plan().splitlines() == [
        "gw1, gw2: 4 changes on each of 2 hosts",
        "  gateway",
        "    upgrade package haproxy 2.6.11-1 -> 2.6.12-1, 2.0 MB: the lock wants 2.6.12-*  [certain]",
        "    install package socat 1.7.4.4-2, 900 B: goes with what is asked for  [certain]",
        "    write file /etc/x: content  [certain]",
        "      --- now /etc/x",
        "      +++ then /etc/x",
        "      -a",
        "      +b",
        "    restart unit x.service: /etc/x changed  [certain]",
        "",
        "gw3: 2 changes",
        "  gateway",
        "    start unit y.service: not there yet  [depends on package y]",
        "    install package linux-image-6.1.0-42-amd64 6.1.170-1  [certain]",
        "",
        "file:       2 to write",
        "package:    3 to install, 2 to upgrade",
        "unit:       2 to restart, 1 to start",
        "in all:     9 certain, 1 depend on others, 4.1 MB to download",
        "",
        "gw1   4 would change, no reboot",
        "gw2   4 would change, no reboot",
        "gw3   2 would change, reboot: package linux-image-6.1.0-42-amd64 takes effect at boot",
        "cpu1  nothing to change",
    ]


def test_the_document_obeys_its_schema(plan: Any, tmp_path: Path) -> None:
    """On stdout and in the file of --out, which are one and the same; a field more would be refused."""
    document = json.loads(plan("--json", "--out", str(tmp_path / "x.plan"), "--detailed-exitcode", code=7))
    jsonschema.validate(document, content.schema("plan"))
    assert json.loads((tmp_path / "x.plan").read_text()) == document
    assert [host["reboot"]["needed"] for host in document["hosts"]] == [False, False, True, False]
    assert document["summary"]["package"] == {"upgrade": 2, "install": 3}
    document["hosts"][0]["changes"][0]["more"] = 1
    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        jsonschema.validate(document, content.schema("plan"))
