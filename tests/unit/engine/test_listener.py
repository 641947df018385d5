"""Accepting connections: whose they are, how many there may be, and what is done when no more can be had."""

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.unit.engine.loopback import Far, reset, turn_for, turn_until, turning
from tests.unit.engine.script import forward, table

from perijove.engine import listener, slots
from perijove.engine.client import Client
from perijove.engine.const import IN, REJECT
from perijove.engine.counters import Counters
from perijove.engine.head import Limits
from perijove.engine.limiter import Limiter, prepare, size_of
from perijove.engine.listener import Acceptor
from perijove.engine.reactor import Reactor
from perijove.engine.site import Site


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    with turning() as made:
        yield made


@pytest.fixture
def far() -> Iterator[list[socket.socket]]:
    """Clients, closed in the end."""
    made: list[socket.socket] = []
    yield made
    for sock in made:
        sock.close()


def accepting(
    reactor: Reactor,
    sock: socket.socket | None = None,
    secure: ssl.SSLContext | None = None,
    trusted: tuple[str, ...] = (),
    announced: tuple[str, ...] | None = None,
) -> Acceptor:
    sock = sock or socket.create_server(("127.0.0.1", 0), backlog=256)
    sock.setblocking(False)
    says = None if announced is None else announced.__contains__
    return Acceptor(reactor, sock, Site(table(forward()), Limits()), secure, trusted.__contains__, says)


def connect(acceptor: Acceptor, far: list[socket.socket], count: int = 1) -> list[socket.socket]:
    assert acceptor.sock is not None
    for _ in range(count):
        sock = socket.socket(acceptor.sock.family)
        sock.setblocking(False)
        far.append(sock)
        sock.connect_ex(acceptor.sock.getsockname())
    return far[-count:]


def clients(reactor: Reactor) -> list[Client]:
    return [one for one in reactor.table if isinstance(one, Client)]


def test_all_that_wait_are_taken_in_one_round(reactor: Reactor, far: list[socket.socket]) -> None:
    acceptor = accepting(reactor)
    connect(acceptor, far, 20)
    reactor.turn(1)
    assert len(clients(reactor)) == acceptor.site.connections == 20
    assert not any(os.get_blocking(one.fd) for one in clients(reactor))
    assert not any(os.get_inheritable(one.fd) for one in clients(reactor))


def test_those_that_stand_are_served_in_between(reactor: Reactor, far: list[socket.socket]) -> None:
    acceptor = accepting(reactor)
    connect(acceptor, far, 100)
    reactor.turn(1)
    assert 20 < len(clients(reactor)) < 100
    turn_until(reactor, lambda: len(clients(reactor)) == 100)


def test_the_peer(reactor: Reactor, far: list[socket.socket]) -> None:
    acceptor = accepting(reactor)
    (sock,) = connect(acceptor, far)
    reactor.turn(1)
    (client,) = clients(reactor)
    peer = client.peer
    assert (peer.address, peer.port, peer.trusted) == (b"127.0.0.1", sock.getsockname()[1], False)
    assert (peer.scheme, peer.server_port) == (b"http", acceptor.port)
    taken = client.socket()
    assert taken is not None
    assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert client.site is acceptor.site


@pytest.mark.parametrize(("trusted", "is_trusted"), [(("127.0.0.1",), True), (("127.0.0.2", ""), False)])
def test_trust(trusted: tuple[str, ...], is_trusted: bool, reactor: Reactor, far: list[socket.socket]) -> None:
    connect(accepting(reactor, trusted=trusted), far)
    reactor.turn(1)
    assert [one.peer.trusted for one in clients(reactor)] == [is_trusted]


@pytest.mark.parametrize("trusted", [True, False])
def test_unix_socket(trusted: bool, reactor: Reactor, far: list[socket.socket], tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "gate"))
    listening.listen()
    acceptor = accepting(reactor, listening, trusted=("",) if trusted else ())
    connect(acceptor, far)
    reactor.turn(1)
    (client,) = clients(reactor)
    peer = client.peer
    assert (peer.address, peer.port, peer.server_port, peer.trusted) == (b"unix:", 0, 0, trusted)


