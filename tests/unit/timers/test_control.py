"""Installing and removing the timer, over a systemctl that keeps what it was told."""

import os
import pwd
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.site import Site
from hybridctl.timers.control import Control, install, remove, require_control, timer_spec
from hybridctl.timers.units import DRIFT, VERIFY, TimerSpec

TIMER = "hybridctl-drift-bank.timer"
SERVICE = "hybridctl-drift-bank.service"
OPS = pwd.struct_passwd(("ops", "x", 1001, 1001, "", "/home/ops", "/bin/sh"))


class FakeSystemctl:
    """Answers as systemctl 252 does for a unit that is enabled and active, or neither."""

    def __init__(self) -> None:
        self.on: set[str] = set()
        self.acts: list[str] = []
        self.failing = ""
        self.stale = "no"

    def __call__(self, arguments: Sequence[str]) -> tuple[int, str]:
        """Answer a question, or note an act."""
        if arguments[0] == "show":
            return 0, f"{self.stale}\n"
        if arguments[0].startswith("is-"):
            return (0 if arguments[0] in self.on else 1), ""
        self.acts.append(" ".join(arguments))
        if self.failing == arguments[0]:
            return 1, "Access denied"
        self.on |= {"enable": {"is-enabled"}, "restart": {"is-active"}}.get(arguments[0], set())
        self.on -= {"is-enabled", "is-active"} if arguments[0] == "disable" else set()
        return 0, ""


@pytest.fixture
def fake() -> FakeSystemctl:
    """A systemd without our units."""
    return FakeSystemctl()


@pytest.fixture
def control(tmp_path: Path, fake: FakeSystemctl) -> Control:
    """The machine's systemd, with a unit folder of its own."""
    (tmp_path / "units").mkdir()
    (tmp_path / "stamps").mkdir()
    return Control(tmp_path / "units", tmp_path / "stamps", fake)


@pytest.fixture
def spec(tmp_path: Path) -> TimerSpec:
    """The timer of a site that was never checked."""
    root = tmp_path / "site"
    root.mkdir()
    return timer_spec(DRIFT, Site(root, root / "inventory", "bank"), Path("/opt/hybridctl"))


def test_the_first_time_everything_is_done(spec: TimerSpec, control: Control, fake: FakeSystemctl) -> None:
    """Both files, mode 0644, the folder the unit may write to, then systemd is told."""
    done = install(spec, control)
    assert fake.acts == ["daemon-reload", f"enable {TIMER}", f"restart {TIMER}"]
    assert [line.split()[0] for line in done] == ["wrote", "wrote", "enabled", "started"]
    assert [oct(path.stat().st_mode)[-3:] for path in sorted(control.units.iterdir())] == ["644", "644"]
    assert oct((spec.root / ".hybridctl").stat().st_mode)[-3:] == "700"


def test_the_second_time_nothing_is(spec: TimerSpec, control: Control, fake: FakeSystemctl) -> None:
    """Idempotent: no file is written, systemd is asked and told nothing."""
    install(spec, control)
    fake.acts.clear()
    before = [path.stat().st_ino for path in sorted(control.units.iterdir())]
    assert install(spec, control) == []
    assert fake.acts == []
    assert [path.stat().st_ino for path in sorted(control.units.iterdir())] == before


def test_another_interval_starts_the_timer_anew(spec: TimerSpec, control: Control, fake: FakeSystemctl) -> None:
    """The changed file only is written; a running timer would go by its old calendar."""
    install(spec, control)
    fake.acts.clear()
    assert install(replace(spec, every="6h"), control) == [f"wrote {control.units / TIMER}", f"started {TIMER}"]
    assert fake.acts == ["daemon-reload", f"restart {TIMER}"]


@pytest.mark.parametrize("lost", ["is-enabled", "is-active"])
def test_what_somebody_switched_off_is_switched_on(
    spec: TimerSpec, control: Control, fake: FakeSystemctl, lost: str
) -> None:
    """Disabled or stopped by hand: repaired, without writing a file."""
    install(spec, control)
    fake.acts.clear()
    fake.on.remove(lost)
    assert all("wrote" not in line for line in install(spec, control))
    assert f"restart {TIMER}" in fake.acts
    assert fake.on == {"is-enabled", "is-active"}


def test_a_reload_that_was_missed_is_made_up_for(spec: TimerSpec, control: Control, fake: FakeSystemctl) -> None:
    """An earlier install wrote the files and was killed: systemd says that it has not read them."""
    install(spec, control)
    fake.acts.clear()
    fake.stale = "yes"
    install(spec, control)
    assert fake.acts[0] == "daemon-reload"


def test_removed_and_removed_again(spec: TimerSpec, control: Control, fake: FakeSystemctl) -> None:
    """Stopped before the files go; the second time there is nothing to do."""
    install(spec, control)
    fake.acts.clear()
    (control.stamps / f"stamp-{TIMER}").touch()
    assert len(remove(spec, control)) == 3
    assert fake.acts == [
        f"disable --now {TIMER}",
        f"stop {SERVICE}",
        "daemon-reload",
        f"reset-failed {SERVICE}",
    ]
    assert [*control.units.iterdir(), *control.stamps.iterdir()] == []
    assert remove(spec, control) == []


