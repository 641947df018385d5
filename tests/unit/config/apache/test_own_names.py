from __future__ import annotations

from perijove.config.apache.own_names import own_names
from perijove.gateway.templates import Fact, Look, Variable


def test_own_names_are_what_the_client_calls_them() -> None:
    names = own_names("hub.example", 0, False)
    assert names.name == (Look(((b"", b"hub.example"),), (Fact.CALLED,), (Fact.CALLED,)),)
    beside = names.authority[1]
    assert isinstance(beside, Look)
    assert dict(beside.table) == {b"http:": b"", b"https:": b"", b"http:80": b"", b"https:443": b""}


def test_own_names_may_be_the_configured_ones() -> None:
    names = own_names("hub.example", 8080, True, "/srv")
    assert names.name == (b"hub.example",)
    assert names.port == (Look(((b"http", b"8080"), (b"https", b"8080")), (Variable.SCHEME,)),)
    assert names.authority[1] == Look(((b"http", b":8080"), (b"https", b":8080")), (Variable.SCHEME,))
    assert names.document_root == b"/srv"
