"""Going on with a run: which hosts are left, with which options, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybridctl.errors import InvalidInput
from hybridctl.execution import Execution, Options
from hybridctl.inventory import Host
from hybridctl.provisioning import Conduct, provision
from hybridctl.redaction import MASK
from hybridctl.results import RunResult
from hybridctl.resume import open_record
from hybridctl.rollout import Rollout
from hybridctl.runner import PlayStatus
from hybridctl.site import Site
from hybridctl.testing import FakeFleet, FewHosts


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site without runs."""
    return Site(tmp_path, tmp_path / "hosts.yml", "bank")


def run(site: Site, fleet: FakeFleet, given: dict[str, Any] | None = None, **options: Any) -> RunResult:
    """Provision a fleet."""
    known = {name: Host(name, name, 22, (), None, {}) for name in fleet.hosts}
    execution = Execution(site, FewHosts(known, {"all": tuple(known)}), tuple(known), Options(**options))
    return provision(execution, Rollout().over(given or {}), conduct=Conduct(run=fleet))


def kill(result: RunResult, *last_lines: str) -> None:
    """Make a record look as a kill -9 leaves it: no final result, and perhaps half a line of events."""
    document = {
        key: result.document[key] for key in ("command", "check", "who", "batches", "rollout", "limit", "inventory")
    }
    document |= {key: result.document[key] for key in ("layers", "roles", "forks")} | {"status": "running"}
    (result.path / "result.json").write_text(json.dumps(document))
    with (result.path / "events.jsonl").open("a") as file:
        file.write("".join(last_lines))


def test_what_did_not_end_well_is_left(site: Site) -> None:
    """Failed, unreachable and never started hosts, in the order of the run; not those that are ok."""
    fleet = FakeFleet(("a", "b", "c", "d", "e"), {"b": "failed", "c": "unreachable"})
    result = run(site, fleet, {"batch": "3", "canary": "c"})
    assert open_record(site, result.path.name).left == ("c", "b", "d", "e")


def test_a_host_without_anything_to_do_is_done(site: Site) -> None:
    """No play names it: nothing is left there."""
    result = run(site, FakeFleet(("a",)))
    result.document["hosts"][0]["state"] = "nothing to do"
    (result.path / "result.json").write_text(json.dumps(result.document))
    assert open_record(site, "latest").left == ()


def test_of_a_killed_run_only_hosts_with_statistics_are_done(site: Site) -> None:
    """Who finished stands in events.jsonl; a host whose playbook never ended may have half of its changes."""
    fleet = FakeFleet(("a", "b", "c", "d"), {"b": "failed"}, ends=[PlayStatus.FINISHED, PlayStatus.CANCELLED])
    result = run(site, fleet, {"batch": "2", "max_fail": "1"})
    kill(result, '{"kind": "stats", "stats": {"ok": {"c"')
    assert open_record(site, "latest").left == ("b", "c", "d")


def test_of_two_statistics_of_a_host_the_later_one_counts(site: Site) -> None:
    """A host whose lock was broken is played twice: first it failed, then it ended well."""
    result = run(site, FakeFleet(("a", "b"), {"a": "failed", "b": "failed"}))
    kill(result, '{"kind": "stats", "stats": {"ok": {"a": 3}, "failures": {}, "dark": {}}}\n')
    assert open_record(site, "latest").left == ("b",)


def test_the_options_are_those_of_the_run(site: Site) -> None:
    """Limit, layers, roles, forks, batches; a new option comes over them, a canary that is done leads nobody."""
    given = {"batch": "1,50%", "canary": "b", "max_fail": "1", "window": "00:00-23:59", "before_batch": ["true"]}
    fleet = FakeFleet(("a", "b", "c"), {"a": "failed", "c": "failed"})
    run(site, fleet, given, limit="all", layers=("base",), roles=("host_base",), forks=7)
    record = open_record(site, "latest")
    assert record.options == Options("all", layers=("base",), roles=("host_base",), forks=7)
    rollout = Rollout.from_document(record.document["rollout"], {"max_fail": "5", "window": None})
    assert rollout == Rollout().over({**given, "max_fail": "5"})
    assert rollout.without_canary_unless_in(record.left).canary is None
    assert rollout.without_canary_unless_in(("b",)).canary == "b"


