"""Our reading of --limit is Ansible's, held against Ansible's own code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hybridctl import patterns
from hybridctl.errors import InvalidInput

HOSTS = """\
[gateway]
gw1
gw2
[vllm_cpu]
cpu[01:12]
[nvidia]
gpu-1.example.net
gpu-2.example.net
[vllm_gpu:children]
nvidia
[all:vars]
ansible_connection=local
"""
PATTERNS = [
    "all",
    "*",
    "gw1",
    "gateway",
    "gw1,cpu01",
    "cpu01,gw1",
    "gateway:nvidia",
    "gateway,nvidia",
    "all:!gateway",
    "!gateway",
    "!gateway,!nvidia",
    "all,!gw1",
    "vllm_gpu:&nvidia",
    "&gateway",
    "gw*",
    "cpu0?",
    "cpu1[0-2]",
    "*.example.net",
    "gpu-1.example.net",
    "vllm_*",
    "vllm_cpu[0]",
    "vllm_cpu[-1]",
    "vllm_cpu[2:4]",
    "vllm_cpu[3:]",
    "vllm_cpu[1-2]",
    "~gw[12]",
    "~(gw|cpu)0?1",
    "~gpu.*net$",
    "nobody",
    "gateway:&vllm_cpu",
    "gw1,,cpu01",
    " gw1 , cpu02 ",
    "gateway,!gw1,cpu03",
    "ungrouped",
    "al*",
    "g*,!gpu*",
    "gw[12]",
    "vllm_cpu:!cpu0*",
    "gateway:!gw2:cpu05",
]

_ASK = """
import json, sys
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader()
inventory = InventoryManager(loader=DataLoader(), sources=[sys.argv[1]])
groups = {name: [host.name for host in group.get_hosts()] for name, group in inventory.groups.items()}
answer = {"hosts": list(inventory.hosts), "groups": groups}
answer["patterns"] = {}
for pattern in json.loads(sys.stdin.read()):
    inventory.subset(pattern)
    answer["patterns"][pattern] = [host.name for host in inventory.list_hosts("all")]
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[str]]]:
    """What Ansible says to every pattern."""
    file = tmp_path_factory.mktemp("patterns") / "hosts.ini"
    file.write_text(HOSTS)
    done = subprocess.run(
        [sys.executable, "-c", _ASK, file], input=json.dumps(PATTERNS), capture_output=True, text=True, check=True
    )
    answer: dict[str, dict[str, list[str]]] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_names_the_hosts_that_ansible_names(ansible: dict[str, dict[str, list[str]]], pattern: str) -> None:
    """The same hosts, whatever their order."""
    ours, _ = patterns.match(pattern, list(ansible["hosts"]), ansible["groups"])
    assert sorted(ansible["patterns"][pattern]) == sorted(ours)


def test_the_comparison_means_something(ansible: dict[str, dict[str, list[str]]]) -> None:
    """The patterns above name many different sets, and some of them nothing."""
    sets = {tuple(sorted(hosts)) for hosts in ansible["patterns"].values()}
    assert len(sets) > 15
    assert () in sets


def test_parts_that_name_nothing_are_told() -> None:
    """Ansible only warns about them; a run must not shrink by a typing error."""
    assert patterns.match("a,b,!c", ["a"], {"all": ["a"]}) == (["a"], ["b", "!c"])


def test_a_file_of_names(tmp_path: Path) -> None:
    """`@FILE` holds a pattern in each line, as for retries."""
    (tmp_path / "retry").write_text("a\n\nc\n")
    assert patterns.match(f"@{tmp_path}/retry", ["a", "b", "c"], {})[0] == ["a", "c"]
    with pytest.raises(InvalidInput, match="No such file"):
        patterns.match(f"@{tmp_path}/gone", ["a"], {})


@pytest.mark.parametrize("pattern", ["", " ", ",", " , ", "!", "&,!", ":"])
def test_an_empty_limit_is_not_all_hosts(pattern: str) -> None:
    """Ansible takes it for everybody; an empty variable in a script must not."""
    with pytest.raises(InvalidInput, match="is empty; nothing was contacted") as caught:
        patterns.match(pattern, ["a"], {"all": ["a"]})
    assert "leave --limit away" in caught.value.hint


def test_an_empty_file_of_names_is_not_all_hosts(tmp_path: Path) -> None:
    """A retry file of a run in which nobody failed."""
    (tmp_path / "retry").write_text("\n")
    with pytest.raises(InvalidInput, match="is empty"):
        patterns.match(f"@{tmp_path}/retry", ["a"], {"all": ["a"]})


def test_a_broken_expression_is_refused() -> None:
    """An expression that does not compile is a usage error."""
    with pytest.raises(InvalidInput, match="not a pattern"):
        patterns.match("~(", ["a"], {})


def test_addresses_with_colons_are_one_name() -> None:
    """An IPv6 address is not split at its colons."""
    assert patterns.match("2001:db8::1", ["2001:db8::1", "b"], {})[0] == ["2001:db8::1"]
