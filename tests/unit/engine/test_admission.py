"""Limits, as clients meet them."""

import ssl

import pytest
from tests.unit.engine.loopback import turn_for
from tests.unit.engine.world import GET, OK, POST, SWITCHED, UPGRADE, World, refused, status

from perijove.engine import slots
from perijove.engine.limiter import CLIENT, EXCESS, OWNER, Limiter, prepare, size_of

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
