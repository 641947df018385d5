"""A client's connection, from its first octet to its end: a real client and a real upstream in one thread."""

import os
import socket
import ssl
from collections.abc import Callable

import pytest
from tests.unit.engine.loopback import Far, deaf, refusing, reset, swallowing, turn_for
from tests.unit.engine.script import join_chunks
from tests.unit.engine.world import CHUNKED, GET, OK, POST, SWITCHED, UPGRADE, World, ok, post, refused, status

from perijove.engine import const, slots, template
from perijove.engine.const import IN, READ_SIZE
from perijove.engine.counters import Counters

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
    assert world.last.upstream is not None
    for endpoint in (world.last, world.last.upstream):  # who vanishes is found out
        sock = endpoint.socket()
        assert sock is not None
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
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
def test_what_is_said_early_is_not_overtaken(which: int, world: World) -> None:
    client, far = world.asked(UPGRADE)
    for number in range(8):
        client.send(b"early %d " % number)
        turn_for(world.reactor, 0.005)
    far.take()
    # In one round: the tunnel stands, and more is there for it.
    if which:
        client.send(b"late")
    far.send(SWITCHED + b"early upstream, ")
    if not which:
        client.send(b"late")
    far.send(b"late upstream")
    assert client.until(b"late upstream") == SWITCHED + b"early upstream, late upstream"
    assert far.until(b"late") == b"".join(b"early %d " % number for number in range(8)) + b"late"


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_said_often_is_counted_and_keeps_it_alive(which: int, world: World) -> None:
    world.timeouts.tunnel = 0.6
    ends = tunnel(world)
    one, other = ends[which], ends[1 - which]
    for number in range(1, 31):
        one.send(b"0123456789")
        assert len(other.until(10 * number)) == 10 * number
        turn_for(world.reactor, 0.05)
    assert not world.last.closed
    begun = world.reactor.now
    one.until_over()
    assert 0.5 < world.reactor.now - begun < 2.0
    assert world.ends() == [const.IDLE]
    exchange = world.last.exchange
    assert (exchange.received, exchange.sent) == ((300, 0), (0, 300))[which]


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
