"""One upstream, one site and clients in one thread: what tests of a client's connection play on."""

import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack

from tests.unit.engine.loopback import Far, Listening, turn_until
from tests.unit.engine.script import forward, table

from perijove.engine.client import Client
from perijove.engine.head import Limits, RequestHead
from perijove.engine.peer import Peer
from perijove.engine.plan import Plan, Timeouts
from perijove.engine.reactor import Endpoint, Reactor
from perijove.engine.site import Recorder, Site
from perijove.engine.upstream import Upstream

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n"
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ok(content: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)


def post(content: bytes, method: bytes = b"POST") -> bytes:
    return b"%b / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (method, len(content), content)


class Journal(Recorder):
    """The access log: what was asked, the status, and how much content was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[bytes, int, int]] = []
        self.ends: list[int] = []

    def begin(self, client: Endpoint, head: RequestHead) -> None:
        pass

    def finish(self, client: Endpoint) -> None:
        assert isinstance(client, Client)
        self.lines.append((client.exchange.method, client.exchange.status, client.exchange.sent))
        self.ends.append(client.exchange.ended)


class World:
    """One upstream, one site, clients."""

    def __init__(self, reactor: Reactor, stack: ExitStack) -> None:
        self.reactor = reactor
        self.stack = stack
        self.server = Listening(reactor)
        stack.callback(self.server.close)
        self.doors = Listening(reactor)  # where clients come in
        stack.callback(self.doors.close)
        self.timeouts = Timeouts()
        self.upstream = Upstream("up", self.timeouts)
        self.upstream.addresses = [(socket.AF_INET, self.server.address)]
        self.failed: list[tuple[int, int]] = []  # statuses, and why
        self.site = self.serve(forward(upstream=self.upstream))
        self.made: list[Client] = []
        self.refused: list[tuple[int, bytes]] = []  # by operators' limits

    def serve(self, plan: Plan, limits: Limits | None = None) -> Site:
        self.site = Site(table(plan), limits or Limits())
        self.site.timeouts = self.timeouts
        self.site.record = self.journal = Journal()
        self.site.failed = lambda exchange, status: self.failed.append((status, exchange.ended))
        return self.site

    def client(self, tls: ssl.SSLContext | None = None, small: bool = False, announced: bool = False) -> Far:
        """A client that has connected; `small` has little room for what it does not read; `announced` is to say who it is."""
        sock = socket.socket()
        self.stack.callback(sock.close)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        sock.connect(self.doors.address)
        near, _ = self.doors.sock.accept()
        near.setblocking(False)
        if small:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        client = Client(self.reactor, self.site, Peer(b"192.0.2.1", 5, b"http", 80, False))
        self.site.connections += 1
        self.made.append(client)
        client.start(near.detach(), tls, announced)
        return Far(self.reactor, sock)

    @property
    def last(self) -> Client:
        return self.made[-1]

    def asked(self, request: bytes = GET) -> tuple[Far, Far]:
        """A client that has sent a request, and the upstream connection on which it has arrived."""
        client = self.client()
        client.send(request)
        far = self.server.accept()
        far.until(request.partition(b"\r\n\r\n")[2] or b"\r\n\r\n")
        return client, far

    def turn_until(self, condition: Callable[[], object]) -> None:
        turn_until(self.reactor, condition)

    def statuses(self) -> list[int]:
        return [status for _, status, _ in self.journal.lines]

    def ends(self) -> list[int]:
        return self.journal.ends


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer[9:12])


def refused(client: Far, world: World, wanted: int) -> None:
    """The client gets one error page, whole, and then the end."""
    answer = client.until_over()
    assert (status(answer), client.failed) == (wanted, False)
    head, _, content = answer.partition(b"\r\n\r\n")
    assert b"\r\nConnection: close" in head
    assert b"\r\nContent-Length: %d" % len(content) in head
    client.close()
    world.turn_until(lambda: world.last.closed)
