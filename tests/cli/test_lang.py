"""`verify --lang zh`: titles and remedies in Chinese, in every report; what machines read is the same."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "checks"))

from check_cases import KUNPENG, meminfo

from hybridctl import verification
from hybridctl.checks import CATALOGUE, Expectation
from hybridctl.checks.fake import FakeHost
from hybridctl.checks.judge import judge_expectation
from hybridctl.cli import cli
from hybridctl.verification import HostReport, HostState, Verification

TITLE = "在线的线程数"


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site of one host, which was judged and misses its profile."""
    (tmp_path / "hybridctl.yml").write_text("name: rack-7\n")
    (tmp_path / "inventory").mkdir()
    (tmp_path / "inventory/hosts.yml").write_text("all:\n  children:\n    monitoring:\n      hosts: {h1: }\n")
    wanted = (
        Expectation("cpu.threads", "at_least", 128, "threads"),
        Expectation("memory.total", "at_least", 2.5, "GiB"),
    )
    host = FakeHost({"lscpu": KUNPENG.replace("128", "96").replace("0-127", "0-95"), "meminfo": meminfo(536870912)})
    results = [result for one in wanted for result in judge_expectation(host, one, {})]
    found = tuple(replace(result, remedy=result.remedy.replace("{host}", "h1")) for result in results)
    now = datetime.now(UTC)
    judged = Verification("rack-7", now, now, (HostReport("h1", HostState.JUDGED, "mine", results=found),))
    monkeypatch.setattr(verification, "verify", lambda *_, **__: judged)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(*arguments: str, **environment: str) -> Result:
    """Run `hybridctl verify ARGUMENTS`."""
    return CliRunner().invoke(cli, ["verify", *arguments], env=environment)


def test_the_report_is_chinese_and_aligned() -> None:
    """Title, remedy, units, columns and sums; each column begins where its head does, by width on the screen."""
    result = ask("--lang", "zh")
    assert result.exit_code == 5
    trouble, table, sums = result.stdout.strip().split("\n\n")
    assert trouble.startswith(f"FAIL h1 cpu.threads ({TITLE}): 实测 ")
    assert "  -> 查看哪些线程离线：lscpu --extended；使其重新上线：echo 1 > /sys/" in trouble
    head, first, second = table.splitlines()
    for name, word in (("结论", "FAIL"), ("期望", ">= 128"), ("单位", "线程")):
        assert cell_len(head[: head.index(name)]) == cell_len(first[: first.index(word)])
    assert cell_len(head[: head.index("单位")]) == cell_len(second[: second.index("GiB")])
    assert sums == "应检主机 1, 已检 1; PASS 1 WARN 0 FAIL 1 UNKNOWN 0 WAIVED 0"


def test_the_document_says_its_language(site: Path) -> None:
    """Titles and remedies follow; ids, verdicts, units and numbers are those of the English document."""
    english, ours = (json.loads(ask("--json", "--lang", lang).stdout) for lang in ("en", "zh"))
    assert json.loads((site / ".hybridctl/runs" / ours["id"] / "result.json").read_text()) == ours
    assert (english["lang"], ours["lang"]) == ("en", "zh")
    assert ours["titles"] == {"cpu.threads": TITLE, "memory.total": "内核管理的内存"}
    assert english["titles"] == {id_: CATALOGUE[id_].title for id_ in ours["titles"]}
    before, after = (document["hosts"][0]["checks"][0] for document in (english, ours))
    assert after.pop("remedy").startswith("查看哪些线程离线")
    assert before.pop("remedy").startswith("see which are offline")
    assert before.pop("reason") == "threads online: not what the profile expects"
    assert after.pop("reason") == f"{TITLE}: 与参考配置的期望不符"
    assert after == before


def test_junit_follows() -> None:
    """The words of a failure are Chinese; the names that a CI server keeps its history by are not."""
    assert ask("--lang", "zh", "--junit", "report.xml").exit_code == 5
    (case,) = [case for case in ET.parse("report.xml").iter("testcase") if case.find("failure") is not None]  # noqa: S314
    assert (case.get("classname"), case.get("name")) == ("h1.cpu.threads", "cpu.threads")
    assert "-> 查看哪些线程离线" in str(case.findtext("failure"))


def test_the_list_of_checks_is_worded() -> None:
    """`--list` in Chinese has every check, its id as ever."""
    lines = ask("--list", "--lang", "zh").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(CATALOGUE)
    assert f"cpu.threads{' ' * (len(max(CATALOGUE, key=len)) - 11)}  {TITLE}, 线程" in lines
    rows = json.loads(ask("--list", "--json", "--lang", "zh").stdout)
    assert {row["id"]: row["unit"] for row in rows} == {id_: check.unit for id_, check in CATALOGUE.items()}
    assert next(row["title"] for row in rows if row["id"] == "cpu.threads") == TITLE


def test_the_variable_stands_for_the_option() -> None:
    """HYBRIDCTL_LANG is --lang, which goes before it; the locale of who calls is not asked."""
    assert TITLE in ask("--list", HYBRIDCTL_LANG="zh").stdout
    assert TITLE not in ask("--list", "--lang", "en", HYBRIDCTL_LANG="zh").stdout
    assert TITLE not in ask("--list", LANG="zh_CN.UTF-8", LC_ALL="zh_CN.UTF-8").stdout


def test_a_language_there_is_not() -> None:
    """Exit 2 with those there are; nothing was contacted."""
    result = ask("--lang", "fr")
    assert result.exit_code == 2
    assert "'fr' is not one of 'en', 'zh'" in result.stderr
    assert not Path(".hybridctl").exists()


def test_an_output_without_chinese_letters_is_refused_before_any_host_is_asked() -> None:
    """A terminal of another encoding: exit 2 with the command to type; JSON, which is ASCII, goes through."""
    argv = [sys.executable, "-m", "hybridctl", "verify", "--list", "--lang", "zh"]
    environment = {**os.environ, "PYTHONIOENCODING": "iso-8859-1", "PYTHONUTF8": "0"}
    refused = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Error: --lang zh: the output is in iso8859-1, which has no letters for it" in refused.stderr
    assert "  -> PYTHONUTF8=1 hybridctl verify --lang zh" in refused.stderr
    through = subprocess.run([*argv, "--json"], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(through.stdout)[0]["title"] == "Linux 发行版"