def test_the_runs_that_a_run_went_on_with(site: Site) -> None:
    """From record to record; one that is damaged or names itself ends the chain."""
    first, second, third = (run(site, FakeFleet(("a",), {"a": "failed"})) for _ in range(3))
    for result, resumes in ((second, first), (third, second)):
        result.document["resumes"] = resumes.path.name
        (result.path / "result.json").write_text(json.dumps(result.document))
    assert open_record(site, third.path.name).goes_on_with == (second.path.name, first.path.name)
    (first.path / "result.json").write_text("{")
    assert open_record(site, third.path.name).goes_on_with == (second.path.name, first.path.name)
    second.document["resumes"] = third.path.name
    (second.path / "result.json").write_text(json.dumps(second.document))
    assert open_record(site, third.path.name).goes_on_with == (second.path.name, third.path.name)


def test_latest_is_the_newest_provision(site: Site) -> None:
    """Plans and checks after it are none."""
    wanted = run(site, FakeFleet(("a",)))
    run(site, FakeFleet(("a",)), check=True)
    assert open_record(site, "latest").id == wanted.path.name


def refusal(site: Site, name: str) -> str:
    """Return the error of a resume."""
    with pytest.raises(InvalidInput) as caught:
        open_record(site, name)
    return caught.value.message


def test_what_cannot_be_resumed_is_refused(site: Site) -> None:
    """No such run, a path instead of a name, a check, a record of another kind."""
    assert "--resume latest: there is no such run" in refusal(site, "latest")
    check = run(site, FakeFleet(("a",)), check=True)
    assert "that run was a check, it changed nothing" in refusal(site, check.path.name)
    assert "there is no such run" in refusal(site, "20260101T000000Z-0000")
    assert "there is no such run" in refusal(site, f"../runs/{check.path.name}")
    (check.path / "result.json").write_text('{"command": "provision"}')
    assert "is not the record of a run that can be resumed" in refusal(site, check.path.name)


def test_a_run_that_goes_on_is_not_resumed(site: Site) -> None:
    """Its process lives, and says so by a lock on its events that ends with it."""
    told: list[str] = []
    fleet = FakeFleet(("a",), during=lambda request: told.append(refusal(site, request.run_dir.name)))
    result = run(site, fleet)
    assert [text.partition(" of ")[0] for text in told] == [f"--resume {result.path.name}: that run"]
    assert told[0].endswith("goes on")
    kill(result)
    assert open_record(site, result.path.name).left == ()


def test_a_host_that_left_the_inventory_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names it, and nothing is contacted."""
    inventory = FewHosts({"a": Host("a", "a", 22, (), None, {})}, {"all": ("a",)})
    monkeypatch.setattr("hybridctl.execution.load_inventory", lambda _site: inventory)
    with pytest.raises(InvalidInput, match=r"b, c: no longer in .*hosts\.yml; nothing was contacted"):
        Execution.prepare(site, Options(), ("a", "b", "c"))
    execution = Execution.prepare(site, Options("x"), ("a",))
    assert execution.request(site.root, execution.hosts).hosts == ("a",)


def test_a_run_of_another_inventory_is_not_resumed(site: Site) -> None:
    """Two inventories of one folder may give one name to two machines: refused, with the command that is meant."""
    production = replace(site, inventory=site.root / "production")
    name = run(production, FakeFleet(("a",), {"a": "failed"})).path.name
    with pytest.raises(InvalidInput, match=r"that run was of the inventory production, this is hosts\.yml") as caught:
        open_record(site, name)
    assert caught.value.hint == f"hybridctl provision -i {site.root / 'production'} --resume {name}"
    assert open_record(production, "latest").left == ("a",)
    of_old = json.loads((site.runs / name / "result.json").read_text())
    del of_old["inventory"]
    (site.runs / name / "result.json").write_text(json.dumps(of_old))
    assert open_record(site, name).left == ("a",)


def test_a_hook_whose_secret_was_masked_must_be_given_again() -> None:
    """Its record does not keep the secret, and running it with a mask would be wrong."""
    document = {"before_batch": ["silence", f"--key={MASK}"], "hook_timeout": 300}
    with pytest.raises(InvalidInput, match="--before-batch of that run had a secret in it"):
        Rollout.from_document(document, {})
    assert Rollout.from_document(document, {"before_batch": "silence"}).before_batch == ("silence",)
