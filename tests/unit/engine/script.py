"""Exchange scripts: what a client and an upstream say, octet for octet, and what each must be told.

No sockets: heads, table and exchange are put together as `client.Client` does it, over buffers. Every point at which either side's
octets may be cut is tried, and must make no difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from perijove.engine import fields
from perijove.engine.buffer import Buffer
from perijove.engine.const import ABORT, FORWARD, FOUND, MORE, REFUSE, TUNNEL
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead, ResponseHead
from perijove.engine.peer import Peer
from perijove.engine.plan import HostTable, Plan, Route, Table, Timeouts
from perijove.engine.request import write_request
from perijove.engine.response import read_response

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
SENT = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"  # what comes of it where nothing is edited
OK = b"HTTP/1.1 200 OK\r\n"
WS = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: k\r\nSec-WebSocket-Protocol: p\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n"


def forward(**settings: object) -> Plan:
    """A plan that forwards, with attributes set."""
    plan = Plan(FORWARD, Timeouts())
    plan.authority = b"up:80"
    plan.own = 0
    for name, value in settings.items():
        setattr(plan, name, value)
    return plan


def owning(**settings: object) -> Plan:
    """Return a plan of ours that says itself who the client is."""
    made = forward(**settings)
    made.own = fields.OWNED
    return made


def table(plan: Plan) -> Table:
    return Table(HostTable((Route(b"/", plan),)), {}, (), Timeouts())


@dataclass
class Result:
    """What came of a script."""

    upstream: bytes = b""  # what upstream was sent
    client: bytes = b""  # what the client was sent
    verdict: str = "more"  # more, done, tunnel, refuse, abort, or a status of 400 and above
    keep_alive: bool = False  # of the client's connection
    reuse: bool = False  # of upstream's
    left: bytes = b""  # of the client's octets, for the next request
    extra: bytes = b""  # of upstream's


@dataclass
class Script:
    """One request and its response."""

    client: bytes
    upstream: bytes = b""
    ends: bool = False  # upstream's end of stream follows
    plan: Plan = field(default_factory=forward)
    trusted: bool = False
    scheme: bytes = b"http"

    def play(self, client_cuts: tuple[int, ...] = (), upstream_cuts: tuple[int, ...] = ()) -> Result:
        """Run it with the octets cut at these points."""
        client_in, client_out, up_in, up_out = Buffer(), Buffer(), Buffer(), Buffer()
        head, response_head, limits = RequestHead(), ResponseHead(), Limits()
        exchange = Exchange(Peer(b"192.0.2.1", 5, self.scheme, 80, self.trusted))
        result = Result()
        begun = False
        for piece in _pieces(self.client, client_cuts):
            client_in.append(piece)
            if not begun:
                verdict = head.scan(client_in, limits)
                if verdict == MORE:
                    continue
                if verdict != FOUND:
                    result.verdict = str(verdict)
                    return result
                exchange.begin(head, table(self.plan).resolve(head))
                write_request(exchange, head, up_out)
                client_in.drop(head.size)
                begun = True
            if exchange.pump_request(client_in, up_out) == REFUSE:
                result.verdict = "refuse"
                result.upstream = up_out.copy()
                return result
        if not begun:
            return result
        verdict = MORE
        for piece in _pieces(self.upstream, upstream_cuts):
            up_in.append(piece)
            verdict = self._respond(exchange, response_head, limits, up_in, client_out)
            if verdict not in (MORE, FOUND) or exchange.response_done:
                # What upstream says beyond that is for nobody, or for the tunnel.
                continue
        if self.ends and verdict == MORE and not exchange.response_done:
            verdict = exchange.end_response(client_out)
        names = {TUNNEL: "tunnel", REFUSE: "refuse", ABORT: "abort"}
        result.verdict = names.get(verdict, "done" if exchange.response_done else "more")
        result.upstream = up_out.copy()
        result.client = client_out.copy()
        result.keep_alive = exchange.keep_alive
        result.reuse = exchange.reuse
        result.left = client_in.copy()
        result.extra = up_in.copy()
        return result

    def _respond(self, exchange: Exchange, head: ResponseHead, limits: Limits, source: Buffer, out: Buffer) -> int:
        if exchange.response_done:
            return TUNNEL if exchange.status == 101 else FOUND
        if not exchange.response_started:
            verdict = read_response(exchange, head, limits, source, out)
            if verdict != FOUND:
                return verdict
        return exchange.pump_response(source, out)

    def expect(self, **wanted: object) -> Result:
        """Play it whole, then cut at every point of either side: the outcome is the same, and is what is wanted."""
        whole = self.play()
        for name, value in wanted.items():
            assert getattr(whole, name) == value, (name, getattr(whole, name))
        plain = _unchunked(whole)
        for cut in range(1, len(self.client)):
            assert _unchunked(self.play(client_cuts=(cut,))) == plain, f"client cut at {cut}"
        for cut in range(1, len(self.upstream)):
            assert _unchunked(self.play(upstream_cuts=(cut,))) == plain, f"upstream cut at {cut}"
        every = self.play(tuple(range(1, len(self.client))), tuple(range(1, len(self.upstream))))
        assert _unchunked(every) == plain, "octet by octet"
        return whole


def _pieces(data: bytes, cuts: tuple[int, ...]) -> list[bytes]:
    points = [0, *cuts, len(data)]
    return [data[a:b] for a, b in pairwise(points)]


def _unchunked(result: Result) -> tuple[object, ...]:
    """What must not depend on how octets arrive: all but where one chunk ends and the next begins.

    Of content that turned out to be broken, more or less may have gone before that was seen.
    """
    if result.verdict in ("refuse", "abort"):
        return (result.verdict,)
    return (
        join_chunks(result.upstream),
        join_chunks(result.client),
        result.verdict,
        result.keep_alive,
        result.reuse,
        result.left,
        result.extra,
    )


def join_chunks(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Take a message that we framed apart: head, content, what follows. Strict: a fault of the framing is an error."""
    head, mark, rest = message.partition(b"\r\n\r\n")
    if head.startswith((b"HTTP/1.1 100", b"HTTP/1.1 103")):
        final, content, follows = join_chunks(rest)
        return head + b"|" + final, content, follows
    if b"\r\nTransfer-Encoding: chunked" not in head:
        return head + mark, rest, b""
    content = b""
    while rest:
        size, crlf, rest = rest.partition(b"\r\n")
        assert crlf == b"\r\n"
        count = int(size, 16)
        if count == 0:
            return head, content, b"end" + rest
        content += rest[:count]
        assert rest[count : count + 2] == b"\r\n", rest
        rest = rest[count + 2 :]
    return head, content, b"open"
