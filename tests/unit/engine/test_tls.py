"""TLS over a socket pair: two layers that speak with each other, and one with Python's own sockets."""

import contextlib
import errno
import gc
import os
import socket
import ssl
import weakref
from collections.abc import Iterator

import pytest
import trustme

from perijove.engine.buffer import Buffer
from perijove.engine.const import AGAIN, FOUND, PLAIN, READ_SIZE, TLS_FAILED, WANT_WRITE
from perijove.engine.tls import Layer

NAME = "hub.example"
GONE = (-errno.EPIPE, -errno.ECONNRESET)
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


def filled(data: bytes) -> Buffer:
    buffer = Buffer()
    buffer.append(data)
    return buffer


class Side:
    """One end: its socket and its layer."""

    def __init__(self, sock: socket.socket, layer: Layer) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.layer = layer

    def handshake(self) -> int:
        return self.layer.handshake(self.fd)

    def recv(self, into: Buffer, size: int = READ_SIZE) -> int:
        return self.layer.recv(self.fd, into, size)

    def send(self, data: Buffer) -> int:
        return self.layer.send(self.fd, data)

    def read(self) -> bytes:
        """All that is there."""
        buffer = Buffer()
        while self.recv(buffer) > 0:
            pass
        return buffer.copy()

    def write(self, data: bytes) -> int:
        return self.send(filled(data))

    def waiting(self) -> int:
        """How many octets lie unread in the kernel."""
        try:
            return len(self.sock.recv(1 << 20, socket.MSG_PEEK))
        except BlockingIOError:
            return 0


@pytest.fixture(scope="module", params=["TLSv1_2", "TLSv1_3"])
def contexts(request: pytest.FixtureRequest) -> Contexts:
    return speaking(ssl.TLSVersion[request.param])


def speaking(version: ssl.TLSVersion) -> Contexts:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(NAME).configure_cert(server)
    authority.configure_trust(client)
    for one in (server, client):
        one.minimum_version = one.maximum_version = version
    client.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    server.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return server, client


@pytest.fixture
def begun(contexts: Contexts) -> Iterator[tuple[Side, Side]]:
    """A server and a client before their handshake."""
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    with one, other:
        yield Side(one, Layer(contexts[0], True)), Side(other, Layer(contexts[1], False, NAME))


@pytest.fixture
def sides(begun: tuple[Side, Side]) -> tuple[Side, Side]:
    """The same after it."""
    server, client = begun
    shake(server, client)
    return server, client


def shake(server: Side, client: Side) -> None:
    todo = [client, server]
    for _ in range(10):
        for side in list(todo):
            verdict = side.handshake()
            if verdict == FOUND:
                todo.remove(side)
            else:
                assert verdict == AGAIN
    assert not todo
    assert client.recv(Buffer()) == AGAIN  # takes session tickets: a socket with something unread in it is closed by a reset


def test_content(sides: tuple[Side, Side]) -> None:
    server, client = sides
    buffer = Buffer()
    assert server.recv(buffer) == AGAIN
    assert not server.layer.pending()
    data = Buffer()
    data.append(b"xhello")
    data.drop(1)
    assert client.send(data) == 0
    assert data.size() == 0
    assert server.recv(buffer, 3) == 3
    assert server.layer.pending()
    assert server.recv(buffer, 100) == 2
    assert not server.layer.pending()
    assert buffer.copy() == b"hello"
    assert server.write(b"answer") == 0
    assert client.read() == b"answer"


def test_more_than_a_descriptor_takes(sides: tuple[Side, Side]) -> None:
    server, client = sides
    content = os.urandom(1_000_000)
    data, buffer = Buffer(), Buffer()
    data.append(content)
    stalled = 0
    while buffer.size() < len(content):
        left = client.send(data)
        assert left == data.size()
        if left:
            stalled += 1
            assert client.send(data) == left  # nothing is encrypted twice
        while (count := server.recv(buffer)) > 0:
            assert count <= 16384
        assert count == AGAIN
    assert stalled
    assert data.size() == 0
    assert buffer.copy() == content


def test_what_is_written_is_let_go_of(sides: tuple[Side, Side]) -> None:
    """A record that does not go out stays in `data` whole: what is left is what the other side cannot have."""
    _, client = sides
    data = Buffer()
    data.append(bytes(1_000_000))
    left = client.send(data)
    assert 0 < left < 1_000_000
    assert (1_000_000 - left) % 16384 == 0


