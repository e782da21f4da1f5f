"""Reports in Chinese: whoever is missing is still named, and nothing is lost on the way."""

import io
import json
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

from jsonschema import Draft202012Validator
from verified_runs import read_back

import hybridctl
from hybridctl.checks import Result, Verdict
from hybridctl.report import in_language, plain_lines, print_rich_report, summary_line
from hybridctl.verification import HostReport, HostState, Verification

SCHEMA = json.loads((Path(hybridctl.__file__).parent / "data/verify-result.schema.json").read_text(encoding="utf-8"))
AT = datetime(2026, 1, 1, tzinfo=UTC)
ENGLISH = Verification(
    "rack-7",
    AT,
    AT,
    (
        HostReport(
            "cpu1",
            HostState.JUDGED,
            results=(
                Result("cpu.model", Verdict.PASS, "鲲鹏 920", "Kunpeng 920 or 鲲鹏 920"),
                Result("cpu.threads", Verdict.FAIL, 96, "128", "threads", reason="some are offline", remedy="look"),
                Result(
                    "site.own", Verdict.UNKNOWN, expected="2", reason="no check yet", remedy="look at the host by hand"
                ),
            ),
        ),
        HostReport("gw1", HostState.UNREACHABLE, reason="No route to host"),
        HostReport(
            "new1",
            HostState.NO_PROFILE,
            results=(
                Result(
                    "profile",
                    Verdict.UNKNOWN,
                    reason="its hybridctl_profile is not set",
                    remedy="set hybridctl_profile for new1 in the inventory",
                ),
            ),
        ),
    ),
)
OURS = in_language(ENGLISH, "zh")


def test_every_host_that_is_missing_is_named() -> None:
    """The sums in Chinese have the hosts' names and the verdicts' words."""
    assert (
        summary_line(OURS)
        == "应检主机 3, 已检 1, 无法连接: gw1, 没有参考配置: new1; PASS 1 WARN 0 FAIL 1 UNKNOWN 2 WAIVED 0"
    )


def test_what_is_wrong_is_said_in_the_same_order() -> None:
    """Verdict, host and id lead each line as in English; the way out is Chinese wherever it has words for it."""
    lines = list(takewhile(bool, plain_lines(OURS)))
    assert lines == [
        "UNREACHABLE gw1: No route to host",
        "  -> 主机是否开机、ssh 能否到达？ansible gw1 -i INVENTORY -m ansible.builtin.ping",
        "FAIL cpu1 cpu.threads (在线的线程数): 实测 96 线程, 期望 128 线程: some are offline",
        "  -> look",
        "UNKNOWN cpu1 site.own: 期望 2: no check yet",
        "  -> 人工查看该主机",
        "UNKNOWN new1 profile: its hybridctl_profile is not set",
        "  -> 在清单（inventory）中为 new1 设置 hybridctl_profile",
    ]


def test_a_terminal_gets_it_too() -> None:
    """The table has Chinese heads and units."""
    out = io.StringIO()
    print_rich_report(OURS, out, width=100)
    for word in ("主机", "检查项", "结论", "实测", "期望", "单位", "线程", "鲲鹏 920", "FAIL"):
        assert word in out.getvalue()


def test_the_document_is_valid_and_judges_the_same() -> None:
    """By the same schema, with the same exit status and verdicts; only what people read differs."""
    document = read_back(OURS)
    Draft202012Validator(SCHEMA).validate(document)
    english = read_back(ENGLISH)
    assert {key for key in document if document[key] != english[key]} == {"lang", "titles", "hosts"}
    # What no check judges yet has no title.
    assert set(document["titles"]) == {"cpu.model", "cpu.threads"}


def test_english_is_not_touched() -> None:
    """The default is word for word what the checks said."""
    assert in_language(ENGLISH, "en") == ENGLISH
