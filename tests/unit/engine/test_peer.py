"""Who is at the other end, and whether what they say of others is believed."""

import ssl

import pytest

from perijove.engine.peer import Accepted, Peer


@pytest.mark.parametrize(
    ("address", "trusted"), [(b"198.51.100.1", True), (b"203.0.113.9", False), (b"2001:db8::7", True), (b"unix:", False)]
)
def test_a_balancer_says_who_the_client_is(address: bytes, trusted: bool) -> None:
    peer = Peer(b"192.0.2.1", 5, b"http", 80, not trusted, ("198.51.100.1", "2001:db8::7", "", "unix:").__contains__)
    peer.renew(address, 50000)
    assert (peer.address, peer.port, peer.trusted) == (address, 50000, trusted)


class Handshake(ssl.SSLObject):
    """What a handshake has led to."""

    def __init__(self) -> None:
        pass

    def cipher(self) -> tuple[str, str, int] | None:
        return "TLS_AES_256_GCM_SHA384", "TLSv1.3", 256

    def version(self) -> str | None:
        return "TLSv1.3"


class Named(Handshake, Accepted):
    """The same, with a name."""

    shown = "hub.example"


@pytest.mark.parametrize(("tls", "name"), [(Handshake, b""), (Named, b"hub.example")])
def test_a_handshake_is_asked_once_and_only_if_somebody_wants_to_know(tls: type[Handshake], name: bytes) -> None:
    peer = Peer(b"192.0.2.1", 5, b"https", 443, False)
    peer.learn()  # of a plain connection there is nothing to learn
    assert (peer.shown, peer.protocol, peer.cipher, peer.strength) == (b"", b"", b"", b"")
    peer.tls = tls.__new__(tls)
    assert peer.protocol == b""
    for _ in range(2):
        peer.learn()
        assert (peer.shown, peer.protocol, peer.cipher, peer.strength) == (name, b"TLSv1.3", b"TLS_AES_256_GCM_SHA384", b"256")
        assert peer.tls is None
