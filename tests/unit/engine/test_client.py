"""A client's connection, from its first octet to its end: a real client and a real upstream in one thread."""

import errno
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from tests.unit.engine.loopback import Far, Listening, deaf, refusing, turn_for, turn_until, turning
from tests.unit.engine.script import forward, join_chunks, table

from perijove.engine import const, slots, template
from perijove.engine.client import Client, Site
from perijove.engine.const import FILE, IN, READ_SIZE, REJECT, RESPOND
from perijove.engine.head import Limits, RequestHead
from perijove.engine.limiter import CLIENT, EXCESS, OWNER, Limiter, prepare, size_of
from perijove.engine.peer import Peer
from perijove.engine.plan import LITERAL, Plan, Timeouts
from perijove.engine.reactor import Reactor
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


class Journal:
    """The access log: what was asked, the status, and how much content was sent."""

    def __init__(self) -> None:
        self.lines: list[tuple[bytes, int, int]] = []
        self.ends: list[int] = []

    def begin(self, client: Client, head: RequestHead) -> None:
        pass

    def finish(self, client: Client) -> None:
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
        self.site = self.serve(forward(upstream=self.upstream))
        self.made: list[Client] = []
        self.refused: list[tuple[int, bytes]] = []  # by operators' limits

    def serve(self, plan: Plan, limits: Limits | None = None) -> Site:
        self.site = Site(table(plan), limits or Limits())
        self.site.timeouts = self.timeouts
        self.site.record = self.journal = Journal()
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
        client.start(near, tls, announced)
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


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        reactor = stack.enter_context(turning())
        made = World(reactor, stack)
        yield made
        turn_for(reactor, 0.02)
        for client in made.made:
            client.close()
            client.close()
        assert made.site.connections == 0
        made.upstream.close_idle()


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


# ------------------------------------------------------------------ requests, one after the other


def test_one_after_the_other_on_the_same_connections(world: World) -> None:
    client, far = world.asked()
    assert far.take() == GET
    far.send(OK)
    assert client.until(OK) == OK
    for number in range(3):
        client.take()
        client.send(GET)
        assert far.until(GET) == GET
        far.take()
        far.send(ok(b"%d" % number))
        client.until(ok(b"%d" % number))
    assert world.server.accepted() is None
    assert world.journal.lines == [(b"GET", 200, 2)] + [(b"GET", 200, 1)] * 3
    assert not client.ended


