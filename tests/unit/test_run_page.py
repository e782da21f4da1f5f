"""The page of a run: everything in it, nothing that runs or loads, readable in both colour schemes."""

import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from contrast import contrast
from recorded_runs import FAILED_RUN, QUIET_RUN, at, fleet, record

import hybridctl
from hybridctl.errors import HybridctlError
from hybridctl.report.run_page import run_page, write_run_page
from hybridctl.report.timeline import WIDTH, timeline
from hybridctl.run_details import read_details
from hybridctl.run_history import find_run
from hybridctl.testing import Bench, play_start, result_event, start, stats

CSS = (Path(hybridctl.__file__).parent / "report/run_page.css").read_text(encoding="utf-8")
VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Collects tags and text, and holds every end tag against its start."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a start tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag without content."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Take an end tag."""
        assert tag == self._open.pop()

    def handle_data(self, data: str) -> None:
        """Take text."""
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty site."""
    return Bench(tmp_path)


def test_everything_is_on_the_page(bench: Bench) -> None:
    """Site, command, who, versions, hosts with counters, failure with remedy, slowest task, diff."""
    run = record(bench)
    page = Reader(run_page(read_details(run)))
    for words in (
        "Provision of bench",
        run.who,
        run.id,
        f"hybridctl {hybridctl.__version__}",
        "No space left on device",
        "free space on cpu1: df -h",
        "host_base : Set",
        "vm.swappiness",
        "+a = 2",
        "gw1: 2 changes",
    ):
        assert words in page.text
    assert page.text.index("free space on cpu1") < page.text.index("Timeline of the run")
    assert {a["class"] for a in page.of("span") if "class" in a} >= {"add", "del", "head"}


def test_layers_stand_in_the_order_in_which_they_ran(bench: Bench) -> None:
    """Not in the order of the alphabet, neither in the table nor among the changes."""
    hosts, events = fleet(4)
    page = Reader(run_page(read_details(record(bench, events, hosts=hosts))))
    layers = ["preflight", "base", "serving", "gateway", "monitoring"]
    heads = re.search(r"skipped\s+seconds\s+(.*?)\s+gw1", page.text, re.DOTALL)
    assert heads is not None
    assert heads[1] == "".join(layers)
    changes = page.text[page.text.index("gw1: ") :]
    assert changes.index("base") < changes.index("gateway") < changes.index("monitoring")


WICKED = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 7*7 }}"


def test_what_hosts_say_is_text(bench: Bench) -> None:
    """A script in names of hosts, tasks, roles, items, in diffs, messages and the limit stays text."""
    diff = {"before": "", "after": f"{WICKED}\n", "after_header": f"/etc/{WICKED}"}
    loop = {"changed": True, "results": [{"changed": True, "item": WICKED, "diff": diff}]}
    name = f"h {WICKED}"
    run = record(
        bench,
        [
            play_start(f"{WICKED} | x"),
            start(name, WICKED, play=f"{WICKED} | x"),
            result_event("runner_on_ok", name, WICKED, loop, play=f"{WICKED} | x", role=WICKED, second=2),
            result_event(
                "runner_on_failed", name, WICKED, {"msg": WICKED}, play=f"{WICKED} | x", role=WICKED, second=3
            ),
            stats(ok={name: 1}, failures={name: 1}),
        ],
        hosts=(name,),
    )
    document = json.loads((run.path / "result.json").read_text())
    document.update(who=WICKED, site=WICKED, limit=WICKED, message=WICKED, layers=[WICKED], versions={WICKED: WICKED})
    (run.path / "result.json").write_text(json.dumps(document))
    with (run.path / "events.jsonl").open("a") as file:
        file.write(f"{WICKED}\n")
    html = run_page(read_details(find_run(run.path.parent, run.id)))
    page = Reader(html)
    assert {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "link", "base", "form"} == set()
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") >= 12
    assert "{{ 7*7 }}" in page.text


