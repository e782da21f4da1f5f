"""The findings of doctor, from facts alone."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybridctl import doctor
from hybridctl.checks.model import Verdict
from hybridctl.doctor.facts import Facts, parse_facts
from hybridctl.doctor.findings import Examination, Finding
from hybridctl.doctor.judge import judge_host, judge_variables
from hybridctl.errors import ExitCode
from hybridctl.inventory import Host

SCRIPT = Path(doctor.__file__).with_name("examine.sh")

# What the script says on a Debian 12 host that nothing is wrong with.
GOOD = {
    "begin": [()],
    "uid": [("0",)],
    "os": [("debian", "12", "Debian GNU/Linux 12 (bookworm)")],
    "machine": [("x86_64", "6.1.0-40-amd64")],
    "python": [("python3", "3.11.2")],
    "disk": [("/", "104857600", "73400320"), ("/var", "104857600", "73400320")],
    "memory": [("16777216",)],
    "listening": [("known",)],
    "listen": [("0.0.0.0:22", "sshd", "ssh.service")],
    "manager": [("apt",)],
    "holds": [("known",)],
    "held": [("haproxy",)],
    "headers": [("present",)],
    "secureboot": [("none",)],
    "proxies": [("known",)],
}


def host(*groups: str, **variables: Any) -> Host:
    """Return a host of these groups."""
    return Host("h1", "192.0.2.1", 22, groups, None, variables)


def facts(offset: float = 0.0, blur: float | None = 0.5, **changes: Any) -> Facts:
    """Return good facts with changes; None takes a fact away."""
    lines: dict[str, Any] = {**GOOD, **changes}
    return Facts({name: tuple(values) for name, values in lines.items() if values is not None}, offset, blur)


def finding(topic: str, of: Host, said: Facts) -> Finding:
    """Return the one finding about a topic."""
    (found,) = [finding for finding in judge_host(of, said) if finding.topic == topic]
    return found


def test_a_good_host_passes_everything() -> None:
    """No finding of a good host is anything but PASS, for every group."""
    for group in ("gateway", "vllm_cpu", "kunpeng", "nvidia", "monitoring"):
        of = host(group, vllm_kv_cache_memory_bytes=2**30)
        assert {found.verdict for found in judge_host(of, facts())} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("topic", "changes", "verdict", "told"),
    [
        ("privileges", {"uid": [("1000",)]}, "FAIL", "uid 1000; wanted: root"),
        ("system", {"os": [("debian", "11", "Debian 11")]}, "FAIL", "Debian 11, x86_64"),
        (
            "system",
            {"os": [("openEuler", "22.03", "openEuler 22.03 (LTS-SP4)")]},
            "FAIL",
            "supported: Debian 12 x86_64",
        ),
        ("python", {"python": None}, "FAIL", "no python3 that runs"),
        ("python", {"python": [("python3", "3.8.10")]}, "FAIL", "3.8.10 (python3); wanted: 3.9"),
        ("python", {"python": [("python3", "3.10.4")]}, "PASS", "3.10.4"),
        ("clock", {"offset": 0.4}, "PASS", "within 0.9 s"),
        ("clock", {"blur": 40.0}, "UNKNOWN", "the answer took too long to tell: within 40.0 s; allowed: 1 s"),
        ("clock", {"offset": 0.8}, "UNKNOWN", "within 1.3 s; allowed: 1 s"),
        ("clock", {"offset": 5.0, "blur": 40.0}, "WARN", "at least 5.0 s ahead of this machine"),
        ("clock", {"offset": -5.0}, "WARN", "at least 5.0 s behind this machine"),
        ("clock", {"offset": 90.0}, "FAIL", "at least 90.0 s ahead of this machine"),
        ("disk", {"disk": [("/", "9", "5242880"), ("/var", "9", "73400320")]}, "WARN", "/ 5.0 GiB free"),
        ("disk", {"disk": [("/", "9", "73400320"), ("/var", "9", "1024")]}, "FAIL", "/var 0.0 GiB free"),
        ("disk", {"disk": [("/", "9", "73400320")]}, "UNKNOWN", "what is free on /var"),
        ("memory", {"memory": [("262144",)]}, "FAIL", "0.2 GiB; wanted: 0.5 GiB"),
        ("memory", {"memory": [("",)]}, "UNKNOWN", "how much it has"),
        ("held packages", {"held": [("haproxy",), ("nvidia-driver-535",)]}, "WARN", "not by us: nvidia-driver-535"),
        ("held packages", {"held": None}, "PASS", "none"),
        ("held packages", {"held": None, "holds": None}, "UNKNOWN", "which are held was not said"),
        ("ports", {"listening": [("missing",)], "listen": None}, "UNKNOWN", "no ss on the host"),
        ("ports", {"listening": None, "listen": None}, "UNKNOWN", "ss did not say who listens"),
        ("package lock", {"packaging": [("unattended-upgr", "77")]}, "WARN", "unattended-upgr (pid 77)"),
        ("package lock", {"locked": [("/var/lib/dpkg/lock",)]}, "WARN", "/var/lib/dpkg/lock is locked"),
        ("proxy", {"proxy": [("https_proxy", "http://p:3128")]}, "PASS", "https_proxy=http://p:3128"),
    ],
)
def test_each_trouble_is_found(topic: str, changes: dict[str, Any], verdict: str, told: str) -> None:
    """One bad fact turns one finding, and a bad one has a remedy."""
    found = finding(topic, host("gateway"), facts(**changes))
    assert (found.verdict, told in found.measured) == (verdict, True), found
    assert bool(found.remedy) == (verdict != "PASS")
    others = {other.verdict for other in judge_host(host("gateway"), facts(**changes)) if other.topic != topic}
    assert others == {Verdict.PASS}


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"begin", "held", "listen"}))
def test_a_missing_fact_never_passes(name: str) -> None:
    """What the host did not say is UNKNOWN (or FAIL, for a missing Python), whatever it is."""
    of = host("nvidia", "gateway")
    gone: Any = {name: None}
    before, after = judge_host(of, facts()), judge_host(of, facts(**gone))
    changed = [now for now, then in zip(after, before, strict=True) if now != then]
    assert changed
    assert {found.verdict for found in changed} <= {Verdict.UNKNOWN, Verdict.FAIL}


def test_a_clock_that_was_not_compared_is_unknown() -> None:
    """Without a stamp from the host there is no offset of zero."""
    assert finding("clock", host(), facts(blur=None)).verdict is Verdict.UNKNOWN


class TestPorts:
    """A port is free, ours, or somebody else's."""

    def test_ours(self) -> None:
        """Our own unit on its port is fine on the second provision."""
        said = facts(
            listen=[
                ("0.0.0.0:443", "haproxy", "haproxy.service"),
                ("*:9100", "node", "prometheus-node-exporter.service"),
            ]
        )
        found = finding("ports", host("gateway"), said)
        assert (found.verdict, found.measured) == (Verdict.PASS, "443 ours, 8405 free, 9100 ours")

    def test_taken(self) -> None:
        """Another unit on it is named with the variable that could move us."""
        found = finding("ports", host("gateway"), facts(listen=[("[::]:443", "nginx", "nginx.service")]))
        assert found.verdict is Verdict.FAIL
        assert found.measured == "443 (gateway_port) is taken by nginx.service"

    def test_taken_by_a_program_without_a_unit(self) -> None:
        """Then the program is named."""
        found = finding("ports", host("vllm_cpu"), facts(listen=[("0.0.0.0:8000", "python3", "-")]))
        assert found.measured.endswith("8000 (vllm_port) is taken by python3")

    def test_another_port_is_looked_at_when_the_variable_says_so(self) -> None:
        """The site's own port counts, not the default."""
        said = facts(listen=[("0.0.0.0:443", "nginx", "nginx.service")])
        assert finding("ports", host("gateway", gateway_port=8443), said).verdict is Verdict.PASS

    def test_a_template_is_unknown(self) -> None:
        """What only a run can evaluate is not guessed."""
        found = finding("ports", host("gateway", gateway_port="{{ p }}"), facts())
        assert (found.verdict, found.measured) == (Verdict.UNKNOWN, "gateway_port is a template")