@pytest.mark.parametrize("request_", [GET, POST, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"], ids=["GET", "POST", "chunked"])
def test_octet_by_octet(request_: bytes, world: World) -> None:
    client = world.client()
    for at in range(len(request_)):
        client.send(request_[at : at + 1])
        world.reactor.turn(0.02)
    far = world.server.accept()
    turn_for(world.reactor, 0.02)
    far.look()
    assert join_chunks(far.got) == join_chunks(request_)
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    for at in range(len(answer)):
        far.send(answer[at : at + 1])
        world.reactor.turn(0.02)
    assert join_chunks(client.until(b"\r\n0\r\n\r\n"))[1:] == (b"ok", b"end\r\n")
    client.send(GET)
    far.take()
    if request_ == GET:
        far.until(GET)
    world.turn_until(lambda: world.last.upstream is not None)


def test_pipelined_requests_are_answered_in_order(world: World) -> None:
    client = world.client()
    requests = [GET.replace(b"/ ", b"/%d " % number) for number in range(5)]
    client.send(b"".join(requests))
    far = world.server.accept()
    for number, request in enumerate(requests):
        assert far.until(request) == request  # and nothing of the next: one at a time
        far.take()
        far.send(ok(b"answer %d" % number))
    assert client.until(b"answer 4") == b"".join(ok(b"answer %d" % number) for number in range(5))


def test_pipelined_after_content(world: World) -> None:
    client = world.client()
    client.send(POST + GET)
    far = world.server.accept()
    assert far.until(POST) == POST
    far.send(OK)
    assert far.until(POST + GET) == POST + GET
    far.send(ok(b"second"))
    assert client.until(b"second") == OK + ok(b"second")


def test_more_pipelined_requests_than_are_taken_in_at_once(world: World) -> None:
    client = world.client()
    count = 3000
    sent = GET.replace(b"\r\n\r\n", b"\r\nX: %b\r\n\r\n" % (b"x" * 100)) * count
    answered = 0
    far: Far | None = None
    while answered < count:
        if sent:
            sent = sent[client.offer(sent) :]
        world.reactor.turn(0.01)
        far = far or world.server.accepted()
        if far is not None:
            asked = far.look().count(b"\r\n\r\n")
            far.take()
            far.send(OK * asked)
        answered += client.look().count(OK)
        client.got = client.got[client.got.rfind(OK) + len(OK) :] if OK in client.got else client.got
        assert world.last.inbuf.size() <= 65536 + READ_SIZE
    assert world.statuses() == [200] * count


def test_an_empty_line_between_requests(world: World) -> None:
    client, far = world.asked(GET)
    far.take()
    far.send(OK)
    client.until(OK)
    client.send(b"\r\n" + GET)
    assert far.until(GET) == GET
    far.send(OK)
    client.until(OK + OK)


@pytest.mark.parametrize(
    ("request_", "fields", "ends"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"Connection: close\r\n", True),
        (b"GET / HTTP/1.0\r\n\r\n", b"Connection: close\r\n", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", b"Connection: keep-alive\r\n", False),
    ],
)
def test_when_the_connection_ends(request_: bytes, fields: bytes, ends: bool, world: World) -> None:
    client = world.client()
    client.send(request_)
    far = world.server.accept()
    far.until(b"\r\n\r\n")
    far.send(OK)
    wanted = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + fields + b"\r\nok"
    assert client.until(wanted) == wanted
    turn_for(world.reactor, 0.05)
    client.look()
    assert (client.ended, world.last.closed, client.failed) == (ends, ends, False)
    assert len(world.upstream.idle) == 1  # the upstream's does not end with it


def test_an_answer_without_length_ends_with_the_connection_for_http_1_0(world: World) -> None:
    client = world.client()
    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    far = world.server.accept()
    far.until(b"\r\n\r\n")
    far.send(b"HTTP/1.1 200 OK\r\n\r\nall of")
    far.send(b" it")
    far.close()
    assert client.until_over().endswith(b"\r\n\r\nall of it")
    assert not client.failed


def test_an_answer_without_length_is_chunked(world: World) -> None:
    client, far = world.asked()
    far.send(b"HTTP/1.1 200 OK\r\n\r\nall of")
    client.until(b"all of")
    far.send(b" it")
    client.until(b" it")
    far.close()
    assert join_chunks(client.until(b"\r\n0\r\n\r\n"))[1:] == (b"all of it", b"end\r\n")
    client.send(GET)
    world.server.accept().until(GET)


def test_head(world: World) -> None:
    client, far = world.asked(GET.replace(b"GET", b"HEAD"))
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    far.send(answer)
    assert client.until(answer) == answer
    client.send(GET)
    far.take()
    far.until(GET)
    far.send(OK)
    assert client.until(answer + OK) == answer + OK
    assert world.journal.lines[0] == (b"HEAD", 200, 0)


@pytest.mark.parametrize("code", [204, 304])
def test_answers_without_content(code: int, world: World) -> None:
    client, far = world.asked()
    far.send(b"HTTP/1.1 %d x\r\n\r\n" % code)
    assert client.until(b"\r\n\r\n") == b"HTTP/1.1 %d x\r\n\r\n" % code
    client.send(GET)
    far.until(GET + GET)


def test_continue(world: World) -> None:
    client, far = world.asked(POST.replace(b"\r\n\r\nhello", b"\r\nExpect: 100-continue\r\n\r\n"))
    assert b"Expect: 100-continue\r\n" in far.take()
    far.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.take()
    client.send(b"hello")
    assert far.until(5) == b"hello"
    far.send(OK)
    assert client.until(OK) == OK
    assert world.statuses() == [200]


def test_early_hints(world: World) -> None:
    client, far = world.asked()
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    far.send(hints)
    assert client.until(hints) == hints
    far.send(hints + OK)
    assert client.until(OK) == hints + hints + OK


# ------------------------------------------------------------------ refusals


REFUSALS = [
    (b"nonsense\r\n\r\n", 400),
    (b"\x16\x03\x01\x02", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"GET /../a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n", 414),
    (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"a" * 70000, 431),
    (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417),
    (CHUNKED + b"x\r\n", 400),
    (CHUNKED + b"5\r\nhelloX", 400),
    (post(b"x" * 1001), 413),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413),
    (CHUNKED + b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n", 413),
    (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405),
]


@pytest.mark.parametrize(("request_", "code"), REFUSALS)
def test_refusals(request_: bytes, code: int, world: World) -> None:
    world.site.body_limit = 1000
    client = world.client()
    client.send(request_ + GET)  # what follows is not looked at
    refused(client, world, code)
    assert world.statuses() == [code]
    assert world.ends() == [const.DENIED]


@pytest.mark.parametrize(
    ("request_", "code", "fields"),
    [
        (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, b"\r\nAllow: GET, HEAD, POST"),
        (b"GET /../ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 400, b"\r\nConnection: close"),
    ],
)
def test_refusals_say_more(request_: bytes, code: int, fields: bytes, world: World) -> None:
    client = world.client()
    client.send(request_)
    answer = client.until(b"</html>")
    assert status(answer) == code
    assert fields in answer
    assert b"\r\nCache-Control: no-store\r\n" in answer


def missing() -> Plan:
    plan = Plan(REJECT, Timeouts())
    plan.status = 404
    return plan


def test_what_is_understood_and_not_there_does_not_end_the_connection(world: World) -> None:
    world.serve(missing())
    client = world.client()
    for _ in range(2):
        client.send(GET)
        answer = client.until(b"</html>\n")
        client.take()
        assert status(answer) == 404
        assert b"Connection" not in answer
    client.send(GET.replace(b"GET", b"HEAD"))
    answer = client.until(b"\r\n\r\n")
    assert status(answer) == 404
    assert answer.endswith(b"\r\n\r\n")
    client.take()
    client.send(GET.replace(b"\r\n\r\n", b"\r\nAccept: application/json\r\n\r\n"))
    assert b"Content-Type: application/json" in client.until(b"}\n")
    assert world.statuses() == [404] * 4


def test_content_that_is_not_read_ends_the_connection(world: World) -> None:
    world.serve(missing())
    client = world.client()
    client.send(POST)
    refused(client, world, 404)


def test_a_page_is_not_overtaken_by_a_reset(world: World) -> None:
    world.site.body_limit = 10
    client = world.client()
    client.send(post(b"x" * 500_000))
    refused(client, world, 413)


def test_a_refused_client_that_does_not_stop(world: World) -> None:
    world.site.body_limit = 10
    client = world.client()
    with pytest.raises(OSError):
        client.send(post(b"x" * 20_000_000))
    assert world.last.closed


def test_a_refused_client_that_does_not_hang_up(world: World) -> None:
    world.timeouts.linger = 0.1
    client = world.client()
    client.send(b"nonsense\r\n\r\n")
    assert status(client.until_over()) == 400
    world.turn_until(lambda: world.last.closed)


# ------------------------------------------------------------------ answers of our own


@pytest.mark.parametrize(("method", "content"), [(b"GET", b"pong\n"), (b"HEAD", b"")])
def test_respond(method: bytes, content: bytes, world: World) -> None:
    plan = Plan(RESPOND, Timeouts())
    plan.status = 200
    plan.body = ((LITERAL, b"pong\n"),)
    plan.content_type = b"text/plain"
    world.serve(plan)
    client = world.client()
    for _ in range(2):
        client.send(GET.replace(b"GET", method))
        answer = client.until(b"\r\n\r\n" + content)
        client.take()
        head, _, rest = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
        assert b"\r\nContent-Type: text/plain\r\nContent-Length: 5" in head
        assert rest == content
    assert world.journal.lines == [(method, 200, len(content))] * 2


@pytest.fixture
def served(world: World, tmp_path: Path) -> Path:
    """A directory whose files are served below /f/."""
    plan = Plan(FILE, Timeouts())
    plan.directory = os.fsencode(tmp_path)
    plan.below = b"/f/"
    plan.content_type = b"application/octet-stream"
    world.serve(plan)
    return tmp_path


def test_a_file(world: World, served: Path) -> None:
    (served / "token").write_bytes(b"thumb\n")
    client = world.client()
    for method, target, content in (
        (b"GET", b"/f/token", b"thumb\n"),
        (b"HEAD", b"/f/token", b""),
        (b"GET", b"/f/token?x=/y", b"thumb\n"),
        (b"GET", b"http://b/f/token", b"thumb\n"),
    ):
        client.send(GET.replace(b"GET /", b"%b %b" % (method, target)))
        head, _, rest = client.until(b"\r\n\r\n" + content).partition(b"\r\n\r\n")
        client.take()
        assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
        assert b"\r\nCache-Control: no-store\r\nContent-Type: application/octet-stream\r\nContent-Length: 6" in head
        assert rest == content
    assert [line[1:] for line in world.journal.lines] == [(200, 6), (200, 0), (200, 6), (200, 6)]


def test_a_file_that_is_not_there(world: World, served: Path) -> None:
    client = world.client()
    client.send(GET.replace(b"/", b"/f/token", 1))
    answer = client.until(b"</html>\n")
    assert status(answer) == 404
    assert b"Administrators: files are served at this path" in answer
    client.take()
    (served / "token").write_bytes(b"now it is")
    client.send(GET.replace(b"/", b"/f/token", 1))
    assert client.until(b"now it is").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"X"])
def test_a_file_is_only_read(method: bytes, world: World, served: Path) -> None:
    (served / "token").write_bytes(b"thumb")
    client = world.client()
    client.send(GET.replace(b"GET /", method + b" /f/token"))
    answer = client.until(b"</html>\n")
    assert status(answer) == 405
    assert b"\r\nAllow: GET, HEAD\r\n" in answer
    assert b"thumb" not in answer


def test_content_for_a_file_is_not_read(world: World, served: Path) -> None:
    (served / "token").write_bytes(b"thumb")
    client = world.client()
    client.send(post(b"hello", b"GET").replace(b"/", b"/f/token", 1) + GET)
    answer = client.until_over()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in answer


# ------------------------------------------------------------------ content


def test_a_large_upload_to_an_upstream_that_does_not_read(world: World) -> None:
    content = os.urandom(1 << 20) * 16
    client = world.client()
    client.send(post(content)[:1000])
    far = world.server.accept()
    most = sent = 0
    data = post(content)[1000:]
    for _ in range(400):
        sent += client.offer(data[sent : sent + 1_000_000])
        world.reactor.turn(0)
        upstream = world.last.upstream
        assert upstream is not None
        most = max(most, upstream.outbuf.size() + world.last.inbuf.size())
    assert sent < len(data)  # it is held back
    assert most <= READ_SIZE + 1000
    while sent < len(data):
        sent += client.offer(data[sent : sent + 1_000_000])
        far.look()
        world.reactor.turn(0.01)
    assert far.until(len(post(content))) == post(content)
    far.send(OK)
    assert client.until(OK) == OK


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_answer_to_a_client_that_does_not_read(chunked: bool, world: World) -> None:
    content = os.urandom(1 << 20) * 4
    answer = ok(content)
    if chunked:
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer += (
            b"".join(b"100000\r\n%b\r\n" % content[at : at + (1 << 20)] for at in range(0, 1 << 22, 1 << 20)) + b"0\r\n\r\n"
        )
    client = world.client(small=True)
    client.send(GET)
    far = world.server.accept()
    sent = most = 0
    for _ in range(300):
        sent += far.offer(answer[sent : sent + 500_000])
        world.reactor.turn(0)
        upstream = world.last.upstream
        most = max(most, world.last.outbuf.size() + (upstream.inbuf.size() if upstream else 0))
    assert most <= READ_SIZE + 1000
    while sent < len(answer):
        sent += far.offer(answer[sent:])
        client.look()
        world.reactor.turn(0.01)
    if chunked:
        assert join_chunks(client.until(b"\r\n0\r\n\r\n"))[1] == content
    else:
        assert client.until(len(answer)) == answer
    client.take()
    client.send(GET)
    far.until(GET + GET)
    far.send(OK)
    assert client.until(OK) == OK


def test_an_answer_that_is_complete_lets_go_of_the_upstream_connection(world: World) -> None:
    client = world.client(small=True)
    client.send(GET)
    far = world.server.accept()
    far.until(GET)
    content = b"x" * 100_000
    far.send(ok(content))
    world.turn_until(lambda: world.upstream.idle)
    assert world.last.outbuf.size()  # although the client has not taken it all
    client.send(GET)
    assert client.until(len(ok(content))) == ok(content)
    far.until(GET + GET)


def test_trailers_and_chunks_are_framed_anew(world: World) -> None:
    client = world.client()
    client.send(CHUNKED + b"5;ext=1\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")
    far = world.server.accept()
    assert far.until(b"\r\n0\r\n") == CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
    far.send(OK)
    client.until(OK)


@pytest.mark.parametrize("ends", [False, True])
def test_an_answer_before_the_content_has_come(ends: bool, world: World) -> None:
    client = world.client()
    client.send(post(b"x" * 100_000)[:50_000])
    far = world.server.accept()
    far.until(40_000)
    far.send(b"HTTP/1.1 507 Full\r\nContent-Length: 4\r\n\r\nfull")
    if ends:
        far.close()
    wanted = b"HTTP/1.1 507 Full\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfull"
    client.until(wanted)
    client.send(b"x" * 20_000)  # it goes on without having seen it
    assert client.until_over() == wanted
    assert not client.failed
    assert world.statuses() == [507]
    assert world.upstream.idle == []  # what is still to come on it nobody knows


def test_an_answer_before_the_content_and_a_reset(world: World) -> None:
    client = world.client()
    data = post(b"x" * 20_000_000)
    client.send(data[:100_000])
    far = world.server.accept()
    far.until(1000)
    far.send(b"HTTP/1.1 507 Full\r\nContent-Length: 4\r\n\r\nfull")
    far.close()  # with octets that were not read: RST
    sent = 100_000
    while not (client.look() and client.ended) and not client.failed:
        try:
            sent += client.offer(data[sent : sent + 100_000])
        except OSError:
            break
        world.reactor.turn(0.01)
    client.until_over()
    assert client.got == b"HTTP/1.1 507 Full\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfull"


# ------------------------------------------------------------------ upstreams that fail


@pytest.mark.parametrize(
    "request_",
    [GET, GET.replace(b"GET", b"HEAD"), post(b"hello", b"PUT"), GET.replace(b"GET", b"DELETE")],
    ids=["GET", "HEAD", "PUT", "DELETE"],
)
def test_sent_again_when_a_connection_ends_without_an_answer(request_: bytes, world: World) -> None:
    client, far = world.asked(GET)
    far.send(OK)
    client.until(OK)
    far.take()
    client.take()
    client.send(request_)
    if request_.startswith(b"PUT"):
        far = world.server.accept()  # what has content has a connection of its own
    far.until(request_)
    far.close()
    far = world.server.accept()
    assert far.until(request_) == request_
    answer = OK if not request_.startswith(b"HEAD") else OK[:-2]
    far.send(answer)
    assert client.until(answer) == answer
    assert world.statuses() == [200, 200]
    assert world.ends() == [const.DONE, const.DONE]


def test_sent_again_only_once(world: World) -> None:
    client, far = world.asked()
    far.close()
    world.server.accept().close()
    assert status(client.until(b"</html>\n")) == 502
    assert b"\r\nRetry-After: 2\r\n" in client.take()
    assert world.server.accepted() is None
    client.send(GET)  # the client's connection is as good as ever
    far = world.server.accept()
    far.until(GET)
    far.send(OK)
    client.until(OK)


@pytest.mark.parametrize(
    "request_", [POST, GET.replace(b"GET", b"PATCH"), GET.replace(b"GET", b"POST")], ids=["POST", "PATCH", "POST without"]
)
@pytest.mark.parametrize("how", ["end", "reset"])
def test_never_sent_again(request_: bytes, how: str, world: World) -> None:
    client, far = world.asked()
    far.send(OK)
    client.until(OK)
    client.take()
    client.send(request_)
    other = world.server.accept()  # never on a connection that may have ended unseen
    other.until(request_)
    other.close() if how == "end" else other.reset()
    assert status(client.until(b"</html>\n")) == 502
    assert world.server.accepted() is None
    assert far.got == GET
    assert world.statuses() == [200, 502]
    assert world.ends() == [const.DONE, const.LOST]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
)
def test_never_sent_again_when_an_answer_has_begun(answer: bytes, world: World) -> None:
    client, far = world.asked()
    far.send(answer)
    turn_for(world.reactor, 0.05)
    far.close()
    assert status(client.until(b"</html>\n")) == 502
    assert world.server.accepted() is None


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70000,
        b"HTTP/1.1 103 x\r\n\r\n" * 17,
        SWITCHED,  # nobody asked for it
    ],
)
def test_answers_that_are_not_understood(answer: bytes, world: World) -> None:
    client, far = world.asked()
    far.send(answer)
    got = client.until(b"</html>\n")
    assert status(got[got.index(b"HTTP/1.1 502") :]) == 502
    assert far.until_over() == GET
    assert world.upstream.idle == []
    assert world.statuses() == [502]
    assert world.ends() == [const.BAD_RESPONSE]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n0\r\n",
    ],
)
@pytest.mark.parametrize("how", ["end", "reset"])
def test_an_answer_that_is_cut(answer: bytes, how: str, world: World) -> None:
    client, far = world.asked()
    far.send(answer)
    client.until(b"only")
    far.close() if how == "end" else far.reset()
    client.until_over()
    assert client.failed  # it must not be taken for all
    assert world.statuses() == [200]
    assert world.ends() == [const.LOST]
    assert world.last.closed


