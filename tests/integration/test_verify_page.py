"""The page of a verification in a real browser, by mouse and keys, in both colour schemes and on paper."""

import base64
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from browser import Browser, chromium
from verified_runs import FIRST, SECOND, SMI, fleet, judged, recorded, result, waived

from hybridctl.checks import Verdict
from hybridctl.evidence.answers import Answer
from hybridctl.report.verify_page import verify_page
from hybridctl.verification import HostReport, HostState

WICKED = "</script><script>owned=1</script><img src=x onerror=owned=1><svg onload=owned=1>\"'&{{ 7*7 }}"
# What stands in the matrix: each row as the words of its cells.
MATRIX = "[...grid.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.innerText))"
ACTIVE = "document.activeElement.innerText"
TITLE = "document.getElementById('detail').open && document.getElementById('detail-title').innerText"

Show = Callable[..., Browser]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with chromium() as started:
        yield started


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Show]:
    """Show the page of a run over hosts, compared with an earlier one; the console and the policy must stay silent."""

    def run(
        *hosts: HostReport,
        before: tuple[HostReport, ...] = (),
        evidence: Any = None,
        head: Mapping[str, Any] = MappingProxyType({}),
        **window: Any,
    ) -> Browser:
        if before:
            recorded(tmp_path, *before, id_=FIRST)
        record = recorded(tmp_path, *hosts, id_=SECOND, evidence=evidence, **head)
        (tmp_path / "page.html").write_text(verify_page(record), encoding="utf-8")
        browser.open(tmp_path / "page.html", **window)
        return browser

    yield run
    browser.media()
    assert browser.complaints == []
    assert browser.run("performance.getEntriesByType('resource').length") == 0


RACK = (
    judged("g1", result("os.release"), result("gpu.count"), result("gpu.model", measured="A100")),
    judged("g2", result("os.release"), result("gpu.count", Verdict.FAIL, 0), result("gpu.ecc", Verdict.WARN), lab=True),
    judged("g3", result("os.release", Verdict.UNKNOWN, None), result("gpu.count"), result("gpu.ecc")),
    HostReport("g4", HostState.UNREACHABLE, "test", reason="No route to host"),
)
BEFORE = (judged("g2", result("os.release"), result("gpu.count", measured=8), result("gpu.ecc", Verdict.WARN)), RACK[0])
TOLD = {"g2": {SMI: Answer(9, b"No devices were found\n", b"")}}