class TestMemory:
    """Memory is held against the KV cache where it lies in memory."""

    @pytest.mark.parametrize(("gib", "verdict"), [(8, "PASS"), (14, "WARN"), (20, "FAIL")])
    def test_kv_cache_of_a_cpu_worker(self, gib: int, verdict: str) -> None:
        """16 GiB of memory: enough, tight, impossible."""
        of = host("vllm_cpu", vllm_kv_cache_memory_bytes=gib * 2**30)
        assert finding("memory", of, facts()).verdict == verdict

    def test_kv_cache_of_a_gpu_is_not_in_memory(self) -> None:
        """A GPU worker's cache is on the GPU."""
        of = host("vllm_gpu", vllm_kv_cache_memory_bytes=40 * 2**30)
        assert finding("memory", of, facts()).verdict is Verdict.PASS


class TestDrivers:
    """Headers and Secure Boot matter where drivers are built."""

    def test_only_for_accelerators(self) -> None:
        """A gateway needs no kernel headers."""
        topics = {found.topic for found in judge_host(host("gateway"), facts(headers=[("missing",)]))}
        assert not {"kernel headers", "Secure Boot"} & topics

    @pytest.mark.parametrize(
        ("manager", "remedy"),
        [("apt", "apt-get install linux-headers-6.1.0-40-amd64"), ("dnf", "dnf install kernel-devel-6.1.0-40-amd64")],
    )
    def test_missing_headers(self, manager: str, remedy: str) -> None:
        """The remedy names the very kernel that runs, in the host's own package manager."""
        found = finding("kernel headers", host("nvidia"), facts(headers=[("missing",)], manager=[(manager,)]))
        assert (found.verdict, found.remedy) == (Verdict.FAIL, remedy)

    @pytest.mark.parametrize(
        ("state", "verdict"),
        [("none", "PASS"), ("0", "PASS"), ("1", "WARN"), ("unreadable", "UNKNOWN"), ("7", "UNKNOWN")],
    )
    def test_secure_boot(self, state: str, verdict: str) -> None:
        """On is a warning; what cannot be read is unknown."""
        assert finding("Secure Boot", host("kunpeng"), facts(secureboot=[(state,)])).verdict == verdict


