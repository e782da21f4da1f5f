"""`hybridctl.site.packages` against an apt whose answers we wrote down; tests/integration has a real one."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from plays import old_python, play

# What dpkg knows is the file `installed`; nothing here installs.
FAKES = {
    "dpkg-query": 'cat "$FAKE/installed"',
    "dpkg": '[ "$1 $3" = "--compare-versions lt" ] && [ "$(printf "%s\\n" "$2" "$4" | sort -V | head -1)" = "$2" ] &&\n'
    '[ "$2" != "$4" ]',
    "apt-mark": 'echo "apt-mark $*" >>"$FAKE/log"; sed -i "s/ install installed/ hold installed/" "$FAKE/installed"',
    "apt-get": """
echo "apt-get $*" >>"$FAKE/log"
case "$*" in
*update*) for word; do case $word in Dir::Etc::sourceparts=*) parts=${word#*=};; esac; done
    ! grep -q away "$parts/hybridctl-planned.list" || { echo "E: Failed to fetch http://away" >&2; exit 100; } ;;
*--simulate*rival=1*) echo "Remv nginx [1.22.1-9]"; echo "Inst rival (1 mirror [all])" ;;
*--simulate*=9.9*) echo "E: Version '9.9' was not found" >&2; exit 100 ;;
*--simulate*) cat "$FAKE/simulated" ;;
*--print-uris*) cat "$FAKE/uris" ;;
esac""",
}
INSTALLED = "haproxy 2.6.11-1 install installed\nlibc6 2.36-9 install installed\nold 1 deinstall config-files\n"
SIMULATED = (
    "Inst libssl3 (3.0.17-1 mirror [amd64])\n"
    "Inst haproxy [2.6.11-1] (2.6.12-1 mirror [amd64])\n"
    "Inst libc6 [2.36-9] (2.36-8 mirror [amd64]) []\n"
    "Conf haproxy (2.6.12-1 mirror [amd64])\n"
)
URIS = (
    "'http://mirror/h.deb' haproxy_2.6.12-1_amd64.deb 2041000 SHA256:0\n"
    "'http://mirror/l.deb' libssl3_3.0.17-1_amd64.deb 2000 SHA256:0\n"
)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with HAProxy of last month; the folder of what its apt and dpkg answer."""
    (tmp_path / "bin").mkdir()
    for name, script in FAKES.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    fake = tmp_path / "fake"
    fake.mkdir()
    for name, text in (("installed", INSTALLED), ("simulated", SIMULATED), ("uris", URIS)):
        (fake / name).write_text(text)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(fake))
    return fake


def packages(host: Path, *runs: dict[str, Any], python: str = sys.executable, check: bool = True) -> list[Any]:
    """Return the results of the tasks; each has the packages of the lock unless it names others."""
    tasks = [{"hybridctl.site.packages": {"packages": {"haproxy": "2.6.12-*"}, **run}} for run in runs]
    return play(host.parent / "book", *tasks, flags=("--check", "--diff") if check else (), python=python).results


@pytest.mark.parametrize("which", ["control", "oldest"])
def test_a_plan_of_packages(host: Path, which: str) -> None:
    """Old and new version, size and reason of each; a throw-away index where a repository is not configured yet."""
    python = sys.executable if which == "control" else old_python()
    found, coming = packages(host, {"index_max_age": 0}, {"repositories": ["deb http://new ./"]}, python=python)
    lock, along = "the lock wants 2.6.12-*", "goes with what is asked for"
    assert [tuple(r.get(k) for k in ("name", "action", "old", "new", "size", "why")) for r in found["resources"]] == [
        ("libssl3", "install", "", "3.0.17-1", 2000, along),
        ("haproxy", "upgrade", "2.6.11-1", "2.6.12-1", 2041000, lock),
        ("libc6", "downgrade", "2.36-9", "2.36-8", 0, along),
        ("haproxy", "hold", None, None, None, "only we move it"),
    ]
    assert coming["resources"] == found["resources"]
    assert "upgrade haproxy 2.6.11-1 -> 2.6.12-1" in found["diff"]["prepared"]
    log = (host / "log").read_text()
    assert "apt-mark" not in log, "check mode holds nothing"
    folders = {word.partition("=")[2] for word in log.split() if word.startswith("Dir::State::lists=")}
    assert len(folders) == 2
    assert not any(Path(folder).exists() for folder in folders), "what was thrown away is gone"
    installs = [line for line in log.splitlines() if " install " in line]
    assert installs
    assert all("--simulate" in line or "--print-uris" in line for line in installs)


def test_what_cannot_be_is_refused_with_apts_words(host: Path) -> None:
    """A removal, a version that nobody has, a mirror that is not reached: nothing is installed, and it is said why."""
    removal, unknown, away = packages(
        host,
        {"packages": {"rival": "1"}, "index_max_age": 0},
        {"packages": {"haproxy": "9.9"}, "index_max_age": 0},
        {"repositories": ["deb http://away ./"]},
        check=False,
    )
    assert "apt would remove nginx; refused" in removal["msg"]
    assert "apt cannot install haproxy=9.9: E: Version '9.9' was not found" in unknown["msg"]
    assert "the package index cannot be read: E: Failed to fetch http://away" in away["msg"]
    assert [result["failed"] for result in (removal, unknown, away)] == [True] * 3
    assert (host / "installed").read_text() == INSTALLED
    assert "apt-mark" not in (host / "log").read_text()


def test_a_hold_alone_is_put_on_and_then_nothing_is_left(host: Path) -> None:
    """All versions are right: the plan and the run name the hold and nothing else; the next plan is empty."""
    (host / "simulated").write_text("")
    task = {"hybridctl.site.packages": {"packages": {"haproxy": "2.6.11-*"}, "index_max_age": 0}}
    planned, done, again = play(host.parent / "book", {**task, "check_mode": True}, task, task).results
    assert [(r["name"], r["action"]) for r in planned["resources"]] == [("haproxy", "hold")]
    assert planned["resources"] == done["resources"]
    assert (again["changed"], again["resources"]) == (False, [])
    assert "apt-mark hold haproxy" in (host / "log").read_text()
