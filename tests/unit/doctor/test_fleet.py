"""What doctor makes of a play that did not end by itself."""

from pathlib import Path

import pytest

from hybridctl.doctor import examine_hosts
from hybridctl.errors import ExitCode
from hybridctl.inventory import Host, Inventory
from hybridctl.runner import PlayResult, PlayStatus
from hybridctl.site import Site
from hybridctl.testing import FakeRunner


@pytest.mark.parametrize(
    ("status", "trouble", "code"),
    [
        (PlayStatus.CANCELLED, "", ExitCode.INTERRUPTED),
        (PlayStatus.BROKEN, "no such module", ExitCode.ERROR),
    ],
)
def test_a_play_without_an_end(tmp_path: Path, status: PlayStatus, trouble: str, code: ExitCode) -> None:
    """Ctrl-C is 130 and no fault of ours; a play that broke is; who was not examined is in the report."""
    hosts = {"a": Host("a", "a", 22, ("gateway",), None, {})}
    site = Site(tmp_path, tmp_path / "hosts.yml", "x")
    runner = FakeRunner([], PlayResult(status, None, 1.0, trouble))
    found = examine_hosts(site, Inventory(hosts, {}), hosts.values(), runner=runner)
    assert (found.trouble, found.exit_code) == (trouble, code)
    assert "it was not examined" in [finding.measured for finding in found.hosts["a"]]
