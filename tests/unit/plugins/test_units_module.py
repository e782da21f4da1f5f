"""`hybridctl.site.units` as a whole, against a systemctl that shows what we wrote down and records what it is told."""

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from plays import old_python, play

from ansible_collections.hybridctl.site.plugins.modules import units

# Shows the file named like the unit; any other verb is recorded, may fail, and may change what is shown from then on.
SYSTEMCTL = """#!/bin/sh
cd "$FAKE" || exit 9
verb=$1
for last; do :; done
case $verb in
show)
    for word; do [ -n "$names" ] && { cat -- "$word" || exit 1; echo; }; [ "$word" = -- ] && names=1; done
    echo "show" >> log; exit 0;;
is-failed) grep -q ActiveState=failed "$last"; exit;;
daemon-reload) echo "$verb" >> log; exit 0;;
esac
echo "$verb $last" >> log
[ -e "$verb-$last" ] && mv "$verb-$last" "$last"
[ -e "refuse-$verb" ] && { cat "refuse-$verb" >&2; exit 1; }
exit 0
"""
JOURNALCTL = "#!/bin/sh\necho a line of the journal, $*\n"
OLD = ("InactiveExitTimestamp=Wed 2020-11-25 03:52:38.151431 UTC\nInactiveExitTimestampMonotonic=1\n"
       "StateChangeTimestamp=Wed 2020-11-25 03:52:38.151431 UTC\nStateChangeTimestampMonotonic=1\n")  # fmt: skip


class Host:
    """A host with a pretended systemd.

    Attributes:
        folder: what systemctl shows and records.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys

    def has(self, name: str, active: str, after: str = "", **more: str) -> None:
        """Have a unit in that state; `after` is the verb that brings it there."""
        text = f"LoadState=loaded\nUnitFileState=enabled\nActiveState={active}\nResult=success\nCanReload=yes\n{OLD}"
        text += "".join(f"{key}={value}\n" for key, value in more.items())
        (self.folder / (f"{after}-{name}" if after else name)).write_text(text)

    def run(self, *wanted: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
        """Return the module's result."""
        arguments = {"units": list(wanted), **more, "_ansible_check_mode": check, "_ansible_diff": True}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            units.main()
        result: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return result

    def told(self) -> list[str]:
        """Return what systemctl was called for since the last time."""
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Host:
    """A host without units."""
    for name, script in (("systemctl", SYSTEMCTL), ("journalctl", JOURNALCTL)):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    (tmp_path / "fake").mkdir()
    monkeypatch.setenv("FAKE", str(tmp_path / "fake"))
    return Host(tmp_path / "fake", capsys)


