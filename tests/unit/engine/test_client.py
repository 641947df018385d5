"""A client's connection, from its first octet to its end: a real client and a real upstream in one thread."""

import os
import socket
import ssl
from collections.abc import Callable

import pytest
from tests.unit.engine.loopback import Far, reset, turn_for
from tests.unit.engine.script import join_chunks
from tests.unit.engine.world import CHUNKED, GET, OK, POST, SWITCHED, UPGRADE, World, ok, post, refused

from perijove.engine import const, template
from perijove.engine.const import IN, READ_SIZE

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


def test_what_is_behind_an_answer_answers_nobody(world: World) -> None:
    """The rest of an answer is read with no octet more; what lies behind it must not be taken for the next answer."""
    client = world.client()
    client.send(GET + GET.replace(b"/ ", b"/second "))
    far = world.server.accept()
    far.until(GET)
    far.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfi")
    client.until(b"fi")
    far.send(b"rs" + ok(b"not for you"))
    other = world.server.accept()
    assert b"/second" in other.until(b"\r\n\r\n")
    other.send(ok(b"second"))
    assert client.until(b"second").partition(b"\r\n\r\n")[2] == b"firs" + ok(b"second")
    assert b"/second" not in far.look()


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


@pytest.mark.parametrize("count", [1, 4000])
def test_a_client_that_goes_behind_many_requests(count: int, world: World) -> None:
    """Its end is noticed although what it has sent before is not taken in."""
    client, far = world.asked()
    client.send(GET * count)
    turn_for(world.reactor, 0.05)
    client.finish()
    assert far.until_over() == GET
    assert world.last.closed
    assert world.statuses() == [499]


@pytest.mark.parametrize("head", [post(b"").replace(b": 0", b": 80001"), CHUNKED + b"13881\r\n"], ids=["length", "chunked"])
def test_a_client_that_goes_behind_content_that_is_not_taken(head: bytes, world: World) -> None:
    """Its end is noticed although upstream takes nothing more."""
    world.server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client = world.client()
    client.send(head + bytes(1000))
    far = world.server.accept()
    assert world.last.upstream is not None
    assert world.last.upstream.sock is not None
    world.last.upstream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    left = 79_000
    while world.last.interest & IN and left:
        left -= client.offer(bytes(min(4000, left)))
        turn_for(world.reactor, 0.002)
    assert not world.last.interest & IN
    client.send(bytes(left))
    assert turn_for(world.reactor, 0.1) < 50  # waiting is no spin
    client.finish()
    world.turn_until(lambda: world.last.closed)
    assert len(far.until_over()) < 80_000
    assert world.statuses() == [499]


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


@pytest.mark.parametrize("whole", [True, False])
def test_an_early_answer_of_who_hangs_up(world: World, whole: bool) -> None:
    """What is still to send cannot be sent any more when it comes in; the answer is there, and is given."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (10 if whole else 20)
    client, far = world.asked(head + b"hello")
    far.until(b"hello")
    far.send(ok(b"enough"))
    reset(far.sock)
    client.send(b"world")
    world.last.on_event(IN)  # is looked at first
    assert client.until(b"enough").endswith(b"enough")
    world.turn_until(lambda: world.last.upstream is None)
    assert world.statuses() == [200]


def test_early_hints(world: World) -> None:
    client, far = world.asked()
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    far.send(hints)
    assert client.until(hints) == hints
    far.send(hints + OK)
    assert client.until(OK) == hints + hints + OK


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


# ------------------------------------------------------------------ TLS on both sides


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


# ------------------------------------------------------------------ faults of ours


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
