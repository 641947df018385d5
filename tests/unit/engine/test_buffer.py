"""The queue of bytes: by itself, over a socket pair, over a pipe. Through TLS it goes in test_tls."""

import errno
import os
import socket
from collections.abc import Iterator

import pytest

from perijove.engine.buffer import Buffer, give, take
from perijove.engine.const import AGAIN, NOT_TAKEN, READ_SIZE

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


# ------------------------------------------------------------------ by themselves


def test_take_and_give() -> None:
    one, other = connected()
    with one, other:
        assert take(one.fileno(), 5) == AGAIN
        assert give(other.fileno(), b"hello!") == 6
        assert (take(one.fileno(), 5), take(one.fileno(), 5)) == (b"hello", b"!")
        while (count := give(other.fileno(), bytes(100_000))) > 0:
            pass
        assert count == AGAIN
        got = take(one.fileno(), 2 * READ_SIZE)
        assert isinstance(got, bytes)
        assert len(got) <= READ_SIZE
        one.close()
        assert give(other.fileno(), b"x") in (-errno.EPIPE, -errno.ECONNRESET)
    one, other = connected()
    with one:
        other.close()
        assert take(one.fileno(), 5) == b""
    assert take(-1, 5) == -errno.EBADF
    assert give(-1, b"x") == -errno.EBADF
