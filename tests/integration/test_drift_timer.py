"""Both timers on a real systemd: hybridctl itself on a lab host, its units installed by its own command."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from host_install import PROGRAM, SITE, install_on

from hybridctl.lab.fleet import Lab

pytestmark = pytest.mark.lab

BIN = Path(sys.executable).parent
NAME = "drifttimer"
HOST = "ctl1"
UNIT = f"hybridctl-drift-lab-{NAME}"
UNITS = f"/etc/systemd/system/{UNIT}"
VERIFY_UNIT = f"hybridctl-verify-lab-{NAME}"
VERIFY_UNITS = f"/etc/systemd/system/{VERIFY_UNIT}"
FOLDER = "/var/lib/prometheus/node-exporter"
FILE = "/etc/security/limits.d/60-hybridctl.conf"
ASK = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9100/metrics').read().decode())"


class Control:
    """A control node that is its own only host."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def on(self, command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command there."""
        argv = [*self.lab.ssh_argv(HOST), command]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    def timer(self, *words: str, of: str = "drift") -> list[str]:
        """Run `hybridctl drift timer`, or verify's; return what it said it did."""
        return self.on(f"{PROGRAM} {of} timer {' '.join(words)} -i {SITE}/inventory").stderr.splitlines()

    def check(self, unit: str = UNIT) -> dict[str, str]:
        """Have the unit run once, waiting for its end; return what systemd says of it."""
        self.on(f"systemctl start {unit}.service", check=False)
        said = self.on(f"systemctl show -p Result,ExecMainStatus,ActiveState {unit}.service").stdout
        return dict(line.split("=", 1) for line in said.splitlines())

    def left(self, unit: str) -> str:
        """Return what systemd and its folders still have of a unit; its stamp says when a timer last ran."""
        loaded = f"systemctl list-units --all --plain --no-legend '{unit}*'"
        return self.on(f"{loaded}; find /etc/systemd /var/lib/systemd -name '*{unit}*'").stdout

    def wait_for(self, command: str, words: str) -> str:
        """Return what a command prints once the words are in it."""
        deadline = time.monotonic() + 120  # ten checks; one that comes at all comes in the first two
        while words not in (said := self.on(command, check=False).stdout):
            assert time.monotonic() < deadline, said + self.on(f"journalctl --no-pager -n 50 -u {UNIT}").stdout
            time.sleep(0.5)
        return said


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    """One provisioned host with hybridctl and the site on it."""
    base = tmp_path_factory.mktemp("lab")
    (base / "fleet.yml").write_text(
        f"hosts:\n  {HOST}: {{groups: [monitoring], profile: lab-monitoring, memory: 512}}\n"
    )
    lab = Lab(NAME, base)
    try:
        subprocess.run([BIN / "hybridctl", "lab", "up", "--name", NAME, "--hosts", "fleet.yml"], cwd=base, check=True)
        subprocess.run([BIN / "hybridctl", "provision", "-i", lab.inventory], check=True)
        try:
            install_on(lab, HOST)
        except RuntimeError as error:
            pytest.skip(str(error))
        yield Control(lab)
    finally:
        lab.down()


def test_the_timer_checks_by_itself(control: Control) -> None:
    """Installed, it finds what was changed by hand, and node_exporter shows it; exit 7 is no failure of the unit."""
    done = control.timer("install", "--every", "10s", "--textfile", f"{FOLDER}/hybridctl-drift.prom")
    assert [line.split()[0] for line in done] == ["wrote", "wrote", "enabled", "started", "next:"]
    # There are no manual pages on the host that Documentation= could be looked up in.
    verified = control.on(f"systemd-analyze verify --man=no {UNITS}.service {UNITS}.timer")
    assert verified.stdout + verified.stderr == ""

    control.on(f"echo '# by hand' >> {FILE}")
    sample = f'hybridctl_drift_resources{{host="{HOST}",kind="file",site="lab {NAME}"}} 1'
    served = control.wait_for(f'python3 -c "{ASK}"', sample)
    assert f'hybridctl_drift_host_planned{{host="{HOST}",site="lab {NAME}"}} 1\n' in served
    assert f'name="{FILE}",site=' in served
    assert "node_textfile_scrape_error 0" in served

    control.on(f"systemctl stop {UNIT}.timer")
    assert control.check() == {"Result": "success", "ExecMainStatus": "7", "ActiveState": "inactive"}
    assert control.on(f"systemctl is-failed {UNIT}.service", check=False).stdout.strip() == "inactive"


def test_installed_twice_is_installed_once(control: Control) -> None:
    """What is so already is not done again; what was stopped is started."""
    words = ("install", "--every", "10s", "--textfile", f"{FOLDER}/hybridctl-drift.prom")
    control.on(f"systemctl stop {UNIT}.timer")
    assert control.timer(*words)[:-1] == [f"started {UNIT}.timer"]
    assert control.timer(*words)[:-1] == [f"{UNIT}.timer is installed already"]
    assert control.on(f"systemctl is-enabled {UNIT}.timer").stdout == "enabled\n"


def test_another_interval_takes_effect(control: Control) -> None:
    """systemd shows the new calendar, not the one it had read."""
    done = control.timer("install", "--every", "12h", "--textfile", f"{FOLDER}/hybridctl-drift.prom")
    assert done[:-1] == [f"wrote {UNITS}.timer", f"started {UNIT}.timer"]
    said = control.on(f"systemctl show -p TimersCalendar {UNIT}.timer").stdout
    assert "OnCalendar=*-*-* 00/12:00:00 UTC" in said