def test_a_stamp_goes_without_its_timers_file(spec: TimerSpec, control: Control) -> None:
    """Somebody removed the file by hand; the stamp of another timer stays."""
    install(spec, control)
    (control.units / TIMER).unlink()
    for name in (f"stamp-{TIMER}", "stamp-apt-daily.timer"):
        (control.stamps / name).touch()
    remove(spec, control)
    assert [path.name for path in control.stamps.iterdir()] == ["stamp-apt-daily.timer"]


def test_another_site_of_the_same_name_is_left_alone(spec: TimerSpec, control: Control, fake: FakeSystemctl) -> None:
    """Neither overwritten nor removed; the error names both and what to do."""
    install(spec, control)
    fake.acts.clear()
    other = replace(spec, root=Path("/srv/other"))
    for act in (install, remove):
        with pytest.raises(InvalidInput, match=f"is the timer of {spec.root}, not of /srv/other") as error:
            act(other, control)
        assert "hybridctl.yml" in error.value.hint
    assert fake.acts == []
    assert len(list(control.units.iterdir())) == 2


def test_inventories_of_one_name_are_told_apart(spec: TimerSpec, control: Control) -> None:
    """Their names are different paths and one unit name: the second is refused, not written over the first."""
    install(replace(spec, other_inventory="sites/a"), control)
    with pytest.raises(InvalidInput, match=f"is the timer of {spec.root}, inventory sites/a, not of .*sites-a"):
        install(replace(spec, other_inventory="sites-a"), control)


def test_a_file_that_is_not_ours_is_left_alone(spec: TimerSpec, control: Control) -> None:
    """Somebody wrote a unit of that name by hand."""
    (control.units / SERVICE).write_text("[Service]\nExecStart=/bin/true\n")
    with pytest.raises(InvalidInput, match="something that is not ours"):
        install(spec, control)


def test_a_refusal_of_systemd_is_an_error(spec: TimerSpec, control: Control, fake: FakeSystemctl) -> None:
    """With the command, its status and what it said."""
    fake.failing = "enable"
    with pytest.raises(HybridctlError, match=rf"systemctl enable {TIMER}: exit 1: Access denied"):
        install(spec, control)


def test_no_systemd_no_timer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said with what to do instead; so is a user who is not root."""
    with pytest.raises(InvalidInput, match="does not run systemd") as error:
        require_control(VERIFY, tmp_path / "no")
    assert "hybridctl verify --textfile" in error.value.hint
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(InvalidInput, match="only be written by root"):
        require_control(VERIFY, tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    require_control(VERIFY, tmp_path)


def test_the_check_runs_as_the_owner_of_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root must not run what others can write; an owner without a name is refused."""
    site = Site(tmp_path, tmp_path / "inventory", "bank")
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(tmp_path, 65534, -1)
    monkeypatch.chdir("/tmp")
    spec = timer_spec(VERIFY, site, Path("/opt/hybridctl"), "1h", Path("x.prom"))
    assert spec.user == "nobody"
    assert spec.textfile == Path.cwd() / "x.prom"
    os.chown(tmp_path, 54321, -1)
    with pytest.raises(InvalidInput, match="belongs to uid 54321"):
        timer_spec(VERIFY, site, Path("/opt/hybridctl"))


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "may"),
    [
        (0o700, 1001, 0, True),
        (0o070, 0, 2002, True),  # one of its other groups
        (0o007, 0, 0, True),
        (0o077, 1001, 0, False),  # an owner's own bits count alone
        (0o774, 0, 0, False),
        (0o705, 0, 2002, False),
    ],
)
def test_the_owner_of_the_site_is_asked_for_not_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, uid: int, gid: int, may: bool
) -> None:
    """Who is another user than root, who may everything, and than a colleague who looks at the units."""
    monkeypatch.setattr(os, "getgrouplist", lambda _name, gid: [gid, 2002])
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: OPS)
    real = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        known = list(real(path, **options))
        known[0] = 0o40755 if path.name not in ("metrics", "alert") else (known[0] & ~0o777) | mode
        known[4:6] = (uid, gid) if path.name in ("metrics", "alert") else (0, 0)
        return os.stat_result(known)

    (tmp_path / "metrics").mkdir()
    (tmp_path / "alert").touch()
    monkeypatch.setattr(Path, "stat", stat)
    site = Site(tmp_path, tmp_path / "inventory", "bank")
    each: list[dict[str, Any]] = [{"textfile": tmp_path / "metrics/x.prom"}, {"on_change": "./alert"}]
    for options in each:
        with nullcontext() if may else pytest.raises(InvalidInput, match=r"(not writable|may not be executed) by ops"):
            timer_spec(VERIFY, site, Path("/opt/hybridctl"), **options)
