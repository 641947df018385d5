"""Texts that are made of a request, part by part.

Knows a `State`. Each part has one method, `text`. Must not know rules, nor how a part is spelt in a configuration.
"""

from __future__ import annotations

import random
import re
import time

from perijove.engine import fields, ids
from perijove.engine.functions import FUNCTIONS
from perijove.engine.state import State


class Part:
    """A part of a text that depends on the request."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it for this request."""
        raise NotImplementedError


class Text:
    """A text: literals and parts."""

    __slots__ = ("before", "literal", "parts", "single")

    def __init__(self, parts: tuple[bytes | Part, ...]) -> None:
        self.parts = parts
        # The whole of it, if nothing depends on a request.
        self.literal = b"".join(one for one in parts if isinstance(one, bytes)) if _is_literal(parts) else None
        # One part, perhaps behind a literal, is what most of the others are.
        self.before = b""
        self.single: Part | None = None
        last = parts[len(parts) - 1] if parts else b""  # no negative numbers: the compiled form does not know them
        if isinstance(last, Part) and _is_literal(parts[: len(parts) - 1]):
            self.before = b"".join(one for one in parts if isinstance(one, bytes))
            self.single = last

    def text(self, state: State) -> bytes:
        """Return it for this request."""
        if self.literal is not None:
            return self.literal
        if self.single is not None:
            return self.before + self.single.text(state) if self.before else self.single.text(state)
        return b"".join([one if isinstance(one, bytes) else one.text(state) for one in self.parts])


def _is_literal(parts: tuple[bytes | Part, ...]) -> bool:
    return all(isinstance(one, bytes) for one in parts)


class Value(Part):
    """An attribute of the state."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def text(self, state: State) -> bytes:
        """Return it."""
        value: bytes | None = getattr(state, self.name)
        return value or b""


class RequestField(Part):
    """A field of the request."""

    __slots__ = ("name", "number")

    def __init__(self, name: bytes) -> None:
        self.name = name.lower()
        self.number = fields.NUMBERS.get(self.name, fields.OTHER)

    def text(self, state: State) -> bytes:
        """Return it."""
        return state.value(self.number, self.name)


class FieldLike(Part):
    """The value of the last of the request's fields in whose name a pattern is found, as they first came."""

    __slots__ = ("found",)

    def __init__(self, pattern: bytes) -> None:
        self.found = re.compile(pattern).search

    def text(self, state: State) -> bytes:
        """Return it."""
        lines = state.lines
        if lines is None:
            lines = [] if state.head is None else state.head.items()
        last = b""
        named: dict[bytes, bytes] = {}
        for name, value in lines:
            if self.found(name) is not None:
                low = name.lower()
                if low in named:
                    named[low] += b", " + value
                else:
                    last, named[low] = low, value
        return named.get(last, b"")


class ResponseField(Part):
    """A field of the response."""

    __slots__ = ("name",)

    def __init__(self, name: bytes) -> None:
        self.name = name.lower()

    def text(self, state: State) -> bytes:
        """Return it."""
        for name, value in state.out:
            if name.lower() == self.name:
                return value  # of several the first counts (apr_table_get)
        if self.name == b"content-length":  # that is no line that may be edited
            if state.response is not None:
                return state.response.field(fields.CONTENT_LENGTH) or b""
            return b"%d" % len(state.content) if state.content else b""
        return b""


class Note(Part):
    """A variable that was set for the request."""

    __slots__ = ("missing", "name")

    def __init__(self, name: bytes, missing: bytes) -> None:
        self.name = name
        self.missing = missing

    def text(self, state: State) -> bytes:
        """Return it."""
        return state.notes.get(self.name, self.missing)


class Capture(Part):
    """A group of the rule's own pattern."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def text(self, state: State) -> bytes:
        """Return it."""
        captures = state.captures
        return (captures[self.number] or b"") if self.number < len(captures) else b""


class Kept(Part):
    """A group of a pattern that was kept."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def text(self, state: State) -> bytes:
        """Return it."""
        kept = state.kept
        return (kept[self.number] or b"") if self.number < len(kept) else b""


class Rest(Part):
    """The path behind so many octets."""

    __slots__ = ("prefix", "raw")

    def __init__(self, prefix: int, raw: bool) -> None:
        self.prefix = prefix
        self.raw = raw

    def text(self, state: State) -> bytes:
        """Return it."""
        path = state.raw if self.raw else state.path
        return path[self.prefix :]


class Moved(Part):
    """The path with another prefix, which often is the same."""

    __slots__ = ("prefix", "size", "to")

    def __init__(self, to: bytes, prefix: int) -> None:
        self.to = to
        self.prefix = prefix
        self.size = len(to)

    def text(self, state: State) -> bytes:
        """Return it."""
        path = state.path
        if self.prefix == self.size and path.startswith(self.to):
            return path
        return self.to + path[self.prefix :]


class Hostname(Part):
    """The host without its port."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        return state.hostname()


class Called(Part):
    """The host as the client named it, tidied, or the port beside it."""

    __slots__ = ("port",)

    def __init__(self, port: bool) -> None:
        self.port = port

    def text(self, state: State) -> bytes:
        """Return it."""
        return state.called_port() if self.port else state.called()


class Https(Part):
    """Whether the client speaks TLS: on, off."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        return b"on" if state.scheme == b"https" else b"off"