@pytest.mark.parametrize(
    ("spared", "verdict"),
    [
        ("", "WARN"),
        ("localhost", "WARN"),
        ("mirror.example.net", "PASS"),
        (".example.net,x", "PASS"),
        ("*", "PASS"),
        ("mple.net", "WARN"),
    ],
)
def test_a_proxy_that_the_mirror_is_asked_through(spared: str, verdict: str) -> None:
    """With a proxy, the mirror must be in no_proxy."""
    said = facts(proxy=[("http_proxy", "http://p:3128"), ("no_proxy", spared)])
    assert finding("proxy", host(hybridctl_mirror="https://mirror.example.net/x"), said).verdict == verdict


class TestVariables:
    """What a run would miss is found before it."""

    def test_secrets_that_are_set_nowhere(self) -> None:
        """A default that refers to the vault needs it."""
        found = [finding.measured for finding in judge_variables(host("gateway"))]
        assert "gateway_clients uses vault_gateway_api_key, which is set nowhere" in found
        whole = host("gateway", vault_gateway_api_key="a", vault_vllm_api_key="b")
        assert list(judge_variables(whole)) == []

    def test_what_a_role_requires(self) -> None:
        """A worker without a model is told so; a gateway needs none."""
        found = [finding.measured for finding in judge_variables(host("vllm_cpu", vault_vllm_api_key="b"))]
        assert "vllm_model is not set; role vllm needs it" in found
        assert "vllm_wheelhouse uses hybridctl_mirror, which is set nowhere" in found


class TestFacts:
    """Reading the script's output."""

    OUTPUT = (
        "hd\tbegin\nhd\tstarted\t{}\nhd\tuid\t0\nmotd\nhd\tlisten\ta\tb\tc\nhd\tlisten\td\te\tf\n"
        "hd\tclock\t{}\nhd\tend\n"
    )

    def test_lines_by_name(self) -> None:
        """Foreign lines and carriage returns of a terminal are passed over."""
        said = parse_facts(self.OUTPUT.format("100.5", "100.6").replace("\n", "\r\n"), 100.0, 101.0)
        assert said is not None
        assert said.one("uid") == ("0",)
        assert said.all("listen") == (("a", "b", "c"), ("d", "e", "f"))

    @pytest.mark.parametrize(
        ("started", "ended", "offset", "blur"),
        [
            ("100.5", "100.5", 0.0, 1.0),
            ("99", "99", -1.0, 1.0),
            ("104", "104", 3.0, 1.0),
            ("100", "100.75", 0.0, 0.25),
            ("99", "99.75", -1.0, 0.25),
            ("104", "104.75", 3.75, 0.25),
        ],
    )
    def test_the_clock_is_held_against_the_time_between_asking_and_hearing(
        self, started: str, ended: str, offset: float, blur: float
    ) -> None:
        """Less what the script took: inside of it nothing can be said against the clock; outside, by how much."""
        said = parse_facts(self.OUTPUT.format(started, ended), 100.0, 101.0)
        assert said is not None
        assert (said.offset, said.blur) == (offset, blur)

    @pytest.mark.parametrize("output", ["", "hd\tbegin\nhd\tuid\t0\n", "sh: not found\n", "hd\tend\n"])
    def test_an_answer_cut_short_is_none(self, output: str) -> None:
        """Half an answer is no answer."""
        assert parse_facts(output, 0.0, 1.0) is None

    @pytest.mark.parametrize(
        ("started", "ended"), [("100", "%s.N"), ("%s.N", "100"), ("100.5", "100.4"), ("100", "101.5")]
    )
    def test_a_clock_that_cannot_be_compared(self, started: str, ended: str) -> None:
        """No number, or set in between: then the offset is not known."""
        said = parse_facts(self.OUTPUT.format(started, ended), 100.0, 101.0)
        assert said is not None
        assert said.blur is None


