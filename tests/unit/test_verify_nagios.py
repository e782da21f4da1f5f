"""A verification as a monitoring plugin tells it."""

import pytest
from plugin_output import PluginOutput, read_plugin_output
from verified import down, judged, result, verified

from hybridctl.checks import Verdict
from hybridctl.errors import HybridctlError
from hybridctl.report.nagios import nagios_error, nagios_lines, nagios_status
from hybridctl.verification import HostReport, HostState, Verification

NEW = HostReport("new1", HostState.NO_PROFILE, results=(result("UNKNOWN", "profile"),))

STATES = {
    "OK": verified(judged("a", "PASS"), judged("b", "PASS")),
    "WARNING": verified(judged("a", "PASS", "WARN")),
    "CRITICAL": verified(judged("a", "FAIL", "UNKNOWN", "WARN")),
    "UNKNOWN": verified(judged("a", "UNKNOWN", "WARN")),
}


def read(verification: Verification) -> PluginOutput:
    """Return what a monitoring system reads of it."""
    return read_plugin_output("\n".join(nagios_lines(verification)))


def test_the_reader_knows_the_grammar() -> None:
    """Quotes, a quote in a label, ranges, units, no value, semicolons left away; data below the text, too."""
    text = "X OK - it is | 'a ''b'' c'=1;@2:3;~:4;0;9 d=U e=-.5ms;;10:\nline\nlast | f=7%;5\ng=1.5"
    assert read_plugin_output(text) == PluginOutput(
        "X OK - it is",
        ("line", "last "),
        {
            "a 'b' c": ("1", "@2:3", "~:4", "0", "9"),
            "d": ("U", "", "", "", ""),
            "e": ("-.5ms", "", "10:", "", ""),
            "f": ("7%", "5", "", "", ""),
            "g": ("1.5", "", "", "", ""),
        },
    )


@pytest.mark.parametrize(
    "data",
    ["a", "a=", "a=x", "a=1kg", "a b=1", "'a=1", "'a=b'=1", "a'b=1", "a=1,b=2", "a=1;x", "a=1;2;3;4;5;6", "a=1 a=2"],
)
def test_the_reader_refuses_what_is_no_performance_data(data: str) -> None:
    """Or it would show nothing."""
    with pytest.raises(ValueError, match=r"no performance data|is there twice"):
        read_plugin_output(f"X OK | {data}")


@pytest.mark.parametrize(("name", "code"), [*zip(STATES, (0, 1, 2, 3), strict=True)])
def test_the_four_states(name: str, code: int) -> None:
    """FAIL before UNKNOWN before WARN; the word and the exit status are the same."""
    assert nagios_status(STATES[name]) == code
    assert next(iter(nagios_lines(STATES[name]))).startswith(f"VERIFY {name} - ")


@pytest.mark.parametrize(
    ("verification", "code"),
    [
        (verified(judged("a", "PASS"), down("b")), 2),
        (verified(judged("a", "PASS"), NEW), 3),
        (verified(judged("a")), 3),
        (verified(), 3),
    ],
)
def test_what_is_missing_is_never_ok(verification: Verification, code: int) -> None:
    """An unreachable host is CRITICAL; one without a profile or a result, and no host at all, UNKNOWN."""
    assert nagios_status(verification) == code


def test_every_verdict_has_a_state() -> None:
    """Also one that is neither of the four: it is in the counts, and no alarm of its own."""
    for verdict in Verdict:
        line = next(iter(nagios_lines(verified(judged("a", verdict.value)))))
        assert f" 1 {verdict} on 1 host" in line
        assert f"{verdict.lower()}=1;" in line


def test_the_line_of_status_names_who_is_missing() -> None:
    """Counts, the worst first, then hosts; then numbers with bounds; what is wrong on the lines below."""
    output = read(verified(judged("a", "FAIL", "WARN", "PASS"), down("gw1"), NEW))
    assert output.status == (
        "VERIFY CRITICAL - 1 FAIL, 1 UNKNOWN, 1 WARN on 3 hosts; unreachable: gw1; without a profile: new1"
    )
    assert output.performance == {
        "asked": ("3", "", "", "0", ""),
        "judged": ("1", "", "", "0", "3"),
        "unreachable": ("1", "", "0", "0", ""),
        "pass": ("1", "", "", "0", ""),
        "warn": ("1", "0", "", "0", ""),
        "fail": ("1", "", "0", "0", ""),
        "unknown": ("1", "", "", "0", ""),
        "waived": ("0", "", "", "0", ""),
        "time": ("12.3s", "", "", "0", ""),
    }
    assert [line.split(":")[0] for line in output.long] == [
        "UNREACHABLE gw1",
        "FAIL a gpu.count",
        "UNKNOWN new1 profile",
        "WARN a gpu.count",
    ]


def test_a_host_writes_no_performance_data_and_no_line() -> None:
    """A bar and a line feed of its own are something else."""
    evil = "x | fail=0;;;0\nVERIFY OK - all is well\x1b[2J"
    lines = list(nagios_lines(verified(judged(evil, result("FAIL", subject=evil, reason=evil)), down(evil, evil))))
    assert len(lines) == 3
    assert [line.count("|") for line in lines] == [1, 0, 0]
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    "evil",
    [
        "'",
        "'fail'=0",
        "fail=0",
        "a b=1;2;3",
        '"',
        "`id` $(id) \\",
        "x|fail=0;;;0",
        "x\n | fail=0",
        "\u2028|",
        "｜",
        "\ud800",
    ],
)
def test_a_host_has_no_say_in_the_performance_data(evil: str) -> None:
    """Whatever its name, its subjects and its words: the numbers are those of a host without them."""

    def of(word: str) -> PluginOutput:
        failed = result("FAIL", subject=word, reason=word, measured=word)
        new = HostReport(word, HostState.NO_PROFILE, results=(result("UNKNOWN", "profile"),))
        return read(verified(judged(word, failed), down(word, word), new))

    plain, found = of("gpu1"), of(evil)
    assert found.performance == plain.performance
    assert len(found.long) == len(plain.long) == 3
    assert found.status.startswith("VERIFY CRITICAL - 1 FAIL, 1 UNKNOWN on 3 hosts; unreachable: ")


def test_long_output_is_bounded() -> None:
    """Nagios reads 8 KiB; what is left out is counted."""
    hosts = [judged(f"gpu{n:03}", result("FAIL", reason="银" * 100)) for n in range(500)]
    lines = list(nagios_lines(verified(*hosts, *(down(f"cpu{n}") for n in range(500)))))
    assert len("\n".join(lines).encode()) < 8192
    assert "unreachable: cpu0, cpu1, cpu2, cpu3, cpu4 and 495 more" in lines[0]
    assert lines[-1] == f"and {1000 - (len(lines) - 2)} more: hybridctl runs show latest"


def test_an_error_is_unknown_on_one_line() -> None:
    """Message and hint."""
    error = HybridctlError("2 problems in site bank\n  hosts.yml:3: no | such", "correct them")
    line = nagios_error(error)
    assert line == "VERIFY UNKNOWN - 2 problems in site bank hosts.yml:3: no / such (correct them)"
    assert read_plugin_output(line) == PluginOutput(line, (), {})
