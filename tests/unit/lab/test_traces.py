"""What the tests look at to say that a lab left nothing: they must be able to see it."""

from pathlib import Path

import lab_traces
import pytest


def test_a_tool_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without `nft` nobody has looked for tables, which is not the same as none."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="nft"):
        lab_traces._lines("nft", "list", "tables")


def test_every_setting_counts_but_counters_and_the_links_of_labs(tmp_path: Path) -> None:
    """A setting of this machine or of one of its own links that changes is seen."""
    for name in ("ipv4/ip_forward", "ipv4/conf/eth0/rp_filter", "ipv4/conf/vb-hyb1/rp_filter", "nf_conntrack_count"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0\n")
    (tmp_path / "ipv4/flush").symlink_to("nowhere")  # cannot be read
    assert lab_traces._settings(tmp_path) == [
        f"{tmp_path}/ipv4/ip_forward 0",
        f"{tmp_path}/ipv4/conf/eth0/rp_filter 0",
    ]
