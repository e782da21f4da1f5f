"""What changed since the last verification of the same scope, and the command that is told."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from verified import AT, down, judged, result, verified
from verified_runs import read_back

from hybridctl.alerts import alert, alert_document, news, predecessor
from hybridctl.report import verify_document
from hybridctl.runs import RunStore
from hybridctl.verification import HostReport, Verification


def told(old: Verification | None, new: Verification) -> list[tuple[str | None, ...]]:
    """Return kind, host, check, old and new verdict of each piece of news."""
    found = news(verify_document(old) if old else None, verify_document(new))
    words = ("kind", "host", "check", "old", "new")
    return [tuple(one.document()[word] for word in words) for one in found]


def fleet(verdict: str, *more: HostReport) -> Verification:
    """A host with this verdict, and others."""
    return verified(judged("a", verdict), *more)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("PASS", "FAIL", "new"),
        ("PASS", "WARN", "new"),
        ("WARN", "FAIL", "new"),
        ("FAIL", "UNKNOWN", "new"),
        ("UNKNOWN", "FAIL", "new"),
        ("FAIL", "PASS", "cleared"),
        ("FAIL", "WARN", "cleared"),
        ("UNKNOWN", "PASS", "cleared"),
    ],
)
def test_a_change_of_verdict_is_news(old: str, new: str, kind: str) -> None:
    """What cannot be measured any more has cleared nothing."""
    assert told(fleet(old), fleet(new)) == [(kind, "a", "gpu.count", old, new)]


def test_no_change_is_no_news() -> None:
    """Neither the same verdict nor another number."""
    now = verified(judged("a", result("FAIL", measured=0), result("PASS", "gpu.ecc", measured=7)))
    assert told(verified(judged("a", result("FAIL"), result("PASS", "gpu.ecc"))), now) == []
    assert alert_document(verify_document(now), verify_document(now)) is None


def test_hosts_are_lost_and_come_back() -> None:
    """What a host failed before it was lost is told again when it is back."""
    good, lost = fleet("PASS", judged("b", "FAIL")), fleet("PASS", down("b"))
    assert told(good, lost) == [("lost", "b", "", "judged", "unreachable")]
    assert told(lost, good) == [("back", "b", "", "unreachable", "judged"), ("new", "b", "gpu.count", None, "FAIL")]
    assert told(good, fleet("PASS")) == [("gone", "b", "", "judged", None)]


def test_a_new_host_is_news_by_what_is_wrong_with_it() -> None:
    """One that is good is none."""
    assert told(fleet("PASS"), fleet("PASS", judged("b", "PASS"))) == []
    assert told(fleet("PASS"), fleet("PASS", judged("b", "FAIL"))) == [("new", "b", "gpu.count", None, "FAIL")]
    assert told(fleet("PASS"), fleet("PASS", down("b"))) == [("lost", "b", "", None, "unreachable")]


def test_the_first_verification_tells_all_that_is_not_pass() -> None:
    """An alert that begins on a broken fleet is not silent."""
    assert told(None, fleet("FAIL", judged("b", "PASS"), down("c"))) == [
        ("new", "a", "gpu.count", None, "FAIL"),
        ("lost", "c", "", None, "unreachable"),
    ]


def test_a_check_that_the_profile_no_longer_asks_is_cleared() -> None:
    """Where it was not PASS."""
    both = verified(judged("a", result("FAIL"), result("PASS", "os.release"), result("PASS", "gpu.ecc")))
    assert told(both, verified(judged("a", result("PASS", "gpu.ecc")))) == [("cleared", "a", "gpu.count", "FAIL", None)]


def test_the_document_is_sorted_by_kind() -> None:
    """With both runs, their exit codes, and measured, expected, reason and remedy of each."""
    old = {**verify_document(fleet("PASS", judged("b", "PASS"))), "id": "20261124T030000Z-0001"}
    new = {**verify_document(fleet("FAIL", down("b"))), "id": "20261124T040000Z-0002"}
    document = alert_document(old, new)
    assert document is not None
    head = ("schema", "site", "inventory", "limit", "only", "run", "before", "exit_code", "exit_code_before")
    assert [document[key] for key in head] == [1, "bank", "inventory", None, [], new["id"], old["id"], 4, 0]
    assert {kind: len(document[kind]) for kind in ("new", "cleared", "lost", "back", "gone")} == {
        "new": 1, "cleared": 0, "lost": 1, "back": 0, "gone": 0,
    }  # fmt: skip
    assert {**document["new"][0]} == {
        "kind": "new", "host": "a", "check": "gpu.count", "subject": "", "old": "PASS", "new": "FAIL", "measured": 1,
        "expected": "2", "unit": "GPUs", "reason": "FAIL because", "remedy": "mend gpu.count",
    }  # fmt: skip
    assert document["lost"][0]["reason"] == "No route to host"


Recorded = Callable[..., dict[str, Any]]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """Record verifications that told of what changed, each an hour later than the one before."""
    count = 0

    def record(*, told: bool = True, **given: Any) -> dict[str, Any]:
        nonlocal count
        count += 1
        at = AT + timedelta(hours=count)
        document = read_back(replace(verified(judged("a", "PASS")), started=at, **given))
        store = RunStore(tmp_path / "runs", at)
        document |= {"id": store.id, "told": told}
        store.write_result(document)
        store.close()
        return document

    return record


def test_the_predecessor_is_the_last_run_of_the_same_scope(recorded: Recorded, tmp_path: Path) -> None:
    """Another limit, other checks, another inventory or site: another scope."""
    first = recorded()
    for scope in ({"limit": "a"}, {"only": ("gpu",)}, {"inventory": "inventories/staging"}, {"site": "shop"}):
        alone = recorded(**scope)
        assert predecessor(tmp_path / "runs", alone) is None
    recorded(told=False)
    now = recorded()
    assert predecessor(tmp_path / "runs", now) == first
    assert predecessor(tmp_path / "runs", recorded()) == now


def test_what_tells_nothing_for_sure_is_passed_over(recorded: Recorded, tmp_path: Path) -> None:
    """A run that is damaged, of another kind, without a result, or judged from evidence of another day."""
    runs = tmp_path / "runs"
    first, *others = (recorded() for _ in range(5))
    (runs / others[0]["id"] / "result.json").write_text("{")
    (runs / others[1]["id"] / "result.json").unlink()
    (runs / others[2]["id"] / "evidence").symlink_to(runs / first["id"])
    (runs / others[3]["id"] / "result.json").write_text(json.dumps({**others[3], "command": "plan"}))
    assert predecessor(runs, recorded()) == first


def test_without_runs_there_is_no_predecessor(tmp_path: Path) -> None:
    """The first run of a site whose record could not be written."""
    assert predecessor(tmp_path / "none", verify_document(fleet("PASS"))) is None


def test_the_command_reads_the_document_on_stdin(tmp_path: Path) -> None:
    """In the site's folder, with the run and the site in its environment; its output comes line by line."""
    document = alert_document(None, verify_document(fleet("FAIL")))
    assert document is not None
    lines: list[str] = []
    argv = ("sh", "-c", 'cat > got; echo "$HYBRIDCTL_SITE $HYBRIDCTL_RUN"; echo oops >&2')
    assert alert(argv, document, tmp_path, lines.append) == ""
    assert json.loads((tmp_path / "got").read_text()) == document
    assert lines == [f"bank {document['started']}", "oops"]


def test_a_command_that_fails_or_reads_nothing(tmp_path: Path) -> None:
    """Its status is told; what it leaves unread hurts nobody, however much that is."""
    hosts = [judged(f"h{n}", result("FAIL", reason="x" * 1000)) for n in range(500)]
    document = alert_document(None, verify_document(verified(*hosts)))
    assert document is not None
    assert alert(("true",), document, tmp_path, print) == ""
    assert alert(("false",), document, tmp_path, print) == "it ended with status 1"
    assert alert(("./none",), document, tmp_path, print) == "./none: No such file or directory"


def test_what_is_no_text_is_json_all_the_same(tmp_path: Path) -> None:
    """A lone surrogate arrives as JSON's escape of it."""
    document = alert_document(None, verify_document(verified(judged("a", result("FAIL", reason="\udcff")))))
    assert document is not None
    assert alert(("sh", "-c", "cat > got"), document, tmp_path, print) == ""
    assert json.loads((tmp_path / "got").read_bytes()) == document