def test_chunks_that_break(world: World) -> None:
    client, far = world.asked()
    far.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n")
    client.until(b"only")
    far.send(b"nonsense\r\n")
    client.until_over()
    assert client.failed
    assert b"nonsense" not in client.got


def test_an_answer_without_length_that_is_reset(world: World) -> None:
    client, far = world.asked()
    far.send(b"HTTP/1.1 200 OK\r\n\r\nonly")
    client.until(b"only")
    far.reset()
    client.until_over()
    assert client.failed
    assert b"\r\n0\r\n\r\n" not in client.got


def test_an_answer_that_is_cut_while_the_client_is_slow(world: World) -> None:
    client = world.client(small=True)
    client.send(GET)
    far = world.server.accept()
    far.until(GET)
    answer = ok(b"x" * 3_000_000)
    sent = 0
    for _ in range(100):
        sent += far.offer(answer[sent : sent + 100_000])
        world.reactor.turn(0)
    far.reset()
    turn_for(world.reactor, 0.05)
    assert client.until_over()
    assert client.failed
    assert len(client.got) < len(answer)
    world.turn_until(lambda: world.last.closed)


def test_octets_after_the_answer_spoil_the_connection(world: World) -> None:
    client, far = world.asked()
    far.send(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
    assert client.until(OK) == OK
    assert far.until_over() == GET
    client.send(GET)
    other = world.server.accept()
    other.until(GET)
    other.send(OK)
    assert client.until(OK + OK) == OK + OK


@pytest.mark.parametrize(
    "answer", [OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), OK.replace(b"HTTP/1.1", b"HTTP/1.0")]
)
def test_a_connection_that_upstream_ends_is_not_kept(answer: bytes, world: World) -> None:
    client, far = world.asked()
    far.send(answer)
    assert client.until(OK) == OK
    assert world.upstream.idle == []
    far.until_over()


