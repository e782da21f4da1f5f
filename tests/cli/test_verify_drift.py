"""`verify` says what the last check of drift saw; the hosts are this machine, reached without ssh."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from drift_runs import FILE, check

from hybridctl.cli import cli
from hybridctl.drift.store import memory_file, remember
from hybridctl.site import open_site

LINE = "  drift.resources: {value: 0, unit: resources, severity: warn, source: our choice}\n"


def verified(*arguments: str) -> tuple[dict[str, Any], int]:
    """Verify, and return measured, verdict and reason by host, and the exit status."""
    done = CliRunner().invoke(cli, ["verify", "--json", *arguments])
    results = {host["name"]: host["checks"][0] for host in json.loads(done.stdout)["hosts"]}
    told = {name: tuple(one[key] for key in ("measured", "verdict", "reason")) for name, one in results.items()}
    return told, done.exit_code


def test_drift_is_judged_as_it_was_seen(make_site: Callable[[int, str], Path]) -> None:
    """One that differs, one that is clean, one that nobody looked at; the evidence knows it when the memory is gone."""
    make_site(3, LINE)
    site = open_site(None)
    site.runs.mkdir(parents=True)
    remember(site, check(datetime.now(UTC) - timedelta(hours=2), {"h1": [FILE], "h2": []}), ["h1", "h2", "h3"])
    found, status = verified()
    assert found == {
        "h1": (1, "WARN", "file /etc/x, as of 2.0 h ago"),
        "h2": (0, "PASS", ""),
        "h3": (None, "UNKNOWN", "no provision or check of drift has come to the end of this host yet"),
    }
    assert status == 6
    memory_file(site).unlink()
    assert verified("--from-evidence", ".hybridctl/runs/latest") == (found, status)
