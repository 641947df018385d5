"""Clients and an upstream who do as they like, with perijove's own loop between them, and what may never come of it.

Each request has a number, which is in its path, its content and its answer. So it can be told of every octet that arrives whose
it is: none is made up, none is lost, none goes to another, nobody gets two answers, and answer k is for request k.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from tests import reader
from tests.unit.engine.loopback import Far, Listening, turning
from tests.unit.engine.script import forward, table

from perijove.engine.client import Client
from perijove.engine.head import Limits
from perijove.engine.peer import Peer
from perijove.engine.plan import Timeouts
from perijove.engine.reactor import Reactor
from perijove.engine.site import Site
from perijove.engine.upstream import Upstream, UpstreamConnection

_QUIET: Final = 3  # turns of the loop in which nothing moves, after which nothing will
_TURNS: Final = 400
_PATIENCE: Final = 5.0  # seconds
_REPEATABLE: Final = (b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"PUT")
_UPGRADE: Final = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a\r\n"
METHODS: Final = (b"GET", b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"upgrade")


@dataclass
class Ask:
    """A request."""

    number: int
    method: bytes
    content: bytes
    raw: bytes
    upgrade: bool = False
    sent: int = 0  # octets of it
    heard: list[Connection] = field(default_factory=list)  # where it has come in
    answer: Answer | None = None

    @property
    def whole(self) -> bool:
        return self.sent == len(self.raw)


def ask(number: int, method: bytes, size: int, chunked: bool, old: bool, close: bool, expects: bool) -> Ask:
    """Return a request; its content is all its own."""
    upgrade = method == b"upgrade"
    method = b"GET" if upgrade else method
    content = (b"%d<" % number) * size if method in (b"POST", b"PUT") else b""
    lines = b"Host: a\r\nX-Number: %d\r\n" % number
    if upgrade:
        lines += _UPGRADE
    elif close:
        lines += b"Connection: close\r\n"
    elif old:
        lines += b"Connection: keep-alive\r\n"
    body = content
    if method in (b"POST", b"PUT"):
        lines += b"Expect: 100-continue\r\n" if expects and not old else b""
        if chunked and not old:
            lines += b"Transfer-Encoding: chunked\r\n"
            half = len(content) // 2
            pieces = [piece for piece in (content[:half], content[half:]) if piece]
            body = (
                b"".join(b"%x;n=%d\r\n%b\r\n" % (len(piece), number, piece) for piece in pieces)
                + b"0\r\nX-Sum: %d\r\n\r\n" % number
            )
        else:
            lines += b"Content-Length: %d\r\n" % len(content)
    version = b"1.0" if old and not upgrade else b"1.1"
    raw = b"%b /%d HTTP/%b\r\n%b\r\n%b" % (method, number, version, lines, body)
    return Ask(number, method, content, raw, upgrade)


@dataclass
class Answer:
    """What an upstream says to a request. `good`: it is one whole response, once `ends` or all of `raw` was sent."""

    status: int
    content: bytes
    raw: bytes
    good: bool = True
    ends: bool = False  # the end of the connection is the end of it
    extra: int = 0  # octets of `raw` that are behind it
    sent: int = 0
    over: bool = False  # the connection was ended with a FIN behind `raw`

    @property
    def whole(self) -> bool:
        return self.good and self.sent >= len(self.raw) - self.extra and (self.over or not self.ends)


KINDS: Final = (
    "length", "length", "chunked", "close", "empty", "interim", "flood", "garbage", "short", "extra", "second", "badchunk", "unasked", "accept", "two lengths", "closing",
)  # fmt: skip


def answer(one: Ask, kind: str, size: int) -> Answer:
    """Return an answer of a kind; its content is the request's own."""
    content = (b"%d>" % one.number) * size
    head = b"HTTP/1.1 200 OK\r\nX-Number: %d\r\n" % one.number
    bare = one.method == b"HEAD"
    told = b"" if bare else content
    length = b"Content-Length: %d\r\n" % len(content)
    if kind == "chunked":
        half = len(content) // 2
        pieces = [piece for piece in (content[:half], content[half:]) if piece]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        return Answer(200, told, head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"" if bare else body))
    if kind == "close":
        return Answer(200, told, head + b"\r\n" + told, ends=not bare)
    if kind == "empty":
        return Answer(204, b"", head.replace(b"200 OK", b"204 No Content") + b"\r\n")
    if kind in ("interim", "flood"):
        count = 3 if kind == "interim" else 150
        interim = b"HTTP/1.1 103 Early Hints\r\nX-Number: %d\r\n\r\n" % one.number
        return Answer(200, told, interim * count + head + length + b"\r\n" + told, good=kind == "interim")
    if kind == "garbage":
        return Answer(0, b"", b"SSH-2.0-%d\r\n\r\n" % one.number, good=False)
    if kind == "short":
        return Answer(200, told, head + b"Content-Length: %d\r\n\r\n" % (len(content) + 5) + told, good=bare)
    if kind == "extra":
        return Answer(200, told, head + length + b"\r\n" + told + b"EXTRA", extra=5)
    if kind == "second":
        more = b"HTTP/1.1 200 OK\r\nX-Number: 999\r\nContent-Length: 3\r\n\r\nTWO"
        return Answer(200, told, head + length + b"\r\n" + told + more, extra=len(more))
    if kind == "badchunk":
        body = b"" if bare else b"5\r\nabcde+\r\n"
        return Answer(200, body[3:8], head + b"Transfer-Encoding: chunked\r\n\r\n" + body, good=bare)
    if kind == "unasked" or (kind == "accept" and one.upgrade):
        raw = (
            b"HTTP/1.1 101 Switching Protocols\r\nX-Number: %d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            % one.number
        )
        return Answer(101, b"", raw, good=one.upgrade)
    if kind == "two lengths":
        return Answer(200, b"", head + length + b"Content-Length: 1\r\n\r\n" + content, good=False)
    closing = b"Connection: close\r\n" if kind == "closing" else b""
    return Answer(200, told, head + closing + length + b"\r\n" + told)