def test_refused(world: World) -> None:
    with refusing() as address:
        world.upstream.addresses = [(socket.AF_INET, address)]
        client = world.client()
        client.send(GET)
        assert status(client.until(b"</html>\n")) == 503
    assert b"Connection" not in client.take()
    world.upstream.addresses = [(socket.AF_INET, world.server.address)]
    client.send(GET)
    far = world.server.accept()
    far.until(GET)
    far.send(OK)
    client.until(OK)
    assert world.statuses() == [503, 200]
    assert world.ends() == [const.REFUSED, const.DONE]


@pytest.mark.parametrize("request_", [GET, POST])
def test_an_upstream_that_is_being_restarted_is_waited_for(request_: bytes, world: World) -> None:
    client, far = world.asked()
    far.send(OK)
    client.until(OK)
    world.upstream.close_idle()
    client.take()
    with refusing() as address:
        world.upstream.addresses = [(socket.AF_INET, address)]
        client.send(request_)
        turn_for(world.reactor, 0.3)
        assert client.look() == b""
        world.upstream.addresses = [(socket.AF_INET, world.server.address)]
        far = world.server.accept()
        assert far.until(request_) == request_
        far.send(OK)
        assert client.until(OK) == OK


def test_content_that_comes_while_upstream_is_being_restarted(world: World) -> None:
    world.upstream.last_answer = world.reactor.now
    with refusing() as address:
        world.upstream.addresses = [(socket.AF_INET, address)]
        client = world.client()
        client.send(POST[:-5])
        for octet in b"hel":
            turn_for(world.reactor, 0.03)
            client.send(bytes((octet,)))
        world.upstream.addresses = [(socket.AF_INET, world.server.address)]
        far = world.server.accept()
        client.send(b"lo")
        assert far.until(POST) == POST
        far.send(OK)
        assert client.until(OK) == OK


def test_an_upstream_that_does_not_come_back(world: World) -> None:
    world.upstream.last_answer = world.reactor.now
    with refusing() as address:
        world.upstream.addresses = [(socket.AF_INET, address)]
        client = world.client()
        client.send(GET)
        turn_for(world.reactor, 0.5)
        assert client.look() == b""
        assert status(client.until(b"</html>\n")) == 503


def test_an_unknown_name(world: World) -> None:
    world.upstream.addresses = []
    world.upstream.unresolved = True
    client = world.client()
    client.send(GET)
    assert status(client.until(b"</html>\n")) == 502


# ------------------------------------------------------------------ clients that go


