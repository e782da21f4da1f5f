"""The benchmark of verify: its servers speak as a host does, its report is what was measured, verdicts must agree."""

import json
from pathlib import Path

import pytest

from benchmarks.common.results import Results
from benchmarks.verify import fleet, one, plots, report
from benchmarks.verify.recording import Recording
from benchmarks.verify.server import frames
from hybridctl.evidence.answers import Answer, Told
from hybridctl.evidence.frames import Frames
from hybridctl.evidence.script import greeting, questions

MACHINE = {
    **dict.fromkeys(("cores", "processor", "memory_gib", "kernel", "python", "ansible_core"), "?"),
    "testinfra": "1",
    "asyncssh": "2",
}


def test_a_server_says_what_the_host_said(tmp_path: Path) -> None:
    """Whatever is in a command or an answer, our reader gets it back; what was not recorded is not there."""
    answers: dict[str, Told] = {
        "echo a": Answer(0, b"a\n", b""),
        "python3 -c 'print(\"it''s\")\none = 1' x": Answer(3, bytes(range(256)) * 9, b"no\n" * 99),
        "true": Answer(0, b"", b""),
    }
    Recording(answers, 0.0, 1, []).write(tmp_path / "recorded")
    asked = [*answers, "rm -rf /"]
    script = f"{{\n{greeting('@m')}{questions(asked, [9] * len(asked), '@m')}}}\n"
    told = frames(script, json.loads((tmp_path / "recorded").read_text())["frames"])
    reader = Frames("@m", len(asked))
    assert dict(reader.feed("".join(told).encode())) == {
        **dict(enumerate(answers.values())),
        len(answers): Answer(127, b"", b""),
    }
    assert reader.greeted


def test_the_report_says_what_was_measured(tmp_path: Path) -> None:
    """Medians, ratios and aims come out of the rows; a tool that was not run has no line."""
    results = Results(tmp_path / "verify.json")
    results.begin(one.PART, MACHINE)
    results.note(one.PART, depth=4, commands=150)
    for tool, seconds, trips in (
        *(("ours, cold", 0.9, 4), ("ours, cold", 1.0, 4), ("ours, cold", 1.3, 4), ("ours, seeded", 0.5, 1)),
        *(("ssh", 30.0, 150), ("paramiko", 6.0, 150)),
    ):
        results.add(one.PART, tool=tool, seconds=seconds, trips=trips, checks=90, busy_before=1.0)
    results.begin(fleet.PART, MACHINE)
    row = {
        "commands": 150,
        "delay": 0.004,
        "peak_mib": 60.0,
        "others_mib": 80.0,
        "servers_cpu": 1.0,
        "busy_before": 1.0,
    }
    for hosts, seconds in ((1, 2.0), (100, 9.0)):
        results.add(fleet.PART, hosts=hosts, kind="cold", seconds=seconds, cpu=hosts * 0.1, **row)
    said = report.markdown(Results(results.path))
    assert "| hybridctl, cold | 1.00 (0.90-1.30), n=3 | 1.0 | 2.0 | 4 |" in said
    assert "testinfra ssh:// takes 30.0 x cold, 60.0 x seeded (aim: at least 20)." in said
    assert "testinfra ansible" not in said
    assert "| 100 | cold | 9.0 (9.0-9.0), n=1 | 0.100 | 60 | 80 | 0.010 |" in said
    assert "100 hosts take 4.5 x the time of one, cold (aim: at most 5)." in said
    assert [path.name for path in plots.write(results, tmp_path)] == [
        *("one-host.svg", "fleet-seconds.svg", "fleet-memory.svg")
    ]


def test_tools_take_turns_and_must_agree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The order rotates, a tool with fewer repeats has them first; one verdict that differs ends the benchmark."""
    verdicts = {"ssh": "PASS", "paramiko": "PASS"}
    done: list[str] = []

    def judge(_self: one.Bench, tool: str) -> tuple[dict[str, float], list[list[str]]]:
        done.append(tool)
        return {"seconds": 1.0, "trips": 1}, [["os.release", "PASS"], ["cpu.threads", verdicts[tool]]]

    monkeypatch.setattr(one.Bench, "_judge", judge)
    monkeypatch.setattr(one.machine, "busy", lambda: 0.0)
    results = Results(tmp_path / "verify.json")
    results.begin(one.PART, {})
    one.Bench("h", tmp_path, results, print).measure({"ssh": 1, "paramiko": 2})
    assert done == ["ssh", "paramiko", "paramiko"]
    verdicts["paramiko"] = "UNKNOWN"
    with pytest.raises(one.Unexpected, match=r"paramiko does not agree .*cpu.threads"):
        one.Bench("h", tmp_path, results, print).measure({"ssh": 1, "paramiko": 1})
