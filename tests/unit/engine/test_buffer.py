"""The queue of bytes: by itself, over a socket pair, over a pipe, and through TLS."""

import errno
import os
import socket
import ssl
from collections.abc import Iterator

import pytest
import trustme

from perijove.engine.buffer import Buffer
from perijove.engine.const import AGAIN, NOT_TAKEN, READ_SIZE, TLS_FAILED

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    yield one, other
    one.close()
    other.close()


def connected() -> Pair:
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    return one, other


def filled(data: bytes) -> Buffer:
    buffer = Buffer()
    buffer.append(data)
    return buffer


def test_empty() -> None:
    buffer = Buffer()
    assert (buffer.size(), buffer.copy(), buffer.peek(5)) == (0, b"", b"")
    buffer.drop(0)
    buffer.clear()
    buffer.append(b"")
    assert (buffer.size(), buffer.copy()) == (0, b"")


def test_first_in_first_out() -> None:
    buffer = filled(b"abc")
    buffer.append(b"def")
    assert (buffer.size(), buffer.peek(4), buffer.peek(9), buffer.copy()) == (6, b"abcd", b"abcdef", b"abcdef")
    buffer.drop(2)
    assert (buffer.size(), buffer.peek(2), buffer.copy()) == (4, b"cd", b"cdef")
    buffer.append(b"gh")
    assert buffer.copy() == b"cdefgh"
    buffer.drop(6)
    assert (buffer.size(), buffer.copy()) == (0, b"")
    buffer.append(b"i")
    assert buffer.copy() == b"i"


def test_clear() -> None:
    buffer = filled(b"abc")
    buffer.drop(1)
    buffer.clear()
    assert (buffer.size(), buffer.copy()) == (0, b"")


@pytest.mark.parametrize("dropped", [0, 2])
@pytest.mark.parametrize("there", [b"", b"xy"])
@pytest.mark.parametrize("size", [0, 1, 3, 6])
def test_move(dropped: int, there: bytes, size: int) -> None:
    buffer, to = filled(b"ab"[:dropped] + b"abcdef"), filled(there)
    buffer.drop(dropped)
    buffer.move(to, size)
    assert (buffer.copy(), to.copy()) == (b"abcdef"[size:], there + b"abcdef"[:size])
    # Neither holds on to what is the other's now.
    buffer.append(b"1")
    to.append(b"2")
    assert (buffer.copy(), to.copy()) == (b"abcdef"[size:] + b"1", there + b"abcdef"[:size] + b"2")


def test_move_to_one_that_was_dropped_from() -> None:
    buffer, to = filled(b"cd"), filled(b"xab")
    to.drop(1)
    buffer.move(to, 2)
    assert (buffer.size(), to.copy()) == (0, b"abcd")


def test_many_appends_and_drops() -> None:
    buffer, model = Buffer(), b""
    for step in range(3000):
        piece = bytes((step * 7 + at) % 256 for at in range(step % 97))
        buffer.append(piece)
        model += piece
        size = min(len(model), step * 31 % 101)
        assert buffer.peek(size) == model[:size]
        buffer.drop(size)
        model = model[size:]
        assert buffer.size() == len(model)
    assert buffer.copy() == model


def test_recv(pair: Pair) -> None:
    one, other = pair
    buffer = Buffer()
    assert buffer.recv(one.fileno(), 100) == AGAIN
    other.send(b"hello world")
    assert buffer.recv(one.fileno(), 5) == 5
    assert buffer.recv(one.fileno(), 100) == 6
    assert buffer.copy() == b"hello world"
    buffer.drop(6)
    other.send(b"!")
    assert buffer.recv(one.fileno(), 100) == 1
    assert buffer.copy() == b"world!"
    other.close()
    assert buffer.recv(one.fileno(), 100) == 0
    assert buffer.copy() == b"world!"


@pytest.mark.parametrize("size", [1, 16383, 16384, 16385, READ_SIZE])
@pytest.mark.parametrize("before", [b"", b"before"])
def test_recv_small_and_large(size: int, before: bytes, pair: Pair) -> None:
    one, other = pair
    other.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * READ_SIZE)
    data = os.urandom(size)
    buffer = filled(before)
    received = sent = 0
    while received < size:
        sent += other.send(data[sent:]) if sent < size else 0
        count = buffer.recv(one.fileno(), READ_SIZE)
        assert count > 0
        received += count
    assert buffer.copy() == before + data


def test_two_large_reads_do_not_share_memory(pair: Pair) -> None:
    one, other = pair
    first, second, third = Buffer(), Buffer(), Buffer()
    for buffer, octet in ((first, b"1"), (second, b"2"), (third, b"3")):
        other.send(octet * 20000)
        assert buffer.recv(one.fileno(), READ_SIZE) == 20000
    assert [buffer.copy() for buffer in (first, second, third)] == [b"1" * 20000, b"2" * 20000, b"3" * 20000]


def test_send(pair: Pair) -> None:
    one, other = pair
    buffer = filled(b"xhello")
    buffer.drop(1)
    assert buffer.send(one.fileno()) == 0
    assert (buffer.size(), other.recv(100)) == (0, b"hello")
    assert buffer.send(one.fileno()) == 0