class Person:
    """A client's connection, and what was done with it."""

    def __init__(self, far: Far) -> None:
        self.far = far
        self.asks: list[Ask] = []
        self.gone = False  # it has left, or said that it has ended
        self.bad = False  # it has sent what is no request
        self.tunnel: Connection | None = None
        self.said = b""  # in the tunnel
        self.answered = 0  # asks with a whole answer
        self.got: tuple[int, bytes, bool] | None = None  # of the present one: status, content, whole

    @property
    def open(self) -> bool:
        return not (self.gone or self.bad or self.far.ended or self.far.failed or self.tunnel)

    @property
    def upgrading(self) -> bool:
        """Whether what it sends may be a tunnel's already."""
        return any(one.upgrade for one in self.asks[self.answered :])

    def send(self, octets: bytes) -> None:
        try:
            self.far.sock.sendall(octets)
        except OSError:
            self.gone = True


class Connection:
    """A connection that perijove has opened to the upstream."""

    def __init__(self, far: Far) -> None:
        self.far = far
        self.asks: list[Ask] = []  # in the order in which they have come
        self.over = False  # the upstream has ended it
        self.blurted = False  # it has said something while nobody asked
        self.tunnel: Person | None = None
        self.said = b""
        self.before = 0  # octets of requests that are done with

    @property
    def ask(self) -> Ask | None:
        return self.asks[-1] if self.asks else None

    @property
    def dirty(self) -> bool:
        """Whether it has said what nobody asked for."""
        said = [one.answer for one in self.asks if one.answer is not None]
        return self.blurted or any(one.sent > len(one.raw) - one.extra or (one.sent and not one.good) for one in said)

    def send(self, octets: bytes) -> bool:
        try:
            self.far.sock.sendall(octets)
        except OSError:
            self.over = True
            return False
        return True


