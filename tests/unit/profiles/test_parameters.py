"""How a profile says with what, and how, a check measures; and that the check does."""

import json
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "checks"))

from all_cases import ASKS_NOTHING, CASES
from check_cases import VARIABLES, completion, models
from test_checks import expectation

from hybridctl.checks import CATALOGUE, Verdict
from hybridctl.checks.drifted import Drift
from hybridctl.checks.fake import FakeHost
from hybridctl.checks.judge import judge_expectation
from hybridctl.checks.model import Parameter
from hybridctl.checks.tools import tool_of
from hybridctl.connection import COMMAND_TIMEOUT
from hybridctl.errors import InvalidInput
from hybridctl.profiles import Profile, load_profile
from hybridctl.profiles.comparison import compare_profiles, in_words

WORKER, GATEWAY, LIST = "service.worker_completion", "service.gateway_completion", "service.gateway_models"


def load(root: Path, line: str, name: str = "mine") -> Profile:
    """Write a profile of one line and load it."""
    (root / "profiles").mkdir(exist_ok=True)
    (root / f"profiles/{name}.yml").write_text(f"schema: 1\ntitle: x\nexpect:\n  {line}\n")
    return load_profile(name, root)


def asked(profile: Profile, check: str, answer: str) -> tuple[dict[str, Any], Verdict]:
    """Judge a host by a line; return the request that it was sent, and the verdict."""
    host = FakeHost({"python3 -c": answer})
    (result,) = judge_expectation(host, profile.expectations[check], VARIABLES)
    return json.loads(shlex.split(host.asked[0])[-1]), result.verdict


@pytest.mark.parametrize("check", [WORKER, GATEWAY])
def test_a_completion_is_asked_as_the_profile_says(tmp_path: Path, check: str) -> None:
    """As many tokens, none of them left out, within that time; a shorter answer fails."""
    line = f"{check}: {{value: 16, unit: tokens, parameters: {{tokens: 16, timeout: 30 s}}, source: x}}"
    profile = load(tmp_path, line)
    request, verdict = asked(profile, check, completion(16))
    assert {key: request["body"][key] for key in ("max_tokens", "min_tokens")} == {"max_tokens": 16, "min_tokens": 16}
    assert (request["timeout"], verdict) == (30, Verdict.PASS)
    assert asked(profile, check, completion(15))[1] is Verdict.FAIL


@pytest.mark.parametrize(
    ("check", "unit", "answer"), [(WORKER, "tokens", completion(1)), (LIST, "models", models("m"))]
)
def test_without_parameters_the_defaults_count(tmp_path: Path, check: str, unit: str, answer: str) -> None:
    """One token, a minute."""
    profile = load(tmp_path, f"{check}: {{value: 1, unit: {unit}, source: x}}")
    request, verdict = asked(profile, check, answer)
    assert (request["timeout"], verdict) == (60, Verdict.PASS)
    assert (request["body"] or {}).get("max_tokens") == (1 if check == WORKER else None)
    assert "min_tokens" not in (request["body"] or {})