def verbs(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (unit, action) of each resource."""
    return [(entry["name"], entry["action"]) for entry in result["resources"]]


def test_nothing_to_do_is_one_call(host: Host) -> None:
    """However many units there are, systemd is asked once and told nothing."""
    for index in range(50):
        host.has(f"u{index}.service", "active")
    result = host.run(*({"name": f"u{index}.service", "enabled": True, "state": "started"} for index in range(50)))
    assert (result["changed"], result["resources"], result["diff"], host.told()) == (False, [], [], ["show"])


def test_check_mode_names_what_the_run_does(host: Host) -> None:
    """Start, restart, reload, stop and enable: named without telling systemd anything, then done in order."""
    for name, active, verb in (("a", "inactive", "start"), ("b", "active", "restart"), ("c", "active", "reload")):
        host.has(f"{name}.service", active)
        host.has(f"{name}.service", "active", after=verb)
    host.has("d.timer", "active", UnitFileState="disabled")
    wanted = [
        {"name": "a.service", "state": "started", "restart_on": ["/etc/x"]},
        {"name": "b.service", "state": "started", "restart_on": ["/etc/x"], "reload_on": ["/etc/y"]},
        {"name": "c.service", "reload_on": ["/etc/y"]},
        {"name": "d.timer", "enabled": True, "state": "stopped"},
    ]
    checked = host.run(*wanted, check=True, changed_paths=["/etc/x", "/etc/y"])
    assert host.told() == ["show"]
    done = host.run(*wanted, changed_paths=["/etc/x", "/etc/y"])
    assert checked["resources"] == done["resources"]
    names = [("a.service", "start"), ("b.service", "restart"), ("c.service", "reload"), ("d.timer", "enable"),
             ("d.timer", "stop")]  # fmt: skip
    assert verbs(done) == names
    assert [line for line in host.told() if line != "show"] == [f"{verb} {name}" for name, verb in names]
    assert done["resources"][1] == {
        "kind": "unit", "name": "b.service", "action": "restart", "why": "/etc/x changed", "depends_on": "",
        "diff": {"prepared": "restart: /etc/x changed"},
    }  # fmt: skip
    assert done["diff"][1] == {"prepared": "b.service: restart: /etc/x changed\n"}


@pytest.mark.parametrize(
    ("changed", "shown", "reloads"),
    [
        (["/etc/systemd/system/a.service"], {}, 1),
        (["/etc/systemd/system/a.service.d/10-x.conf"], {}, 1),
        ([], {"NeedDaemonReload": "yes"}, 1),
        (["/etc/systemd/journald.conf"], {}, 0),
    ],
)
def test_unit_files_are_read_anew_when_they_changed(
    host: Host, changed: list[str], shown: dict[str, str], reloads: int
) -> None:
    """One daemon-reload, which is no change by itself, and never in check mode."""
    host.has("a.service", "active", **shown)
    result = host.run({"name": "a.service", "state": "started"}, changed_paths=changed)
    assert (result["changed"], host.told().count("daemon-reload")) == (False, reloads)
    host.run({"name": "a.service", "state": "started"}, changed_paths=changed, check=True)
    assert host.told() == ["show"]


def test_a_failing_unit_is_named_with_its_journal(host: Host) -> None:
    """The unit before it is done and named, the one after it is not touched."""
    for name in "ab":
        host.has(f"{name}.service", "inactive")
    host.has("a.service", "active", after="start")
    host.has("c.service", "inactive")
    (host.folder / "refuse-enable").write_text("no")
    host.has("b.service", "failed", after="start", Result="exit-code")
    wanted = [{"name": f"{name}.service", "state": "started"} for name in "abc"]
    result = host.run(*wanted)
    assert (result["failed"], verbs(result)) == (True, [("a.service", "start")])
    assert result["msg"].startswith(
        "units[1] b.service: it failed right after its start (exit-code)\nThe end of its journal:\n"
    )
    assert "a line of the journal, --no-pager --quiet --lines=20 --unit=b.service" in result["msg"]
    assert result["msg"].endswith("Done before it: a.service (start)")
    assert "start c.service" not in host.told()


def test_what_systemctl_refuses_is_shown(host: Host) -> None:
    """Its own words are in the error."""
    host.has("a.service", "inactive", UnitFileState="disabled")
    (host.folder / "refuse-enable").write_text("Failed to enable unit: Read-only file system")
    result = host.run({"name": "a.service", "enabled": True})
    assert "units[0] a.service: enable failed: Failed to enable unit: Read-only file system" in result["msg"]
    assert result["resources"] == []


def test_ready_is_waited_for(host: Host, tmp_path: Path) -> None:
    """The command is called until it exits 0; arguments are no shell's."""
    host.has("a.service", "inactive")
    host.has("a.service", "active", after="start")
    script = tmp_path / "ready"
    script.write_text(
        f'#!/bin/sh\n[ "$1" = "a b;c" ] || exit 9\necho >> {tmp_path}/calls\n[ $(wc -l < {tmp_path}/calls) -ge 3 ]\n'
    )
    script.chmod(stat.S_IRWXU)
    result = host.run({"name": "a.service", "state": "started", "ready": [str(script), "a b;c"], "ready_timeout": 30})
    assert verbs(result) == [("a.service", "start")]
    assert (tmp_path / "calls").read_text() == "\n\n\n"
    host.has("a.service", "active")
    host.run({"name": "a.service", "state": "started", "ready": [str(script), "a b;c"]})
    assert (tmp_path / "calls").read_text() == "\n\n\n", "nothing was done, so nothing is waited for"


@pytest.mark.parametrize(
    ("ready", "state", "problem"),
    [
        (
            ["sh", "-c", "echo not yet; exit 7"],
            "active",
            "not ready within 0.1 s: `sh -c echo not yet; exit 7` exits 7: not yet",
        ),
        (["sleep", "60"], "active", "not ready within 0.1 s: `sleep 60` does not end"),
        (["/no/such"], "active", "not ready within 0.1 s: `/no/such` cannot be run: No such file or directory"),
        (["false"], "activating", "not ready within 0.1 s: `false` exits 1: "),
    ],
)
def test_a_unit_that_never_gets_ready(host: Host, ready: list[str], state: str, problem: str) -> None:
    """What the command said last is shown, with the journal."""
    host.has("a.service", "inactive")
    host.has("a.service", state, after="start")
    result = host.run({"name": "a.service", "state": "started", "ready": ready, "ready_timeout": 0.1})
    assert f"units[0] a.service: {problem}" in result["msg"]
    assert "a line of the journal" in result["msg"]


def test_a_host_without_systemd(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No systemctl, or one that says that systemd does not run: an error that says so."""
    script = tmp_path / "bin" / "systemctl"
    said = "System has not been booted with systemd as init system (PID 1). Can't operate."
    script.write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 1\n')
    result = host.run({"name": "a.service", "state": "started"})
    assert f"systemctl does not answer; is this a host run by systemd? {said}" in result["msg"]
    monkeypatch.setattr(units.AnsibleModule, "get_bin_path", lambda *_: None)
    assert "is this a host run by systemd? systemctl is not there" in host.run({"name": "a.service"})["msg"]


def test_an_old_systemctl_is_asked_without_microseconds(host: Host, tmp_path: Path) -> None:
    """Without --timestamp= it prints seconds of the local time, which is UTC for the call."""
    script = tmp_path / "bin" / "systemctl"
    guard = (
        """case $* in *--timestamp*) echo "systemctl: unrecognized option '--timestamp=us+utc'" >&2; exit 1;; esac"""
    )
    script.write_text(SYSTEMCTL.replace("verb=$1", f'{guard}\necho "$TZ" > zone\nverb=$1'))
    host.has("a.service", "active")
    assert host.run({"name": "a.service", "state": "started"})["resources"] == []
    assert (host.folder / "zone").read_text() == "UTC\n"


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ([{"name": "nginx"}], "units[0] nginx: that is no name of a unit; it ends in .service, .timer, .socket"),
        ([{"name": "a@.service"}], "units[0] a@.service: that is no name of a unit"),
        ([{"name": "--now.service "}], "units[0] --now.service : that is no name of a unit"),
        ([{"name": "a/b.service"}], "that is no name of a unit"),
        ([{"name": "a.service"}, {"name": "a.service"}], "units[1] a.service: it is units[0] already"),
        ([{"name": "a.service", "masked": True, "state": "started"}], "it cannot be masked and enabled or started"),
        ([{"name": "a.service", "masked": True, "enabled": True}], "it cannot be masked and enabled or started"),
        ([{"name": "a.service", "restart_on": ["etc/x"]}], "units[0] a.service: etc/x: the path must be absolute"),
        ([{"name": "a.service", "state": "restarted"}], "must be one of: started, stopped, got: restarted"),
        ([{"state": "started"}], "missing required arguments: name"),
    ],
)
def test_what_makes_no_sense_is_refused(host: Host, wanted: list[dict[str, Any]], problem: str) -> None:
    """systemd is not even asked."""
    assert problem in host.run(*wanted)["msg"]
    assert host.told() == []


@pytest.fixture(params=["control", "oldest"])
def python(request: pytest.FixtureRequest) -> str:
    """The Python of the control node, and the oldest one of targets."""
    choose: dict[str, Callable[[], str]] = {"control": lambda: sys.executable, "oldest": old_python}
    return choose[request.param]()


def test_by_ansible(host: Host, tmp_path: Path, python: str) -> None:
    """The same through ansible-playbook, in check, diff and real mode."""
    host.has("a.service", "active")
    host.has("a.service", "active", after="restart")
    wanted = {"units": [{"name": "a.service", "restart_on": ["/etc/x"]}], "changed_paths": ["/etc/x"]}
    runs = [
        play(tmp_path / "book", {"hybridctl.site.units": wanted}, flags=flags, python=python)
        for flags in (("--check", "--diff"), ("--diff",))
    ]
    assert [verbs(run.results[0]) for run in runs] == [[("a.service", "restart")]] * 2
    assert [line for line in host.told() if line != "show"] == ["restart a.service"]
    assert "a.service: restart: /etc/x changed" in runs[0].output