class RequestLine(Part):
    """The request line, or a word of it."""

    __slots__ = ("word",)

    def __init__(self, word: str) -> None:
        self.word = word

    def text(self, state: State) -> bytes:
        """Return it."""
        if self.word == "method":
            return state.method
        if self.word == "protocol":
            return b"HTTP/1.%d" % state.minor
        if self.word == "target":
            return state.wanted
        if self.word == "search":
            return b"" if state.query is None else b"?" + state.query
        return b"%b %b HTTP/1.%d" % (state.method, state.whole, state.minor)


class Port(Part):
    """A port: of the client, or the one that the request came to."""

    __slots__ = ("of_client",)

    def __init__(self, of_client: bool) -> None:
        self.of_client = of_client

    def text(self, state: State) -> bytes:
        """Return it."""
        return b"%d" % (state.peer.port if self.of_client else state.peer.server_port)


class Handshake(Part):
    """The protocol that the request asks to switch to, if that is a WebSocket."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        return b"websocket" if state.upgrade else b""


class Status(Part):
    """The response's status."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        return b"%d" % (state.status or 200 if state.response is None else state.response.status)


class Began(Part):
    """When the request began, in microseconds since 1970."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        return b"%d" % (state.began * 1_000_000)


class Duration(Part):
    """Microseconds since the request began."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        return b"%d" % max((time.time() - state.began) * 1_000_000, 0)


class Ipv6(Part):
    """Whether the client's connection uses IPv6: on, off."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        return b"on" if b":" in state.peer.address and not state.peer.address.startswith(b"::ffff:") else b"off"


class ConnectionAddress(Part):
    """The address of who connected."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        return state.peer.address


class OfPeer(Part):
    """What is known of the client's connection, by its attribute."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def text(self, state: State) -> bytes:
        """Return it."""
        state.peer.learn()
        value: bytes = getattr(state.peer, self.name)
        return value


class NamedPort(Part):
    """The port that the client named with the host, or else the scheme's."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        _, colon, port = state.host.rpartition(b":")
        if colon and port.isdigit():
            return port
        return b"443" if state.scheme == b"https" else b"80"


class Destination(Part):
    """The URL that it is sent to, its path not yet encoded."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        return state.origin + state.onward


class Sent(Part):
    """The URL that it is sent to, as it is spelt there."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        return state.origin if state.elsewhere or not state.origin else state.origin.lower() + state.target


class RequestId(Part):
    """The request's id, made when it is first asked for."""

    __slots__ = ()

    def text(self, state: State) -> bytes:
        """Return it."""
        if not state.request_id:
            state.request_id = ids.fresh()
        return state.request_id


class Call(Part):
    """A function of a text."""

    __slots__ = ("argument", "function")

    def __init__(self, function: str, argument: Text) -> None:
        self.function = FUNCTIONS[function]
        self.argument = argument

    def text(self, state: State) -> bytes:
        """Return it."""
        return self.function(self.argument.text(state))


class Look(Part):
    """A text looked up in a table."""

    __slots__ = ("key", "missing", "table")

    def __init__(self, table: dict[bytes, bytes], key: Text, missing: Text) -> None:
        self.table = table
        self.key = key
        self.missing = missing

    def text(self, state: State) -> bytes:
        """Return it."""
        found = self.table.get(self.key.text(state))
        return self.missing.text(state) if found is None else found


class Draw(Part):
    """One of several texts, looked up in a table."""

    __slots__ = ("key", "missing", "table")

    def __init__(self, table: dict[bytes, tuple[bytes, ...]], key: Text, missing: Text) -> None:
        self.table = table
        self.key = key
        self.missing = missing

    def text(self, state: State) -> bytes:
        """Return it."""
        found = self.table.get(self.key.text(state))
        return random.choice(found) if found else self.missing.text(state)


class Encoded(Part):
    """A text in which some octets are percent-encoded."""

    __slots__ = ("argument", "spelt")

    def __init__(self, argument: Text, octets: bytes, plus: bool) -> None:
        self.argument = argument
        self.spelt = [b"%%%02x" % octet if octet in octets else bytes((octet,)) for octet in range(256)]
        if plus and 0x20 in octets:
            self.spelt[0x20] = b"+"

    def text(self, state: State) -> bytes:
        """Return it."""
        spelt = self.spelt
        return b"".join([spelt[octet] for octet in self.argument.text(state)])


class Without(Part):
    """A text without a prefix."""

    __slots__ = ("argument", "prefix")

    def __init__(self, argument: Text, prefix: bytes) -> None:
        self.argument = argument
        self.prefix = prefix

    def text(self, state: State) -> bytes:
        """Return it."""
        return self.argument.text(state).removeprefix(self.prefix)


class Given(Part):
    """One text if another is not empty, else a third."""

    __slots__ = ("otherwise", "subject", "then")

    def __init__(self, subject: Text, then: Text, otherwise: Text) -> None:
        self.subject = subject
        self.then = then
        self.otherwise = otherwise

    def text(self, state: State) -> bytes:
        """Return it."""
        return self.then.text(state) if self.subject.text(state) else self.otherwise.text(state)


class Time(Part):
    """The time of day here, or one in UTC that is so many seconds ahead."""

    __slots__ = ("ahead", "format", "utc")

    def __init__(self, form: str, utc: bool = False, ahead: int = 0) -> None:
        self.format = form
        self.utc = utc
        self.ahead = ahead

    def text(self, state: State) -> bytes:
        """Return it."""
        at = time.time() + self.ahead
        return time.strftime(self.format, time.gmtime(at) if self.utc else time.localtime(at)).encode()