def test_a_profile_says_how_old_a_check_of_drift_may_be(tmp_path: Path) -> None:
    """Else a day, and what a timer is late."""
    line = "drift.resources: {value: 0, unit: resources, source: x"
    drift = Drift(age=30 * 3600)
    for name, more, verdict in (("day", "", "UNKNOWN"), ("more", ", parameters: {age: 31 h}", "PASS")):
        wanted = load(tmp_path, f"{line}{more}}}", name).expectations["drift.resources"]
        (result,) = judge_expectation(FakeHost({}), wanted, {}, drift=drift)
        assert result.verdict == verdict


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            f"{WORKER}: {{value: 1, unit: tokens, parameters: {{toknes: 2}}, source: x}}",
            "has no toknes",
            "it has: tokens, ",
        ),
        (
            f"{LIST}: {{value: 1, unit: models, parameters: {{tokens: 2}}, source: x}}",
            "has no tokens",
            "it has: timeout",
        ),
        ('os.release: {value: "12", parameters: {tokens: 2}, source: x}', "has no tokens", "it has: none"),
        (f"{WORKER}: {{value: 1, unit: tokens, parameters: {{timeout: 30}}, source: x}}", "timeout: 30", "1 s to 80 s"),
        (f"{WORKER}: {{value: 1, unit: tokens, parameters: {{timeout: 30 ms}}, source: x}}", "30 ms", "1 s to 80 s"),
        (f"{WORKER}: {{value: 1, unit: tokens, parameters: {{timeout: 90 s}}, source: x}}", "90 s", "1 s to 80 s"),
        (f"{WORKER}: {{value: 1, unit: tokens, parameters: {{tokens: 0}}, source: x}}", "tokens: 0", "1 to 256"),
        (f"{WORKER}: {{value: 1, unit: tokens, parameters: {{tokens: 1.5}}, source: x}}", "tokens: 1.5", "1 to 256"),
        (f"{WORKER}: {{value: 1, unit: tokens, parameters: {{tokens: 2 s}}, source: x}}", "tokens: 2 s", "1 to 256"),
        (f"{WORKER}: {{value: 1, unit: tokens, parameters: {{tokens: true}}, source: x}}", "True", "allowed"),
        (f"{WORKER}: {{value: 1, unit: tokens, parameters: {{}}, source: x}}", "parameters", "allowed"),
        (
            "memory.total: {value: 1, unit: GiB, tool: dmidecode, source: x}",
            "tool dmidecode; the check measures with /proc/meminfo",
            "name a value measured with that",
        ),
        (
            "cpu.someday: {value: 1, tool: lscpu, later: soon, source: x}",
            "tool goes with a check that judges",
            "remove",
        ),
    ],
)
def test_what_the_check_cannot_do_is_refused(tmp_path: Path, line: str, message: str, hint: str) -> None:
    """With file, line and what is allowed; nothing was contacted."""
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, line)
    told = f"{caught.value.message}\n{caught.value.hint}"
    assert "mine.yml:4: " in told
    assert message in told
    assert hint in told


def test_two_profiles_that_measure_otherwise_differ(tmp_path: Path) -> None:
    """A parameter is part of what a verdict depends on; the name of the tool, which is the check's, is not."""
    plain = load(tmp_path, f"{WORKER}: {{value: 1, unit: tokens, source: x}}", "plain")
    named = load(tmp_path, f"{WORKER}: {{value: 1, unit: tokens, tool: http, source: x}}", "named")
    quick = load(tmp_path, f"{WORKER}: {{value: 1, unit: tokens, parameters: {{timeout: 5 s}}, source: x}}", "quick")
    assert compare_profiles(plain, named) == ()
    assert [one.check for one in compare_profiles(plain, quick)] == [WORKER]
    assert in_words(quick.expectations[WORKER]) == "1 tokens, with timeout 5"


@pytest.mark.parametrize(
    "given", [True, None, "", " ", "5  s", "-5 s", "+5 s", "5s", "\uff15 s", "5 s ", "9" * 30 + " s", [5], 5]
)
def test_only_a_number_with_its_unit_is_one(given: object) -> None:
    """Nothing is guessed: no other unit, sign, script or size."""
    with pytest.raises(ValueError, match=f"^{re.escape(str(given))}$"):
        Parameter(60, 1, 80, "s").read(given)
    assert Parameter(60, 1, 80, "s").read("5 s") == 5
    assert Parameter(1, 1, 256).read(16) == 16


@pytest.mark.parametrize("check", [check for check in CATALOGUE if tool_of(check) == "http"])
def test_every_request_has_a_timeout_of_the_profiles(check: str) -> None:
    """It is the number that the request is sent with."""
    wanted = replace(expectation(check, dict(CASES[check].expect)), parameters={"timeout": 7})
    host = FakeHost(CASES[check].passes[0])
    judge_expectation(host, wanted, VARIABLES)
    assert [json.loads(shlex.split(command)[-1])["timeout"] for command in host.asked] == [7]
    assert "timeout" in CATALOGUE[check].parameters


def test_parameters_are_sound() -> None:
    """A default is within its bounds; a request ends before the connection ends the command."""
    for check in CATALOGUE.values():
        for name, one in check.parameters.items():
            assert one.lowest <= one.default <= one.highest, check.id
            if name == "timeout":
                assert (one.unit, one.highest < COMMAND_TIMEOUT) == ("s", True)


@pytest.mark.parametrize("check", CATALOGUE)
def test_the_tool_of_a_check_is_what_it_asks(check: str) -> None:
    """On a host that passes, the tool is in one of the commands."""
    host = FakeHost(CASES[check].passes[0])
    judge_expectation(host, expectation(check, dict(CASES[check].expect)), VARIABLES)
    word = "python3" if tool_of(check) == "http" else tool_of(check)
    assert any(word in command for command in host.asked) or check in ASKS_NOTHING, host.asked
