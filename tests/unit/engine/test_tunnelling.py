"""Tunnels from their beginning to their end. Over real sockets."""

import os
import socket
import ssl
from collections.abc import Callable

import pytest
from tests.unit.engine.loopback import Far, turn_for
from tests.unit.engine.world import GET, OK, SWITCHED, UPGRADE, World

from perijove.engine import const
from perijove.engine.const import READ_SIZE


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


def test_the_end_of_a_tunnel(world: World) -> None:
    client, far = tunnel(world)
    world.last.end()
    client.until_over()
    far.until_over()
    assert (client.failed, far.failed) == (False, False)
    assert world.statuses() == [101]
    assert world.ends() == [const.CUT]


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
