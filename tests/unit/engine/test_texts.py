"""Texts of a request, part by part."""

import time

import pytest
from tests.unit.engine.states import head_of, peer, request, state_of, text

from perijove.engine import texts
from perijove.engine.plan import Timeouts
from perijove.engine.state import State
from perijove.engine.texts import FieldLike, Part, Text
from perijove.engine.upstream import Upstream


def test_literals_are_joined_once() -> None:
    whole = text(b"a", b"b")
    assert whole.literal == b"ab"
    assert whole.text(state_of()) == b"ab"
    assert text().text(state_of()) == b""
    assert text(b"a", texts.Https()).literal is None


STATE_PARTS: list[tuple[Part, bytes]] = [
    (texts.Value("address"), b"192.0.2.1"),
    (texts.Value("path"), b"/a/b c"),
    (texts.Value("raw"), b"/a/b%20c"),
    (texts.Value("query"), b"q=1"),
    (texts.Value("host"), b"hub.example:8000"),
    (texts.Value("scheme"), b"http"),
    (texts.Value("user"), b""),
    (texts.Hostname(), b"hub.example"),
    (texts.Https(), b"off"),
    (texts.RequestField(b"X-A"), b"1, 2"),
    (texts.RequestField(b"Host"), b"hub.example:8000"),
    (texts.RequestField(b"X-None"), b""),
    (texts.ResponseField(b"X-A"), b""),
    (texts.Note(b"n", b"(null)"), b"noted"),
    (texts.Note(b"m", b"(null)"), b"(null)"),
    (texts.Capture(0), b"all"),
    (texts.Capture(1), b""),  # a group that took no part
    (texts.Capture(2), b"two"),
    (texts.Capture(3), b""),  # one that is not there
    (texts.Kept(0), b""),
    (texts.Kept(1), b"k"),
    (texts.Kept(9), b""),
    (texts.Rest(2, False), b"/b c"),
    (texts.Rest(2, True), b"/b%20c"),
    (texts.Rest(99, False), b""),
    (texts.RequestLine("method"), b"GET"),
    (texts.RequestLine("protocol"), b"HTTP/1.1"),
    (texts.RequestLine("target"), b"/a/b%20c?q=1"),
    (texts.RequestLine("search"), b"?q=1"),
    (texts.RequestLine("line"), b"GET /a/b%20c?q=1 HTTP/1.1"),
    (texts.Port(True), b"5"),
    (texts.Port(False), b"8000"),
    (texts.Handshake(), b""),
    (texts.Status(), b"200"),
]


@pytest.mark.parametrize(("part", "expected"), STATE_PARTS)
def test_parts(part: Part, expected: bytes) -> None:
    state = state_of(b"/a/b%20c?q=1", b"X-A: 1", b"X-A: 2")
    state.path = b"/a/b c"
    state.note(b"n", b"noted")
    state.captures = (b"all", None, b"two")
    state.kept = (None, b"k")
    assert text(b"<", part, b">").text(state) == b"<" + expected + b">"


def test_a_query_that_is_not_there() -> None:
    state = state_of(b"/a")
    assert text(texts.Value("query")).text(state) == b""
    assert text(texts.RequestLine("search")).text(state) == b""


def test_two_clients_have_their_own() -> None:
    part = text(texts.Https(), b" ", texts.Port(True))
    assert part.text(state_of(scheme=b"https")) == b"on 5"
    assert part.text(state_of()) == b"off 5"


def test_a_handshake() -> None:
    lines = (
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    state = State(head_of(request(b"/", *lines)), peer(), ())
    state.snapshot()
    assert texts.Handshake().text(state) == b"websocket"


def test_fields_of_the_response_as_they_are_by_now() -> None:
    state = state_of()
    state.out = [(b"X-A", b"1"), (b"Other", b"2"), (b"x-a", b"3")]
    assert texts.ResponseField(b"X-a").text(state) == b"1"  # the first counts


def test_the_status_of_our_own_answer() -> None:
    state = state_of()
    state.status = 503
    assert texts.Status().text(state) == b"503"


def test_time() -> None:
    state = state_of()
    state.began = time.time()
    assert int(texts.Began().text(state)) == int(state.began * 1_000_000)
    assert 0 <= int(texts.Duration().text(state)) < 60_000_000


def test_where_it_goes() -> None:
    state = state_of()
    state.upstream = Upstream("http://up:80", Timeouts())
    state.origin, state.onward, state.target = b"HTTP://up:80", b"/a b", b"/a%20b?y"
    assert texts.Destination().text(state) == b"HTTP://up:80/a b"
    assert texts.Sent().text(state) == b"http://up:80/a%20b?y"


def test_a_request_has_one_id_and_another_has_another() -> None:
    part, one, two = texts.RequestId(), state_of(), state_of()
    assert part.text(one) == part.text(one) != part.text(two)
    assert part.text(one)


def test_a_function_of_a_text() -> None:
    assert texts.Call("upper", text(b"a/", texts.Value("address"), b"/b")).text(state_of()) == b"A/192.0.2.1/B"


def test_tables() -> None:
    look = texts.Look({b"a": b"1"}, text(texts.Value("path")), text(b"?", texts.Value("path")))
    state = state_of()
    state.path = b"a"
    assert look.text(state) == b"1"
    state.path = b"b"
    assert look.text(state) == b"?b"


def test_a_part_says_what_it_is() -> None:
    with pytest.raises(NotImplementedError):
        Part().text(state_of())
    assert Text((b"x",)).parts == (b"x",)


def test_one_text_or_another() -> None:
    made = texts.Given(text(texts.RequestField(b"Host")), text(b"there"), text(b"not"))
    assert made.text(state_of()) == b"there"
    assert texts.Given(text(texts.RequestField(b"X-None")), text(b"there"), text(b"not")).text(state_of()) == b"not"


def test_where_it_is_sent_to() -> None:
    state = state_of()
    assert texts.Sent().text(state) == b""
    state.origin, state.onward, state.target = b"http://up:1", b"/a b", b"/a%20b?q"
    assert texts.Sent().text(state) == b"http://up:1/a%20b?q"


def test_a_time_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    assert texts.Time("%a, %d-%b-%Y %H:%M:%S GMT", True, 60).text(state_of()) == b"Tue, 14-Nov-2023 22:14:20 GMT"


def test_fields_that_are_alike() -> None:
    part = FieldLike(rb"(?i)^x-")
    assert part.text(state_of()) == b""
    assert part.text(state_of(b"/", b"X-A: 1", b"X-B: 2", b"Y: 3", b"x-a: 4")) == b"2"
    assert part.text(state_of(b"/", b"X-A: 1", b"x-a: 4")) == b"1, 4"
