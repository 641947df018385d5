"""Copying between two endpoints: back-pressure, ends, failures. Over socket pairs and TLS."""

import socket
import struct
from collections.abc import Iterator

import pytest

from perijove.engine.const import ENDED, FAILED, IN, NO_TAKER, OPEN, OUT, READ_SIZE
from perijove.engine.reactor import Endpoint, Reactor
from perijove.engine.tunnel import drained, half_close, relay

Side = tuple[Endpoint, socket.socket]


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    made.poller.close()


def side(reactor: Reactor) -> Side:
    """An endpoint and what is at its far end."""
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    endpoint = Endpoint(reactor)
    endpoint.attach(near, IN)
    return endpoint, far


@pytest.fixture(params=["as-they-are", "lightened"])
def sides(reactor: Reactor, request: pytest.FixtureRequest) -> Iterator[tuple[Side, Side]]:
    one, two = side(reactor), side(reactor)
    if request.param == "lightened":
        one[0].lighten()
        two[0].lighten()
    yield one, two
    for endpoint, far in (one, two):
        endpoint.close()
        far.close()


def everything(far: socket.socket) -> bytes:
    """What has arrived, up to where nothing is left or the end is."""
    data = b""
    while True:
        try:
            piece = far.recv(1 << 20)
        except BlockingIOError:
            return data
        if not piece:
            return data + b"|end"
        data += piece


def fill(endpoint: Endpoint) -> int:
    """Write until the kernel takes no more; return how much that was."""
    count = 0
    sock = endpoint.socket()
    assert sock is not None
    while True:
        try:
            count += sock.send(b"x" * 65536)
        except BlockingIOError:
            return count


def test_bytes_are_copied_as_they_are(sides: tuple[Side, Side]) -> None:
    (source, writer), (to, reader) = sides
    for data in (b"\x81\x05hello", b"\0", b"\r\n\r\n"):
        writer.send(data)
        assert relay(source, to) == len(data)
        assert everything(reader) == data
    assert (source.interest, to.interest) == (IN, IN)
    assert source.inbuf.size() == to.outbuf.size() == 0


def test_nothing_to_copy(sides: tuple[Side, Side]) -> None:
    (source, _), (to, reader) = sides
    assert relay(source, to) == OPEN
    assert everything(reader) == b""
    assert source.interest == IN


def test_one_read_at_a_time(sides: tuple[Side, Side]) -> None:
    (source, writer), (to, reader) = sides
    data = bytes(range(256)) * 400
    sent = writer.send(data)
    got = b""
    while len(got) < sent:
        copied = relay(source, to)
        piece = everything(reader)
        assert 0 < copied == len(piece) <= READ_SIZE
        got += piece
    assert got == data[:sent]


def test_a_full_side_holds_the_other_back(sides: tuple[Side, Side]) -> None:
    (source, writer), (to, reader) = sides
    filled = fill(to)
    writer.send(b"later")
    assert relay(source, to) == 5
    assert (source.interest, to.interest, to.outbuf.size()) == (0, IN | OUT, 5)
    writer.send(b" and more")
    assert relay(source, to) == OPEN  # by a second look: nothing more is read
    assert to.outbuf.size() == 5
    assert drained(to, source, False) == OPEN  # it is still full
    assert (source.interest, to.interest) == (0, IN | OUT)
    assert len(everything(reader)) == filled
    assert drained(to, source, False) == OPEN
    assert (source.interest, to.interest, to.outbuf.size()) == (IN, IN, 0)
    assert relay(source, to) == 9
    assert everything(reader) == b"later and more"


def test_reading_does_not_begin_while_bytes_wait(sides: tuple[Side, Side]) -> None:
    (source, writer), (to, reader) = sides
    to.outbuf.append(b"first")
    writer.send(b" second")
    assert relay(source, to) == OPEN
    assert source.interest == 0
    assert drained(to, source, False) == OPEN
    assert relay(source, to) == 7
    assert everything(reader) == b"first second"


def test_the_end_of_one_direction_leaves_the_other(sides: tuple[Side, Side]) -> None:
    (source, writer), (to, reader) = sides
    writer.send(b"bye")
    writer.shutdown(socket.SHUT_WR)
    assert relay(source, to) == 3
    assert relay(source, to) == ENDED
    assert source.interest == 0  # the end is not told again and again
    assert everything(reader) == b"bye"
    half_close(to)
    assert everything(reader) == b"|end"
    reader.send(b"still here")
    assert relay(to, source) == 10
    assert everything(writer) == b"still here"


def test_an_end_is_passed_on_when_all_is_written(sides: tuple[Side, Side]) -> None:
    (source, writer), (to, reader) = sides
    filled = fill(to)
    writer.send(b"last words")
    writer.close()
    assert relay(source, to) == 10
    assert drained(to, source, True) == OPEN
    assert len(everything(reader)) == filled
    assert drained(to, source, True) == ENDED
    assert everything(reader) == b"last words|end"
    assert source.interest == 0  # it is not read again
    assert to.interest == IN


def tcp(reactor: Reactor) -> Side:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        far = socket.create_connection(listening.getsockname())
        near, _ = listening.accept()
    near.setblocking(False)
    endpoint = Endpoint(reactor)
    endpoint.attach(near, IN)
    return endpoint, far


def reset(far: socket.socket) -> None:
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()


def test_a_reset_is_a_failure(reactor: Reactor, sides: tuple[Side, Side]) -> None:
    source, far = tcp(reactor)
    reset(far)
    assert relay(source, sides[0][0]) == FAILED
    assert source.interest == 0
    source.close()


def test_a_side_that_takes_nothing_any_more_is_a_failure(sides: tuple[Side, Side]) -> None:
    (source, writer), (to, reader) = sides
    reader.close()
    writer.send(b"for nobody")
    assert relay(source, to) == NO_TAKER
    to.outbuf.append(b"for nobody")
    assert drained(to, source, False) == NO_TAKER


def test_half_close_of_what_is_gone(reactor: Reactor) -> None:
    endpoint, far = tcp(reactor)
    reset(far)
    half_close(endpoint)
    endpoint.close()
    half_close(endpoint)


def test_what_was_not_taken_is_one_sides_own(sides: tuple[Side, Side]) -> None:
    (source, writer), (to, reader) = sides
    filled = fill(to)
    writer.send(b"for the full side")
    assert relay(source, to) == 17
    reader.send(b"for the other")
    assert relay(to, source) == 13
    assert everything(writer) == b"for the other"
    assert (to.outbuf.copy(), source.outbuf.size(), source.inbuf.size()) == (b"for the full side", 0, 0)
    assert len(everything(reader)) == filled
    assert drained(to, source, False) == OPEN
    assert everything(reader) == b"for the full side"


def test_a_light_side_is_light_again_when_all_is_written(reactor: Reactor) -> None:
    (source, writer), (to, reader) = side(reactor), side(reactor)
    source.lighten()
    to.outbuf.append(b"the head of an answer")
    to.lighten()
    assert drained(to, source, False) == OPEN
    assert to.outbuf is source.outbuf is to.inbuf
    assert everything(reader) == b"the head of an answer"
    for endpoint, far in ((source, writer), (to, reader)):
        endpoint.close()
        far.close()
