"""Whatever we accept, h11 and httptools accept too, and find the same messages in it.

Two readers of one stream must not disagree about where a message ends; we are the stricter one. What is known and forgiven:
methods (any token is one to us; the oracles know fewer); the one empty line that may come before a request (RFC 9112 §2.2; it is
not sent on); that httptools leaves the content of a request to its caller if that asks for an upgrade (which we do not send on
then); that it cannot be told that a response is the answer to HEAD; and that we may wait for more of a line in chunked content
that cannot become a good one any more.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import h11
import httptools
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.property.grammar import requests, responses

from perijove.engine.buffer import Buffer
from perijove.engine.const import CHUNKED, FOUND, MORE, NO_BODY, UNTIL_CLOSE
from perijove.engine.framing import Chunked
from perijove.engine.head import Limits, RequestHead, ResponseHead

SETTINGS = settings(max_examples=4000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
LIMITS = Limits()
KNOWN = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"))


@dataclass
class Message:
    """What a reader took for one message."""

    first: tuple[bytes, ...] = ()
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    content: bytes = b""
    complete: bool = False
    size: int = 0  # octets it takes


def pairs(head: RequestHead | ResponseHead, raw: bytes) -> list[tuple[bytes, bytes]]:
    """Return the fields as the head has them, in order."""
    names = [line.partition(b":")[0].lower() for line in raw.rstrip(b"\r\n").split(b"\r\n")[1:]]
    left = {name: head.named(name) for name in names}
    out = [(name, left[name].pop(0)) for name in names]
    assert not any(left.values())
    return folded(out)


def folded(lines: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return fields with transfer codings in lower case, as h11 gives them."""
    return [(name, value.lower() if name == b"transfer-encoding" else value) for name, value in lines]


def take(length: int, source: Buffer, message: Message) -> int:
    """Take the content off `source`; return MORE, FOUND, or another number if it is broken."""
    if length == CHUNKED:
        out = Buffer()
        verdict = Chunked().pump(source, out, False)
        message.content = out.copy()
        return verdict
    if length == UNTIL_CLOSE:
        message.content = source.copy()
        source.clear()
        return MORE
    message.content = source.peek(length)
    source.drop(length)
    return FOUND if len(message.content) == length else MORE


def our_requests(data: bytes) -> Iterator[tuple[Message, bytes, RequestHead]]:
    """Read `data` as a client's connection is read: each message that is complete, its octets, and its head."""
    source = Buffer()
    source.append(data)
    while source.size():
        before = source.copy()
        head = RequestHead()
        if head.scan(source, LIMITS) != FOUND:
            return
        raw = before[: head.size]
        raw = raw.removeprefix(b"\r\n")
        message = Message((head.method, head.target, b"1.%d" % head.minor), pairs(head, raw), size=head.size)
        source.drop(head.size)
        if take(head.length, source, message) != FOUND:
            return
        message.complete = True
        message.size = len(before) - source.size()
        octets = before[: message.size]
        if octets.startswith(b"\r\n"):
            octets = octets[2:]
            message.size -= 2
        yield message, octets, head
        if not head.keep_alive:
            return


def h11_request(data: bytes) -> Message:
    """Read one request with h11. Raises h11.RemoteProtocolError."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    message = Message()
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            message.first = (event.method, event.target, event.http_version)
            message.fields = folded(list(event.headers))
        elif isinstance(event, h11.Data):
            message.content += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            message.complete = True
            message.size = len(data) - len(connection.trailing_data[0])
            return message
        else:
            return message


class Listening:
    """Callbacks of httptools."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.in_head = True
        self.url = b""
        self.reason = b""
        self.parser: httptools.HttpRequestParser | None = None
        self.keep_alive = False

    def on_message_begin(self) -> None:
        self.messages.append(Message())
        self.in_head = True

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:
            self.messages[-1].fields.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.in_head = False

    def on_body(self, data: bytes) -> None:
        self.messages[-1].content += data

    def on_message_complete(self) -> None:
        self.messages[-1].complete = True
        if self.parser is not None:
            self.keep_alive = self.parser.should_keep_alive()  # later on, the parser has forgotten


def httptools_request(data: bytes) -> tuple[list[Message], Listening]:
    """Read requests with httptools. Raises httptools.HttpParserError."""
    listening = Listening()
    listening.parser = parser = httptools.HttpRequestParser(listening)
    with contextlib.suppress(httptools.HttpParserUpgrade):  # the message was complete, whatever is to follow
        parser.feed_data(data)
    for message in listening.messages:
        message.fields = folded(message.fields)
    if listening.messages:
        listening.messages[0].first = (parser.get_method(), listening.url, parser.get_http_version().encode())
    return listening.messages, listening