def test_octets_that_are_waited_for_one_by_one(sides: tuple[Side, Side]) -> None:
    server, client = sides
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)
        client.layer.send(one.fileno(), filled(b"hello"))
        for octet in other.recv(1000):
            buffer = Buffer()
            verdict = server.recv(buffer)
            assert verdict == AGAIN
            client.sock.send(bytes([octet]))
        assert server.read() == b"hello"


def test_never_more_than_a_record_lies_ready(sides: tuple[Side, Side]) -> None:
    """Small records by the hundred: what is not asked for yet stays in the kernel."""
    server, client = sides
    for _ in range(200):
        assert client.write(b"x" * 100) == 0
    before = server.waiting()
    assert before > 5 + 16384 + 256
    buffer = Buffer()
    assert server.recv(buffer) == 100
    assert before - server.waiting() <= 5 + 16384 + 256
    for _ in range(198):
        assert server.recv(buffer) == 100
        assert server.layer.pending() or server.waiting()
    assert server.recv(buffer) == 100
    assert server.recv(buffer) == AGAIN
    assert not server.layer.pending()


@pytest.mark.parametrize("speaks", [0, 1])
def test_an_end(sides: tuple[Side, Side], speaks: int) -> None:
    first, second = sides[speaks], sides[1 - speaks]
    assert first.write(b"last") == 0
    first.layer.end(first.fd)
    first.sock.close()
    buffer = Buffer()
    assert second.recv(buffer) == 4
    assert second.recv(buffer) == 0
    assert buffer.copy() == b"last"


@pytest.mark.parametrize("speaks", [0, 1])
@pytest.mark.parametrize("light", [(0,), (1,), (0, 1)])
def test_light_ones(sides: tuple[Side, Side], light: tuple[int, ...], speaks: int) -> None:
    """Long records are read in parts, and what is written goes in short ones."""
    for number in light:
        sides[number].layer.lighten()
    content = os.urandom(300_000)
    data, buffer = filled(content), Buffer()
    while buffer.size() < len(content):
        sides[speaks].send(data)
        before = buffer.size()
        for _ in range(5):  # of a record that is read in parts nothing comes for a while
            sides[1 - speaks].recv(buffer)
        assert buffer.size() > before
    assert data.size() == 0
    assert buffer.copy() == content


def test_light_ones_write_as_much_at_a_time(sides: tuple[Side, Side]) -> None:
    server, client = sides
    server.layer.lighten()
    assert server.write(bytes(16384)) == 0
    octets = client.sock.recv(1 << 20, socket.MSG_PEEK)
    lengths = []
    while octets:
        length = int.from_bytes(octets[3:5])
        lengths.append(length)
        octets = octets[5 + length :]
    assert len(lengths) == 4
    assert all(4096 < one < 4096 + 64 for one in lengths)
    assert client.read() == bytes(16384)


@pytest.mark.parametrize("size", [4, 40_000])
def test_an_end_that_is_known_of_goes_with_the_last_record(sides: tuple[Side, Side], size: int) -> None:
    server, client = sides
    server.layer.last = True
    data = filled(bytes(size))
    while server.send(data):
        client.read()
    server.sock.shutdown(socket.SHUT_WR)  # so that nothing can be written any more
    server.layer.end(server.fd)
    buffer = Buffer()
    while (count := client.recv(buffer)) > 0:
        pass
    assert (count, buffer.copy()) == (0, bytes(size))
    # The other side may still have something to say.
    assert client.write(b"more") == 0
    assert server.read() == b"more"


def test_an_end_with_a_record_that_is_not_taken_at_once(sides: tuple[Side, Side]) -> None:
    server, client = sides
    server.layer.last = True
    data, buffer = filled(bytes(1_000_000)), Buffer()
    while server.send(data):
        while (count := client.recv(buffer)) > 0:
            pass
        assert count == AGAIN
    while (count := client.recv(buffer)) > 0:
        pass
    assert (count, buffer.size()) == (0, 1_000_000)


@pytest.mark.parametrize("speaks", [0, 1])
def test_an_end_that_nobody_told_of_is_a_failure(sides: tuple[Side, Side], speaks: int) -> None:
    """Content that was cut must not read as content that ended (RFC 9112 §9.8)."""
    first, second = sides[speaks], sides[1 - speaks]
    assert first.write(b"part") == 0
    first.sock.close()
    buffer = Buffer()
    assert second.recv(buffer) == 4
    assert second.recv(buffer) == TLS_FAILED


