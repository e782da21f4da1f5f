"""The packages action against a real apt on a lab host: installed, held, upgraded, downgraded, refused."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hybridctl.site.plugins.modules import package_state
from hybridctl.lab.fleet import Lab

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
NAME = "packages"

# A repository of our own in the host: two versions of one package, one that another conflicts with, and that other.
REPOSITORY = r"""
set -e
mkdir -p /srv/repo && cd /srv/repo
package() { # name version fields
  mkdir -p build/DEBIAN
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: test\nDescription: test\n%b' "$1" "$2" "$3" \
    >build/DEBIAN/control
  dpkg-deb --build --root-owner-group build "$1_$2.deb" >/dev/null
  rm -r build
}
package demo 1.0-1 'Depends: demo-data\n'
package demo 1.1-1 'Depends: demo-data\n'
package demo-data 1 ''
package rival 1 'Conflicts: demo\n'
for file in *.deb; do
  dpkg-deb --field "$file"
  printf 'Filename: ./%s\nSize: %s\n' "$file" "$(stat -c %s "$file")"
  printf 'SHA256: %s\n\n' "$(sha256sum "$file" | cut -d' ' -f1)"
done >Packages
"""
SOURCE = "deb [trusted=yes] file:/srv/repo ./"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One host with a repository that apt does not know yet."""
    base = tmp_path_factory.mktemp("lab")
    (base / "fleet.yml").write_text("hosts:\n  deb1: {groups: [monitoring], memory: 128}\n")
    lab = Lab(NAME, base)
    up = [BIN / "hybridctl", "lab", "up", "--name", NAME, "--hosts", "fleet.yml"]
    try:
        subprocess.run(up, cwd=base, check=True)
        subprocess.run([*lab.ssh_argv("deb1"), "bash -s"], input=REPOSITORY, text=True, check=True)
        yield lab
    finally:
        lab.down()


def on(lab: Lab, command: str) -> str:
    """Run a command on the host."""
    return subprocess.run([*lab.ssh_argv("deb1"), command], capture_output=True, text=True, check=True).stdout.strip()


def packages(lab: Lab, wanted: dict[str, str], *args: str, **more: Any) -> dict[str, Any]:
    """Run the action as a play of one task; return its result as the task has it."""
    task = {"name": "Have packages", "hybridctl.site.packages": {"packages": wanted, **more}, "register": "found"}
    show = {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(lab.folder / "found.json")},
            "delegate_to": "localhost", "check_mode": False, "diff": False,
            "vars": {"ansible_python_interpreter": sys.executable, "ansible_connection": "local"}}  # fmt: skip
    play = [{"hosts": "deb1", "gather_facts": False, "tasks": [{"block": [task], "always": [show]}]}]
    (lab.folder / "play.yml").write_text(yaml.safe_dump(play))
    vault = str(lab.site / ".vault-password")
    argv = [
        BIN / "ansible-playbook",
        "-i",
        lab.inventory,
        "--vault-password-file",
        vault,
        lab.folder / "play.yml",
        *args,
    ]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (lab.folder / "found.json").exists(), done.stdout + done.stderr
    found: dict[str, Any] = json.loads((lab.folder / "found.json").read_text())
    (lab.folder / "found.json").unlink()
    return found


