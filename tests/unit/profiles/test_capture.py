"""A draft from a live host: what it showed, and what a person must decide."""

from datetime import date
from pathlib import Path

import yaml

from hybridctl.checks import CATALOGUE
from hybridctl.checks.fake import Answered, FakeHost
from hybridctl.profiles import load_profile
from hybridctl.profiles.capture import capture, draft

OS_RELEASE = 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'
HOST = {
    "os-release": OS_RELEASE,
    "uname -m": "x86_64\n",
    "meminfo": "MemTotal: 16777216 kB\n",
    "cpuinfo": Answered(1, "", "cat: Permission\x1b[31m denied"),
}


def test_a_draft_is_a_profile_that_its_host_meets(tmp_path: Path) -> None:
    """It loads, holds what was measured with host and day as the source, and leaves the rest to a person."""
    text = draft("gw1", capture(FakeHost(HOST), {}), date(2026, 11, 30))
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/ours.yml").write_text(text)
    expectations = load_profile("ours", tmp_path).expectations
    assert {check: e.wanted for check, e in expectations.items()} == {
        "os.distribution": "Debian",
        "os.release": "12",
        "os.architecture": "x86_64",
    }
    assert expectations["os.release"].source == "measured on gw1, 2026-11-30"
    assert "# memory.total" not in text.split("decide:")[0]
    assert '  # memory.total: {value: 16.0, unit: "GiB"' in text
    assert "  # cpu.implementer: not measured: cat ended with status 1: cat: Permission [31m denied" in text
    assert "  # units.active: a list of names" in text
    assert "  # fleet.kernel: it compares the hosts of the profile" in text
    assert "  # growth.symbol_errors: " in text


def test_every_check_stands_in_a_draft_once() -> None:
    """Nothing is left out in silence, and a host that answers nothing makes a draft of comments."""
    found = capture(FakeHost({}), {})
    assert [one.check.id for one in found] == list(CATALOGUE)
    assert all(one.reason for one in found)
    assert yaml.safe_load(draft("h", found, date(2026, 1, 1)))["expect"] is None


def test_a_host_cannot_write_into_the_profile() -> None:
    """A value with quotes, line ends and braces stays one quoted text."""
    hostile = 'x86_64"}\n  os.release: {value: "1", source: "evil"}'
    found = capture(FakeHost({"uname -m": hostile}), {})
    expected = yaml.safe_load(draft("h", found, date(2026, 1, 1)))["expect"]
    assert expected == {"os.architecture": {"value": hostile, "source": "measured on h, 2026-01-01"}}