def filled(browser: Browser, field: str, value: str) -> list[str]:
    """Fill a field of the filter as a reader does; return the hosts that are left."""
    browser.run(f"{field}.focus(); {field}.select?.()")
    if field == "text":
        browser.type(value)
    else:
        browser.run(f"{field}.value = [...{field}.options].find(o => o.text === {value!r}).value")
        browser.run(f"{field}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    return [row[0].split()[0] for row in browser.run(MATRIX)]


def test_the_matrix(show: Show) -> None:
    """Worst hosts first; a cell has its worst verdict as a letter with its count; who is not judged says why."""
    page = show(*RACK, before=BEFORE)
    assert page.run(MATRIX) == [
        ["g4 unreachable", "No route to host"],
        ["g2 lab", "P1", "F1"],
        ["g3", "U1", "P2"],
        ["g1", "P1", "P2"],
    ]
    cell = page.run("(c => [c.getAttribute('aria-label'), c.className])(grid.tBodies[0].rows[1].cells[2])")
    assert cell == ["g2, gpu: 1 FAIL, 1 WARN, changed", "cell bad moved"]
    page.click("#worst")
    assert [row[0] for row in page.run(MATRIX)] == ["g1", "g2 lab", "g3", "g4 unreachable"]


def test_the_filter(show: Show) -> None:
    """By host and check together, verdict and topic; who was not judged is found by name, and stays in every topic."""
    page = show(*RACK)
    assert page.run("count.innerText") == "4 of 4 hosts, 9 of 9 results"
    assert filled(page, "text", "ecc") == ["g2", "g3"]
    assert page.run("[...grid.tHead.rows[0].cells].map(cell => cell.innerText)") == ["host", "gpu"]
    assert filled(page, "text", "g3 ecc") == ["g3"]
    assert filled(page, "text", "g4") == ["g4"]
    assert filled(page, "text", "nosuch") == []
    page.click("button[type=reset]")
    page.run("new Promise(done => setTimeout(done))")
    assert filled(page, "verdict", "FAIL") == ["g2"]
    assert filled(page, "verdict", "not judged") == ["g4"]
    assert filled(page, "verdict", "any") == ["g4", "g2", "g3", "g1"]
    assert filled(page, "topic", "os") == ["g4", "g3", "g1", "g2"]
    page.click("#bad")
    assert page.run(MATRIX) == [["g4 unreachable", "No route to host"], ["g3", "U1"]]
    assert page.run("count.innerText") == "2 of 4 hosts, 1 of 9 results"


def test_what_lies_behind_a_cell_by_mouse(show: Show) -> None:
    """Measured, expected, source, origin, what it was, remedy and what the host said; then all topics of the host."""
    page = show(*RACK, before=BEFORE, evidence=TOLD)
    page.click("td.bad")
    assert page.run(TITLE) == "g2 lab / gpu"
    text = page.run("detail.innerText")
    for words in (
        "FAIL gpu.count",
        "gpu.count is wrong",
        "0 things",
        "1 things",
        "a test",
        "test.yml:7",
        "PASS, 8 things",
        "the same",
        "Do this: mend gpu.count",
        f"$ {SMI}",
        "No devices were found",
        "exit 9",
    ):
        assert words in text
    assert "os.release" not in text
    page.click("#all")
    assert page.run(TITLE) == "g2 lab"
    assert "os.release" in page.run("detail.innerText")
    page.click("#close")
    assert page.run(TITLE) is False
    page.click("#grid tbody tr:first-child th")
    assert "No route to host" in page.run("detail.innerText")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_what_is_waived(show: Show, dark: bool) -> None:
    """Blue, below what is wrong; behind the cell why, who, until when and where it is written."""
    hosts = (
        judged("g1", result("os.release")),
        judged("g5", waived("gpu.count", WICKED), result("gpu.model")),
        RACK[1],
    )
    page = show(*hosts, dark=dark)
    assert page.run(MATRIX) == [["g2 lab", "P1", "F1"], ["g5", "·", "Wv1"], ["g1", "P1", "·"]]
    colours = page.run("(s => [s.color, s.backgroundColor])(getComputedStyle(grid.querySelector('td.waived')))")
    blue = {True: ["rgb(156, 199, 245)", "rgb(21, 43, 68)"], False: ["rgb(29, 78, 137)", "rgb(228, 238, 250)"]}
    assert colours == blue[dark]
    page.click("td.waived")
    text = page.run("detail.innerText")
    for words in (
        "WAIVED gpu.count",
        "gpu.count is wrong",
        f"Waived: {WICKED}",
        "Without the waiver\nFAIL",
        "Owner\nkim",
        "Until\n2026-03-31",
        "Written in\nwaivers.yml:7",
        "Ticket\nOPS-9",
    ):
        assert words in text
    page.click("#close")
    assert filled(page, "verdict", "WAIVED") == ["g5"]


def test_a_page_in_chinese(show: Show) -> None:
    """The titles are those of the document; who was not compared stands in the head."""
    left_out = [{"host": "g1", "profile": "test", "checks": ["fleet.kernel"]}]
    head = {"lang": "zh", "titles": {"gpu.count": "找到的 GPU 数"}, "not_compared": left_out}
    page = show(judged("g1", result("gpu.count", Verdict.FAIL)), head=head)
    assert page.run("document.documentElement.lang") == "zh"
    assert "not compared: g1 (fleet.kernel)" in page.run("document.querySelector('header').innerText")
    page.click("td.bad")
    assert "找到的 GPU 数" in page.run("detail.innerText")


def test_by_keys_alone(show: Show) -> None:
    """Tab into the matrix, arrows in it, Enter opens, Escape comes back to the same cell; the focus is to be seen."""
    page = show(*RACK)
    page.key("Tab")
    assert page.run(ACTIVE) == "To the matrix"
    page.key("Enter")
    for _ in range(12):
        page.key("Tab")
        if page.run("grid.contains(document.activeElement)"):
            break
    assert page.run(ACTIVE) == "g4 unreachable"
    page.key("ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight", "ArrowRight")
    assert page.run(ACTIVE) == "F1"
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.key("Enter")
    assert page.run(TITLE) == "g2 lab / gpu"
    page.key("Escape")
    assert page.run(TITLE) is False
    assert page.run(ACTIVE) == "F1"
    page.key("End", "Home", "ArrowDown", "ArrowDown", "ArrowDown", "End")
    assert page.run(ACTIVE) == "P2"
    page.key("Home", control=True)
    assert page.run(ACTIVE) == "g4 unreachable"
    assert page.run("grid.querySelectorAll('[tabindex=\"0\"]').length") == 1


def test_what_hosts_say_runs_nothing(show: Show) -> None:
    """Names, values, reasons and evidence that want to be markup are text in matrix, detail and on paper."""
    bad = result(f"gpu.{WICKED}", Verdict.FAIL, WICKED, reason=WICKED, remedy=WICKED, commands=(WICKED,), unit=WICKED)
    said = {f"h{WICKED}": {WICKED: Answer(0, WICKED.encode(), WICKED.encode())}}
    page = show(
        judged(f"h{WICKED}", bad),
        HostReport(f"x{WICKED}", HostState.UNREACHABLE, WICKED, reason=WICKED),
        before=(judged(f"h{WICKED}", result(f"gpu.{WICKED}", Verdict.WARN, f"old {WICKED}")),),
        evidence=said,
    )
    page.click("td.bad")
    assert page.run("detail.innerText").count(WICKED) >= 10
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("paper.textContent").count(WICKED) >= 10
    assert page.run("[typeof owned, document.scripts.length, document.images.length]") == ["undefined", 2, 0]


def test_the_policy_stops_what_got_in(browser: Browser, tmp_path: Path) -> None:
    """A second fence behind the escaping: a script, a style and a picture planted in the file itself."""
    html = verify_page(recorded(tmp_path, *RACK))
    picture = "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
    planted = f"<script>owned = 1</script><style>h1 {{ color: red }}</style>{picture}"
    (tmp_path / "page.html").write_text(html.replace("</body>", f"{planted}</body>"))
    browser.open(tmp_path / "page.html")
    assert browser.run("[typeof owned, document.images[0].naturalWidth]") == ["undefined", 0]
    assert sum("Content Security Policy" in line for line in browser.complaints) >= 3


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_light_and_dark(show: Show, tmp_path: Path, dark: bool) -> None:
    """The page follows what the reader prefers, in matrix and detail, and nothing sticks out of a narrow window."""
    page = show(*RACK, dark=dark, width=700)
    grounds = page.run("[document.body, detail].map(e => getComputedStyle(e).backgroundColor)")
    assert grounds == ["rgb(17, 22, 28)" if dark else "rgb(255, 255, 255)"] * 2
    cells = (
        "[...new Set([...grid.querySelectorAll('.cell')].map(cell => getComputedStyle(cell).backgroundColor))].length"
    )
    assert page.run(cells) == 3  # PASS, FAIL, UNKNOWN
    page.click("td.bad")
    assert page.run("document.documentElement.scrollWidth - innerWidth") <= 0
    page.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 20_000


def test_on_paper(show: Show) -> None:
    """Everything that is not PASS stands open, light whatever the screen is, and the filter's fields are away."""
    page = show(*RACK, dark=True, evidence=TOLD)
    page.run("addEventListener('beforeprint', () => { printed = paper.innerText || paper.textContent; })")
    pdf = base64.b64decode(page.ask("Page.printToPDF")["data"])
    assert pdf.startswith(b"%PDF")
    assert page.run("printed").count("Do this:") == 3
    page.media(dark=True, paper=True)
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run("paper.checkVisibility() && !document.getElementById('filter').checkVisibility()")
    assert "No devices were found" in page.run("paper.innerText")
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.run("dispatchEvent(new Event('afterprint'))")
    assert page.run("paper.innerText") == ""


def test_five_hundred_hosts(show: Show) -> None:
    """Every host has its row; a word in the filter is answered at once, and paper has every finding."""
    hosts = fleet(500)
    page = show(*hosts)
    page.run("new Promise(done => { const wait = () => drawMore ? setTimeout(wait, 20) : done(); wait(); })")
    assert page.run("grid.tBodies[0].rows.length") == 500
    assert filled(page, "text", "gpu123 check6") == ["gpu123"]
    page.click("button[type=reset]")
    page.run("new Promise(done => setTimeout(done))")
    page.run("dispatchEvent(new Event('beforeprint'))")
    wrong = sum(r.verdict is not Verdict.PASS for host in hosts for r in host.results)
    assert page.run("paper.querySelectorAll('article').length") == wrong
    assert page.run("grid.tBodies[0].rows.length") == 500
