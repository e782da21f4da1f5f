"""doctor against this machine, through the real Ansible: the script runs, one host is dead, one is silent."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from hybridctl.cli import cli
from hybridctl.testing import DEAD, LOCAL


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose monitoring host is this machine."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hybridctl.yml").write_text("name: here\ninventory: hosts.yml\n")
    write(tmp_path, {"here": LOCAL})
    return tmp_path


def write(root: Path, hosts: dict[str, Any]) -> None:
    """Write the inventory."""
    (root / "hosts.yml").write_text(yaml.safe_dump({"monitoring": {"hosts": {n: dict(v) for n, v in hosts.items()}}}))


def examine(*args: str) -> tuple[int, dict[str, Any], str]:
    """Run doctor and return exit code, JSON document and talk."""
    result = CliRunner().invoke(cli, ["doctor", "--json", *args])
    return result.exit_code, json.loads(result.stdout), result.stderr


def topics(document: dict[str, Any], host: str) -> dict[str, str]:
    """Return verdicts by topic of a host."""
    (entry,) = [entry for entry in document["hosts"] if entry["name"] == host]
    return {finding["topic"]: finding["verdict"] for finding in entry["findings"]}


def test_a_host_is_examined_in_one_round_trip(root: Path) -> None:
    """Every topic is measured on a real machine; its own clock is its own."""
    _, document, _ = examine()
    found = topics(document, "here")
    assert set(found) == {
        "reachable",
        "privileges",
        "system",
        "python",
        "clock",
        "disk",
        "memory",
        "ports",
        "held packages",
        "package lock",
        "proxy",
    }
    assert {found[topic] for topic in ("reachable", "python", "clock", "memory")} == {"PASS"}
    assert "UNKNOWN" not in {found[topic] for topic in ("disk", "system", "held packages", "proxy")}
    assert document["site"] == "here"
    assert not (root / ".hybridctl").exists()


def test_a_dead_host_is_named_and_counted(root: Path) -> None:
    """Others are examined all the same; unreachable is not an unreadable error."""
    write(root, {"here": LOCAL, "dead": DEAD})
    code, document, talk = examine()
    assert topics(document, "dead") == {"reachable": "FAIL"}
    assert document["unreachable"] == ["dead"]
    assert topics(document, "here")["reachable"] == "PASS"
    assert "1 of 2 hosts unreachable: dead" in talk
    failed = "FAIL" in {*topics(document, "here").values(), *(finding["verdict"] for finding in document["control"])}
    assert code == (3 if failed else 4)


def test_only_the_hosts_asked_for(root: Path) -> None:
    """--limit is obeyed; what it names that does not exist is refused before anything."""
    write(root, {"here": LOCAL, "dead": DEAD})
    _, document, _ = examine("-l", "here")
    assert [entry["name"] for entry in document["hosts"]] == ["here"]
    result = CliRunner().invoke(cli, ["doctor", "-l", "her"])
    assert result.exit_code == 2
    assert "did you mean here; nothing was contacted" in result.stderr


def test_a_python_that_does_not_run(root: Path) -> None:
    """The interpreter that the inventory names is the one that is tried; none is needed to find that out."""
    write(root, {"here": {**LOCAL, "ansible_python_interpreter": "/nowhere/python3"}})
    code, document, _ = examine()
    assert topics(document, "here")["python"] == "FAIL"
    assert code == 3


def test_an_answer_cut_short_is_a_failure(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host whose shell gives up in the middle does not pass for a good one."""
    from hybridctl.doctor import fleet

    script = root / "half.sh"
    shutil.copy(fleet._SCRIPT, script)
    script.write_text("printf 'hd\\tbegin\\n'; exit 7\n")
    monkeypatch.setattr(fleet, "_SCRIPT", script)
    code, document, _ = examine()
    assert topics(document, "here") == {"examined": "FAIL"}
    assert code == 3


def test_secrets_of_the_site_are_masked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's password that is also in the site's variables is masked where the host says it."""
    monkeypatch.setenv("https_proxy", "http://proxy.invalid:3128/c4nary-value")
    write(root, {"here": {**LOCAL, "vault_x": "c4nary-value"}})
    _, document, _ = examine()
    (entry,) = document["hosts"]
    (proxy,) = [finding["measured"] for finding in entry["findings"] if finding["topic"] == "proxy"]
    assert "https_proxy=http://proxy.invalid:3128/********" in proxy
    assert "c4nary" not in json.dumps(document)


def test_outside_of_a_site_the_machine_is_examined_and_the_site_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control node's findings are worth having before there is a site; exit 2 says hosts were not looked at."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["doctor", "-v"])
    assert result.exit_code == 2
    assert "ansible-core" in result.stdout
    assert "is not in a site folder" in result.stderr