def test_what_is_no_record(sides: tuple[Side, Side]) -> None:
    server, client = sides
    os.write(client.fd, b"GET / HTTP/1.1\r\n\r\n")
    assert server.recv(Buffer()) == TLS_FAILED
    server.layer.end(server.fd)  # says so by an alert, which does no harm
    assert client.recv(Buffer()) == TLS_FAILED


def test_a_record_that_was_changed(sides: tuple[Side, Side]) -> None:
    server, client = sides
    one, other = socket.socketpair()
    with one, other:
        client.layer.send(one.fileno(), filled(b"hello"))
        octets = bytearray(other.recv(1000))
        octets[-1] ^= 1
        client.sock.send(octets)
    buffer = Buffer()
    assert server.recv(buffer) == TLS_FAILED
    assert buffer.size() == 0


def test_one_that_is_gone(sides: tuple[Side, Side]) -> None:
    server, client = sides
    client.sock.close()
    assert server.write(b"x") in GONE
    server.layer.end(server.fd)


# ------------------------------------------------------------------ handshakes


def test_a_request_without_tls(begun: tuple[Side, Side]) -> None:
    server, client = begun
    os.write(client.fd, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert server.handshake() == PLAIN


@pytest.mark.parametrize("octets", [b"\x16\x03", b"nonsense, as a scanner sends it", b""])
def test_a_client_that_does_not_mean_it(begun: tuple[Side, Side], octets: bytes) -> None:
    server, client = begun
    os.write(client.fd, octets)
    client.sock.shutdown(socket.SHUT_WR)
    assert (server.handshake() if octets != b"\x16\x03" else [server.handshake(), server.handshake()][1]) == TLS_FAILED
    server.layer.end(server.fd)


def test_a_name_that_is_not_the_certificates(begun: tuple[Side, Side], contexts: Contexts) -> None:
    server, client = begun
    client.layer = Layer(contexts[1], False, "other.example")
    assert client.handshake() == AGAIN
    assert server.handshake() == AGAIN
    assert client.handshake() == TLS_FAILED
    client.layer.end(client.fd)  # tells why
    assert server.handshake() == TLS_FAILED


@pytest.mark.parametrize("name", ["", ".example", "x" * 300])
def test_a_name_that_cannot_be_one(contexts: Contexts, name: str) -> None:
    with pytest.raises((ValueError, ssl.SSLError)):
        Layer(contexts[1], False, name)


def test_a_descriptor_that_takes_nothing_for_a_while(begun: tuple[Side, Side]) -> None:
    server, client = begun
    assert client.handshake() == AGAIN
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += server.sock.send(b"x" * 4096)
    assert server.handshake() == WANT_WRITE
    assert server.handshake() == WANT_WRITE
    while filled:
        filled -= len(client.sock.recv(min(filled, 1 << 20)))
    assert server.handshake() == AGAIN
    shake(server, client)


@pytest.mark.parametrize("asks", [False, True])
def test_tickets_go_with_the_answer_if_there_is_a_request(asks: bool) -> None:
    """Seen from Python's own socket: a client that only waits gets its ticket as well, and one that asks needs no further write."""
    contexts = speaking(ssl.TLSVersion.TLSv1_3)  # earlier ones give tickets within the handshake
    one, other = socket.socketpair()
    one.setblocking(False)
    with one, contexts[1].wrap_socket(other, server_hostname=NAME, do_handshake_on_connect=False) as client:
        client.setblocking(False)
        server = Side(one, Layer(contexts[0], True))
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        assert server.handshake() == AGAIN
        client.do_handshake()
        if asks:
            client.send(b"GET")
        assert server.handshake() == FOUND
        with socket.socket(fileno=os.dup(client.fileno())) as same:
            assert bool(Side(same, server.layer).waiting()) is not asks
        if asks:
            assert server.read() == b"GET"
            assert server.write(b"answer") == 0
            assert client.recv(10) == b"answer"
        else:
            with pytest.raises(ssl.SSLWantReadError):
                client.recv(10)
        assert client.session.has_ticket


def test_a_reference_is_not_kept(contexts: Contexts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer and what it holds are gone with its last reference: nothing waits for the collector of garbage."""

    class Watched(ssl.SSLObject):
        pass

    monkeypatch.setattr(contexts[0], "sslobject_class", Watched)
    gc.disable()
    try:
        layer = Layer(contexts[0], True)
        connection = weakref.ref(layer.connection)
        del layer
        assert connection() is None
    finally:
        gc.enable()
