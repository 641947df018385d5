"""A connection before its first request."""

import ssl

import pytest
from tests.unit.engine.loopback import turn_for
from tests.unit.engine.world import GET, OK, World

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


def test_a_connection_that_cannot_have_tls(world: World) -> None:
    class Failing(ssl.SSLContext):
        def wrap_bio(self, *_: object, **__: object) -> ssl.SSLObject:
            raise ssl.SSLError(1, "there is no memory for it")

    client = world.client(Failing(ssl.PROTOCOL_TLS_SERVER), announced=True)
    client.send(PROXY)
    assert client.until_over() == b""
    assert world.last.closed


def test_a_handshake_that_does_not_end(world: World, server_tls: ssl.SSLContext) -> None:
    world.timeouts.handshake = 0.1
    client = world.client(server_tls)
    assert client.until_over() == b""
    assert world.last.closed
    assert world.statuses() == []