def test_a_host_that_cannot_be_reached_fails_the_unit(control: Control) -> None:
    """Exit 4 is a failed unit, and the metrics say that the host is unknown, not clean."""
    control.on(f"mv {SITE}/keys/id_ed25519 {SITE}/keys/away")
    try:
        shown = control.check()
    finally:
        control.on(f"mv {SITE}/keys/away {SITE}/keys/id_ed25519")
    assert (shown["Result"], shown["ExecMainStatus"], shown["ActiveState"]) == ("exit-code", "4", "failed")
    text = control.on(f"cat {FOLDER}/hybridctl-drift.prom").stdout
    assert f'hybridctl_drift_host_planned{{site="lab {NAME}",host="{HOST}"}} 0\n' in text
    assert f'host="{HOST}",kind="file"}} 1\n' in text
    assert f'host="{HOST}",kind="package"}}' not in text


def test_the_check_runs_as_the_owner_of_the_site(control: Control) -> None:
    """A site of a user's: the unit is that user's, with the same keys, and what it writes is theirs."""
    control.on(f"useradd -m ops; chown -R ops: {SITE}; install -d -o ops /srv/metrics")
    control.timer("install", "--every", "12h", "--textfile", "/srv/metrics/drift.prom")
    shown = control.check()
    assert (shown["Result"], shown["ExecMainStatus"]) == ("success", "7"), control.on(f"journalctl -u {UNIT}").stdout
    owned = control.on(f"stat -c '%U %a' /srv/metrics/drift.prom {SITE}/.hybridctl/drift.json").stdout
    assert owned.splitlines() == ["ops 644", "ops 600"]


def test_removed_nothing_is_left(control: Control) -> None:
    """Files, timer, failed state and stamp are gone; the second time there is nothing to do."""
    stamp = f"/var/lib/systemd/timers/stamp-{UNIT}.timer"
    assert f"{stamp}\n" in control.left(UNIT)
    assert control.timer("remove") == [f"removed {path}" for path in (f"{UNITS}.timer", f"{UNITS}.service", stamp)]
    assert control.left(UNIT) == ""
    assert control.timer("remove") == [f"there is no {UNIT}.timer"]


def test_the_verify_timer_tells_of_a_change_once(control: Control) -> None:
    """Its unit writes the metrics; a verdict that changes is one alert, with old and new; one that stays is none."""
    alerts = f"{SITE}/.hybridctl/alerts"
    script = f'#!/bin/sh\n(echo "$@"; cat) >> {alerts}\n'
    control.on(f"printf '%s' {shlex.quote(script)} > {SITE}/alert.sh; chmod +x {SITE}/alert.sh")
    control.on(f"install -d -o $(stat -c %U {SITE}) /srv/verify")
    words = ("--every", "12h", "--textfile", "/srv/verify/verify.prom", "--on-change", "'./alert.sh --to \"the ops\"'")
    done = control.timer("install", *words, of="verify")
    assert [line.split()[0] for line in done] == ["wrote", "wrote", "enabled", "started", "next:"]
    verified = control.on(f"systemd-analyze verify --man=no {VERIFY_UNITS}.service {VERIFY_UNITS}.timer")
    assert verified.stdout + verified.stderr == ""
    shown = control.on(f"{PROGRAM} verify timer show {' '.join(words)} -i {SITE}/inventory").stdout
    files = [f"{VERIFY_UNITS}.{kind}" for kind in ("service", "timer")]
    assert shown == "".join(f"# {path}\n{control.on(f'cat {path}').stdout}\n" for path in files)

    def verify(status: str) -> list[str]:
        """Have the unit run; return the lines that the command got by then."""
        said = control.check(VERIFY_UNIT)
        wanted = {"Result": "success", "ExecMainStatus": status, "ActiveState": "inactive"}
        assert said == wanted, control.on(f"journalctl --no-pager -n 50 -u {VERIFY_UNIT}").stdout
        return control.on(f"cat {alerts} 2>/dev/null; true").stdout.splitlines()

    failing = f'hybridctl_verify_check{{site="lab {NAME}",host="{HOST}",check="packages.held"'
    assert verify("0") == []
    metrics = control.on("cat /srv/verify/verify.prom").stdout
    assert f'hybridctl_verify_host_judged{{site="lab {NAME}",host="{HOST}"}} 1\n' in metrics
    assert failing not in metrics

    control.on("apt-mark unhold chrony")
    to, told = verify("5")
    assert to == "--to the ops"
    (news,) = json.loads(told)["new"]
    assert [news[key] for key in ("host", "check", "old", "new")] == [HOST, "packages.held", "PASS", "FAIL"]
    assert failing in control.on("cat /srv/verify/verify.prom").stdout
    assert verify("5") == [to, told]


def test_the_verify_timer_removed(control: Control) -> None:
    """Nothing of it is left either."""
    stamp = f"/var/lib/systemd/timers/stamp-{VERIFY_UNIT}.timer"
    done = control.timer("remove", of="verify")
    assert done == [f"removed {path}" for path in (f"{VERIFY_UNITS}.timer", f"{VERIFY_UNITS}.service", stamp)]
    assert control.left(VERIFY_UNIT) == ""
    assert control.timer("remove", of="verify") == [f"there is no {VERIFY_UNIT}.timer"]
