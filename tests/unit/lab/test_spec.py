"""The fleet file: what is read, and how each mistake is told with its line."""

from pathlib import Path

import pytest

from hybridctl.errors import InvalidInput
from hybridctl.lab.spec import LabHost, default_fleet_file, load_fleet


def test_the_default_fleet_is_the_small_rack() -> None:
    """Without --hosts there are a gateway, two workers and a monitoring host, each with its profile."""
    hosts = {host.name: (host.groups, host.profile) for host in load_fleet(default_fleet_file())}
    assert hosts == {
        "gw1": (("gateway",), "lab-gateway"),
        "cpu1": (("vllm_cpu",), "lab-worker"),
        "cpu2": (("vllm_cpu",), "lab-worker"),
        "mon1": (("monitoring",), "lab-monitoring"),
    }


def test_a_host_is_read_whole(tmp_path: Path) -> None:
    """Every key of a host arrives."""
    path = tmp_path / "fleet.yml"
    path.write_text("hosts:\n  a1: {groups: [vllm_gpu, x], profile: p, memory: 700, kind: container}\n")
    assert load_fleet(path) == (LabHost("a1", ("vllm_gpu", "x"), "p", 700, "container"),)
    assert load_fleet(path)[0].is_worker


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("hosts: {a: {groups: [x]}\n", 2, "not YAML"),
        ("hosts:\n  a: {groups: [x]}\nhost: {}\n", 3, "unknown key 'host' (did you mean 'hosts'?)"),
        (
            "hosts:\n  a: {groups: [x]}\n  b: {group: [x]}\n",
            3,
            "unknown key 'group' of host b (did you mean 'groups'?)",
        ),
        ("hosts:\n  a: {groups: [x]}\n  a: {groups: [y]}\n", 3, "'a' stands twice"),
        ("hosts:\n  A_b: {groups: [x]}\n", 2, "bad host name 'A_b'"),
        ("hosts:\n  localhost: {groups: [x]}\n", 2, "bad host name 'localhost'"),
        ("hosts:\n  a: {groups: [x], kind: vm}\n", 2, "unknown kind 'vm' of host a"),
        ("hosts:\n  a: {groups: []}\n", 2, "host a is in no group"),
        ("hosts:\n  a: {groups: [vllm-cpu]}\n", 2, "bad group name 'vllm-cpu'"),
        ("hosts:\n  a: {groups: x}\n", 2, "groups of host a is 'x', wants list"),
        ("hosts:\n  a: {groups: [x], memory: much}\n", 2, "memory of host a is 'much', wants int"),
        ("hosts:\n  a: {groups: [x], memory: true}\n", 2, "memory of host a is True, wants int"),
        ("hosts:\n  a: {groups: [x], memory: 1}\n", 2, "memory 1 MiB"),
        ("hosts:\n  a: {groups: [x], memory: !secret 3}\n", 2, "could not determine a constructor"),
        ("hosts:\n  ? [a, b]\n  : {groups: [x]}\n", 2, "must be a word"),
        ("hosts: [a, b]\n", 1, "hosts must be a mapping"),
        ("hosts: {}\n", None, "no hosts"),
        ("", 1, "the file must be a mapping"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int | None, message: str) -> None:
    """A bad fleet file is refused with file, line, the bad value and what is allowed."""
    path = tmp_path / "fleet.yml"
    path.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_fleet(path)
    assert caught.value.message.startswith(f"{path}:{line}:" if line else f"{path}: ")
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("kind", ["missing", "folder", "latin-1"])
def test_what_is_no_text_file_is_refused(tmp_path: Path, kind: str) -> None:
    """A missing file, a folder and a file that is not UTF-8 are input errors that name the path."""
    path = tmp_path / "fleet.yml"
    if kind == "folder":
        path.mkdir()
    elif kind == "latin-1":
        path.write_bytes("# Z\xfcrich\nhosts: {}\n".encode("latin-1"))
    with pytest.raises(InvalidInput) as caught:
        load_fleet(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
