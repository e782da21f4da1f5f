"""The page of a run in a real browser: headless Chromium renders it, measures it, and takes its picture."""

import json
import re
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser import program
from recorded_runs import fleet, record

from hybridctl.execution import execute
from hybridctl.report.run_page import write_run_page
from hybridctl.run_details import read_details
from hybridctl.run_history import find_run
from hybridctl.testing import DEAD, LOCAL, Bench, play, play_start, result_event, stats

LIGHT, DARK = 1, 0  # blink's names of the colour schemes
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
# Put into a copy of the page, whose policy forbids scripts: what the browser made of the page, as JSON.
PROBE = """
<script>
const errors = [];
addEventListener("error", event => errors.push(String(event.message)));
const all = query => [...document.querySelectorAll(query)];
const closed = all("details pre").filter(pre => pre.checkVisibility()).length;
all("summary").forEach(summary => summary.click());
const found = {
  hosts: all("table")[0].tBodies[0].rows.length,
  rows: all("svg .row").length,
  bars: all("svg .bar .in").map(bar => bar.getBoundingClientRect().width),
  work: all("svg .bar .work").map(bar => bar.getBoundingClientRect().width),
  outside: all("svg rect, svg text").filter(e => {
    const inner = e.getBoundingClientRect(), outer = e.ownerSVGElement.getBoundingClientRect();
    return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1;
  }).length,
  labels: all("svg .row > text").map(text => text.getBoundingClientRect().height),
  closed,
  details: all("details").length,
  open: all("details[open]").length,
  diffs: all("details pre").length,
  shown: all("details pre").filter(pre => pre.checkVisibility()).length,
  scripts: document.scripts.length,
  owned: typeof owned,
  loaded: performance.getEntriesByType("resource").map(entry => entry.name),
  wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  paper: getComputedStyle(document.body).backgroundColor,
  errors,
};
document.body.innerHTML = "<pre id=probe></pre>";
document.getElementById("probe").textContent = JSON.stringify(found);
</script>
"""

Browse = Callable[..., str]
Pages = Callable[[int], Path]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Run Chromium on a page and return what it printed; it shows nothing but this file."""
    chromium = program()

    def run(page: Path, *options: str, scheme: int = LIGHT, width: int = 1280, height: int = 2000) -> str:
        argv = [
            chromium,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            f"--user-data-dir={tmp_path / 'chromium'}",
            f"--blink-settings=preferredColorScheme={scheme}",
            f"--window-size={width},{height}",
            "--hide-scrollbars",
            *options,
            page.as_uri(),
        ]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=True)
        return done.stdout

    return run


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    """Make the page of a run over so many hosts."""

    def make(count: int) -> Path:
        hosts, events = fleet(count)
        (tmp_path / f"site{count}").mkdir()
        run = record(Bench(tmp_path / f"site{count}"), events, hosts=hosts)
        write_run_page(read_details(run), tmp_path / f"{count}.html")
        return tmp_path / f"{count}.html"

    return make


def probe(browse: Browse, page: Path, **window: int) -> dict[str, Any]:
    """Return what the browser made of the page."""
    copy = page.with_suffix(".probe.html")
    html, policies = POLICY.subn("", page.read_text(encoding="utf-8"))
    assert policies == 1
    copy.write_text(html.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    found = re.search(r'<pre id="probe">(.*?)</pre>', browse(copy, "--dump-dom", **window), re.DOTALL)
    assert found is not None
    answer: dict[str, Any] = json.loads(found[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))
    return answer


def png_rows(path: Path) -> list[bytes]:
    """Return the lines of pixels of a PNG, still filtered: equal lines of one colour stay equal."""
    data, place, packed, height = path.read_bytes(), 8, b"", 0
    while place < len(data):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        body = data[place + 8 : place + 8 + length]
        height = int.from_bytes(body[4:8], "big") if kind == b"IHDR" else height
        packed += body if kind == b"IDAT" else b""
        place += length + 12
    pixels = zlib.decompress(packed)
    size = len(pixels) // height
    return [pixels[start : start + size] for start in range(0, len(pixels), size)]


@pytest.mark.parametrize("count", [4, 40, 500])
def test_the_page_renders(browse: Browse, pages: Pages, count: int) -> None:
    """A row and visible bars for every host, details that open, nothing loaded, no script of its own, no error."""
    found = probe(browse, pages(count))
    assert found["errors"] == []
    assert (found["hosts"], found["rows"]) == (count, count)
    assert len(found["bars"]) >= 2 * count
    assert min(found["bars"]) > 0
    assert max(found["bars"]) > 100
    assert min(found["work"]) > 0
    assert min(found["labels"]) >= 9  # px: small, and still letters
    assert found["outside"] == 0
    assert (found["closed"], found["open"]) == (0, found["details"])
    assert found["shown"] == found["diffs"] > 0
    assert found["loaded"] == []
    assert found["scripts"] == 1  # the probe itself


@pytest.mark.parametrize("width", [1280, 600])
def test_nothing_sticks_out_of_the_window(browse: Browse, pages: Pages, width: int) -> None:
    """Wide tables and the drawing scroll by themselves; the page does not."""
    assert probe(browse, pages(40), width=width)["wide"] <= 0


def test_light_and_dark(browse: Browse, pages: Pages) -> None:
    """The page follows what the reader's desktop prefers."""
    page = pages(4)
    light, dark = probe(browse, page), probe(browse, page, scheme=DARK)
    assert (light["dark"], light["paper"]) == (False, "rgb(255, 255, 255)")
    assert (dark["dark"], dark["paper"]) == (True, "rgb(17, 22, 28)")


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
@pytest.mark.parametrize("count", [4, 40])
def test_the_picture_is_not_blank(browse: Browse, pages: Pages, tmp_path: Path, count: int, scheme: int) -> None:
    """The page itself, with its policy in force: hundreds of different lines of pixels, where a blank one has two."""
    browse(pages(count), f"--screenshot={tmp_path / 'page.png'}", scheme=scheme)
    assert len(set(png_rows(tmp_path / "page.png"))) > 300


