"""The page of a verification: all of it there, small, and no word of a host anything but text."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from contrast import contrast
from verified_runs import FIRST, SECOND, SMI, answers, fleet, judged, recorded, result, waived

import hybridctl
from hybridctl.checks import CATALOGUE, Verdict
from hybridctl.evidence.answers import Answer, Trouble
from hybridctl.evidence.excerpt import LINES, excerpt
from hybridctl.json_text import Objects
from hybridctl.report import verify_data
from hybridctl.report.run_page import run_page
from hybridctl.report.verify_page import verify_page
from hybridctl.run_details import read_details
from hybridctl.run_history import RunRecord, find_run, previous_verification
from hybridctl.verification import HostReport, HostState

REPORT = Path(hybridctl.__file__).parent / "report"
WICKED = "</script x></script></title><script>alert(1)</script><!--<script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}"
SAID = b"\n".join(b"line %d" % number for number in range(100)) + b"\n"


class Page(HTMLParser):
    """A page read as a browser reads it, with the data that its script would read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.scripts = "", list[str]()
        self.feed(html)
        self.close()
        self.data = json.loads(self.scripts[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a start tag."""
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        """Take text, or what stands in a script."""
        if self.cdata_elem == "script":
            self.scripts[-1] += data
        elif self.cdata_elem != "style":
            self.text += data

    def results(self, host: str) -> dict[str, dict[str, Any]]:
        """Return the results of a host with every place looked up, as the script does it."""
        data = self.data
        (row,) = (row for row in data["hosts"] if row[0] == host)
        found = {}
        for asked, verdict, value, *more in row[5]:
            check, topic, subject, expected, unit, source, origin = data["asked"][asked]
            one = {"topic": data["topics"][topic], "expected": expected, "unit": unit, "source": source}
            one |= {"origin": origin, "verdict": data["verdicts"][verdict][0], "measured": data["values"][value]}
            before, *bad = more or [None]
            one["before"] = data["before"][before] if before is not None and before >= 0 else before
            if bad:
                one |= {"reason": data["texts"][bad[0]], "remedy": data["texts"][bad[1]]}
                if bad[3:]:
                    one["waiver"] = data["waivers"][bad[3]]
                said = [data["said"][place] for place in bad[2]]
                one["said"] = [(*(data["texts"][text] for text in texts), left) for *texts, left in said]
            found[f"{check} {subject}".rstrip()] = one
        return found


def page(record: RunRecord) -> Page:
    """Return the page of a record."""
    return Page(verify_page(record))


def test_a_live_document_has_the_page_of_its_record(tmp_path: Path) -> None:
    """Its hosts are made whenever they are read, and are no list."""
    record = recorded(tmp_path, *fleet(3, 4))
    hosts = record.document["hosts"]
    live = {**record.document, "hosts": Objects(dict, hosts)}
    assert len(verify_data.hosts_of(live)) == 3
    assert verify_page(replace(record, document=live)) == verify_page(record)


def test_the_head_names_who_is_missing(tmp_path: Path) -> None:
    """Site, time, who, hosts asked, judged and not judged by name with their reason, verdicts counted, the lab told."""
    hosts = (
        judged("gw1", result("os.release"), result("gpu.count", Verdict.FAIL), lab=True),
        HostReport("cpu1", HostState.UNREACHABLE, reason="No route to host"),
        HostReport("cpu2", HostState.UNREACHABLE, reason="No route to host"),
        HostReport("cpu3", HostState.UNREACHABLE, reason="No route to host"),
        HostReport("new1", HostState.NO_PROFILE, results=(result("profile", Verdict.UNKNOWN),)),
    )
    text = re.sub(r"\s+", " ", page(recorded(tmp_path, *hosts, who="kim")).text)
    for words in (
        "Verification of rack-7 unreachable",
        "1 of 5 hosts are of a lab",
        "Started2026-01-01 12:00:00 UTC",
        "Bykim",
        f"Run{FIRST}",
        "5 hosts asked for 1 judged 4 not judged",
        "1 FAIL 1 UNKNOWN 0 WARN 0 WAIVED 1 PASS",
        "cpu1-cpu3 unreachableNo route to host",
        "new1 without a profile",
        "No earlier verification is recorded",
    ):
        assert words in text


def test_a_result_has_all_that_explains_it(tmp_path: Path) -> None:
    """Measured, expected, unit, source, origin, reason, remedy, and what the host said to what the check asked."""
    bad = result("gpu.count", Verdict.FAIL, 7.5, expected=">= 8", unit="GPUs", subject="sxm", commands=(SMI, "lspci"))
    told = {
        SMI: Answer(0, SAID, b"a warning\n"),
        "lspci": Trouble("took longer than 30 s"),
        "else": Answer(0, b"", b""),
    }
    record = recorded(tmp_path, judged("g1", result("os.release", measured="12"), bad), evidence={"g1": told})
    found = page(record).results("g1")
    assert found["gpu.count sxm"] == {
        "topic": "gpu",
        "verdict": "FAIL",
        "measured": 7.5,
        "expected": ">= 8",
        "unit": "GPUs",
        "source": "a test",
        "origin": "test.yml:7",
        "reason": "gpu.count is wrong",
        "remedy": "mend gpu.count",
        "before": None,
        "said": [
            (SMI, "exit 0", "\n".join(f"line {n}" for n in range(LINES)), "a warning", 100 - LINES),
            ("lspci", "no answer: took longer than 30 s", "", "", 0),
        ],
    }
    assert found["os.release"]["measured"] == "12"
    assert "said" not in found["os.release"]


def test_of_many_commands_a_subject_has_its_own(tmp_path: Path) -> None:
    """What was said of b.service stands with b.service only; where no command names a subject, all are shown."""
    asked = ("systemctl show a.service", "systemctl show b.service")
    bad = [
        result("units.active", Verdict.FAIL, subject=name, commands=asked) for name in ("b.service", "c.service", "")
    ]
    told = {command: Answer(0, command.encode(), b"") for command in asked}
    found = page(recorded(tmp_path, judged("g1", *bad), evidence={"g1": told})).results("g1")
    assert [command for command, *_ in found["units.active b.service"]["said"]] == [asked[1]]
    assert [command for command, *_ in found["units.active c.service"]["said"]] == list(asked)
    assert [command for command, *_ in found["units.active"]["said"]] == list(asked)


@pytest.mark.parametrize("damage", ["missing", "truncated", "of another host's command"])
def test_evidence_that_is_not_there_is_said(tmp_path: Path, damage: str) -> None:
    """The result is shown all the same."""
    record = recorded(
        tmp_path, judged("g1", result("gpu.count", Verdict.FAIL)), evidence={"g1": {"another": Answer(0, b"x", b"")}}
    )
    (file,) = (record.path / "evidence").iterdir()
    if damage == "missing":
        file.unlink()
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:-9])
    assert page(record).results("g1")["gpu.count"]["said"] == [(SMI, "its answer is not in the evidence", "", "", 0)]


def test_an_excerpt_is_short_whatever_was_said() -> None:
    """The first lines, each cut; megabytes of one line, bytes that are no text; the lines left out are counted."""
    long = excerpt(Answer(1, b"x" * 10_000_000, b"\xff\xfe" * 1_000_000))
    assert (len(long.stdout), len(long.stderr), long.left_out) == (201, 201, 0)
    assert long.outcome == "exit 1"
    many = excerpt(Answer(0, SAID, SAID[:-1]))
    assert many.stdout.splitlines() == [f"line {n}" for n in range(LINES)]
    assert many.left_out == 2 * (100 - LINES)
    assert excerpt(Answer(0, b"one\n", b"")) == excerpt(Answer(0, b"one", b""))
    assert len(excerpt(Trouble("x" * 9999)).outcome) <= 200


def test_what_hosts_say_is_text(tmp_path: Path) -> None:
    """Names, values, reasons, units, origins, commands and outputs that want to be markup end no element."""
    name = f"h{WICKED}"
    bad = result(
        f"gpu.{WICKED}",
        Verdict.FAIL,
        WICKED,
        subject=WICKED,
        expected=WICKED,
        unit=WICKED,
        reason=WICKED,
        remedy=WICKED,
        source=WICKED,
        origin=WICKED,
        commands=(WICKED,),
    )
    lost = HostReport(f"x{WICKED}", HostState.UNREACHABLE, WICKED, reason=WICKED)
    for id_, measured in ((FIRST, f"old {WICKED}"), (SECOND, WICKED)):
        now = judged(name, replace(bad, measured=measured))
        record = recorded(
            tmp_path, now, lost, id_=id_, evidence={}, site=WICKED, who=WICKED, limit=WICKED, version=WICKED
        )
    told = page(record)
    assert {tag for tag, _ in told.tags} & {"img", "iframe", "object", "link", "base"} == set()
    assert not [key for _, attributes in told.tags for key in attributes if key.startswith("on")]
    assert len(told.scripts) == 2
    assert not set("<>&") & set(told.scripts[0])
    assert told.scripts[1] == (REPORT / "verify_page.js").read_text(encoding="utf-8")
    (found,) = told.results(name).values()
    assert [found[key] for key in ("measured", "expected", "unit", "source", "origin", "reason", "remedy")] == [
        WICKED
    ] * 7
    assert found["before"] == ["FAIL", f"old {WICKED}"]
    assert told.text.count(WICKED) >= 8
    assert "49" not in told.text


def test_what_steers_a_reader_and_what_json_cannot_say(tmp_path: Path) -> None:
    """Escapes and overrides of the writing direction become marks, NaN a word, a huge text its beginning."""
    bad = result("gpu.count", Verdict.FAIL, float("nan"), reason="\x1b[2J \u202e 磁盘已满", remedy="x" * 100_000)
    told = page(recorded(tmp_path, judged("g1", bad, result("x\ud800.y", Verdict.FAIL))))
    assert b"x\xef\xbf\xbd.y" in told.html.encode()
    found = told.results("g1")["gpu.count"]
    assert found["measured"] == "nan"
    assert found["reason"] == "\ufffd[2J \ufffd 磁盘已满"
    assert len(found["remedy"]) == 2001


def test_the_page_loads_nothing_and_runs_its_own_script_only(tmp_path: Path) -> None:
    """The policy names the very style and script that are in it; no source, no link but to its own parts."""
    told = page(recorded(tmp_path, judged("g1", result("os.release"))))
    (policy,) = (a["content"] for tag, a in told.tags if tag == "meta" and "http-equiv" in a)
    style = re.findall("<style>(.*?)</style>", told.html, re.DOTALL)[0]

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(told.scripts[1])}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert not [a for _, a in told.tags if "src" in a or "srcset" in a or "style" in a]
    assert all(str(a["href"]).startswith("#") for _, a in told.tags if "href" in a)
    assert not re.search(r"url\(|@import|https?:", told.html)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(", told.scripts[1])


def test_what_changed_since_the_run_before(tmp_path: Path) -> None:
    """Worse first, hosts alike together, values before and after; every result knows what it was."""
    old = [judged(f"g{n}", result("gpu.count"), result("os.release", measured="11")) for n in range(1, 5)]
    wrong = result("gpu.count", Verdict.FAIL, 0)
    new = [judged(f"g{n}", wrong, result("os.release", measured="12")) for n in range(1, 4)]
    new += [HostReport("g4", HostState.UNREACHABLE, reason="gone"), judged("g5", result("gpu.count"))]
    recorded(tmp_path, *old)
    told = page(recorded(tmp_path, *new, id_=SECOND))
    lines = [re.sub(r"\s+", " ", line) for line in re.findall(r"<tr>(.*?)</tr>", told.html, re.DOTALL)]
    rows = [re.sub(r"<[^>]*>", "|", line) for line in lines]
    assert f"Changed since {FIRST}" in told.text
    kinds = [re.findall(r"[^| ]+", row)[0] for row in rows[1:]]
    assert kinds[:2] == ["lost", "worse"]
    assert "value" in kinds
    assert re.search(r"gpu\.count.*PASS.*FAIL.*1 → 0 things.*g1-g3", rows[2])
    assert any(re.search(r"os\.release.*11 → 12 things.*g1-g3", row) for row in rows)
    assert told.results("g1")["gpu.count"]["before"] == ["PASS", 1]
    assert told.results("g5")["gpu.count"]["before"] == -1
    again = page(recorded(tmp_path, *new, id_="20260103T120000Z-0003"))
    assert "Nothing: every host and verdict is as it was" in again.text
    assert again.results("g1")["gpu.count"]["before"] is None


def test_the_run_before_is_one_that_asked_as_much(tmp_path: Path) -> None:
    """A run of all hosts, or of the same; no provision, none of one host only, none that cannot be read."""
    host = judged("g1", result("os.release"))
    whole = recorded(tmp_path, host)
    part = recorded(tmp_path, host, id_="20260102T120000Z-0002", limit="g1")
    recorded(tmp_path, host, id_="20260103T120000Z-0003", command="provision")
    few = recorded(tmp_path, host, id_="20260104T120000Z-0004", only=["os"])
    broken = recorded(tmp_path, host, id_="20260105T120000Z-0005")
    (broken.path / "result.json").write_text("{")
    last = recorded(tmp_path, host, id_="20260106T120000Z-0006")
    again = recorded(tmp_path, host, id_="20260107T120000Z-0007", limit="g1")
    befores = {run.id: previous_verification(run) for run in (whole, part, few, last, again)}
    assert {name: run.id if run else None for name, run in befores.items()} == {
        whole.id: None,
        part.id: whole.id,
        few.id: whole.id,
        last.id: whole.id,
        again.id: last.id,
    }


def test_the_run_before_is_of_the_same_inventory(tmp_path: Path) -> None:
    """Equal names elsewhere are other hosts; a run of an older version does not say of which inventory it was."""
    host = judged("g1", result("os.release"))
    old = recorded(tmp_path, host)
    document = json.loads((old.path / "result.json").read_text())
    del document["inventory"]
    (old.path / "result.json").write_text(json.dumps(document))
    here = recorded(tmp_path, host, id_=SECOND, inventory="hosts.yml")
    there = recorded(tmp_path, host, id_="20260103T120000Z-0003", inventory="lab.yml")
    again = recorded(tmp_path, host, id_="20260104T120000Z-0004", inventory="hosts.yml")
    befores = {run.id: previous_verification(run) for run in (here, there, again)}
    assert {name: run.id if run else None for name, run in befores.items()} == {
        here.id: old.id,
        there.id: old.id,
        again.id: here.id,
    }
    document["id"] = last = "20260105T120000Z-0005"
    (tmp_path / last).mkdir()
    (tmp_path / last / "result.json").write_text(json.dumps(document))
    before = previous_verification(find_run(tmp_path, last))
    assert before is not None
    assert before.id == again.id


def test_a_run_before_that_cannot_be_compared_is_said(tmp_path: Path) -> None:
    """Half a document is no reason to show no page."""
    host = judged("g1", result("os.release"))
    first = recorded(tmp_path, host)
    document = json.loads((first.path / "result.json").read_text())
    del document["hosts"][0]["state"]
    (first.path / "result.json").write_text(json.dumps(document))
    assert "cannot be compared with" in page(recorded(tmp_path, host, id_=SECOND)).text


def test_words_of_a_newer_version(tmp_path: Path) -> None:
    """A verdict nobody here knows has its own letters and no colour, and stands between WARN and WAIVED."""
    record = recorded(tmp_path, judged("g1", result("a.b"), result("a.c", Verdict.FAIL), result("a.d", Verdict.WARN)))
    text = (record.path / "result.json").read_text()
    (record.path / "result.json").write_text(text.replace('"verdict": "FAIL"', '"verdict": "WATCHED"'))
    told = page(find_run(tmp_path, record.id))
    assert told.data["verdicts"] == [
        ["FAIL", "F", "bad"],
        ["UNKNOWN", "U", "dim"],
        ["WARN", "W", "warn"],
        ["WATCHED", "WA", "calm"],
        ["WAIVED", "Wv", "waived"],
        ["PASS", "P", "good"],
    ]
    assert told.results("g1")["a.c"]["verdict"] == "WATCHED"


def test_a_waived_result_has_its_waiver(tmp_path: Path) -> None:
    """What it would be without, why, who answers for it, until when, its ticket and where it is written."""
    told = page(recorded(tmp_path, judged("g1", waived("gpu.count", WICKED), result("gpu.ecc", Verdict.FAIL))))
    found = told.results("g1")
    assert found["gpu.count"]["verdict"] == "WAIVED"
    assert found["gpu.count"]["waiver"] == ["FAIL", WICKED, "kim", "2026-03-31", "OPS-9", "waivers.yml:7"]
    assert "waiver" not in found["gpu.ecc"]
    assert "1 FAIL 0 UNKNOWN 0 WARN 1 WAIVED 0 PASS" in re.sub(r"\s+", " ", told.text)


def test_titles_are_in_the_language_of_the_document(tmp_path: Path) -> None:
    """Those that it has; the others, and all of an older document, are called what the catalogue calls them."""
    host = judged("g1", result("os.release"), result("os.distribution"))
    english = page(recorded(tmp_path, host, titles={})).data["titles"]
    told = page(recorded(tmp_path, host, id_=SECOND, lang="zh", titles={"os.release": "发行版的版本"}))
    assert ("html", {"lang": "zh"}) in told.tags
    assert told.data["titles"] == {**english, "os.release": "发行版的版本"}
    assert english == {check: CATALOGUE[check].title for check in ("os.release", "os.distribution")}


@pytest.mark.parametrize("lang", ["en", None, ["zh"], '"><script>'])
def test_a_language_that_nobody_knows_is_english(tmp_path: Path, lang: Any) -> None:
    """A damaged document is shown with the catalogue's titles."""
    told = page(recorded(tmp_path, judged("g1", result("os.release")), lang=lang, titles=["x"], not_compared={}))
    assert ("html", {"lang": "en"}) in told.tags
    assert told.data["titles"] == {"os.release": CATALOGUE["os.release"].title}


def test_the_head_names_who_was_not_compared(tmp_path: Path) -> None:
    """With the checks that were left out; a damaged entry is none, nor is a host that is not on the page."""
    left_out = [
        {"host": "g1", "profile": "a100", "checks": ["fleet.kernel", WICKED]},
        {"host": "g2", "profile": "h200", "checks": ["fleet.bios"]},
        *({"host": host, "checks": checks} for host, checks in (([], []), ("g1", "fleet.cuda"))),
        7,
    ]
    hosts = [judged(name, result("os.release")) for name in ("g1", "g2")]
    record = recorded(tmp_path, *hosts, not_compared=left_out)
    why = "were asked for, so these were not compared:"
    lines = [
        f"Not all hosts of a100 {why} g1 (fleet.kernel, {WICKED}).",
        f"Not all hosts of h200 {why} g2 (fleet.bios).",
    ]
    assert [line in page(record).text for line in lines] == [True, True]
    assert page(record).text.count(why) == 2
    assert [line in Page(verify_page(record, ["g2"])).text for line in lines] == [False, True]


@pytest.mark.parametrize(
    "hosts",
    [None, "x", [], [7, {"name": "g1"}, {"checks": 7}, {"name": "g", "state": "judged", "seconds": 1, "checks": [{}]}]],
)
def test_damaged_records_are_shown_as_far_as_they_go(tmp_path: Path, hosts: Any) -> None:
    """No crash, and the damage is named."""
    record = recorded(tmp_path, judged("g1", result("os.release")), hosts=hosts, who=7, version=[], limit={}, only=7)
    told = page(record)
    assert told.text.count("The record is damaged") == len(record.damage) > 0
    assert told.data["hosts"] == []


def test_one_host_of_a_run(tmp_path: Path) -> None:
    """`runs show --host` narrows the page too, which says so."""
    hosts = [judged(name, result("os.release")) for name in ("g1", "g2")]
    recorded(tmp_path, *hosts)
    told = Page(run_page(read_details(recorded(tmp_path, *hosts, id_=SECOND)).only("g2")))
    assert [row[0] for row in told.data["hosts"]] == ["g2"]
    assert "Nothing: every host and verdict is as it was" in told.text
    assert "g2 only: the run was for 2 hosts." in told.text
    whole = read_details(recorded(tmp_path, hosts[1], id_="20260103T120000Z-0003"))
    assert re.search(r"gone\s*the host.*g1", Page(run_page(whole)).text, re.DOTALL)


def test_five_hundred_hosts_fit_into_a_mail(tmp_path: Path) -> None:
    """49,000 results, each twentieth of them not PASS, with twenty long lines of evidence for each of those: 4 MB."""
    hosts = fleet(500)
    record = recorded(tmp_path, *hosts, evidence={host.name: answers(host) for host in hosts})
    html = verify_page(record)
    assert len(html.encode()) < 4_000_000
    told = Page(html)
    assert sum(len(row[5]) for row in told.data["hosts"]) == 49_000
    shown = [said for found in told.results("gpu001").values() for said in found.get("said", ())]
    assert {text for _, _, text, *_ in shown if text}
    assert all(text or "no room for more" in outcome for _, outcome, text, *_ in shown)
    (topic0,) = (found for name, found in told.results("gpu003").items() if name == "topic6.check6")
    assert topic0["reason"] == "gpu003 shows 6, which is not what its profile asks for"


def test_the_worst_has_its_evidence_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is room for one answer it is that of the FAIL, and what had no room says where it is."""
    monkeypatch.setattr(verify_data, "_EXCERPTS", 10)
    results = (
        result("a.warns", Verdict.WARN, commands=("w",)),
        result("a.fails", Verdict.FAIL, commands=("f",)),
        result("a.too", Verdict.FAIL, commands=("f",)),
    )
    told = {"w": Answer(0, b"warned", b""), "f": Answer(0, b"failed, and at length", b"")}
    found = page(recorded(tmp_path, judged("g1", *results), evidence={"g1": told})).results("g1")
    assert [found[name]["said"][0][2] for name in ("a.warns", "a.fails", "a.too")] == [
        "",
        *["failed, and at length"] * 2,
    ]
    assert "in the evidence; this page has no room" in found["a.warns"]["said"][0][1]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_cells_have_contrast(scheme: int) -> None:
    """WCAG AA for the letters of every cell, also for those that are the other way round."""
    colours: dict[str, str] = {}
    for name in ("run_page.css", "verify_page.css"):
        blocks = re.findall(r":root \{(.*?)\}", (REPORT / name).read_text(encoding="utf-8"), re.DOTALL)
        colours |= dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", blocks[scheme]))
    pairs = [(tone, f"{tone}-bg") for tone in ("good", "bad", "warn", "dim", "waived", "calm")]
    pairs += [
        ("paper", "bad"),
        ("paper", "dim"),
        ("dim", "paper"),
        ("dim", "panel"),
        ("soft", "panel"),
        ("ink", "panel"),
    ]
    assert {
        pair: contrast(*(colours[name] for name in pair))
        for pair in pairs
        if contrast(*(colours[n] for n in pair)) < 4.5
    } == {}
