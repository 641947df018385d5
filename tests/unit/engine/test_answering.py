"""How answers and connections end. Over real sockets."""

import pytest
from tests.unit.engine.loopback import turn_for
from tests.unit.engine.script import forward, join_chunks
from tests.unit.engine.world import GET, OK, World, post

from perijove.engine import const


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


@pytest.mark.parametrize("local", [False, True], ids=["of upstream", "of ours"])
def test_a_connection_that_waits_keeps_nothing_of_what_was_asked(local: bool, world: World) -> None:
    if local:
        world.serve(forward(kind=const.REJECT, status=404))
    long = b"x" * 15_000
    request = b"GET /%b HTTP/1.1\r\nHost: %b\r\nAccept: %b\r\nUser-Agent: %b\r\n\r\n" % (long, long, long, long)
    client = world.client()
    client.send(request)
    if local:
        client.until(b"</html>\n")
    else:
        far = world.server.accept()
        far.until(b"\r\n\r\n")
        far.send(OK)
        client.until(OK)
    one = world.last
    world.turn_until(lambda: one.idle_since() >= 0.0)
    peer, exchange = one.peer, one.exchange
    kept = [one.accept, one.agent, one.referer, exchange.target, exchange.path, exchange.host, exchange.carried]
    kept += [peer.host, peer.tail, peer.front, peer.whole]
    assert sum(map(len, kept)) < 100
    assert (exchange.state, one.replay, one.first) == (None, None, None)
    assert one.inbuf.size() == one.outbuf.size() == 0


def test_what_the_next_request_has_in_common_is_kept(world: World) -> None:
    client, far = world.asked()
    far.send(OK)
    client.until(OK)
    assert world.last.peer.tail.startswith(b"Host: a") or world.last.peer.host == b"a"