def test_a_blank_page_would_be_noticed(browse: Browse, tmp_path: Path) -> None:
    """What tells a blank picture is held against one."""
    (tmp_path / "blank.html").write_text("<!DOCTYPE html><title>blank</title>")
    browse(tmp_path / "blank.html", f"--screenshot={tmp_path / 'page.png'}")
    assert len(set(png_rows(tmp_path / "page.png"))) <= 2


def test_what_hosts_say_runs_nothing_even_without_the_policy(browse: Browse, tmp_path: Path) -> None:
    """Names, tasks, items, diffs, messages and the limit that want to be markup are text to the browser, too."""
    wicked = "</title></style><script>owned=1</script><img src=x onerror=owned=1><svg onload=owned=1>\"'"
    diff = {"before": wicked, "after": f"{wicked}\n", "after_header": f"/etc/{wicked}"}
    loop = {"changed": True, "results": [{"changed": True, "item": wicked, "diff": diff}]}
    name, place = f"h{wicked}", f"base{wicked} | x"
    events = [
        play_start(place),
        result_event("runner_on_ok", name, wicked, loop, play=place, role=wicked, second=2),
        result_event("runner_on_failed", name, wicked, {"msg": wicked}, play=place, role=wicked, second=3),
        stats(ok={name: 1}, failures={name: 1}),
    ]
    run = record(Bench(tmp_path), events, hosts=(name,))
    document = json.loads((run.path / "result.json").read_text())
    document.update(who=wicked, site=wicked, limit=wicked, message=wicked)
    (run.path / "result.json").write_text(json.dumps(document))
    page = tmp_path / "wicked.html"
    write_run_page(read_details(find_run(run.path.parent, run.id)), page)
    found = probe(browse, page)
    assert (found["owned"], found["scripts"], found["loaded"], found["errors"]) == ("undefined", 1, [], [])
    assert found["hosts"] == 1


def test_the_policy_stops_what_got_in(browse: Browse, pages: Pages) -> None:
    """A second fence behind the escaping: a script planted in the file itself does not run."""
    page = pages(4)
    html = page.read_text(encoding="utf-8")
    planted = "<script>document.body.textContent = 'planted script ' + 'ran'</script></body>"
    page.write_text(html.replace("</body>", planted), encoding="utf-8")
    assert "planted script ran" not in browse(page, "--dump-dom")
    page.write_text(POLICY.sub("", html).replace("</body>", planted), encoding="utf-8")
    assert "planted script ran" in browse(page, "--dump-dom")


def test_a_run_of_the_real_ansible(browse: Browse, bench: Bench, tmp_path: Path) -> None:
    """Local hosts, one of them dead, run by ansible-runner: times, changes and the failure come through."""
    write = {
        "name": "Write",
        "ansible.builtin.copy": {
            "content": "a <b>\n",
            "dest": "{{ playbook_dir }}/{{ inventory_hostname }}",
            "mode": "0600",
        },
    }
    execution = bench({"a": LOCAL, "b": LOCAL, "gone": DEAD}, [play(write)], diff=True)
    execute(execution, "provision")
    details = read_details(find_run(execution.site.runs, "latest"))
    assert details.damage == ()
    assert {row.name: row.state for row in details.hosts} == {"a": "ok", "b": "ok", "gone": "unreachable"}
    assert {task.host for task in details.tasks if task.seconds > 0} == {"a", "b", "gone"}
    assert "+a <b>" in details.changes["a"][0].items[0].diff
    write_run_page(details, tmp_path / "page.html")
    found = probe(browse, tmp_path / "page.html")
    assert (found["errors"], found["hosts"], found["rows"]) == ([], 3, 3)
    assert min(found["bars"]) > 0