def test_a_client_that_does_not_wait(world: World) -> None:
    client, far = world.asked()
    client.close()
    assert far.until_over() == GET  # what it waited for is not kept running
    assert world.statuses() == [499]
    assert world.ends() == [const.CLIENT_GONE]


def test_a_client_that_goes_in_the_middle_of_its_content(world: World) -> None:
    client, far = world.asked(post(b"x" * 100)[:-50])
    client.close()
    far.until_over()
    assert world.statuses() == [499]
    assert world.ends() == [const.CLIENT_GONE]


@pytest.mark.parametrize("how", ["end", "reset"])
def test_a_client_that_goes_in_the_middle_of_its_answer(how: str, world: World) -> None:
    client, far = world.asked()
    far.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    client.until(b"half")
    client.close() if how == "end" else client.reset()
    far.until_over()
    assert world.statuses() == [200]
    assert world.ends() == [const.CLIENT_GONE]
    assert world.upstream.idle == []


@pytest.mark.parametrize("sent", [b"", b"GET / HT"])
def test_a_client_that_asks_for_nothing(sent: bytes, world: World) -> None:
    client = world.client()
    client.send(sent)
    turn_for(world.reactor, 0.02)
    client.close()
    world.turn_until(lambda: world.last.closed)
    assert world.statuses() == []


# ------------------------------------------------------------------ timeouts


def test_a_head_that_does_not_end(world: World) -> None:
    world.timeouts.header = 0.3
    client = world.client()
    client.send(b"GET / HTTP/1.1\r\n")
    turn_for(world.reactor, 0.15)
    client.send(b"Host: a\r\n")  # a slow trickle does not put it off
    refused(client, world, 408)
    assert world.statuses() == [408]
    assert world.ends() == [const.CLIENT_TIMEOUT]


def test_a_client_that_says_nothing(world: World) -> None:
    world.timeouts.header = 0.1
    client = world.client()
    assert client.until_over() == b""
    assert not client.failed
    assert world.statuses() == []


def test_nothing_further(world: World) -> None:
    world.timeouts.keepalive = 0.1
    client, far = world.asked()
    far.send(OK)
    assert client.until_over() == OK
    assert not client.failed
    assert world.statuses() == [200]


def test_a_second_head_that_does_not_end(world: World) -> None:
    client, far = world.asked()
    far.send(OK)
    client.until(OK)
    client.take()
    world.timeouts.header = 0.2
    client.send(b"GET")
    refused(client, world, 408)
    assert world.ends() == [const.DONE, const.CLIENT_TIMEOUT]
    assert world.journal.lines[1][0] == b""  # not what was asked before


def test_a_second_request_that_is_not_understood_is_not_taken_for_the_first(world: World) -> None:
    client, far = world.asked(POST)
    far.send(OK)
    client.until(OK)
    client.take()
    exchange = world.last.exchange
    assert (exchange.received, exchange.answered > 0, exchange.asked) == (5, True, True)
    first = template.request_id(exchange)
    client.send(b"nonsense\r\n\r\n")
    refused(client, world, 400)
    assert world.ends() == [const.DONE, const.DENIED]
    assert (exchange.method, exchange.target, exchange.plan) == (b"", b"", None)
    assert (exchange.received, exchange.answered, exchange.asked) == (0, 0.0, False)
    assert template.request_id(exchange) != first


def test_when_the_answer_began(world: World) -> None:
    client, far = world.asked()
    exchange = world.last.exchange
    turn_for(world.reactor, 0.1)
    assert exchange.answered == 0.0
    far.send(OK[:5])
    world.turn_until(lambda: exchange.answered)
    assert 0.1 <= exchange.answered - exchange.begun < 2
    seen = exchange.answered
    turn_for(world.reactor, 0.05)
    far.send(OK[5:])
    client.until(OK)
    assert exchange.answered == seen


def test_octets_that_come_with_the_handshake_are_counted(world: World) -> None:
    client, far = world.asked(UPGRADE)
    client.send(b"early client")
    turn_for(world.reactor, 0.02)
    far.send(SWITCHED + b"early")
    client.until(b"early")
    far.until(b"early client")
    assert (world.last.exchange.received, world.last.exchange.sent) == (12, 5)
    assert world.last.tunnelled >= world.last.exchange.answered > 0


def test_content_that_does_not_come(world: World) -> None:
    world.timeouts.body = 0.2
    client, far = world.asked(post(b"x" * 100)[:-50])
    refused(client, world, 408)
    far.until_over()
    assert world.statuses() == [408]
    assert world.ends() == [const.CLIENT_TIMEOUT]


def test_content_that_comes_slowly(world: World) -> None:
    world.timeouts.body = 0.5
    client, far = world.asked(post(b"x" * 5)[:-5])
    for _ in range(5):
        turn_for(world.reactor, 0.2)
        client.send(b"x")
    assert far.until(post(b"x" * 5)) == post(b"x" * 5)
    turn_for(world.reactor, 0.8)  # it is complete: the client has nothing more to bring
    far.send(OK)
    assert client.until(OK) == OK


def test_no_answer(world: World) -> None:
    world.timeouts.response = 0.2
    client, far = world.asked()
    assert status(client.until(b"</html>\n")) == 504
    assert far.until_over() == GET
    assert world.server.accepted() is None  # nor is it sent again
    assert world.statuses() == [504]
    assert world.ends() == [const.RESPONSE_TIMEOUT]


def test_an_upstream_that_takes_no_content(world: World) -> None:
    world.timeouts.response = 0.3
    client = world.client()
    client.send(post(b"x" * 20_000_000)[:100])
    world.server.accept()
    while not client.look():
        client.offer(b"x" * 1_000_000)
        world.reactor.turn(0.01)
    assert status(client.until_over()) == 504


def test_an_answer_that_falls_silent(world: World) -> None:
    world.timeouts.stream = 0.2
    client, far = world.asked()
    far.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    assert client.until_over().endswith(b"half")
    assert client.failed


def test_a_client_that_takes_nothing(world: World) -> None:
    world.timeouts.write = 0.3
    client = world.client(small=True)
    client.send(GET)
    far = world.server.accept()
    with pytest.raises(OSError):
        far.send(ok(b"x" * 20_000_000))
    world.turn_until(lambda: world.last.closed)
    client.until_over()
    assert client.failed
    assert world.statuses() == [200]
    assert world.ends() == [const.CLIENT_TIMEOUT]


def test_a_client_that_takes_nothing_of_a_whole_answer(world: World) -> None:
    world.timeouts.write = 0.3
    client = world.client(small=True)
    client.send(GET)
    far = world.server.accept()
    far.send(ok(b"x" * 100_000))
    world.turn_until(lambda: world.last.closed)
    client.until_over()
    assert client.failed
    assert world.statuses() == [200]