@pytest.mark.parametrize(
    ("verdicts", "unreachable", "trouble", "code"),
    [
        (["PASS", "WARN"], (), "", ExitCode.OK),
        (["PASS", "UNKNOWN"], (), "", ExitCode.VERIFY_INCOMPLETE),
        (["FAIL", "UNKNOWN"], (), "", ExitCode.HOST_FAILED),
        (["PASS"], ("b",), "", ExitCode.HOST_UNREACHABLE),
        (["UNKNOWN"], ("b",), "", ExitCode.HOST_UNREACHABLE),
        (["FAIL"], ("b",), "", ExitCode.HOST_FAILED),
        (["FAIL"], ("b",), "Ansible broke", ExitCode.ERROR),
    ],
)
def test_the_exit_code_is_the_worst(
    verdicts: list[str], unreachable: tuple[str, ...], trouble: str, code: ExitCode
) -> None:
    """130 before 1 before 3 before 4 before 6; the finding about an unreachable host is no failure of another."""
    hosts = {"a": tuple(Finding("x", Verdict(verdict), "m") for verdict in verdicts)}
    if unreachable:
        hosts["b"] = (Finding("reachable", Verdict.FAIL, "no route"),)
    found = Examination((Finding("python", Verdict.PASS, "3"),), hosts, unreachable, trouble)
    assert found.exit_code is code
    assert replace(found, interrupted=True).exit_code is ExitCode.INTERRUPTED
    failing = replace(found, control=(Finding("ssh client", Verdict.FAIL, "no ssh"),), trouble="")
    assert failing.exit_code is ExitCode.HOST_FAILED


def test_the_script_has_nothing_that_ansible_takes_for_a_template() -> None:
    """It travels through Jinja."""
    assert not re.findall(r"\{[{%#]|[%#}]\}", SCRIPT.read_text(encoding="utf-8"))


def test_every_fact_that_is_judged_is_said_by_the_script() -> None:
    """The script says what the judges read."""
    said = set(re.findall(r"\bsay (\w+)", SCRIPT.read_text(encoding="utf-8")))
    assert set(GOOD) | {"started", "locked", "packaging", "proxy", "clock", "end"} == said


@pytest.mark.parametrize(
    ("tool", "does", "name", "said"),
    [
        ("apt-mark", "echo haproxy", "holds", ("known",)),
        ("apt-mark", "echo haproxy", "held", ("haproxy",)),
        ("apt-mark", "echo haproxy; exit 1", "holds", None),
        ("apt-mark", "echo haproxy; exit 1", "held", None),
        ("apt-mark", ":", "holds", ("known",)),
        ("apt-mark", ":", "held", None),
        ("ss", "echo LISTEN 0 9 0.0.0.0:22 0.0.0.0:*", "listening", ("known",)),
        ("ss", "echo LISTEN 0 9 0.0.0.0:22 0.0.0.0:*", "listen", ("0.0.0.0:22", "-", "-")),
        ("ss", "echo LISTEN 0 9 0.0.0.0:22 0.0.0.0:*; exit 1", "listening", None),
        ("ss", ":", "listening", ("known",)),
        ("ss", ":", "listen", None),
    ],
)
def test_the_script_says_nothing_of_a_tool_that_failed(
    tmp_path: Path, tool: str, does: str, name: str, said: tuple[str, ...] | None
) -> None:
    """A tool that ends badly has said nothing, whatever it printed; one that has nothing to say has said so."""
    for stub, text in (("dpkg", ":"), ("apt-mark", ":"), ("ss", ":"), (tool, does)):
        (tmp_path / stub).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / stub).chmod(0o755)
    script = f"interpreter={sys.executable}\n{SCRIPT.read_text(encoding='utf-8')}"
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["/bin/sh", "-c", script], env=env, capture_output=True, text=True, check=True)
    found = parse_facts(done.stdout, 0.0, 1.0)
    assert found is not None
    assert found.one(name, len(said or ())) == said
