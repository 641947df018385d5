"""States of requests, made from octets."""

from __future__ import annotations

from perijove.engine.buffer import Buffer
from perijove.engine.const import FOUND
from perijove.engine.head import Limits, RequestHead
from perijove.engine.peer import Peer
from perijove.engine.state import State
from perijove.engine.texts import Part, Text


def head_of(octets: bytes) -> RequestHead:
    """A scanned head."""
    buffer, head = Buffer(), RequestHead()
    buffer.append(octets)
    assert head.scan(buffer, Limits()) == FOUND
    return head


def request(target: bytes = b"/", *lines: bytes, method: bytes = b"GET", host: bytes = b"hub.example:8000") -> bytes:
    """A request's octets."""
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (method, target, host, b"".join(line + b"\r\n" for line in lines))


def peer(scheme: bytes = b"http", trusted: bool = False) -> Peer:
    """A client."""
    return Peer(b"192.0.2.1", 5, scheme, 8000, trusted)


def state_of(target: bytes = b"/", *lines: bytes, settings: tuple[object, ...] = (), scheme: bytes = b"http") -> State:
    """A state that has begun."""
    return State(head_of(request(target, *lines)), peer(scheme), settings)


def text(*parts: bytes | Part) -> Text:
    """A text of these parts."""
    return Text(parts)