@pytest.mark.parametrize(("announced", "says"), [(None, 0), ((), 0), (("127.0.0.2", ""), 0), (("127.0.0.1",), 1)])
def test_whose_connections_are_announced(
    announced: tuple[str, ...] | None, says: int, reactor: Reactor, far: list[socket.socket]
) -> None:
    (sock,) = connect(accepting(reactor, announced=announced), far)
    reactor.turn(1)
    Far(reactor, sock).send(b"PROXY TCP4 198.51.100.7 10.0.0.1 50000 443\r\n")
    turn_for(reactor, 0.05)
    peers = [one.peer for one in clients(reactor)]
    assert [peer.address for peer in peers] == [b"198.51.100.7" if says else b"127.0.0.1"]


def test_an_ipv4_client_of_an_ipv6_socket(reactor: Reactor, far: list[socket.socket]) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    acceptor = accepting(
        reactor, socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True), trusted=("127.0.0.1",)
    )
    far.append(socket.create_connection(("127.0.0.1", acceptor.port)))
    reactor.turn(1)
    assert [(one.peer.address, one.peer.trusted) for one in clients(reactor)] == [(b"127.0.0.1", True)]


def test_tls(reactor: Reactor, far: list[socket.socket]) -> None:
    authority = trustme.CA()
    server, context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("a.example").configure_cert(server)
    authority.configure_trust(context)
    acceptor = accepting(reactor, secure=server)
    (sock,) = connect(acceptor, far)
    reactor.turn(1)
    client = Far(reactor, context.wrap_socket(sock, server_hostname="a.example", do_handshake_on_connect=False))
    far.append(client.sock)
    client.handshake()
    assert [one.peer.scheme for one in clients(reactor)] == [b"https"]
    client.send(b"nonsense\r\n\r\n")
    assert client.until_over().startswith(b"HTTP/1.1 400 ")


# ------------------------------------------------------------------ bounds


def bounded(limit: int) -> Limiter:
    memory = memoryview(bytearray(size_of(2)))
    prepare(memory)
    made = Limiter(memory, 0)
    made.connections = limit
    return made


def test_limit(reactor: Reactor, far: list[socket.socket]) -> None:
    """Beyond it clients wait in the queue, and are taken when there is room; a loop that waits for that does not spin."""
    acceptor = accepting(reactor)
    row = memoryview(bytearray(8 * slots.COUNT)).cast("q")
    acceptor.site.counters = Counters(row)
    acceptor.site.limiter = bounded(3)
    refused: list[tuple[int, bytes]] = []
    acceptor.site.tell = lambda limit, who: refused.append((limit, who))
    socks = connect(acceptor, far, 3)
    turn_for(reactor, 0.1)
    assert refused == []  # nobody waits
    socks += connect(acceptor, far, 2)
    turn_until(reactor, lambda: refused)
    assert len(clients(reactor)) == 3
    assert turn_for(reactor, 0.5) < 10
    assert len(clients(reactor)) == 3
    assert refused == [(slots.LIMITED_CONNECTIONS, b"")]
    assert row[slots.LIMITED_CONNECTIONS] == 1
    socks[0].close()
    socks[1].close()
    turn_until(reactor, lambda: acceptor.site.connections == 1)
    turn_until(reactor, lambda: acceptor.site.connections == 3)


def test_the_limit_is_on_all_listeners(reactor: Reactor, far: list[socket.socket]) -> None:
    one, other = accepting(reactor), accepting(reactor)
    one.site.limiter = other.site.limiter = bounded(3)
    first = connect(one, far, 2)
    turn_until(reactor, lambda: one.site.connections == 2)
    connect(other, far, 2)
    turn_for(reactor, 0.3)
    assert other.site.connections == 1
    first[0].close()
    turn_until(reactor, lambda: other.site.connections == 2)