def short(found: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """Return the resources of a result in short."""
    return {(r["name"], r["action"], r.get("old", ""), r.get("new", "")) for r in found.get("resources", [])}


def snapshot(lab: Lab) -> str:
    """Return a checksum of everything that apt and dpkg keep, apt's own cache of its index left out."""
    folders = "etc var/lib/dpkg var/lib/apt usr/sbin tmp"
    return on(lab, f"cd / && find {folders} -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum")


def test_a_plan_of_a_repository_not_configured_yet(lab: Lab) -> None:
    """Versions, sizes and dependencies come from a throw-away index; nothing on the host is another than before."""
    before = snapshot(lab)
    found = packages(lab, {"demo": "1.0-*"}, "--check", repositories=[SOURCE])
    assert snapshot(lab) == before
    expected = {("demo", "install", "", "1.0-1"), ("demo-data", "install", "", "1"), ("demo", "hold", "", "")}
    assert short(found) == expected
    assert all(r["size"] > 100 for r in found["resources"] if r["action"] == "install")


def test_an_unknown_version_is_refused_by_name(lab: Lab) -> None:
    """The message is apt's own, with what to do; nothing was installed."""
    found = packages(lab, {"demo": "9.9"}, "--check", repositories=[SOURCE])
    assert found["failed"] is True
    assert "apt cannot install demo=9.9" in found["msg"]
    assert "apt-get update" in found["msg"]


def test_installed_as_planned_then_nothing(lab: Lab) -> None:
    """Plan, run and a second run: the same set, the same set, nothing."""
    on(lab, f"echo '{SOURCE}' > /etc/apt/sources.list.d/demo.list && apt-get -qq update")
    planned = packages(lab, {"demo": "1.0-*"}, "--check")
    done = packages(lab, {"demo": "1.0-*"})
    assert short(done) == short(planned)
    assert ("demo", "install", "", "1.0-1") in short(done)
    again = packages(lab, {"demo": "1.0-*"})
    assert (again["changed"], short(again)) == (False, set())
    assert on(lab, "apt-mark showhold") == "demo"


def test_upgrade_and_downgrade_of_a_held_package(lab: Lab) -> None:
    """Each is called what it is, old and new version named, in the plan and in the run; the hold stays."""
    for old, new, action in (("1.0-1", "1.1-1", "upgrade"), ("1.1-1", "1.0-1", "downgrade")):
        for found in (packages(lab, {"demo": new}, "--check"), packages(lab, {"demo": new})):
            assert short(found) == {("demo", action, old, new)}
        assert on(lab, "dpkg-query -W -f '${Version} ${db:Status-Want}' demo") == f"{new} hold"


def test_a_released_hold_is_seen_and_put_back(lab: Lab) -> None:
    """Drift of the hold alone is one change."""
    on(lab, "apt-mark unhold demo")
    for found in (packages(lab, {"demo": "1.0-*"}, "--check"), packages(lab, {"demo": "1.0-*"})):
        assert short(found) == {("demo", "hold", "", "")}
    assert on(lab, "apt-mark showhold") == "demo"


def test_a_removal_is_refused_until_it_is_allowed(lab: Lab) -> None:
    """What would drive another package out is refused: by apt when that is held, by us when not; then it is named."""
    for words in ("held broken packages", "apt would remove demo; refused"):
        refused = packages(lab, {"rival": "1"})
        assert refused["failed"] is True
        assert words in refused["msg"]
        on(lab, "apt-mark unhold demo")
    assert on(lab, "dpkg-query -W -f '${Version}' demo") == "1.0-1"
    planned = packages(lab, {"rival": "1"}, "--check", allow_removal=True)
    done = packages(lab, {"rival": "1"}, allow_removal=True)
    assert short(planned) == short(done)
    assert {("demo", "remove", "1.0-1", ""), ("rival", "install", "", "1")} <= short(done)


def test_what_a_killed_run_left_is_repaired(lab: Lab) -> None:
    """A package unpacked and not configured, services kept from starting: planned as done, done, and then nothing.

    A policy that is the site's own is there again afterwards.
    """
    on(lab, "printf '#!/bin/sh\\nexit 0\\n' > /usr/sbin/policy-rc.d.hybridctl-kept")
    on(lab, f"cat > /usr/sbin/policy-rc.d <<'end'\n{package_state.POLICY_TEXT}end")
    on(lab, "dpkg --unpack /srv/repo/demo-data_1.deb")
    assert on(lab, "dpkg --audit")
    planned, done = packages(lab, {"rival": "1"}, "--check"), packages(lab, {"rival": "1"})
    assert ("demo-data", "install", "", "1") in short(planned)
    assert short(done) == short(planned)
    assert on(lab, "dpkg --audit; tail -n 1 /usr/sbin/policy-rc.d; ls /usr/sbin/policy-rc.d*") == (
        "exit 0\n/usr/sbin/policy-rc.d"
    )
    assert packages(lab, {"rival": "1"})["changed"] is False
