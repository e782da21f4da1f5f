"""What a lab takes of this machine, asked again whenever its bridge is not there."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.lab import mirror, network
from hybridctl.lab.claim import check_claim, claim
from hybridctl.lab.spec import LabHost
from hybridctl.lab.state import State, read_state, write_state

HOSTS = (LabHost("gw1", ("gateway",)), LabHost("mon1", ("monitoring",)))
STATE = State("10.231.0.0/24", HOSTS, {"gw1": "10.231.0.11", "mon1": "10.231.0.12"})


@pytest.fixture(autouse=True)
def bridges(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The bridges of this machine, which otherwise uses nothing; `create_bridge` adds to them."""
    there: list[str] = []
    monkeypatch.setattr(network, "is_there", there.__contains__)
    monkeypatch.setattr(network, "create_bridge", lambda name, _: there.append(name))
    monkeypatch.setattr(network, "used_networks", lambda: [IPv4Network("10.231.0.0/24")] if there else [])
    monkeypatch.setattr(mirror, "check_port", lambda: None)
    return there


def test_hosts_get_addresses_in_their_order_and_keep_them(tmp_path: Path) -> None:
    """The first is .11; a host that joins later takes the next one, and the file says the same."""
    assert claim(tmp_path, "t", "hyb1", HOSTS, None) == STATE
    more = (LabHost("new", ("gateway",)), *HOSTS)
    assert claim(tmp_path, "t", "hyb1", more, None).addresses == {**STATE.addresses, "new": "10.231.0.13"}
    assert read_state(tmp_path) == State("10.231.0.0/24", more, {**STATE.addresses, "new": "10.231.0.13"})


def test_a_subnet_that_others_took_since_a_reboot_is_refused(tmp_path: Path, bridges: list[str]) -> None:
    """The state of a lab outlives its bridge: another lab may have its subnet by now, and nothing is made."""
    write_state(tmp_path, STATE)
    bridges.append("of another lab")
    for ask in (
        lambda: check_claim("mine", "hyb1", STATE, HOSTS, None),
        lambda: claim(tmp_path, "mine", "hyb1", HOSTS, None),
    ):
        with pytest.raises(InvalidInput, match=r"lab mine has 10\.231\.0\.0/24, and 10\.231\.0\.0/24") as caught:
            ask()
        assert caught.value.hint.startswith("hybridctl lab down --name mine;")
    assert bridges == ["of another lab"]


def test_a_port_that_others_took_since_a_reboot_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its bridge the lab's mirror does not run either: its port is asked for again."""

    def taken() -> None:
        raise HybridctlError("port 8900 is taken")

    monkeypatch.setattr(mirror, "check_port", taken)
    with pytest.raises(HybridctlError, match="port 8900"):
        check_claim("mine", "hyb1", STATE, HOSTS, None)


def test_a_lab_whose_bridge_is_there_does_not_meet_itself(tmp_path: Path, bridges: list[str]) -> None:
    """Its own subnet is in use by itself: `up` again goes through."""
    write_state(tmp_path, STATE)
    bridges.append("hyb1")
    assert claim(tmp_path, "mine", "hyb1", HOSTS, "10.231.0.0/24") == STATE


@pytest.mark.parametrize(
    ("hosts", "subnet", "message"),
    [
        (HOSTS[:1], None, "lab mine is up with mon1, which the fleet file lacks"),
        (HOSTS, "10.231.9.0/24", "lab mine is up in 10.231.0.0/24"),
    ],
)
def test_two_that_start_together_do_not_mix_their_fleets(
    tmp_path: Path, hosts: tuple[LabHost, ...], subnet: str | None, message: str
) -> None:
    """The second `up` asked before the first one's state was there: it is asked again under the lock."""
    check_claim("mine", "hyb1", None, hosts, subnet)
    write_state(tmp_path, STATE)
    with pytest.raises(InvalidInput) as caught:
        claim(tmp_path, "mine", "hyb1", hosts, subnet)
    assert caught.value.message == message
    assert read_state(tmp_path) == STATE