def exhausted(code: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let accepting fail; return what is added to at each try."""
    tries: list[int] = []

    def accept(_: object) -> object:
        tries.append(code)
        raise OSError(code, "on purpose")

    monkeypatch.setattr(listener, "accept", accept)
    return tries


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_no_descriptors_left(code: int, reactor: Reactor, far: list[socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_PAUSE", 0.3)
    acceptor = accepting(reactor)
    connect(acceptor, far)
    tries = exhausted(code, monkeypatch)
    turn_for(reactor, 0.2)
    assert len(tries) == 1  # although the client still waits
    monkeypatch.undo()
    turn_until(reactor, lambda: clients(reactor))


def test_who_says_nothing_gives_way_where_there_are_no_descriptors(
    reactor: Reactor, far: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of them: first those that have never asked, the longest silent first. What goes on, and what has just come, stays."""
    monkeypatch.setattr(listener, "_IDLE", 0.2)
    monkeypatch.setattr(listener, "_PAUSE", 5.0)
    acceptor = accepting(reactor)
    plan = forward(kind=REJECT, status=404)
    acceptor.site = Site(table(plan), Limits())
    asked, begun, first, second = connect(acceptor, far, 4)
    turn_until(reactor, lambda: len(clients(reactor)) == 4)
    begun.send(b"GET / HT")
    asked.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    Far(reactor, asked).until(b"</html>")
    turn_for(reactor, 0.3)
    (late,) = connect(acceptor, far)
    turn_until(reactor, lambda: len(clients(reactor)) == 5)
    connect(acceptor, far)
    tries = exhausted(errno.EMFILE, monkeypatch)
    turn_until(reactor, lambda: tries)
    assert ends(first, second, asked, begun, late) == [True, True, False, False, False]
    acceptor.take(1)  # half of those that are left is who has just come
    assert ends(asked, late) == [False, False]
    turn_for(reactor, 0.3)
    acceptor.take(1)
    assert ends(late, asked, begun) == [True, False, False]
    acceptor.take(1)
    assert ends(asked, begun) == [True, False]


def ends(*socks: socket.socket) -> list[bool]:
    """Tell which have been closed."""
    found = []
    for sock in socks:
        try:
            found.append(sock.recv(1) == b"")
        except BlockingIOError:
            found.append(False)
    return found


@pytest.mark.parametrize("code", [errno.ECONNABORTED, errno.EPROTO, errno.EPERM])
def test_a_client_that_is_gone_before_it_is_accepted(
    code: int, reactor: Reactor, far: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    acceptor = accepting(reactor)
    connect(acceptor, far)
    tries = exhausted(code, monkeypatch)
    reactor.turn(1)
    monkeypatch.undo()
    assert 1 < len(tries) < 100
    assert acceptor.interest == IN
    turn_until(reactor, lambda: clients(reactor))


def test_a_client_that_was_reset_before_it_is_accepted(reactor: Reactor, far: list[socket.socket]) -> None:
    acceptor = accepting(reactor)
    one, _ = connect(acceptor, far, 2)
    turn_until(reactor, lambda: len(clients(reactor)) == 2)
    for sock in connect(acceptor, far, 3):
        sock.setblocking(True)
        reset(sock)
    turn_for(reactor, 0.1)
    assert acceptor.site.connections == 2
    one.close()
    turn_until(reactor, lambda: acceptor.site.connections == 1)


def test_a_connection_that_cannot_be_watched(
    reactor: Reactor, far: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(ssl.SSLContext):
        def wrap_bio(self, *_: object, **__: object) -> ssl.SSLObject:
            raise ssl.SSLError(1, "there is no memory for it")

    acceptor = accepting(reactor, secure=Failing(ssl.PROTOCOL_TLS_SERVER))
    (sock,) = connect(acceptor, far)
    reactor.turn(1)
    assert (clients(reactor), acceptor.site.connections) == ([], 0)
    assert Far(reactor, sock).until_over() == b""
    assert acceptor.interest == IN


def test_a_fault_does_not_end_the_listener(
    reactor: Reactor, far: list[socket.socket], capsys: pytest.CaptureFixture[str]
) -> None:
    acceptor = accepting(reactor)
    trusts = acceptor.trusts

    def fail(address: str) -> bool:
        raise RuntimeError("on purpose")

    acceptor.trusts = fail
    (sock,) = connect(acceptor, far)
    reactor.turn(1)
    assert "on purpose" in capsys.readouterr().err
    acceptor.trusts = trusts
    connect(acceptor, far)
    turn_until(reactor, lambda: len(clients(reactor)) == 1)
    assert Far(reactor, sock).until_over() == b""