def check_request(message: Message, octets: bytes, head: RequestHead) -> None:
    """Let the oracles read one message that we have accepted."""
    assert len(octets) == message.size
    # What follows does not belong to it, to no reader.
    theirs = h11_request(octets + b"GET / HTTP/1.1\r\n")
    assert theirs == message
    assert not h11_request(octets[:-1]).complete

    known = octets
    if message.first[0] not in KNOWN:
        known = b"POST" + octets[len(message.first[0]) :]
    found, listening = httptools_request(known)
    assert len(found) == 1
    assert found[0].complete
    assert found[0].first[1:] == message.first[1:]
    assert found[0].fields == message.fields
    assert listening.keep_alive or not head.keep_alive
    assert listening.parser is not None
    if listening.parser.should_upgrade() and head.length != NO_BODY:
        assert not head.upgrade
        return
    assert found[0].content == message.content
    found, _ = httptools_request(known[:-1])
    assert not any(one.complete for one in found)


def test_requests() -> None:
    counts: Counter[str] = Counter()

    @SETTINGS
    @given(requests())
    @example(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5 ;a\r\nhello\r\n0\r\n\r\n")
    @example(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;\r\nhello\r\n0\r\n\r\n")
    @example(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\na")
    @example(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    @example(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")
    def check(data: bytes) -> None:
        accepted = list(our_requests(data))
        counts["examples"] += 1
        counts["accepted"] += bool(accepted)
        counts["messages"] += len(accepted)
        for message, octets, head in accepted:
            check_request(message, octets, head)

    check()
    assert counts["accepted"] >= 0.3 * counts["examples"], counts
    assert counts["messages"] > counts["accepted"], counts  # of some, more than one in a row


# ------------------------------------------------------------------ responses


def our_response(data: bytes, to_head: bool) -> tuple[Message | None, ResponseHead]:
    """Read one response; None if we refuse it, or wait for more of its head."""
    source, head = Buffer(), ResponseHead()
    source.append(data)
    if head.scan(source, LIMITS, to_head) != FOUND:
        return None, head
    first = (b"%d" % head.status, head.reason, b"1.%d" % head.minor)
    message = Message(first, pairs(head, data[: head.size]))
    source.drop(head.size)
    verdict = take(head.length, source, message)
    if verdict not in (MORE, FOUND):
        return None, head
    message.complete = verdict == FOUND
    message.size = len(data) - source.size()
    return message, head


def h11_response(data: bytes, to_head: bool) -> Message:
    """Read one response with h11. Raises h11.RemoteProtocolError."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method="HEAD" if to_head else "GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    message = Message()
    while True:
        event = connection.next_event()
        if isinstance(event, h11.InformationalResponse | h11.Response):
            message.first = (b"%d" % event.status_code, bytes(event.reason), event.http_version)
            message.fields = folded(list(event.headers))
            if isinstance(event, h11.InformationalResponse):
                message.complete = True
        elif isinstance(event, h11.Data):
            message.content += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            message.complete = True
        else:
            return message
        message.size = len(data) - len(connection.trailing_data[0])
        if message.complete:
            return message


def httptools_response(data: bytes) -> Message:
    """Read one response with httptools. Raises httptools.HttpParserError."""
    listening = Listening()
    parser = httptools.HttpResponseParser(listening)
    parser.feed_data(data)
    message = listening.messages[0]
    message.fields = folded(message.fields)
    message.first = (b"%d" % parser.get_status_code(), listening.reason, parser.get_http_version().encode())
    assert len(listening.messages) == 1
    return message


def test_responses() -> None:
    counts: Counter[str] = Counter()

    @SETTINGS
    @given(responses(), st.booleans())
    @example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n", False)
    def check(data: bytes, to_head: bool) -> None:
        message, head = our_response(data, to_head)
        counts["examples"] += 1
        if message is None or head.status == 101:  # whether one may come, the exchange knows, and h11 wants to know
            return
        counts["accepted"] += 1
        counts["complete"] += message.complete
        try:
            theirs = h11_response(data, to_head)
            other = None if to_head else httptools_response(data[: message.size] if message.complete else data)
        except (h11.RemoteProtocolError, httptools.HttpParserError):
            assert head.length == CHUNKED
            assert not message.complete
            return
        if head.length == UNTIL_CLOSE or not message.complete:
            assert not theirs.complete
            assert theirs.content.startswith(message.content) or message.content.startswith(theirs.content)
            assert (theirs.first, theirs.fields) == (message.first, message.fields)
        else:
            assert theirs == message
        if other is None:
            return
        assert (other.first, other.fields) == (message.first, message.fields)
        assert (other.content, other.complete) == (message.content, message.complete)

    check()
    assert counts["accepted"] >= 0.3 * counts["examples"], counts
    assert counts["complete"] >= 0.2 * counts["examples"], counts