needs_deaf = pytest.mark.skipif(os.uname().sysname != "Linux", reason="only Linux lets a full queue wait")


@needs_deaf
@pytest.mark.parametrize("request_", [GET, POST, POST[:-2]])
def test_no_connection(request_: bytes, world: World) -> None:
    world.timeouts.connect = 0.3
    with deaf() as address:
        world.upstream.addresses = [(socket.AF_INET, address)]
        client = world.client()
        client.send(request_)
        assert status(client.until(b"</html>\n")) == 504
    assert world.statuses() == [504]
    assert world.ends() == [const.CONNECT_TIMEOUT]


@needs_deaf
def test_content_does_not_put_off_the_connect_timeout(world: World) -> None:
    world.timeouts.connect = 0.4
    world.timeouts.body = 0.2  # it is not the client that is waited for
    with deaf() as address:
        world.upstream.addresses = [(socket.AF_INET, address)]
        client = world.client()
        client.send(POST[:-5])
        for octet in b"hello":
            turn_for(world.reactor, 0.02)
            client.send(bytes((octet,)))
        assert status(client.until(b"</html>\n")) == 504


# ------------------------------------------------------------------ tunnels


def tunnel(world: World) -> tuple[Far, Far]:
    client, far = world.asked(UPGRADE)
    far.take()
    far.send(SWITCHED)
    assert client.until(SWITCHED) == SWITCHED
    client.take()
    return client, far


def test_a_tunnel(world: World) -> None:
    client, far = tunnel(world)
    data = os.urandom(300_000)
    for one, other in ((client, far), (far, client)):
        one.send(b"\x81\x05hello")
        assert other.until(7) == b"\x81\x05hello"
        other.take()
        one.send(data)
        assert other.until(len(data)) == data
        other.take()
    assert world.statuses() == []
    client.close()
    assert far.until_over() == b""
    far.close()
    world.turn_until(lambda: world.last.closed)
    assert world.statuses() == [101]
    assert world.ends() == [const.DONE]
    assert (world.last.exchange.received, world.last.exchange.sent) == (300_007, 300_007)


def test_what_is_said_before_the_tunnel_stands(world: World) -> None:
    client, far = world.asked(UPGRADE)
    client.send(b"early client")
    turn_for(world.reactor, 0.02)
    assert b"early" not in far.look()  # it is not agreed yet
    far.send(SWITCHED + b"early upstream")
    assert client.until(b"early upstream") == SWITCHED + b"early upstream"
    far.until(b"early client")
    assert far.got.endswith(b"early client")


@pytest.mark.parametrize("which", [0, 1])
def test_half_a_tunnel(which: int, world: World) -> None:
    ends = tunnel(world)
    first, second = ends[which], ends[1 - which]
    first.send(b"last words")
    first.finish()
    assert second.until_over() == b"last words"
    second.send(b"an answer all the same")
    assert first.until(b"the same") == b"an answer all the same"
    second.finish()
    first.until_over()
    assert (first.failed, second.failed) == (False, False)
    world.turn_until(lambda: world.last.closed)
    assert world.statuses() == [101]
    assert world.ends() == [const.DONE]


def test_half_a_tunnel_does_not_stay(world: World) -> None:
    world.timeouts.write = 0.2
    client, far = tunnel(world)
    client.finish()
    far.until_over()
    client.until_over()
    assert world.last.closed
    assert world.statuses() == [101]
    assert world.ends() == [const.RESPONSE_TIMEOUT]


@pytest.mark.parametrize("which", [0, 1])
def test_a_tunnel_that_is_reset(which: int, world: World) -> None:
    ends = tunnel(world)
    ends[which].reset()
    ends[1 - which].until_over()
    world.turn_until(lambda: world.last.closed)
    assert world.statuses() == [101]
    assert world.ends() == [(const.CLIENT_GONE, const.LOST)[which]]


@pytest.mark.parametrize("which", [0, 1])
def test_a_tunnel_holds_back_who_is_too_fast(which: int, world: World) -> None:
    ends = tunnel(world)
    fast, slow = ends[which], ends[1 - which]
    data = os.urandom(1 << 20) * 16
    sent = most = 0
    client = world.last
    for _ in range(300):
        sent += fast.offer(data[sent : sent + 500_000])
        world.reactor.turn(0)
        assert client.upstream is not None
        most = max(most, sum(one.outbuf.size() + one.inbuf.size() for one in (client, client.upstream)))
    assert sent < len(data)
    assert most <= READ_SIZE
    while sent < len(data):
        sent += fast.offer(data[sent:])
        slow.look()
        world.reactor.turn(0.01)
    fast.finish()
    assert slow.until_over() == data


def test_a_silent_tunnel_stays(world: World) -> None:
    world.timeouts.stream = world.timeouts.response = world.timeouts.keepalive = world.timeouts.body = 0.1
    client, far = tunnel(world)
    turn_for(world.reactor, 0.5)
    client.send(b"still there")
    assert far.until(11) == b"still there"


def test_tunnel_timeout(world: World) -> None:
    world.timeouts.tunnel = 0.5
    client, far = tunnel(world)
    for _ in range(4):
        turn_for(world.reactor, 0.2)
        far.send(b"x")
    assert client.until(4) == b"xxxx"
    client.until_over()
    far.until_over()
    assert not client.failed
    assert world.statuses() == [101]
    assert world.ends() == [const.IDLE]


def test_an_upgrade_that_is_declined(world: World) -> None:
    client, far = world.asked(UPGRADE)
    far.take()
    far.send(OK)
    assert client.until(OK) == OK
    client.send(GET)
    assert far.until(GET) == GET


# ------------------------------------------------------------------ the end of the process


def test_draining(world: World) -> None:
    client, far = world.asked()
    idle = world.client()
    turn_for(world.reactor, 0.02)
    world.reactor.draining = True
    for one in world.made:
        one.drain()
        one.close_if_idle()
    assert idle.until_over() == b""
    far.send(OK)
    assert client.until_over() == OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert not client.failed
    late = world.client()
    late.send(GET)
    far = world.server.accepted() or far
    far.take()
    far.until(GET)
    far.send(OK)
    assert b"\r\nConnection: close\r\n" in late.until_over()


def test_draining_in_the_middle_of_an_answer(world: World) -> None:
    client, far = world.asked()
    far.send(OK[:-1])
    client.until(OK[:-1])
    world.reactor.draining = True
    world.last.drain()
    world.last.close_if_idle()
    far.send(b"k")
    assert client.until(OK) == OK


