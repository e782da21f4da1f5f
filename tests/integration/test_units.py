"""`hybridctl.site.units` with a real systemd: what is named beforehand, what is done, what is left alone afterwards."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plays import ROOT, Played, play

from hybridctl.lab.fleet import Lab

pytestmark = pytest.mark.lab

BASE = ROOT / ".hybridctl" / "units"
HYBRIDCTL = Path(sys.executable).with_name("hybridctl")
HOST = "unit1"
SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
UNITS = {
    "plain": SLEEP,
    "reloads": SLEEP.replace("[Install]", "ExecReload=/bin/test -e /etc/reload-succeeds\n[Install]"),
    "broken": "[Service]\nExecStart=/bin/sh -c 'echo why it broke; exit 3'\nType=exec\n",
    "broken-once": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo why it broke; exit 3'\n",
    "declines": f"[Unit]\nConditionPathExists=/etc/agrees\n{SLEEP}",
    "unwanted": "[Unit]\nConditionPathExists=/etc/agrees\n[Service]\nExecStart=/bin/sleep infinity\n",
    "once": "[Service]\nType=oneshot\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
}


def lab(*args: str) -> str:
    """Return what `hybridctl lab` prints."""
    argv = [HYBRIDCTL, "lab", *args]
    done = subprocess.run(argv, cwd=BASE, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def on(command: str) -> str:
    """Return what a shell command prints on the host."""
    return lab("exec", "--name", "units", HOST, "--", "sh", "-c", command)


@pytest.fixture(scope="module", autouse=True)
def host() -> Iterator[None]:
    """A host with the unit files of these tests; it goes, whatever happens."""
    BASE.mkdir(parents=True, exist_ok=True)
    (BASE / "hosts.yml").write_text(f"hosts:\n  {HOST}: {{groups: [monitoring]}}\n")
    lab("down", "--name", "units")
    try:
        lab("up", "--name", "units", "--hosts", "hosts.yml")
        yield
    finally:
        lab("down", "--name", "units")


def run(*tasks: dict[str, Any], check: bool = False) -> Played:
    """Run tasks on the host."""
    site = Lab("units", BASE)
    inventory = ("-i", str(site.inventory), "--vault-password-file", str(site.site / ".vault-password"))
    flags = ("--check", "--diff") if check else ("--diff",)
    return play(BASE / "book", *tasks, flags=flags, inventory=inventory, host=HOST)


def units(*wanted: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a task."""
    return {"hybridctl.site.units": {"units": list(wanted), **more}}


