"""Who is at the other end, and whether what they say of others is believed."""

import pytest

from perijove.engine.peer import Peer


@pytest.mark.parametrize(
    ("address", "trusted"), [(b"198.51.100.1", True), (b"203.0.113.9", False), (b"2001:db8::7", True), (b"unix:", False)]
)
def test_a_balancer_says_who_the_client_is(address: bytes, trusted: bool) -> None:
    peer = Peer(b"192.0.2.1", 5, b"http", 80, not trusted, ("198.51.100.1", "2001:db8::7", "", "unix:").__contains__)
    peer.renew(address, 50000)
    assert (peer.address, peer.port, peer.trusted) == (address, 50000, trusted)