def test_the_end_of_an_exchange(world: World) -> None:
    client, far = world.asked()
    far.send(OK[:-1])
    client.until(OK[:-1])
    world.last.end()
    client.until_over()
    assert client.failed
    far.until_over()
    assert world.statuses() == [200]
    assert world.ends() == [const.CUT]


def test_the_end_of_a_tunnel(world: World) -> None:
    client, far = tunnel(world)
    world.last.end()
    client.until_over()
    far.until_over()
    assert (client.failed, far.failed) == (False, False)
    assert world.statuses() == [101]
    assert world.ends() == [const.CUT]


# ------------------------------------------------------------------ TLS on both sides


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("a.example").configure_cert(context)
    return context


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # as server.tls makes it
    authority.configure_trust(context)
    return context


@pytest.fixture
def secure(world: World, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> Callable[[], Far]:
    """Make a client that has done its handshake; the upstream speaks TLS as well."""
    world.upstream.tls = client_tls
    world.upstream.server_name = "a.example"

    def make() -> Far:
        client = world.client(server_tls)
        client.sock = client_tls.wrap_socket(
            client.sock, server_hostname="a.example", do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        world.stack.callback(client.sock.close)
        client.handshake()
        return client

    return make


def test_tls(secure: Callable[[], Far], world: World, server_tls: ssl.SSLContext) -> None:
    client = secure()
    client.send(GET)
    far = world.server.accept(server_tls)
    assert far.until(GET) == GET
    data = os.urandom(1 << 20)
    far.send(ok(data))
    assert client.until(len(ok(data))) == ok(data)
    client.take()
    client.send(GET + GET)
    far.take()
    for _ in range(2):
        far.until(GET)
        far.take()
        far.send(OK)
    assert client.until(OK + OK) == OK + OK


def test_tls_upload(secure: Callable[[], Far], world: World, server_tls: ssl.SSLContext) -> None:
    client = secure()
    request = post(os.urandom(100_000))
    client.send(request)
    far = world.server.accept(server_tls)
    assert far.until(len(request)) == request
    far.send(OK)
    client.until(OK)
    client.send(POST + GET)
    other = world.server.accept(server_tls)
    assert other.until(POST) == POST
    other.send(OK)
    client.until(OK + OK)


def test_tls_answer_that_is_cut(secure: Callable[[], Far], world: World, server_tls: ssl.SSLContext) -> None:
    client = secure()
    client.send(GET)
    far = world.server.accept(server_tls)
    far.until(GET)
    far.send(b"HTTP/1.1 200 OK\r\n\r\nonly")
    client.until(b"only")
    far.close()  # without close_notify: whether that is all nobody can know
    client.until_over()
    assert client.failed


def test_tls_tunnel(secure: Callable[[], Far], world: World, server_tls: ssl.SSLContext) -> None:
    client = secure()
    client.send(UPGRADE)
    far = world.server.accept(server_tls)
    far.until(b"\r\n\r\n")
    far.send(SWITCHED + b"hello")
    client.until(SWITCHED + b"hello")
    client.take()
    far.take()
    data = os.urandom(200_000)
    for one, other in ((client, far), (far, client)):
        one.send(data)
        assert other.until(len(data)) == data
    far.close()
    client.until_over()
    world.turn_until(lambda: world.last.closed)
    assert world.statuses() == [101]
    assert world.ends() == [const.LOST]  # without close_notify


def test_a_handshake_that_does_not_end(world: World, server_tls: ssl.SSLContext) -> None:
    world.timeouts.handshake = 0.1
    client = world.client(server_tls)
    assert client.until_over() == b""
    assert world.last.closed
    assert world.statuses() == []


def test_a_fault_of_ours(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    client, far = world.asked()
    plan = world.last.exchange.plan
    assert plan is not None
    plan.response_edits = ("not an edit",)  # type: ignore[assignment]
    far.send(OK)
    client.until_over()
    assert client.failed
    assert far.until_over() == GET
    assert "internal error" in capsys.readouterr().err
    plan.response_edits = ()
    assert world.last.closed
    other, _ = world.asked()
    assert other.sock.fileno() >= 0
    assert world.last.interest == IN


# ------------------------------------------------------------------ behind a balancer

PROXY = b"PROXY TCP4 198.51.100.7 10.0.0.1 50000 443\r\n"


@pytest.mark.parametrize("cut", [len(PROXY), len(PROXY) + 5, 1, len(PROXY) - 1])
def test_a_balancer_says_whose_the_connection_is(cut: int, world: World) -> None:
    client = world.client(announced=True)
    data = PROXY + GET
    client.send(data[:cut])
    turn_for(world.reactor, 0.05)
    assert world.last.peer.address == (b"192.0.2.1" if cut < len(PROXY) else b"198.51.100.7")
    client.send(data[cut:])
    far = world.server.accept()
    assert far.until(GET) == GET
    peer = world.last.peer
    assert (peer.address, peer.port, world.last.exchange.address) == (b"198.51.100.7", 50000, b"198.51.100.7")
    far.send(OK)
    assert client.until(OK) == OK


def test_nothing_of_the_handshake_is_read_with_the_balancers_header(
    world: World, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    client = world.client(server_tls, announced=True)
    client.send(PROXY)
    client.sock = client_tls.wrap_socket(client.sock, server_hostname="a.example", do_handshake_on_connect=False)
    world.stack.callback(client.sock.close)
    client.handshake()  # nothing was turned before: its first octets are there with the header
    client.send(GET)
    far = world.server.accept()
    assert far.until(GET) == GET
    far.send(OK)
    assert client.until(OK) == OK


def test_a_part_of_a_header_keeps_nothing_busy(world: World) -> None:
    world.timeouts.handshake = 0.5
    client = world.client(announced=True)
    client.send(PROXY[:-1])
    assert turn_for(world.reactor, 0.3) < 10
    assert client.until_over() == b""
    assert (world.last.closed, world.statuses()) == (True, [])


@pytest.mark.parametrize("data", [GET, PROXY.replace(b"TCP4", b"TCP6"), b"\x16\x03\x01"])
def test_one_that_is_not_announced_is_closed_without_an_answer(data: bytes, world: World) -> None:
    client = world.client(announced=True)
    client.send(data)
    assert client.until_over() == b""
    assert (world.last.closed, world.statuses()) == (True, [])


def test_a_balancer_that_hangs_up(world: World) -> None:
    for data in (b"", PROXY[:9]):
        client = world.client(announced=True)
        client.send(data)
        client.finish()
        assert client.until_over() == b""
    client = world.client(announced=True)
    client.reset()
    world.turn_until(lambda: world.last.closed)


def test_a_connection_that_hung_up_before_its_handshake(world: World) -> None:
    class Failing(ssl.SSLContext):
        def wrap_socket(self, *_: object, **__: object) -> ssl.SSLSocket:
            raise OSError(errno.ENOTCONN, "it hung up again")

    client = world.client(Failing(ssl.PROTOCOL_TLS_SERVER), announced=True)
    client.send(PROXY)
    assert client.until_over() == b""
    assert world.last.closed


# ------------------------------------------------------------------ limits


PEER = b"192.0.2.1"
CLIENT_SPOT = (CLIENT, PEER)
ALICE = (OWNER, b"up\0alice")


def limiting(world: World, connections: int = 0, tunnels: int = 0, rate: float = 0.0, burst: int = 1) -> Limiter:
    memory = memoryview(bytearray(size_of(1)))
    prepare(memory)
    made = Limiter(memory, 0)
    made.per_client, made.tunnels, made.word = connections, tunnels, b"user"
    made.admit(rate, burst)
    world.site.limiter = made
    world.refused = []
    world.site.tell = lambda limit, who: world.refused.append((limit, who))
    return made


def counted(limiter: Limiter, key: tuple[bytes, bytes]) -> int:
    return limiter.count(limiter.spot(*key))


def upgrading(name: bytes) -> bytes:
    return UPGRADE.replace(b"/ws", b"/user/%b/ws" % name)


def test_a_connection_too_many_is_told_so(world: World) -> None:
    limiter = limiting(world, connections=1)
    stands = world.client()
    assert counted(limiter, CLIENT_SPOT) == 1
    told = world.client()
    assert counted(limiter, CLIENT_SPOT) == 1
    assert counted(limiter, (EXCESS, PEER)) == 1
    closed = world.client()
    assert closed.until_over() == b""
    turn_for(world.reactor, 0.05)
    told.send(POST)
    refused(told, world, 429)
    assert world.refused == [(slots.LIMITED_ADDRESS, PEER)] * 2
    world.turn_until(lambda: counted(limiter, (EXCESS, PEER)) == 0)
    assert counted(limiter, CLIENT_SPOT) == 1
    stands.close()
    world.turn_until(lambda: counted(limiter, CLIENT_SPOT) == 0)


def test_a_handshake_is_not_begun_for_one_too_many(world: World, server_tls: ssl.SSLContext) -> None:
    limiter = limiting(world, connections=1)
    world.client()
    assert world.client(server_tls).until_over() == b""
    assert counted(limiter, (EXCESS, PEER)) == 0


def test_a_refused_request_leaves_the_connection_usable(world: World) -> None:
    limiting(world, rate=0.01, burst=1)
    client, far = world.asked(GET)
    far.send(OK)
    client.until(b"ok")
    client.take()
    client.send(GET)
    told = client.until(b"</html>\n")
    assert status(told) == 429
    assert b"\r\nRetry-After: 100\r\n" in told
    assert b"\r\nConnection:" not in told
    client.take()
    client.send(GET)
    assert status(client.until(b"</html>\n")) == 429
    client.take()
    client.send(POST)
    refused(client, world, 429)
    assert world.refused == [(slots.LIMITED_RATE, PEER)] * 3


def test_a_tunnel_too_many(world: World) -> None:
    limiter = limiting(world, tunnels=1)
    client, far = world.asked(upgrading(b"alice"))
    assert counted(limiter, ALICE) == 1  # it is on its way
    other = world.client()
    other.send(upgrading(b"%61lice"))
    assert status(other.until(b"</html>\n")) == 429
    other.take()
    far.send(SWITCHED)
    client.until(b"\r\n\r\n")
    assert counted(limiter, ALICE) == 1
    other.send(upgrading(b"alice"))
    assert status(other.until(b"</html>\n")) == 429
    assert world.refused == [(slots.LIMITED_TUNNELS, b"alice")] * 2
    client.reset()
    world.turn_until(lambda: counted(limiter, ALICE) == 0)


@pytest.mark.parametrize("ending", ["declined", "broken", "client", "upstream", "reset"])
def test_a_tunnel_that_does_not_come_about_is_given_back(ending: str, world: World) -> None:
    limiter = limiting(world, tunnels=1)
    client, far = world.asked(upgrading(b"alice"))
    assert counted(limiter, ALICE) == 1
    if ending == "declined":
        far.send(OK)
        client.until(b"ok")
    elif ending == "broken":
        far.send(b"nonsense\r\n\r\n")
        assert status(client.until(b"</html>\n")) == 502
    elif ending == "client":
        client.close()
    elif ending == "upstream":
        world.server.close()
        far.close()
    else:
        client.reset()
    world.turn_until(lambda: counted(limiter, ALICE) == 0)


def test_what_stood_before_there_were_limits(world: World) -> None:
    """It is counted when it is entered, once, and given back when it ends."""
    client, far = world.asked(upgrading(b"alice"))
    first = world.last
    far.send(SWITCHED)
    client.until(b"\r\n\r\n")
    idle = world.client()
    second = world.last
    limiter = limiting(world, tunnels=1, connections=10)
    for _ in range(3):
        for one in (first, second):
            one.enter(limiter)
    assert (counted(limiter, CLIENT_SPOT), counted(limiter, ALICE)) == (2, 1)
    idle.send(upgrading(b"alice"))
    assert status(idle.until(b"</html>\n")) == 429
    world.site.limiter = None
    idle.send(upgrading(b"alice"))
    world.server.accept().send(SWITCHED)
    idle.until(b"\r\n\r\n")
    assert counted(limiter, ALICE) == 1
    second.enter(limiter)
    assert (counted(limiter, CLIENT_SPOT), counted(limiter, ALICE)) == (2, 2)
    client.reset()
    idle.reset()
    world.turn_until(lambda: first.closed and second.closed)
    assert (counted(limiter, CLIENT_SPOT), counted(limiter, ALICE)) == (0, 0)


@pytest.mark.parametrize("header", [b"PROXY TCP4 198.51.100.7 10.0.0.1 50000 443\r\n", b"PROXY UNKNOWN\r\n"])
def test_who_is_announced_is_counted(header: bytes, world: World) -> None:
    limiter = limiting(world, connections=1)
    for _ in range(2):
        world.client(announced=True).send(header)
        turn_for(world.reactor, 0.05)
    assert counted(limiter, CLIENT_SPOT) == 0
    assert counted(limiter, (CLIENT, b"198.51.100.7")) == (b"TCP4" in header)
    assert len(world.refused) == (b"TCP4" in header)


def test_content_too_large_is_told(world: World) -> None:
    limiting(world)
    world.site.body_limit = 4
    client = world.client()
    client.send(POST)
    refused(client, world, 413)
    assert world.refused == [(slots.LIMITED_BODY, PEER)]
