import pytest
from tests.unit.engine.states import state_of

from perijove.config.apache.identity import SCHEME, Identity, identity, own_url, parsed, resolved, scheme
from perijove.config.apache.scope import Kind, Scope
from perijove.gateway.conditions import Condition
from perijove.gateway.templates import Look, Note, Variable
from perijove.routing import conditions


def scope(kind: Kind, parent: Scope | None = None, **said: object) -> Scope:
    return Scope(kind, frozenset(), None, parent=parent, said={name.replace("_", "-"): one for name, one in said.items()})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hub.test", Identity("hub.test")),
        ("hub.test:8080", Identity("hub.test", 8080)),
        ("HTTPS://hub.test", Identity("hub.test", 0, "https")),
        ("https://hub.test:8443", Identity("hub.test", 8443, "https")),
        ("[::1]", Identity("[::1]")),
    ],
)
def test_servername(text: str, says: Identity) -> None:
    assert parsed(text) == says


def test_a_name_has_no_port_but_its_own() -> None:
    server = scope(Kind.SERVER, server_name="front.test:81")
    assert identity(scope(Kind.HOST, server, server_name="hub.test", addresses=["*:8000"])) == Identity("hub.test")


def test_a_host_without_a_name_has_its_address() -> None:
    server = scope(Kind.SERVER, server_name="front.test:81")
    assert identity(scope(Kind.HOST, server, addresses=["*:8000"])) == Identity("front.test", 8000)
    assert identity(scope(Kind.HOST, server, addresses=["_default_"])) == Identity("front.test", 81)
    assert identity(scope(Kind.HOST, server, addresses=["127.0.0.1:8000"])) == Identity(resolved("127.0.0.1"), 8000)
    nonsense = scope(Kind.HOST, server, addresses=["a\udc85b"])  # an octet that is in no name
    assert identity(nonsense) == Identity("bogus_host_without_reverse_dns", 81)
    assert identity(scope(Kind.HOST, server)) == Identity("bogus_host_without_forward_dns", 81)
    assert identity(scope(Kind.SERVER)) == Identity("localhost")


def test_what_nobody_calls_anything() -> None:
    assert resolved("192.0.2.1.invalid") == "bogus_host_without_reverse_dns"


def test_scheme() -> None:
    server = scope(Kind.SERVER, server_name="https://front.test")
    host = scope(Kind.HOST, server)
    assert scheme(scope(Kind.LOCATION, server)) == Look(
        ((b"http", b"http"), (b"https", b"https")), (Note(SCHEME),), (Variable.SCHEME,)
    )
    assert scheme(scope(Kind.LOCATION, host)) is Variable.SCHEME


def holds(condition: Condition | None, url: bytes) -> bytes | None:
    """Tell what is behind the slash of a URL of the server's own; None if it is none."""
    assert condition is not None
    state = state_of()
    state.held = url
    made = conditions.test(condition)
    assert made is not None
    return state.captures[1] or b"" if made.holds(state) else None


def test_urls_of_its_own() -> None:
    its = scope(
        Kind.HOST, scope(Kind.SERVER), server_name="hub.test:80", server_alias=["*.alias.test"], addresses=["127.0.0.1:81"]
    )
    own = own_url(its, Variable.SCHEME)
    for url, path in [
        (b"http://HUB.test/a", b"a"),
        (b"http://hub.test:80", b""),
        (b"http://x.alias.test/", b""),
        (b"http://127.0.0.1:81/b?c", b"b?c"),
    ]:
        assert holds(own, url) == path
    for url in (b"https://hub.test/a", b"http://hub.test:81/a", b"http://127.0.0.1/a", b"http://hub.test.evil/a", b"/a"):
        assert holds(own, url) is None


def test_names_without_a_port_are_in_no_url() -> None:
    assert own_url(scope(Kind.HOST, scope(Kind.SERVER), server_name="hub.test", addresses=[]), Variable.SCHEME) is None
