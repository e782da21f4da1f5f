"""A check becomes text, JSON and an exit status."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from drift_runs import FILE, MODE, UNIT, at, check

from hybridctl import content
from hybridctl.drift.check import DriftReport
from hybridctl.drift.memory import Memory
from hybridctl.errors import ExitCode
from hybridctl.events import HostOutcome, HostState
from hybridctl.report.drift_text import drift_lines
from hybridctl.results import RunResult

CODES = {"ok": ExitCode.OK, "failed": ExitCode.HOST_FAILED, "unreachable": ExitCode.HOST_UNREACHABLE}


def report(*runs: dict[str, Any], layers: tuple[str, ...] = ()) -> DriftReport:
    """Return the report of the last of these checks."""
    memory = Memory()
    for run in runs:
        memory.observe(run)
    run = {**runs[-1], "site": "bank", "asked": len(runs[-1]["hosts"]), "message": ""}
    hosts = tuple(HostOutcome(host["name"], state=HostState(host["state"])) for host in run["hosts"])
    return DriftReport.of(RunResult(Path(), CODES[run["status"]], hosts, run), memory, layers)


def test_each_host_says_what_differs_since_when() -> None:
    """Kinds counted, the oldest day in front, each resource below with its action, reason and day; others counted."""
    first = check(at(24), {"gpu-07": [FILE, UNIT]})
    now = check(at(25), {"gpu-07": [FILE, MODE, UNIT], "gpu-08": [], "gpu-09": []})
    assert list(drift_lines(report(first, now))) == [
        "gpu-07: 2 files, 1 unit differ since Tue 2026-11-24 03:00 UTC",
        "  file /etc/x  to write: content, since Tue 2026-11-24 03:00 UTC",
        "  unit haproxy.service  to start, since Tue 2026-11-24 03:00 UTC",
        "  file /etc/y  to write: mode 0666 -> 0644, since Wed 2026-11-25 03:00 UTC",
        "no drift on 2 hosts",
    ]


def test_one_of_each() -> None:
    """Singular where it belongs; a directory's plural is not `directorys`."""
    directory = {**FILE, "kind": "directory"}
    lines = list(drift_lines(report(check(at(24), {"a": [directory], "b": []}))))
    assert lines[0] == "a: 1 directory differs since Tue 2026-11-24 03:00 UTC"
    assert lines[-1] == "no drift on 1 host"
    two = [directory, {**directory, "name": "/etc/z"}]
    assert next(drift_lines(report(check(at(24), {"a": two})))).startswith("a: 2 directories differ")


def test_a_host_that_could_not_be_planned_is_unknown() -> None:
    """Never among those without drift; what was known before is said as such."""
    run = check(at(25), {"a": [], "b": []}, status="unreachable", states={"a": "unreachable", "b": "unreachable"})
    assert list(drift_lines(report(check(at(24), {"a": [FILE], "b": []}), run))) == [
        "a: unknown, could not be planned (unreachable); known to differ before it ended: "
        "1 file differs since Tue 2026-11-24 03:00 UTC",
        "  file /etc/x  to write: content, since Tue 2026-11-24 03:00 UTC",
        "b: unknown, could not be planned (unreachable)",
    ]


def test_a_path_with_a_line_feed_is_one_line() -> None:
    """A file name from a host cannot write a line of its own."""
    lines = list(drift_lines(report(check(at(24), {"a": [{**FILE, "name": "/etc/x\nno drift on 9 hosts"}]}))))
    assert len(lines) == 2
    assert r"/etc/x\nno drift on 9 hosts" in lines[1]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [([], "ok", 0), ([FILE], "ok", 7), ([FILE], "failed", 3), ([], "failed", 3), ([FILE], "unreachable", 4)],
)
def test_exit_status(changes: list[dict[str, str]], status: str, code: int) -> None:
    """0 none, 7 drift; a host that could not be planned outranks both."""
    run = check(at(24), {"a": changes, "b": []}, status=status, states={"b": status})
    assert report(run).exit_code == code


def test_a_layer_alone_is_judged_alone() -> None:
    """What is known of other layers is neither shown nor counted by a check of one."""
    now = check(at(25), {"a": []}, layers=["gateway"])
    told = report(check(at(24), {"a": [FILE]}), now, layers=("gateway",))
    assert list(drift_lines(told)) == ["no drift on 1 host"]
    assert told.exit_code == 0


def test_the_json_document_follows_its_schema() -> None:
    """As published in data/drift.schema.json: with drift, without, unknown."""
    run = check(at(24), {"a": [FILE], "b": [], "c": []}, status="failed", states={"c": "failed"})
    document = report(run).document()
    jsonschema.validate(document, content.schema("drift"))
    assert document["hosts"][0]["resources"] == [{**FILE, "since": "2026-11-24T03:00:00+00:00"}]
    assert [(host["name"], host["planned"]) for host in document["hosts"]] == [("a", True), ("b", True), ("c", False)]