def named(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (unit, action) of each resource."""
    return [(entry["name"], entry["action"]) for entry in result["resources"]]


def converge(*wanted: dict[str, Any], **more: Any) -> list[str]:
    """Return what check mode names, once the run did the very same and a third one has nothing to do."""
    task = units(*wanted, **more)
    checked, done, again = run({**task, "check_mode": True}, task, units(*wanted)).results
    assert not done.get("failed"), done["msg"]
    assert named(checked) == named(done)
    assert named(again) == []
    return [action for _, action in named(done)]


def shown(name: str, what: str) -> str:
    """Return a property of a unit."""
    return on(f"systemctl show --value --timestamp=us+utc -p {what} {name}.service")


def write(name: str) -> None:
    """Write a unit file past our modules."""
    text = UNITS[name].replace("'", "'\\''")
    on(f"printf %s '{text}' > /etc/systemd/system/{name}.service && systemctl daemon-reload")


def test_a_fresh_host_is_planned_and_provisioned_alike() -> None:
    """Files and units together: the plan depends on files to come, and the run then does what it named, once."""
    path, conf = "/etc/systemd/system/plain.service", "/etc/plain.conf"
    files = {
        "hybridctl.site.files": {
            "mode": "0644",
            "files": [{"path": path, "content": UNITS["plain"]}, {"path": conf, "content": "1\n"}],
        }
    }
    want = {"name": "plain.service", "enabled": True, "state": "started", "restart_on": [path, conf]}
    tasks = (files, units(want, changed_paths="{{ result_0.changed_paths }}"))
    planned, checked = run(*tasks, check=True).results
    assert on(f"test -e {path} || echo absent") == "absent"
    assert [(r["action"], r["depends_on"]) for r in checked["resources"]] == [
        ("enable", f"file {path}"), ("start", f"file {path}"),
    ]  # fmt: skip
    written, done = run(*tasks).results
    assert planned["resources"] == written["resources"]
    assert [r["action"] for r in done["resources"]] == ["enable", "start"]
    assert on("systemctl is-enabled plain.service; systemctl is-active plain.service").split() == ["enabled", "active"]
    assert [result["changed"] for result in run(*tasks).results] == [False, False]
    on(f"echo 2 > {conf}")
    (_, checked), (_, done) = (run(*tasks, check=check).results for check in (True, False))
    assert [[r["why"] for r in result["resources"]] for result in (checked, done)] == [[f"{conf} changed"]] * 2
    assert [result["changed"] for result in run(*tasks).results] == [False, False]


def test_a_run_that_died_before_the_restart_is_made_up_for() -> None:
    """The file is newer than the start: content or mode alone; one restart. A daemon-reload hides nothing."""
    write("plain")
    want = {"name": "plain.service", "enabled": True, "state": "started", "restart_on": ["/etc/r", "/etc/no-such"]}
    on("echo 1 > /etc/r; systemctl restart plain")
    assert converge(want) == []
    for change in ("echo 2 > /etc/r", "chmod 600 /etc/r", "echo 3 > /etc/x; mv /etc/x /etc/r"):
        before = shown("plain", "MainPID")
        on(f"{change}; systemctl daemon-reload")
        assert converge(want) == ["restart"]
        assert shown("plain", "MainPID") != before


def test_a_reload_moves_the_time_it_is_judged_by() -> None:
    """Reloaded once for a change, without a restart; a reload that fails is an error, and is not taken for done."""
    write("reloads")
    on("touch /etc/l /etc/reload-succeeds; systemctl restart reloads")
    want = {"name": "reloads.service", "state": "started", "reload_on": ["/etc/l"]}
    assert converge(want) == []
    before, pid = shown("reloads", "StateChangeTimestamp"), shown("reloads", "MainPID")
    on("echo 1 > /etc/l; systemctl daemon-reload")
    assert converge(want) == ["reload"]
    assert shown("reloads", "StateChangeTimestamp") != before
    assert shown("reloads", "MainPID") == pid
    on("echo 2 > /etc/l; rm /etc/reload-succeeds")
    (failed,) = run(units(want)).results
    assert failed["msg"].startswith("units[0] reloads.service: reload failed: ")
    on("touch /etc/reload-succeeds")
    assert converge(want) == ["reload"]


def test_masks() -> None:
    """Masked and stopped, then unmasked, enabled and started, each named beforehand and done once."""
    on(f"printf '{UNITS['plain']}' > /lib/systemd/system/masks.service; systemctl daemon-reload; systemctl start masks")
    off = {"name": "masks.service", "masked": True, "state": "stopped"}
    assert converge(off) == ["stop", "mask"]
    on_again = {"name": "masks.service", "masked": False, "enabled": True, "state": "started"}
    assert converge(on_again) == ["unmask", "enable", "start"]
    assert converge(off) == ["stop", "mask"]
    assert converge(on_again) == ["unmask", "start"], "what wants it was left in place by the mask"
    assert converge({"name": "not-there-yet.service", "masked": True}) == ["mask"]
    (refused,) = run(units({"name": "not-there-yet.service", "state": "started"})).results
    assert refused["msg"].startswith("units[0] not-there-yet.service: it is masked; `masked: false` unmasks it")


@pytest.mark.parametrize("name", ["broken", "broken-once"])
def test_a_unit_that_fails(name: str) -> None:
    """Named with the end of its journal and with what was done before it; the next run tries again."""
    write("plain")
    write(name)
    on("systemctl stop plain")
    ready = {"ready": ["systemctl", "is-active", "--quiet", f"{name}.service"], "ready_timeout": 20}
    wanted = [{"name": "plain.service", "state": "started"}, {"name": f"{name}.service", "state": "started", **ready}]
    failed, again = run(units(*wanted), units(*wanted)).results
    assert failed["msg"].startswith(f"units[1] {name}.service: ")
    assert "why it broke" in failed["msg"]
    assert failed["msg"].endswith("Done before it: plain.service (start)")
    assert (again["failed"], again["resources"]) == (True, [])


def test_a_unit_that_declines() -> None:
    """A change when it is asked first, a warning on every later run, started once its condition holds."""
    on("rm -f /etc/agrees")
    write("declines")
    want = {"name": "declines.service", "enabled": True, "state": "started", "restart_on": ["/etc/agrees"]}
    assert converge(want) == ["enable", "start"]
    for result in run({**units(want), "check_mode": True}, units(want)).results:
        assert (result["changed"], result["resources"]) == (False, [])
        message = "units[0] declines.service: not started, a condition of its unit file does not hold"
        assert result["warnings"] == [message]
    on("touch /etc/agrees")
    assert converge(want, changed_paths=["/etc/agrees"]) == ["start"]


def test_a_unit_that_declines_and_is_forgotten() -> None:
    """systemd forgets it, since nothing wants it: no change is reported, and the plan says what it hangs on."""
    on("rm -f /etc/agrees")
    write("unwanted")
    task = units({"name": "unwanted.service", "state": "started"})
    results = run(*[{**task, "check_mode": True}, task] * 2).results
    for checked, done in zip(results[::2], results[1::2], strict=True):
        assert [entry["depends_on"] for entry in checked["resources"]] == ["conditions of unwanted.service"]
        assert (done.get("failed", False), done["changed"], len(done["warnings"])) == (False, False, 1)


def test_a_one_shot_that_has_run_counts_as_started() -> None:
    """Run once, and again when its file changes; one that is inactive for that is no change."""
    write("once")
    on("touch /etc/o")
    want = {"name": "once.service", "enabled": True, "state": "started", "restart_on": ["/etc/o"]}
    assert converge(want) == ["enable", "start"]
    on("echo 1 > /etc/o")
    assert converge(want) == ["restart"]


def test_drift_is_repaired() -> None:
    """Disabled and stopped by hand: both named, both mended."""
    write("plain")
    want = {"name": "plain.service", "enabled": True, "state": "started"}
    run(units(want))
    on("systemctl disable -q --now plain")
    assert converge(want) == ["enable", "start"]
    on("systemctl kill -s KILL plain; while systemctl -q is-active plain; do sleep 0.1; done")
    assert converge(want) == ["start"]