def test_send_to_one_that_does_not_read(pair: Pair) -> None:
    one, other = pair
    data = os.urandom(3_000_000)
    buffer = filled(data)
    left = buffer.send(one.fileno())
    assert 0 < left < len(data)
    assert left == buffer.size()
    assert buffer.send(one.fileno()) == left
    assert buffer.copy() == data[len(data) - left :]
    received = b""
    while left:
        received += other.recv(1 << 20)
        buffer.append(b"")
        left = buffer.send(one.fileno())
        assert left == buffer.size()
    while len(received) < len(data):
        received += other.recv(1 << 20)
    assert received == data


def test_what_is_appended_after_a_partial_write_comes_behind(pair: Pair) -> None:
    one, other = pair
    buffer = filled(b"a" * 1_000_000)
    assert buffer.send(one.fileno()) > 0
    buffer.append(b"end")
    received = b""
    while not received.endswith(b"end"):
        received += other.recv(1 << 20)
        buffer.send(one.fileno())
    assert received == b"a" * 1_000_000 + b"end"


def test_failures_are_negative(pair: Pair) -> None:
    one, other = pair
    fd = one.fileno()
    other.close()
    assert filled(b"x").send(fd) == -errno.EPIPE
    one.close()
    assert Buffer().recv(fd, 10) == -errno.EBADF
    assert filled(b"x").send(fd) == -errno.EBADF


def test_a_connection_that_is_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        server, _ = listening.accept()
    with server:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        assert Buffer().recv(server.fileno(), 10) == -errno.ECONNRESET


def test_a_side_that_takes_nothing_any_more() -> None:
    near, far = connected()
    with near:
        far.close()
        buffer = filled(b"abc")
        assert buffer.send(near.fileno()) == -errno.EPIPE
        assert buffer.copy() == b"abc"


# ------------------------------------------------------------------ relay


def test_relay() -> None:
    one, source, to, other = (*connected(), *connected())
    with one, source, to, other:
        rest = Buffer()
        assert rest.relay(source.fileno(), to.fileno(), 100) == AGAIN
        one.send(b"0123456789")
        assert rest.relay(source.fileno(), to.fileno(), 4) == 4
        assert other.recv(100) == b"0123"
        assert rest.relay(source.fileno(), to.fileno(), 100) == 6
        assert other.recv(100) == b"456789"
        assert rest.size() == 0
        one.close()
        assert rest.relay(source.fileno(), to.fileno(), 100) == 0


def test_relay_keeps_what_is_not_taken() -> None:
    one, source, to, other = (*connected(), *connected())
    with one, source, to, other:
        while True:
            try:
                to.send(b"x" * 65536)
            except BlockingIOError:
                break
        one.send(b"later")
        rest = filled(b"before ")
        assert rest.relay(source.fileno(), to.fileno(), 100) == 5
        assert rest.copy() == b"before later"


def test_relay_of_what_failed() -> None:
    one, source, to, other = (*connected(), *connected())
    with one, source, to:
        other.close()
        one.send(b"for nobody")
        rest = Buffer()
        assert rest.relay(source.fileno(), to.fileno(), 100) == NOT_TAKEN
        assert rest.size() == 0
        assert rest.relay(to.fileno(), source.fileno(), 100) in (0, -errno.ECONNRESET)


# ------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    return server, client


@pytest.fixture
def tls(pair: Pair, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    server = contexts[0].wrap_socket(pair[0], server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=False)
    client = contexts[1].wrap_socket(
        pair[1], server_hostname="localhost", do_handshake_on_connect=False, suppress_ragged_eofs=False
    )
    pending = [client, server]
    for _ in range(20):
        for side in list(pending):
            try:
                side.do_handshake()
                pending.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert not pending
    yield server, client
    server.close()
    client.close()


def test_tls(tls: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    server, client = tls
    buffer = Buffer()
    assert buffer.recv_tls(server, 100) == AGAIN
    out = filled(b"xhello")
    out.drop(1)
    assert out.send_tls(client) == 0
    assert buffer.recv_tls(server, 3) == 3
    assert buffer.recv_tls(server, 100) == 2
    assert buffer.copy() == b"hello"


def test_tls_in_many_records(tls: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    server, client = tls
    data = os.urandom(1_000_000)
    out, buffer = filled(data), Buffer()
    left, stalled = len(data), False
    while buffer.size() < len(data):
        while left:
            before, left = left, out.send_tls(client)
            assert left == out.size()
            if left == before:
                stalled = True
                break
        while (count := buffer.recv_tls(server, READ_SIZE)) > 0:
            assert count <= 16384
        assert count == AGAIN
    assert stalled
    assert buffer.copy() == data


def test_tls_end_with_close_notify(tls: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    server, client = tls
    client.setblocking(False)
    with pytest.raises(ssl.SSLWantReadError):
        client.unwrap()
    assert Buffer().recv_tls(server, 100) == 0


def test_tls_cut_without_close_notify_is_a_failure(tls: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    server, client = tls
    client.setblocking(False)
    with pytest.raises(ssl.SSLWantReadError):
        client.recv(1)  # takes session tickets: a socket with something unread in it is closed by a reset
    client.close()
    assert Buffer().recv_tls(server, 100) == TLS_FAILED


def test_tls_that_is_none(tls: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    server, client = tls
    os.write(client.fileno(), b"GET / HTTP/1.1\r\n\r\n")
    assert Buffer().recv_tls(server, 100) == TLS_FAILED


def test_tls_writing_to_one_that_is_gone(tls: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    server, client = tls
    client.close()
    assert filled(b"x").send_tls(server) in (-errno.EPIPE, TLS_FAILED)