class World:
    """All of them, and the loop."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.descriptors = len(os.listdir("/proc/self/fd"))
        self.reactor: Reactor = self.stack.enter_context(turning())
        self.server = Listening(self.reactor)
        self.doors = Listening(self.reactor)
        self.stack.callback(self.doors.close)
        self.stack.callback(self.server.close)
        self.upstream = Upstream("up", Timeouts())
        self.upstream.addresses = [(socket.AF_INET, self.server.address)]
        self.site = Site(table(forward(upstream=self.upstream)), Limits())
        self.people: list[Person] = []
        self.connections: list[Connection] = []
        self.asks: dict[int, Ask] = {}
        self.clients: list[Client] = []

    # ------------------------------------------------------------------ what they do

    def connect(self) -> Person:
        """Let a client connect."""
        sock = socket.create_connection(self.doors.address)
        near, _ = self.doors.sock.accept()
        near.setblocking(False)
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as a listener does: nothing is held back
        client = Client(self.reactor, self.site, Peer(b"192.0.2.1", 5, b"http", 80, False))
        self.site.connections += 1
        self.clients.append(client)
        client.start(near.detach(), None, False)
        self.people.append(Person(Far(self.reactor, sock)))
        return self.people[-1]

    def begin(self, person: Person, one: Ask, part: int) -> None:
        """Send a request, or only so much of it."""
        self.asks[one.number] = one
        person.asks.append(one)
        self.go_on(person, part)

    def go_on(self, person: Person, part: int) -> None:
        """Send more of the last request."""
        one = person.asks[-1]
        piece = one.raw[one.sent : one.sent + part]
        one.sent += len(piece)
        person.send(piece)

    def say(self, connection: Connection, part: int) -> None:
        """Send more of an answer."""
        one = connection.ask
        assert one is not None
        assert one.answer is not None
        piece = one.answer.raw[one.answer.sent : one.answer.sent + part]
        if connection.send(piece):
            one.answer.sent += len(piece)

    def hang_up(self, connection: Connection, reset: bool) -> None:
        """Let the upstream end a connection."""
        connection.over = True
        one = connection.ask
        if reset:
            connection.far.reset()
            connection.far.failed = True
            return
        said = None if one is None else one.answer
        if said is not None and said.ends and b"\r\n\r\n" in said.raw[: said.sent]:
            said.raw = said.raw[: said.sent]  # whatever has come is all of it
            said.content = said.raw.partition(b"\r\n\r\n")[2]
            said.over = True
        connection.far.finish()

    # ------------------------------------------------------------------ what comes of it

    def settle(self) -> None:
        """Turn the loop until nothing moves, and look at everything."""
        quiet, before = 0, None
        for _ in range(_TURNS):
            seen = self._turn(0.0)
            quiet = quiet + 1 if seen == before else 0
            before = seen
            if quiet == _QUIET:
                break
        else:
            raise AssertionError("it does not come to rest: the loop spins")
        patience = time.monotonic() + _PATIENCE
        while (why := self._stalled()) and time.monotonic() < patience:
            self._turn(0.01)  # the kernel may take its time on a busy machine
        assert not why, why

    def _turn(self, seconds: float) -> list[object]:
        """Turn the loop once, and look at what has come; return something that differs if anything has."""
        self.reactor.turn(seconds)
        while (far := self.server.accepted()) is not None:
            self.connections.append(Connection(far))
        every = (*self.people, *self.connections)
        for one in every:
            if one.far.sock.fileno() >= 0:
                one.far.look()
        seen: list[object] = [(len(one.far.got), one.far.ended, one.far.failed) for one in every]
        for connection in self.connections:
            self._heard(connection)
        for person in self.people:
            self._told(person)
        return seen

    def _heard(self, connection: Connection) -> None:
        """Look at what the upstream was sent on a connection."""
        if connection.tunnel is not None:
            said = connection.far.got[connection.before :]
            assert connection.tunnel.said.startswith(said), "octets of a tunnel were made up"
            return
        octets = connection.far.got[connection.before :]
        while octets:
            short = False
            try:
                message = reader.request(octets)
            except reader.Short as early:
                assert early.message is not None, ("half a head", octets)
                message, short = early.message, True
            number = int(message.first[1][1:])
            one = self.asks[number]
            assert message.first[0] == one.method
            assert message.all(b"x-number") == [b"%d" % number], "fields of another request"
            if connection.ask is not one:
                before = connection.ask
                assert before is None or (before.answer is not None and before.answer.whole), "two requests at once upstream"
                assert not connection.dirty, "a connection was used again that was not clean"
                connection.asks.append(one)
                one.heard.append(connection)
                self._repeats(one)
            if short:
                content = _chunks(octets[message.head :]) if message.all(b"transfer-encoding") else octets[message.head :]
                assert one.content.startswith(content), "content was made up"
                return
            assert message.content == one.content, "content was changed"
            assert one.whole, "half a request was sent as a whole one"
            connection.before += message.size
            octets = octets[message.size :]

    def _repeats(self, one: Ask) -> None:
        """A request is sent again only if nobody can have acted on it, or it does no harm to act twice."""
        if len(one.heard) == 1:
            return
        kept = one.heard[0].asks[0] is not one  # that a connection has ended which was kept says nothing of the request
        assert len(one.heard) <= 2 + kept, "sent once more than may be"
        assert all(connection.asks[0] is one for connection in one.heard[1:]), "sent again on a connection that was kept"
        assert one.method in _REPEATABLE
        assert one.heard[0].over, "sent again although the first connection stands"
        assert one.answer is None or one.answer.sent == 0, "sent again after some of an answer had come"

    def _told(self, person: Person) -> None:
        """Look at what a client was told."""
        if person.tunnel is not None:
            said = person.far.got
            assert person.tunnel.said.startswith(said), "octets of a tunnel were made up"
            return
        while person.far.got:
            if person.answered >= len(person.asks):
                assert person.bad, ("nobody asked for this", person.far.got[:80])
                self._refused(person)
                return
            one = person.asks[person.answered]
            over = person.far.ended
            try:
                message = reader.response(person.far.got, one.method, ended=over)
            except reader.Short as early:
                if early.message is not None and early.message.status >= 200:
                    self._is_for(early.message, one)
                    octets = person.far.got[early.message.head :]
                    content = _chunks(octets) if early.message.all(b"transfer-encoding") else octets
                    assert one.answer is None or one.answer.content.startswith(content), "content was made up"
                return
            if message.status < 200 and message.status != 101:
                assert message.all(b"x-number") == [b"%d" % one.number], "an interim response of another request"
                person.far.got = person.far.got[message.size :]
                continue
            self._is_for(message, one)
            person.far.got = person.far.got[message.size :]
            person.answered += 1
            if not message.all(b"x-number"):
                continue
            assert one.answer is not None
            assert one.answer.whole or message.until_close, "half an answer looks like a whole one"
            if message.until_close and not one.answer.whole:
                raise AssertionError("an answer without a length that was cut ends with a FIN")
            assert message.content == one.answer.content, "content was lost"
            if message.status == 101:
                person.tunnel = one.heard[-1]
                person.tunnel.tunnel = person
                return

    def _is_for(self, message: reader.Message, one: Ask) -> None:
        """A response is the upstream's to this very request, or a page of an error that has a reason."""
        number = message.all(b"x-number")
        if number:
            assert number == [b"%d" % one.number], f"{number} answers {one.number}"
            assert one.answer is not None
            assert message.status == one.answer.status
            return
        assert message.status in (400, 408, 502, 503, 504), message.first
        if message.status == 400:
            return
        assert one.heard or not one.whole, "given up before anybody was asked"
        assert one.answer is None or not one.answer.whole or one.heard[-1].over, "an answer was thrown away"
        faulty = one.answer is not None and not one.answer.good
        assert faulty or any(each.over for each in one.heard), "given up, and nobody was at fault"

    def _refused(self, person: Person) -> None:
        message = reader.response(person.far.got, b"GET", ended=person.far.ended)
        assert message.status in (400, 414, 431, 501, 505), message.first
        assert b"close" in message.tokens(b"connection")
        person.far.got = person.far.got[message.size :]
        assert not person.far.got, "something is behind the last answer"
        person.answered += 1
        person.bad = True

    def _stalled(self) -> str:
        if any(one.blurted and not (one.over or one.far.ended or one.far.failed) for one in self.connections):
            return "a connection is kept on which something was said that nobody asked for"
        return next(filter(None, map(self._stalls, self.people)), "")

    def _stalls(self, person: Person) -> str:
        """Say what has not gone on although it could: nothing is kept back, nobody waits for what is there."""
        if person.gone or person.far.failed:
            return ""
        connection = person.tunnel
        if connection is not None:
            if connection.over or connection.far.failed or person.far.ended or connection.far.ended:
                return ""
            kept = len(person.far.got) != len(connection.said) or len(connection.far.got) - connection.before != len(
                person.said
            )
            return "octets of a tunnel are kept back" if kept else ""
        if person.answered == len(person.asks) or person.far.ended or person.bad:
            return ""
        one = person.asks[person.answered]
        if one.whole and one.answer is not None and one.answer.whole:
            return "an answer is there, and its client waits"
        return "" if one.heard or not one.whole else "a whole request, and the upstream has not heard of it"

    # ------------------------------------------------------------------ the end

    def end(self) -> None:
        """Everybody leaves: nothing stays behind."""
        for person in self.people:
            person.far.close()
        tunnels = [person.tunnel for person in self.people if person.tunnel is not None and not person.tunnel.over]
        patience = time.monotonic() + _PATIENCE
        while any(one.far.look() is not None and not (one.far.ended or one.far.failed) for one in tunnels):
            assert time.monotonic() < patience, "the end of one side of a tunnel is not told to the other"
            self.reactor.turn(0.01)
        for one in tunnels:
            one.far.close()  # each side ends for itself
        for _ in range(_TURNS):
            self.reactor.turn(0.0)
            if all(client.closed for client in self.clients):
                break
        assert all(client.closed for client in self.clients), "a connection stays although its client is gone"
        assert self.site.connections == 0
        idle = self.upstream.idle
        for endpoint in self.reactor.table:
            if isinstance(endpoint, UpstreamConnection):
                assert endpoint in idle, "a connection to the upstream is nobody's"
                assert endpoint.borrower is None
        for endpoint in idle:
            assert not endpoint.inbuf.size()
            assert not endpoint.outbuf.size()
        self.upstream.close_idle()
        assert not any(isinstance(endpoint, Client | UpstreamConnection) for endpoint in self.reactor.table)
        self.close()
        assert len(os.listdir("/proc/self/fd")) == self.descriptors, "a descriptor stays open"

    def close(self) -> None:
        """Free what the test holds."""
        for person in self.people:
            person.far.close()
        for connection in self.connections:
            connection.far.close()
        self.stack.close()


def _chunks(octets: bytes) -> bytes:
    """Return what is there of chunked content that has not ended."""
    content = b""
    while octets:
        size, mark, octets = octets.partition(b"\r\n")
        if not mark:
            break
        count = int(size, 16)
        content += octets[:count]
        octets = octets[count + 2 :]
    return content