def test_control_characters_and_what_utf8_cannot_carry(bench: Bench, tmp_path: Path) -> None:
    """An escape, a lone surrogate and an override of the writing direction become marks; Chinese stays."""
    message = "\x1b[2J \ud800 \u202e 磁盘已满"
    run = record(bench, [FAILED_RUN[0], stats(failures={"gw1": 1})], hosts=("gw1",))
    (run.path / "events.jsonl").write_text(json.dumps({"kind": "failed", "at": "", "host": "gw1", "task": message}))
    (run.path / "result.json").write_text("{")
    write_run_page(read_details(find_run(run.path.parent, run.id)), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "磁盘已满" in text
    assert not set("\x1b\ud800\u202e") & set(text)


def test_the_page_loads_nothing(bench: Bench) -> None:
    """No source, no link but to its own parts, no import or url() in its style, and a policy that forbids the rest."""
    html = run_page(read_details(record(bench)))
    page = Reader(html)
    assert not [a for _, a in page.tags if "src" in a or "srcset" in a or "xlink:href" in a]
    assert all(str(a["href"]).startswith("#") for _, a in page.tags if "href" in a)
    assert not re.search(r"url\(|@import|https?:", html)
    policies = [a["content"] for a in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_page_is_accessible(bench: Bench) -> None:
    """Language, one h1, headings without a gap, scopes on every th, the drawing in words, links that lead somewhere."""
    page = Reader(run_page(read_details(record(bench))))
    assert page.of("html")[0]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert {a.get("scope") for a in page.of("th")} == {"col", "row"}
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    named = [name for _, a in page.tags for name in (a.get("aria-labelledby") or "").split()]
    assert {*named, *(str(a["href"])[1:] for a in page.of("a"))} <= set(ids)
    assert page.of("svg")[0]["role"] == "img"
    assert "2 hosts in 15.0 s: base on 2 hosts from 0.0 s to 10.0 s; serving on 1 host from 10.0 s" in page.text


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast(scheme: int) -> None:
    """WCAG AA: 4.5 for text on every ground that it stands on, 3 for bars and marks."""
    colours = dict(
        re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[scheme])
    )
    grounds = ("paper", "panel")
    pairs = [(ink, ground) for ink in ("ink", "soft", "link", "good", "bad") for ground in grounds]
    pairs += [(tone, f"{tone}-bg") for tone in ("good", "bad", "warn", "calm", "add", "del")]
    pairs += [("ink", "warn-bg")]
    assert {
        p: contrast(colours[p[0]], colours[p[1]]) for p in pairs if contrast(colours[p[0]], colours[p[1]]) < 4.5
    } == {}
    shapes = ("tick", "bad", *(f"l{n}" for n in range(8)))
    assert {
        s: contrast(colours[s], colours["paper"]) for s in shapes if contrast(colours[s], colours["paper"]) < 3
    } == {}


@pytest.mark.parametrize("count", [4, 100])
def test_bars_stand_inside_the_drawing(bench: Bench, count: int) -> None:
    """Every host has a row, every bar a width; nothing sticks out; a play is one bar whatever its tasks."""
    hosts, events = fleet(count)
    drawing = timeline(read_details(record(bench, events, hosts=hosts)))
    assert drawing is not None
    assert [row.host for row in drawing.rows] == list(hosts)
    bars = [bar for row in drawing.rows for bar in row.bars]
    assert all(bar.width >= 1 and drawing.left <= bar.x and bar.x + bar.width <= WIDTH for bar in bars)
    assert max(len(row.bars) for row in drawing.rows) == 4
    assert [row.host for row in drawing.rows if row.marks] == list(hosts[-2:])
    assert 2 <= len(drawing.ticks) <= 11
    assert drawing.height < 100 * 15 + 40


def test_pieces_that_nobody_could_tell_apart_are_one(bench: Bench) -> None:
    """Two thousand tasks of a second each: a handful of rectangles, the whole time covered."""
    events = [at(play_start("base | x"), 0)]
    for second in range(2000):
        events.append(at(start("gw1", "Work"), second))
        events.append(at(result_event("runner_on_ok", "gw1", "Work"), second + 1))
    drawing = timeline(read_details(record(bench, events, hosts=("gw1",))))
    assert drawing is not None
    (bar,) = drawing.rows[0].bars
    assert bar.work == ((bar.x, pytest.approx(bar.width, abs=1)),)


def test_waiting_for_others_is_not_work(bench: Bench) -> None:
    """A host that is done after 1 s and goes on after 9 has two solid pieces in one pale bar."""
    events = [
        at(play_start("base | x"), 0),
        at(start("gw1", "One"), 0),
        at(result_event("runner_on_ok", "gw1", "One"), 1),
        at(start("gw1", "Two"), 9),
        at(result_event("runner_on_ok", "gw1", "Two"), 10),
    ]
    drawing = timeline(read_details(record(bench, events, hosts=("gw1",))))
    assert drawing is not None
    (bar,) = drawing.rows[0].bars
    assert len(bar.work) == 2
    assert sum(width for _, width in bar.work) == pytest.approx(bar.width / 5, abs=0.2)


@pytest.mark.parametrize("damaged", [True, False])
def test_a_run_without_an_end(bench: Bench, damaged: bool) -> None:
    """The page says so, and names the damage."""
    run = record(bench)
    document = {key: value for key, value in run.document.items() if key not in ("hosts", "seconds", "finished")}
    text = json.dumps({**document, "status": "running"})
    (run.path / "result.json").write_text(text[:40] if damaged else text)
    page = Reader(run_page(read_details(find_run(run.path.parent, run.id))))
    assert "ended without a result" in page.text
    assert ("The record is damaged" in page.text) == damaged
    assert "vm.swappiness" in page.text


def test_values_of_the_wrong_kind_are_damage_and_no_crash(bench: Bench) -> None:
    """A result.json that is JSON, and of which every value is something else."""
    run = record(bench)
    document = {key: {"x": 1} if not isinstance(value, dict) else [1] for key, value in run.document.items()}
    (run.path / "result.json").write_text(json.dumps(document))
    details = read_details(find_run(run.path.parent, run.id))
    assert len(details.damage) >= 10
    assert "free space on cpu1" in Reader(run_page(details)).text


def test_a_plan_says_that_nothing_was_changed(bench: Bench) -> None:
    """`would` instead of `did`."""
    text = Reader(run_page(read_details(record(bench, FAILED_RUN, "plan", check=True)))).text
    assert "Nothing was changed" in text
    assert "What would change" in text
    assert "What changed" not in text


def test_a_quiet_run(bench: Bench) -> None:
    """No failure section, no change, and both are said or seen."""
    text = Reader(run_page(read_details(record(bench, QUIET_RUN)))).text
    assert "Failures" not in text
    assert re.search(r"What changed\s+Nothing\.", text)


def test_a_page_that_cannot_be_written(bench: Bench, tmp_path: Path) -> None:
    """The error names the file; nothing half-made is left."""
    (tmp_path / "page.html").mkdir()
    with pytest.raises(HybridctlError, match=r"page\.html"):
        write_run_page(read_details(record(bench)), tmp_path / "page.html")
    assert not list(tmp_path.glob(".page.html*"))
