"""The unit files of the timer, as text and as systemd reads them."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hybridctl.errors import InvalidInput
from hybridctl.timers.units import DRIFT, VERIFY, TimerSpec, slug, unit_files

ROOT = Path("/srv/bank")
PROGRAM = Path("/opt/hybridctl/bin/hybridctl")
SPEC = TimerSpec(DRIFT, "The Bank", ROOT, ROOT / "inventory", PROGRAM, "root", Path("/root"))
PROM = Path("/var/lib/prometheus/node-exporter/hybridctl-drift.prom")


def settings(text: str) -> dict[str, str]:
    """Return the settings of a unit file; one that stands twice is a mistake of ours."""
    pairs = [line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] != "#"]
    assert len({key for key, _ in pairs}) == len(pairs)
    return dict(pairs)


def files(spec: TimerSpec) -> tuple[dict[str, str], dict[str, str]]:
    """Return the settings of service and timer."""
    service, timer = unit_files(spec).values()
    return settings(service), settings(timer)


def test_the_units_call_us_by_absolute_paths() -> None:
    """Names from the site, our executable, its inventory, the textfile; drift is no failure."""
    assert list(unit_files(SPEC)) == ["hybridctl-drift-the-bank.service", "hybridctl-drift-the-bank.timer"]
    service, timer = files(replace(SPEC, textfile=PROM, every="6h"))
    assert (
        service["ExecStart"] == f"/opt/hybridctl/bin/hybridctl drift --inventory /srv/bank/inventory --textfile {PROM}"
    )
    assert (service["Type"], service["SuccessExitStatus"], service["User"]) == ("oneshot", "7", "root")
    assert service["WorkingDirectory"] == "/srv/bank"
    assert timer["OnCalendar"] == "*-*-* 00/6:00:00 UTC"
    assert (timer["Persistent"], timer["RandomizedDelaySec"]) == ("yes", "600")


def test_a_verification_has_units_of_its_own() -> None:
    """Other names, its own findings, the command on a change as one word."""
    spec = replace(SPEC, kind=VERIFY, on_change="./alert.sh --to 'ops team' \"$USER\" 100%")
    assert list(unit_files(spec)) == ["hybridctl-verify-the-bank.service", "hybridctl-verify-the-bank.timer"]
    service, _ = files(spec)
    assert service["ExecStart"] == (
        "/opt/hybridctl/bin/hybridctl verify --inventory /srv/bank/inventory "
        '--on-change "./alert.sh --to \'ops team\' \\"$$USER\\" 100%%"'
    )
    assert (service["SuccessExitStatus"], service["Description"]) == ("5 6", "Verification of site The Bank")


def test_another_inventory_has_units_of_its_own() -> None:
    """The default one goes without a name."""
    spec = replace(SPEC, inventory=ROOT / "inventories/staging", other_inventory="inventories/staging")
    assert spec.name == "hybridctl-drift-the-bank-inventories-staging"
    assert files(spec)[0]["Description"] == "Drift check of site The Bank, inventory inventories/staging"


def test_the_service_may_write_three_folders() -> None:
    """The site's memory and records, the textfile's folder, Ansible's working folder; without a textfile two."""
    service, _ = files(replace(SPEC, textfile=PROM))
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == f"/srv/bank/.hybridctl {PROM.parent} -/root/.ansible"
    assert "--textfile" not in files(SPEC)[0]["ExecStart"]
    assert files(SPEC)[0]["ReadWritePaths"] == "/srv/bank/.hybridctl -/root/.ansible"


def test_hostile_paths_are_quoted() -> None:
    """Spaces, quotes, specifiers and variables mean themselves."""
    root = Path('/srv/100% "our" $HOME')
    service, _ = files(replace(SPEC, root=root, inventory=root / "inventory"))
    assert service["ExecStart"].endswith(r'--inventory "/srv/100%% \"our\" $$HOME/inventory"')
    assert service["ReadWritePaths"].startswith(r'"/srv/100%% \"our\" $HOME/.hybridctl"')
    assert service["WorkingDirectory"] == '/srv/100%% "our" $HOME'


@pytest.mark.parametrize("field", ["root", "inventory", "textfile", "site"])
def test_a_line_feed_cannot_add_a_setting(field: str) -> None:
    """A path or a name with a control character is refused, not written."""
    evil = "/srv/x\nExecStartPre=/bin/evil"
    with pytest.raises(InvalidInput, match="control characters"):
        unit_files(replace(SPEC, **{field: evil if field == "site" else Path(evil)}))


def test_a_program_that_systemd_would_not_start_is_refused() -> None:
    """A quote in the path of the executable cannot be written in any way (systemd 252: "special characters")."""
    with pytest.raises(InvalidInput, match="no program with a quote"):
        unit_files(replace(SPEC, program=Path('/opt/"ours"/hybridctl')))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("bank", "bank"), ("The Bank, 2", "the-bank-2"), ("../../x", "x"), ("银行", "site"), ("a" * 99, "a" * 60)],
)
def test_slugs(name: str, expected: str) -> None:
    """Small ASCII letters, digits and dashes, never a path, never empty."""
    assert slug(name) == expected


def test_systemd_accepts_them(tmp_path: Path) -> None:
    """`systemd-analyze verify` finds nothing, hostile paths included."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here (Debian package systemd)")
    root = tmp_path / '100% "our" $HOME'
    root.mkdir()
    program = tmp_path / "100% $HOME of ours"
    shutil.copy("/bin/true", program)
    for spec in (
        replace(SPEC, root=root, inventory=root / "inventory", textfile=root / "x.prom", program=Path("/bin/true")),
        replace(SPEC, program=program, site="100% ours"),
        replace(SPEC, kind=VERIFY, program=program, on_change="./alert.sh '$x' \"50%\"", other_inventory="a/b"),
    ):
        for name, text in unit_files(spec).items():
            (tmp_path / name).write_text(text)
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", tmp_path / name], capture_output=True, text=True, check=False
            )
            # It also looks at units of this machine; what it says of ours has our name in it.
            complaints = [line for line in done.stderr.splitlines() if name in line]
            assert complaints == []
