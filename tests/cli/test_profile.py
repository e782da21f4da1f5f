"""`profile` as a user sees it; the host of a capture is this machine."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridctl.cli import cli


def ask(*arguments: str) -> Result:
    """Run `hybridctl profile ARGUMENTS`."""
    return CliRunner().invoke(cli, ["profile", *arguments])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site with a host that is this machine, and a profile that inherits from ours."""
    (tmp_path / "hybridctl.yml").write_text("name: rack-7\n")
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory/hosts.yml").write_text(
        "all:\n  vars: {ansible_connection: local}\n  children:\n    monitoring:\n"
        "      hosts: {h1: {ansible_host: 127.0.0.1}, h2: {ansible_host: 127.0.0.2}}\n"
    )
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/mine.yml").write_text(
        "schema: 1\ntitle: this machine\ninherits: debian-12-monitoring\nwithout: {units.active: another init}\n"
        'expect:\n  os.release: {value: "11", source: we are late, severity: warn}\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_site_our_own_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours are known everywhere."""
    monkeypatch.chdir(tmp_path)
    assert "kunpeng-920-reference" in ask("list").stdout
    assert {row["name"] for row in json.loads(ask("list", "--json").stdout)} >= {"lab-worker", "a100-2x80g-reference"}


def test_show_names_the_line_that_asks(site: Path) -> None:
    """Own and inherited lines with file, line and source; what does not hold here with its reason."""
    lines = ask("show", "mine").stdout.splitlines()
    assert lines[0] == "mine: this machine"
    assert lines[1] == "inherits: linux-host <- apt-host <- debian-12-host <- debian-12-monitoring"
    (own,) = (line for line in lines if line.startswith("os.release"))
    assert re.split(r"  +", own)[1] == "11, a miss is WARN"
    assert "mine.yml:6" in own
    assert own.endswith("we are late")
    assert any("debian-12-monitoring.yml:" in line for line in lines)
    assert lines[-1] == "not here: units.active: another init"
    document = json.loads(ask("show", "mine", "--json").stdout)
    assert next(one for one in document["expect"] if one["check"] == "os.release")["severity"] == "WARN"
    assert document["inapplicable"]["units.active"] == "another init"


def test_show_tells_with_what_and_how_is_measured(site: Path) -> None:
    """The tool stands behind the source, parameters with what is asked; both in the document."""
    (site / "profiles/ours.yml").write_text(
        "schema: 1\ntitle: x\nexpect:\n  memory.total: {at_least: 1, unit: GiB, tool: /proc/meminfo, source: order 7}\n"
        "  service.worker_completion: {value: 2, unit: tokens, parameters: {tokens: 2}, source: x}\n"
    )
    memory, worker = ask("show", "ours").stdout.splitlines()[1:]
    assert memory.endswith("order 7 (/proc/meminfo)")
    assert "2 tokens, with tokens 2" in worker
    memory, worker = json.loads(ask("show", "ours", "--json").stdout)["expect"]
    assert (memory["tool"], memory["parameters"]) == ("/proc/meminfo", {})
    assert (worker["tool"], worker["parameters"]) == ("", {"tokens": 2})


def test_validate(site: Path) -> None:
    """All there are, or those named; a mistake ends with 2 and its line."""
    assert "mine" in ask("validate").stdout
    assert ask("validate", "mine").stdout == "1 profiles are valid: mine\n"
    (site / "profiles/mine.yml").write_text("schema: 1\ntitle: x\nexpect:\n  os.release: {value: 12, source: x}\n")
    result = ask("validate", "mine")
    assert result.exit_code == 2
    assert "profiles/mine.yml:4: os.release: value: 12; the check measures text" in result.stderr


def test_diff(site: Path) -> None:
    """Only what would be judged otherwise, both sides in words."""
    lines = ask("diff", "debian-12-monitoring", "mine").stdout.splitlines()
    at = lines.index("os.release")
    assert lines[at + 1 : at + 3] == ["  debian-12-monitoring: 12", "  mine: 11, a miss is WARN"]
    assert lines[lines.index("units.active") + 2] == "  mine: (not asked)"
    assert "os.distribution" not in lines
    assert ask("diff", "mine", "mine").stdout == "mine and mine ask for the same\n"
    rows = json.loads(ask("diff", "debian-12-monitoring", "mine", "--json").stdout)
    assert {row["check"]: row["mine"] for row in rows}["units.active"] is None


def test_capture(site: Path) -> None:
    """The draft is a valid profile on stdout or in a new file; talk is on stderr."""
    result = ask("capture", "h1")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("---\n# A draft, captured from h1 on ")
    assert ask("capture", "h1", "--out", "profiles/ours.yml").exit_code == 0
    assert ask("validate", "ours").exit_code == 0
    again = ask("capture", "h1", "--out", "profiles/ours.yml")
    assert again.exit_code == 2
    assert "the file is there already" in again.stderr


def test_a_capture_is_of_one_host_that_there_is(site: Path) -> None:
    """Two hosts, or none, are refused; one that does not answer ends with 4."""
    assert "2 hosts (h1, h2); a draft comes from one" in ask("capture", "all").stderr
    assert ask("capture", "h3").exit_code == 2
    hosts = site / "inventory/hosts.yml"
    hosts.write_text(hosts.read_text().replace("ansible_connection: local", "ansible_port: 1"))
    dead = ask("capture", "h1")
    assert dead.exit_code == 4
    assert "h1: " in dead.stderr
    assert dead.stdout == ""
