"""sshd, NCCL's file, Docker, chrony's sources: the right values, or a refusal wherever the text is cut."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from hybridctl.checks.containers import _FORMAT
from hybridctl.parsers import Unreadable
from hybridctl.parsers.docker_info import DockerInfo, read_docker_info
from hybridctl.parsers.nccl_conf import matching, read_nccl_conf
from hybridctl.parsers.sshd import read_sshd
from hybridctl.parsers.time_sync import Source, read_sources

SSHD = "port 22\npermitrootlogin no\npasswordauthentication no\nacceptenv LANG\nacceptenv LC_*\nbanner none\n"
CONF = "# the site's\nNCCL_DEBUG=WARN # quiet\n\nNCCL_SOCKET_IFNAME==eno1\nNCCL_DEBUG=INFO\n"
DOCKER = {"ServerVersion": "24.0.7", "CgroupDriver": "systemd", "CgroupVersion": "2", "Driver": "overlay2"}
SOURCES = "^,*,10.0.0.1,2,6,377,34,0.00001,0.00001,0.0001\n#,x,PPS0,0,4,17,11,0.1,0.1,0.0\n"


def test_sshd() -> None:
    """The first value of a setting that comes twice."""
    assert read_sshd(SSHD)["passwordauthentication"] == "no"
    assert read_sshd(SSHD)["acceptenv"] == "LANG"
    with pytest.raises(Unreadable, match="says nothing of permitrootlogin"):
        read_sshd("passwordauthentication no\n")


def test_nccl_conf() -> None:
    """Comments go, the first of two lines counts, a line without `=` is refused."""
    assert read_nccl_conf(CONF) == {"NCCL_DEBUG": "WARN", "NCCL_SOCKET_IFNAME": "=eno1"}
    with pytest.raises(Unreadable, match="it is no KEY=VALUE"):
        read_nccl_conf("NCCL_DEBUG WARN\n")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("en", ("eno1", "eno10")),
        ("=eno1", ("eno1",)),
        ("=eno1,ib0", ("eno1", "ib0")),
        ("^eno", ("ib0",)),
        ("^=eno1", ("eno10", "ib0")),
        ("eth,docker", ()),
    ],
)
def test_interfaces_match_as_in_nccl(wanted: str, found: tuple[str, ...]) -> None:
    """Prefixes, whole names after `=`, all others after `^`."""
    assert matching(wanted, ("eno1", "eno10", "ib0")) == found


def test_docker_info() -> None:
    """A daemon that answers, and a client without one."""
    said = json.dumps({**DOCKER, "Runtimes": {"runc": {}, "nvidia": {}}, "ServerErrors": None})
    assert read_docker_info(said) == DockerInfo("24.0.7", ("nvidia", "runc"), "systemd", "2", "overlay2")
    with pytest.raises(Unreadable, match="the daemon does not answer"):
        read_docker_info(json.dumps({"ServerErrors": ["Cannot connect to the Docker daemon"]}))
    with pytest.raises(Unreadable, match="says nothing of the daemon"):
        read_docker_info(json.dumps({**DOCKER, "Runtimes": None}))


def test_dockers_template_is_a_json_object() -> None:
    """With each of its fields filled in, what Docker prints is JSON."""
    assert set(json.loads(re.sub(r"\{\{json \.\w+\}\}", "null", _FORMAT))) >= {*DOCKER, "Runtimes"}


def test_sources() -> None:
    """State in words, reach as a number."""
    server, clock = read_sources(SOURCES)
    assert server == Source("10.0.0.1", "selected", 255)
    assert (clock.state, clock.is_usable) == ("false", False)


@pytest.mark.parametrize(
    ("read", "text"),
    [(read_sshd, SSHD), (read_nccl_conf, CONF), (read_sources, SOURCES)],
    ids=["sshd", "nccl", "chrony"],
)
def test_a_cut_text_is_never_read_wrong(read: Callable[[str], Any], text: str) -> None:
    """Wherever it ends: a refusal, or values that the whole text has as well."""
    whole = read(text)
    for end in range(len(text)):
        try:
            found = read(text[:end])
        except Unreadable:
            continue
        assert text[end - 1] == "\n"
        assert found.items() <= whole.items() if isinstance(found, dict) else set(found) <= set(whole)
