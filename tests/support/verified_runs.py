"""Recorded verifications for tests, as `verify` writes them: result.json and the evidence of each host."""

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hybridctl.checks import Result, Verdict
from hybridctl.evidence.answers import Answer, Told
from hybridctl.evidence.files import HostEvidence, evidence_name, write_evidence
from hybridctl.evidence.record import FOLDER
from hybridctl.json_text import json_pieces
from hybridctl.redaction import Redactor
from hybridctl.report import verify_document
from hybridctl.run_history import RunRecord, find_run
from hybridctl.verification import HostReport, HostState, Verification
from hybridctl.waivers import Waiver

FIRST = "20260101T120000Z-0001"
SECOND = "20260102T120000Z-0002"
SMI = "nvidia-smi -q"


def result(check: str, verdict: Verdict = Verdict.PASS, measured: Any = 1, **given: Any) -> Result:
    """A result as the judge makes it."""
    words: dict[str, Any] = {"expected": "1", "unit": "things", "source": "a test", "origin": "test.yml:7"}
    if verdict is not Verdict.PASS:
        words |= {"reason": f"{check} is wrong", "remedy": f"mend {check}", "commands": (SMI,)}
    return Result(check, verdict, measured, **{**words, **given})


def waived(check: str, reason: str = "the part is on its way", **given: Any) -> Result:
    """A FAIL that the site puts up with."""
    waiver = Waiver(check, "all", reason, "kim", date(2026, 3, 31), "waivers.yml:7", ticket="OPS-9")
    return result(check, Verdict.WAIVED, 0, waiver=waiver, **given)


def judged(name: str, *results: Result, lab: bool = False) -> HostReport:
    """A host that was judged."""
    return HostReport(name, HostState.JUDGED, "test", lab, "", results, 0.5)


def read_back(verification: Verification) -> dict[str, Any]:
    """The document of a verification as its reader has it."""
    document: dict[str, Any] = json.loads("".join(json_pieces(verify_document(verification))))
    return document


def recorded(
    runs: Path,
    *hosts: HostReport,
    id_: str = FIRST,
    evidence: Mapping[str, Mapping[str, Told]] | None = None,
    **head: Any,
) -> RunRecord:
    """Record a verification of these hosts.

    Args:
        head: what stands elsewhere in result.json, instead of what verify would write there.
    """
    at = datetime.strptime(f"{id_[:15]}+0000", "%Y%m%dT%H%M%S%z")
    document = read_back(Verification("rack-7", at, at + timedelta(seconds=9), hosts))
    folder = runs / id_
    (folder / FOLDER).mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps({"id": id_, **document, **head}), encoding="utf-8")
    for host, answers in (evidence or {}).items():
        said = HostEvidence(host, at.isoformat(), reached=True, answers=answers)
        write_evidence(folder / FOLDER / evidence_name(host), said, Redactor())
    return find_run(runs, id_)


def fleet(count: int, checks: int = 100) -> tuple[HostReport, ...]:
    """Hosts of which each has as many results; one in twenty results is not PASS, and one host in fifty is away."""
    bad = (Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN)
    hosts = []
    for number in range(count):
        name = f"gpu{number + 1:03d}"
        if number % 50 == 49:
            hosts.append(HostReport(name, HostState.UNREACHABLE, "test", reason=f"ssh: connect to {name}: timed out"))
            continue
        results = [
            result(f"topic{place % 20}.check{place}", measured=place * 1.5, expected=f"{place} or more")
            if (place + number * 7) % 20
            else result(
                f"topic{place % 20}.check{place}",
                bad[(place + number) % 3],
                f"{name} has {place}",
                reason=f"{name} shows {place}, which is not what its profile asks for",
                remedy=f"look at it: hybridctl verify --limit {name} --only topic{place % 20}",
                commands=(f"{SMI} -i {place}",),
            )
            for place in range(checks)
        ]
        hosts.append(judged(name, *results))
    return tuple(hosts)


def answers(host: HostReport, lines: int = 20) -> dict[str, Told]:
    """What a host said to every command of its results: nothing that another host said, too."""
    commands = {command for result in host.results for command in result.commands}
    return {
        command: Answer(0, "".join(f"{host.name} {command} line {n} {'x' * 150}\n" for n in range(lines)).encode(), b"")
        for command in commands
    }
