"""Our reading of host ranges is Ansible's, held against Ansible's own code."""

import json
import subprocess
import sys

import pytest

from hybridctl.host_ranges import expand, short_list

NAMES = [
    "gw1",
    "gw1:2222",
    "gw[1:3]",
    "gw[01:10]",
    "gw[:2]",
    "gw[1:9:3]",
    "gw[a:c].example.net",
    "r[1:2]-n[1:2]:22",
    "[1:3]",
    "gw[b:B]",
    "2001:db8::2",
    "[2001:db8::1]:22",
    "192.0.2.1:22",
]
REFUSED = ["gw[1-3]", "gw[1:]", "gw[01:100]", "gw[b:a]", "gw[x:1]", "gw[1:b]", "gw[1:3:0]"]

_ASK = """
import json, sys
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, inventory_loader
init_plugin_loader()
plugin = inventory_loader.get("ini")
answer = {}
for name in json.loads(sys.stdin.read()):
    try:
        answer[name] = plugin._expand_hostpattern(name)[0]
    except (AnsibleError, ValueError):
        answer[name] = None
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def ansible() -> dict[str, list[str] | None]:
    """What Ansible makes of every name; None where it refuses."""
    question = json.dumps([*NAMES, *REFUSED, "gw[3:1]"])
    done = subprocess.run([sys.executable, "-c", _ASK], input=question, capture_output=True, text=True, check=True)
    answer: dict[str, list[str] | None] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("name", NAMES)
def test_a_name_stands_for_the_hosts_that_ansible_makes_of_it(ansible: dict[str, list[str]], name: str) -> None:
    """The same hosts in the same order."""
    assert ansible[name] == expand(name)


@pytest.mark.parametrize("name", REFUSED)
def test_what_ansible_refuses_is_refused(ansible: dict[str, list[str]], name: str) -> None:
    """With a reason."""
    assert ansible[name] is None
    with pytest.raises(ValueError, match=r"\w"):
        expand(name)


def test_a_range_of_no_host_is_refused(ansible: dict[str, list[str]]) -> None:
    """Ansible makes no host of it and says nothing."""
    assert ansible["gw[3:1]"] == []
    with pytest.raises(ValueError, match="its end comes before its begin"):
        expand("gw[3:1]")


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ("", ""),
        ("a", "a"),
        ("gw1 gw2", "gw1, gw2"),
        ("gw1 gw2 gw3 mon1", "gw1-gw3, mon1"),
        ("cpu08 cpu09 cpu10 cpu12", "cpu08-cpu10, cpu12"),
        ("h9 h10 h11 h13 x13 x14 x15", "h9-h11, h13, x13-x15"),
        ("h1 h02 h3", "h1, h02, h3"),
        ("10.0.0.1 10.0.0.2 10.0.0.3", "10.0.0.1-10.0.0.3"),
        ("b c d", "b, c, d"),
    ],
)
def test_hosts_that_count_on_are_shown_as_one(names: str, shown: str) -> None:
    """Three at least; a gap, another width of the number or another name ends the row."""
    assert short_list(names.split()) == shown
