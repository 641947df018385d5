"""Addresses as Listen and <VirtualHost> write them, and names as the system knows them."""

import socket

import pytest

from perijove.config.apache.addresses import Address, parsed, resolved


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("443", Address("", 443)),
        ("hub.example.org:80", Address("hub.example.org", 80)),
        ("hub.example.org", Address("hub.example.org", None)),
        ("[::1]:8080", Address("[::1]", 8080)),
        ("[fe80::1%lo]:80", Address("[fe80::1%lo]", 80)),
        ("0", None),
        ("65536", None),
        (":80", None),
        ("[::1%]:80", None),
        ("[::g]:80", None),
        ("[::1:80", None),
    ],
)
def test_parsed(text: str, found: Address | None) -> None:
    assert parsed(text) == found


def test_a_name_is_looked_up_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload goes by what the name means by then, also if nobody had it before."""
    known: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", (one, 0)) for one in known])
    assert resolved("hub.example.org") == frozenset()
    known.append("192.0.2.1")
    assert resolved("hub.example.org") == {"192.0.2.1"}
