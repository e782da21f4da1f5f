"""The wording of other languages says all that the English does, and leaves alone what is typed."""

import ast
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "checks"))

from all_cases import CASES
from test_checks import judged

import hybridctl
from hybridctl.checks import CATALOGUE, Result, Verdict
from hybridctl.checks.wording import LANGUAGES, wording_in
from hybridctl.cli import options
from hybridctl.verification import HostState

PACKAGE = Path(hybridctl.__file__).parent
ZH = wording_in("zh")
HAN = re.compile(r"[\u4e00-\u9fff]")
BLANK = re.compile(r"\{\w+\}")
# Programs by their plain names; what else is typed is known by its signs: /, _, =, a digit, a dash in front.
PROGRAMS = re.compile(
    r"(?:aa-status|apt|cat|chronyc|coredumpctl|cpupower|crash|dcgmi|dkms|dmesg|dmidecode|dnf|docker|dpkg|du|"
    r"ethtool|findmnt|flint|fsck|fuser|grep|grubby|haproxy|hwclock|hybridctl|ibdiagnet|iblinkinfo|"
    r"ibportstate|ibqueryerrors|ibstat|ip|ipmitool|journalctl|lscpu|lspci|mdadm|mlxconfig|mlxfwmanager|"
    r"mlxlink|mlnx_qos|modinfo|modprobe|mokutil|netplan|nmcli|numactl|nvcc|nvidia-smi|nvme|openssl|"
    r"perfquery|promtool|rdma|rpm|sminfo|smartctl|socat|ss|swapoff|sysctl|systemctl|timedatectl|touch|"
    r"uname)"
)
SIGNS = re.compile(r"[/_=*{}|<>\d]|^-\w|^--|^[A-Z]{2,}")


def typed(text: str) -> Counter[str]:
    """Return what a reader of any language types as it stands."""
    words = (word.strip(",;:().") for word in re.findall(r"[!-~]+", text))
    # NVIDIA's and GPUs are English grammar around a name.
    bare = (re.sub(r"^([A-Z]{2,})('s|s)$", r"\1", re.sub(r"^HAProxy's$", "HAProxy", word)) for word in words)
    return Counter(word for word in bare if PROGRAMS.fullmatch(word) or SIGNS.search(word))


def remedies() -> Iterator[tuple[str, str, str]]:
    """Yield each remedy with its name, in English and in Chinese."""
    for id_, check in CATALOGUE.items():
        yield id_, check.remedy, ZH.checks.get(id_, {}).get("remedy", "")
    for english, ours in ZH.remedies.items():
        yield english, english, ours


def test_every_check_has_its_words_and_no_other_has() -> None:
    """`pytest tests/contract/test_wording.py` names the ids that hybridctl/checks/wording/zh.yml lacks or invents."""
    complete = {id_ for id_, words in ZH.checks.items() if set(words) == {"title", "remedy"}}
    assert [id_ for id_ in CATALOGUE if id_ not in complete] == [], "missing, or without a title or a remedy"
    assert [id_ for id_ in ZH.checks if id_ not in CATALOGUE] == [], "no such check"


@pytest.mark.parametrize("what", ["title", "remedy"])
def test_no_two_checks_say_the_same(what: str) -> None:
    """What differs in English differs here."""
    said = Counter(words[what] for words in ZH.checks.values())
    assert [one for one, times in said.items() if times > 1] == []


def test_what_is_typed_is_the_same() -> None:
    """Commands, options, files, variables and {blanks} of the English remedy are in the Chinese one, and no others."""
    assert {
        name: (typed(en) - typed(zh), typed(zh) - typed(en)) for name, en, zh in remedies() if typed(en) != typed(zh)
    } == {}
    assert {name for name, en, zh in remedies() if Counter(BLANK.findall(en)) != Counter(BLANK.findall(zh))} == set()


def test_what_is_typed_can_be_told() -> None:
    """The test above sees a command, an option, a file and a variable that are lost; prose is not typed."""
    said = "see which are offline: lscpu --extended; echo 1 > /sys/x; set vllm_port, NCCL_DEBUG for {host}"
    assert set(typed(said)) == {"lscpu", "--extended", "1", ">", "/sys/x", "vllm_port", "NCCL_DEBUG", "{host}"}


def test_it_is_chinese() -> None:
    """Every text has Chinese letters in it."""
    titles = [words["title"] for words in ZH.checks.values()]
    texts = [*titles, *(zh for _, _, zh in remedies()), *ZH.report.values(), *ZH.units.values()]
    # A name that Chinese has no other word for stands with a word that says what it is.
    assert [text for text in texts if not HAN.search(text)] == []


def test_units_that_are_words_are_worded() -> None:
    """GiB and MHz are the same everywhere; sockets and errors are not."""
    words = {check.unit for check in CATALOGUE.values() if re.search(r"[a-z]{3}|[A-Za-z]{3,}s$", check.unit)}
    assert set(ZH.units) == words


def test_the_words_of_reports_are_the_ones_that_are_said() -> None:
    """Each literal handed to `word(...)` in a report, each column and each state of a host has its word."""
    said = {"not what the profile expects", *(state.value for state in HostState)}
    for path in (PACKAGE / "report").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "word":
                said |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
            if (
                isinstance(node, ast.Assign)
                and getattr(node.targets[0], "id", "") == "_COLUMNS"
                and path.stem == "table"
            ):
                said |= set(ast.literal_eval(node.value))
    assert set(ZH.report) == said


def test_remedies_that_are_no_checks_own_are_still_said() -> None:
    """Each of them stands in the code word for word."""
    sources = (ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py"))
    texts = {node.value for tree in sources for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert [english for english in ZH.remedies if english not in texts] == []


@pytest.mark.parametrize("check", CATALOGUE)
def test_whatever_a_check_says_to_do_is_said_in_chinese(check: str) -> None:
    """On each of the hosts that a check is tried on, the remedy comes out in Chinese, with nothing left open."""
    cases = CASES[check]
    for answers in (*cases.fails, *cases.warns, *cases.unknown):
        for result in judged(check, answers):
            named = Result(check, result.verdict, reason=result.reason, remedy=result.remedy.replace("{host}", "h1"))
            ours = ZH.result(named)
            if result.verdict is Verdict.PASS:
                assert ours.remedy == ""
            else:
                assert HAN.search(ours.remedy), result.remedy
                assert not BLANK.search(ours.remedy)
                assert typed(ours.remedy) == typed(named.remedy)
            assert ours.verdict is result.verdict


def test_the_languages_are_named_once_more_where_importing_them_would_be_slow() -> None:
    """The command line and the published schema know the same languages."""
    schema = json.loads((PACKAGE / "data/verify-result.schema.json").read_text(encoding="utf-8"))
    assert list(LANGUAGES) == list(options.LANGUAGES) == schema["properties"]["lang"]["enum"]
