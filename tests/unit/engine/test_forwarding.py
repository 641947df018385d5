"""Requests on their way: content both ways, upstreams that fail, and what is tried again. Over real sockets."""

import os
import socket
import time

import pytest
from tests.unit.engine.loopback import deaf, refusing, swallowing, turn_for
from tests.unit.engine.script import forward, join_chunks
from tests.unit.engine.world import CHUNKED, GET, OK, POST, SWITCHED, UPGRADE, World, ok, post, status

from perijove.engine import const, slots
from perijove.engine.const import IN, READ_SIZE
from perijove.engine.counters import Counters

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


def test_an_answer_and_a_reset_as_the_last_content_comes(world: World) -> None:
    client = world.client()
    client.send(post(b"x" * 1000)[:-1])
    far = world.server.accept()
    far.until(b"x" * 100)
    far.sock.send(b"HTTP/1.1 413 Full\r\nContent-Length: 4\r\n\r\nfull")
    far.reset()
    client.sock.send(b"x")
    world.last.on_event(IN)  # the client is looked at first
    answer = client.until(b"full")
    assert (status(answer), answer[-4:]) == (413, b"full")


@pytest.mark.parametrize("rest", [b"x" * 60, OK + b"x" * (60 - len(OK))], ids=["content", "content that looks like an answer"])
@pytest.mark.parametrize("slow", [False, True], ids=["", "to a client that does not read"])
def test_an_answer_that_has_begun_and_a_reset_as_more_content_comes(slow: bool, rest: bytes, world: World) -> None:
    """What has arrived of it is read; it is not looked at as if an answer began in it."""
    front = b"x" * 60_000 if slow else b"x" * 40
    client = world.client(small=slow)
    client.send(post(b"x" * 1000)[:-10])
    far = world.server.accept()
    far.until(b"x" * 100)
    far.send(b"HTTP/1.1 413 Full\r\nContent-Length: %d\r\n\r\n" % (len(front) + 60) + front)
    if slow:
        world.turn_until(lambda: world.last.outbuf.size() > 0)
        turn_for(world.reactor, 0.05)
    else:
        client.until(front)
    far.sock.send(rest)
    far.reset()
    client.sock.send(b"x")
    world.last.on_event(IN)  # the client is looked at first
    client.sock.send(b"x")
    if slow:
        assert world.last.outbuf.size() > 0
        spent = time.process_time()
        turn_for(world.reactor, 0.3)  # nor is there a spin
        assert time.process_time() - spent < 0.2
    answer = client.until_over()
    assert answer.endswith(rest)
    assert answer.count(b"HTTP/1.1 413 Full\r\n") == 1
    assert not client.failed
    assert world.statuses() == [413]
    assert world.upstream.idle == []


def test_a_reset_behind_a_whole_answer_that_is_still_read(world: World) -> None:
    """A connection that took no more of a request is not kept, though the request was read to its end."""
    client = world.client()
    client.send(post(b"x" * 20)[:-1])
    far = world.server.accept()
    far.until(b"x" * 10)
    far.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
    client.until(b"\r\n\r\n")
    far.sock.send(b"full")
    far.reset()
    client.sock.send(b"x")
    world.last.on_event(IN)
    assert client.until_over().endswith(b"full")
    assert not client.failed
    assert world.upstream.idle == []


def test_an_answer_of_which_a_page_of_ours_is_given_and_a_reset(world: World) -> None:
    world.serve(forward(upstream=world.upstream, overridden=frozenset({413})))
    client = world.client()
    client.send(post(b"x" * 1000)[:-1])
    far = world.server.accept()
    far.until(b"x" * 100)
    far.sock.send(b"HTTP/1.1 413 Full\r\nContent-Length: 4\r\n\r\nfull")
    far.reset()
    client.sock.send(b"x")
    world.last.on_event(IN)
    answer = client.until_over()
    assert (status(answer), b"full" in answer) == (413, False)


needs_deaf = pytest.mark.skipif(os.uname().sysname != "Linux", reason="only Linux lets a full queue wait")


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


@pytest.mark.parametrize("how", ["end", "reset"])
def test_that_a_kept_connection_has_ended_is_no_attempt(how: str, world: World) -> None:
    """An upstream that restarts ends those first, and then resets what nobody has accepted."""
    client, far = world.asked()
    far.send(OK)
    client.until(OK)
    client.take()
    client.send(GET)
    far.until(GET + GET)
    far.close()
    far = world.server.accept()
    far.until(GET)
    far.close() if how == "end" else far.reset()
    far = world.server.accept()
    far.until(GET)
    far.send(OK)
    assert client.until(OK) == OK
    assert world.statuses() == [200, 200]


@pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
def test_what_nobody_has_taken_is_sent_again(request_: bytes, world: World) -> None:
    """The far socket is gone before the request is there: its kernel acknowledges nothing of it."""
    with swallowing(world.server.sock):
        client = world.client()
        client.send(request_)
        far = world.server.accept()
        turn_for(world.reactor, 0.05)
    far.reset()
    far = world.server.accept()
    assert far.until(request_) == request_
    far.send(OK)
    assert client.until(OK) == OK
    assert world.statuses() == [200]


def test_what_nobody_has_taken_is_sent_again_only_once(world: World) -> None:
    client = world.client()
    with swallowing(world.server.sock):
        client.send(POST)
        for _ in range(2):
            far = world.server.accept()
            turn_for(world.reactor, 0.05)
            far.reset()
    assert status(client.until(b"</html>\n")) == 502
    assert world.server.accepted() is None


TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("cut", range(0, len(TIMED_OUT), 7))
def test_a_408_of_the_time_before_the_request_is_not_its_answer(cut: int, world: World) -> None:
    client, far = world.asked()
    far.send(OK)
    client.until(OK)
    client.take()
    client.send(GET)
    far.until(GET + GET)
    if cut:
        far.send(TIMED_OUT[:cut])
        turn_for(world.reactor, 0.002)
    far.send(TIMED_OUT[cut:])
    far.close()
    far = world.server.accept()
    assert far.until(GET) == GET
    far.send(OK)
    assert client.until(OK) == OK
    assert world.statuses() == [200, 200]


def test_a_408_that_is_an_answer(world: World) -> None:
    client, far = world.asked()
    far.send(TIMED_OUT)  # the connection is new
    assert status(client.until(b"\r\n\r\n")) == 408
    client.take()
    client.send(GET)
    far = world.server.accept()
    far.until(GET)
    far.send(OK)
    client.until(OK)
    client.take()
    client.send(GET)
    far.until(GET + GET)
    kept = TIMED_OUT.replace(b"Connection: close\r\n", b"")
    far.send(kept)  # an application's: it does not end the connection
    assert client.until(kept) == kept
    client.take()
    client.send(GET)
    far.until(GET * 3)
    far.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + TIMED_OUT)  # it has begun to answer
    assert status(client.until(b"Length: 0\r\n\r\n").partition(b"\r\n\r\n")[2]) == 408
    assert world.server.accepted() is None


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
        b"HTTP/1.1 103 x\r\n\r\n" * 101,
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
    assert world.failed == [(200, const.LOST)]
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
    assert world.failed == [(503, const.REFUSED)]


@pytest.mark.parametrize(("answer", "counted"), [(OK, 1), (SWITCHED, 0)])
def test_a_request_for_a_websocket_that_does_not_become_one_is_counted(answer: bytes, counted: int, world: World) -> None:
    row = memoryview(bytearray(8 * slots.COUNT)).cast("q")
    world.site.counters = Counters(row)
    client, far = world.asked(UPGRADE)
    far.send(answer)
    client.until(b"\r\n\r\n")
    far.close()
    client.close()
    world.turn_until(lambda: world.last.closed)
    assert row[slots.UPGRADES_REFUSED] == counted
    assert world.failed == []


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


# ------------------------------------------------------------------ timeouts


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


@pytest.mark.parametrize("request_", [post(b"hello"), CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"], ids=["length", "chunked"])
def test_content_that_comes_slowly_is_not_upstream_s_delay(request_: bytes, world: World) -> None:
    world.timeouts.response = 0.3
    head, _, content = request_.partition(b"\r\n\r\n")
    client = world.client()
    client.send(head + b"\r\n\r\n")
    far = world.server.accept()
    for octet in content:
        turn_for(world.reactor, 0.5 / len(content))
        client.send(bytes((octet,)))
    far.until(b"o" if b"chunked" not in head else b"0\r\n\r\n")
    far.send(OK)
    client.until(OK)
    # From the end of the request on it is.
    client.send(request_)
    assert b"504" in client.until(b"</html>\n")


def test_a_head_that_comes_octet_by_octet_has_so_long_and_no_longer(world: World) -> None:
    world.timeouts.response = 0.3
    client, far = world.asked()
    begun = world.reactor.now
    far.send(b"HTTP/1.1 200 OK\r\nA: ")
    while not client.look():
        turn_for(world.reactor, 0.02)
        far.offer(b"b")
        assert world.reactor.now - begun < 2.0
    assert status(client.until(b"</html>\n")) == 504


def test_an_interim_answer_gives_the_time_anew(world: World) -> None:
    world.timeouts.response = 0.3
    client, far = world.asked()
    for _ in range(5):
        turn_for(world.reactor, 0.15)
        far.send(b"HTTP/1.1 102 Processing\r\n\r\n")
    far.send(OK)
    assert client.until(OK).count(b"102 Processing") == 5
