"""Every check on hosts that are right, wrong, and unreadable."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from all_cases import CASES
from check_cases import CPUINFO, KUNPENG, VARIABLES, Answers, Cases, drift_of, metrics, packages, unit

from hybridctl.checks import CATALOGUE, Expectation, Result, Verdict, assert_passes, judge
from hybridctl.checks.alike import compare
from hybridctl.checks.fake import Answered, FakeHost
from hybridctl.checks.judge import judge_expectation, role_default
from hybridctl.checks.model import ConnectionLost, Kind
from hybridctl.checks.request import _SCRIPT
from hybridctl.errors import InvalidInput

TRACKING = "0A000001,10.0.0.1,3,1764489600.1,0.000012,-0.000004,0.00002,-1.5,0.001,0.02,0.004,0.001,64.2,Normal\n"
ENDS = "notAfter=Jan  2 00:00:00 2027 GMT\n"
ATTRIBUTES = {
    Verdict.PASS: "passes",
    Verdict.WARN: "warns",
    Verdict.FAIL: "fails",
    Verdict.UNKNOWN: "unknown",
}


def expectation(check: str, given: dict[str, Any]) -> Expectation:
    """An expectation as a profile would have it."""
    form = next(key for key in given if key != "tolerance")
    wanted = tuple(given[form]) if isinstance(given[form], list) else given[form]
    return Expectation(check, form, wanted, CATALOGUE[check].unit, given.get("tolerance", 0.0), "a test")


def judged(check: str, answers: Answers) -> tuple[Result, ...]:
    """Judge a fake host by the expectation of the cases, and beside two good ones where hosts are compared."""
    cases = CASES[check]
    want = expectation(check, dict(cases.expect))
    earlier = {check: cases.earlier} if cases.earlier else {}
    results = judge_expectation(FakeHost(answers), want, VARIABLES, earlier, drift_of(answers))
    if CATALOGUE[check].kind is not Kind.ALIKE:
        return results
    (others,) = judge_expectation(FakeHost(cases.passes[0]), want, VARIABLES)
    return (compare({"a": others, "b": others, "h": results[0]}, want, "p", CATALOGUE[check].remedy)["h"],)


def every_case() -> Iterator[Any]:
    """Yield each check with each host and the verdict it must get."""
    for check, cases in CASES.items():
        for verdict, attribute in ATTRIBUTES.items():
            for number, answers in enumerate(getattr(cases, attribute)):
                yield pytest.param(check, answers, verdict, id=f"{check}-{verdict}-{number}")


@pytest.mark.parametrize(("check", "answers", "verdict"), list(every_case()))
def test_verdict(check: str, answers: Answers, verdict: Verdict) -> None:
    """The worst verdict of the results is the one the host deserves, with reason and remedy unless it is PASS."""
    results = judged(check, answers)
    found = {result.verdict for result in results}
    assert found <= {Verdict.PASS, verdict}, results
    assert verdict in found
    for result in results:
        assert result.check == check
        if result.verdict is Verdict.PASS:
            assert result.measured is not None
            assert not result.remedy
        else:
            assert result.reason
            assert result.remedy
        if result.verdict is Verdict.UNKNOWN:
            assert result.measured is None


@pytest.mark.parametrize("check", CATALOGUE)
def test_every_check_is_tried_each_way(check: str) -> None:
    """No check is in the catalogue without a host that passes, one that fails and one that cannot be read."""
    cases: Cases = CASES[check]
    assert cases.passes
    assert cases.fails
    assert cases.unknown


@pytest.mark.parametrize("check", CATALOGUE)
@pytest.mark.parametrize(
    "broken",
    [
        Answered(124),
        Answered(126, "", "Permission denied"),
        Answered(127, "", "not found"),
        Answered(137),
        Answered(0, "\x00\xff\n"),
        Answered(0, ""),
        Answered(0, "Error: device or resource busy\n"),
        Answered(0, "", "Error: device or resource busy\n"),
        RuntimeError("the backend broke"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad byte"),
    ],
    ids=["timeout", "denied", "absent", "killed", "rubbish", "silence", "error", "stderr", "exception", "encoding"],
)
def test_no_evidence_is_never_pass_nor_fail(check: str, broken: Answered | Exception) -> None:
    """Whatever keeps a check from measuring, the verdict is UNKNOWN."""
    results = judge_expectation(FakeHost({"": broken}), expectation(check, dict(CASES[check].expect)), VARIABLES)
    verdicts = {result.verdict for result in results}
    assert all(result.measured is None for result in results if result.verdict is Verdict.UNKNOWN)
    if check == "os.architecture" and isinstance(broken, Answered) and broken.rc == 0 and broken.stdout:
        # Any word is an architecture: this one is not the right one.
        assert verdicts == {Verdict.FAIL}
    else:
        assert verdicts == {Verdict.UNKNOWN}


@pytest.mark.parametrize("check", CATALOGUE)
@pytest.mark.parametrize("status", [2, 255])
def test_output_of_a_command_that_failed_is_no_evidence(status: int, check: str) -> None:
    """The right words with the wrong exit status are UNKNOWN: the command may have been ended in the middle."""
    answers = {part: Answered(status, str(text)) for part, text in CASES[check].passes[0].items()}
    assert {result.verdict for result in judged(check, answers)} == {Verdict.UNKNOWN}


@pytest.mark.parametrize(
    ("check", "wanted", "answers"),
    [
        ("time.synchronised", {"value": "yes"}, {"timedatectl": "NTPSynchronized=no\n"}),
        ("time.offset", {"at_most": 50}, {"tracking": TRACKING.replace("0.000012,", "-31536000.5,")}),
        ("gateway.certificate_days", {"at_least": 30}, {"openssl": ENDS, "date": f"{1 << 31}\n"}),
        ("exporter.node_clock", {"at_most": 5}, {"python3 -c": metrics(200, 1000.0 - 31_536_000)}),
    ],
)
def test_a_host_of_another_time_fails(check: str, wanted: dict[str, Any], answers: Answers) -> None:
    """A clock that is a year off, or stands in 2038, is a FAIL of what goes by it, not a check that breaks."""
    (result,) = judge_expectation(FakeHost(answers), expectation(check, wanted), VARIABLES)
    assert result.verdict is Verdict.FAIL


def test_a_long_kernel_log_is_judged_whole() -> None:
    """10 MB of messages, the one that matters at the end."""
    line = "2026-11-30T10:00:00+0000 h kernel: {}\n".format
    text = line("Linux version 5.15.0") + line("audit: type=1400 of no interest" + " and so on" * 15) * 50_000
    assert len(text) > 10_000_000
    text += line("NVRM: Xid (PCI:0000:3b:00): 79, pid=1, name=x, GPU has fallen off the bus.")
    (result,) = judge_expectation(FakeHost({"journalctl": text}), expectation("gpu.xid", {"value": 0}), VARIABLES)
    assert (result.verdict, result.measured) == (Verdict.FAIL, 1)


@pytest.mark.parametrize("check", CATALOGUE)
def test_a_check_is_pure(check: str) -> None:
    """Run twice on the same host, a check asks the same commands and says the same."""
    host = FakeHost(CASES[check].passes[0])
    want = expectation(check, dict(CASES[check].expect))
    first = judge_expectation(host, want, VARIABLES)
    asked = list(host.asked)
    assert judge_expectation(host, want, VARIABLES) == first
    assert host.asked == [*asked, *asked]


@pytest.mark.parametrize(
    ("wanted", "named", "verdict"),
    [
        ("鲲鹏 920", "鲲鹏920", Verdict.PASS),
        ("鲲鹏", "Kunpeng-920", Verdict.FAIL),
        ("鲲鹏920", "飞腾920", Verdict.FAIL),
        ("-", "Kunpeng-920", Verdict.FAIL),
    ],
)
def test_a_model_is_compared_in_any_script(wanted: str, named: str, verdict: Verdict) -> None:
    """A name in Chinese letters is compared, not thrown away; a name without a letter is part of no model."""
    host = FakeHost({"lscpu": KUNPENG.replace("Kunpeng-920", named)})
    (result,) = judge_expectation(host, expectation("cpu.model", {"value": wanted}), {})
    assert result.verdict is verdict


def test_a_lost_connection_is_no_verdict() -> None:
    """That the host went away is told to the caller, not turned into a verdict of a check."""
    with pytest.raises(ConnectionLost):
        judge_expectation(FakeHost({"": ConnectionLost("gone")}), expectation("os.release", {"value": "12"}), {})


def test_each_package_and_unit_has_a_result_of_its_own() -> None:
    """One unit that is stopped does not hide behind one that runs."""
    host = FakeHost({"-- a.service": unit(), "-- b.service": unit(active="inactive", sub="dead"), "-- c.service": "x"})
    results = judge_expectation(
        host, expectation("units.active", {"value": ["a.service", "b.service", "c.service"]}), {}
    )
    assert [(r.subject, r.verdict.value) for r in results] == [
        ("a.service", "PASS"),
        ("b.service", "FAIL"),
        ("c.service", "UNKNOWN"),
    ]
    assert "journalctl -u b.service" in results[1].remedy


def test_a_package_the_lock_does_not_name_is_unknown() -> None:
    """Without a version to compare with there is nothing to pass."""
    host = FakeHost(packages(("nosuch", "hold", "installed", "1.0-1")))
    (result,) = judge_expectation(host, expectation("packages.held", {"value": ["nosuch"]}), {})
    assert result.verdict is Verdict.UNKNOWN
    assert "the lock names no version" in result.reason


def test_what_is_not_judged_yet_is_unknown() -> None:
    """An expectation for later shows in the report, with why."""
    later = Expectation("gpu.count", "value", 2, "GPUs", source="guide", later="comes with the accelerators")
    (result,) = judge_expectation(FakeHost({}), later, {})
    assert result.verdict is Verdict.UNKNOWN
    assert result.reason == "no check judges it yet: comes with the accelerators"
    assert result.expected == "2"


def test_a_variable_without_a_value_is_unknown() -> None:
    """A worker whose model has no name cannot be asked for a token."""
    (result,) = judge_expectation(
        FakeHost({"python3 -c": "{}"}),
        expectation("service.worker_completion", {"value": 1}),
        {"vllm_served_model_name": None},
    )
    assert (result.verdict, result.reason) == (
        Verdict.UNKNOWN,
        "the variable vllm_served_model_name has no value for this host",
    )


def test_ports_come_from_the_roles_unless_the_site_says_otherwise() -> None:
    """The default of a role is written once, in the role."""
    assert role_default("vllm_port") == 8000
    assert role_default("node_telemetry_listen_address") == ":9100"
    assert role_default("nosuch_port") is None
    host = FakeHost({"python3 -c": CASES["exporter.node_clock"].passes[0]["python3 -c"]})
    judge_expectation(host, expectation("exporter.node_clock", {"at_most": 5}), {})
    assert "http://127.0.0.1:9100" in host.asked[0]
    judge_expectation(
        host, expectation("exporter.node_clock", {"at_most": 5}), {"node_telemetry_listen_address": "10.0.0.7:9"}
    )
    assert "http://10.0.0.7:9" in host.asked[1]


@pytest.mark.parametrize(
    ("address", "asked"),
    [("0.0.0.0", "127.0.0.1"), ("10.0.0.7", "10.0.0.7"), ("::", "[::1]"), ("fd00::7", "[fd00::7]")],  # noqa: S104
)
def test_a_worker_is_asked_where_it_listens(address: str, asked: str) -> None:
    """A worker bound to one address does not listen on loopback."""
    host = FakeHost(CASES["service.worker_completion"].passes[0])
    judge_expectation(
        host, expectation("service.worker_completion", {"value": 1}), VARIABLES | {"vllm_bind_address": address}
    )
    assert json.loads(shlex.split(host.asked[0])[-1])["url"] == f"http://{asked}:8000"


def test_the_key_is_in_no_command() -> None:
    """The script names the file of the key; the key itself never leaves the host."""
    host = FakeHost(CASES["service.worker_completion"].passes[0])
    judged_ = judge_expectation(host, expectation("service.worker_completion", {"value": 1}), VARIABLES)
    assert judged_[0].verdict is Verdict.PASS
    assert json.loads(shlex.split(host.asked[0])[-1])["key_file"] == "/etc/vllm/vllm.env"
    compile(_SCRIPT, "script", "exec")


def test_pytest_is_a_public_face() -> None:
    """An ordinary test file judges by a profile's name; a FAIL names measured, expected and remedy."""
    host = FakeHost({"lscpu": KUNPENG, "/proc/cpuinfo": CPUINFO})
    assert_passes(host, "cpu.cores_per_socket", "kunpeng-920-reference")
    (result,) = judge(host, "cpu.implementer", "kunpeng-920-reference")
    assert result.verdict is Verdict.PASS
    wrong = FakeHost({"lscpu": KUNPENG.replace(":              64", ": 48")})
    with pytest.raises(
        AssertionError, match=r"FAIL cpu\.cores_per_socket: measured 48 cores, expected 64 cores.*dmidecode"
    ):
        assert_passes(wrong, "cpu.cores_per_socket", "kunpeng-920-reference")
    with pytest.raises(AssertionError, match="UNKNOWN"):
        assert_passes(FakeHost({}), "cpu.cores_per_socket", "kunpeng-920-reference")
    with pytest.raises(InvalidInput, match=r"expects nothing of os\.nosuch"):
        judge(host, "os.nosuch", "kunpeng-920-reference")


def test_the_script_runs_on_this_python(tmp_path: Path) -> None:
    """The script that asks on the host says refused as an error and a missing key as unreadable."""

    def ask(**changed: Any) -> dict[str, Any]:
        question = {
            "url": "http://127.0.0.1:1",
            "path": "/",
            "body": None,
            "key_file": "",
            "key_marker": "",
            "ca_file": "",
            "timeout": 5,
        }
        argv = [sys.executable, "-c", _SCRIPT, json.dumps({**question, **changed})]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        return dict(json.loads(done.stdout))

    assert "Connection refused" in ask()["error"]
    assert "FileNotFoundError" in ask(key_file=str(tmp_path / "nothing"))["unreadable"]
    empty = tmp_path / "clients.map"
    empty.write_text("# only a comment\n\n")
    assert "unreadable" in ask(key_file=str(empty))
