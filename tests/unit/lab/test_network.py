"""Which network a lab takes."""

from ipaddress import IPv4Network

import pytest

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.lab.network import choose_subnet


def test_the_first_free_network_is_taken() -> None:
    """Networks in use are passed over, also when a wider one covers them."""
    assert choose_subnet(None, []) == IPv4Network("10.231.0.0/24")
    used = [IPv4Network("10.231.0.0/23"), IPv4Network("10.231.2.128/25"), IPv4Network("192.168.0.0/16")]
    assert choose_subnet(None, used) == IPv4Network("10.231.3.0/24")


def test_a_wish_is_granted() -> None:
    """A free private /24 is taken as it is."""
    assert choose_subnet("192.168.77.0/24", []) == IPv4Network("192.168.77.0/24")


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ("10.0.5.0/24", "overlaps 10.0.0.0/16"),
        ("10.1.0.0/16", "wants a private IPv4 /24"),
        ("8.8.8.0/24", "wants a private IPv4 /24"),
        ("fd00::/24", "wants a private IPv4 /24"),
        ("10.1.0.7/24", "has host bits set"),
        ("lab", "lab"),
    ],
)
def test_a_bad_wish_is_refused(wish: str, message: str) -> None:
    """A subnet that is in use or is no private /24 is an input error that says so."""
    with pytest.raises(InvalidInput) as caught:
        choose_subnet(wish, [IPv4Network("10.0.0.0/16")])
    assert message in caught.value.message
    assert caught.value.hint


def test_a_full_pool_is_told() -> None:
    """When every network is in use the error names the way to free one."""
    with pytest.raises(HybridctlError, match="no free /24") as caught:
        choose_subnet(None, [IPv4Network("10.0.0.0/8")])
    assert "lab down" in caught.value.hint
