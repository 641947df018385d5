"""Messages between supervisor and workers: however they arrive, with the descriptors that belong to each."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from perijove.server.control import Applied, Channel, Drain, Refused, Reopened, encode


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Channel]]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with ours, theirs:
        yield ours, Channel(theirs)


def test_however_it_is_cut(ends: tuple[socket.socket, Channel]) -> None:
    sock, channel = ends
    messages = [Applied(1), Refused(2, "why" * 50), Drain(3.5)]
    octets = b"".join(b"".join(encode(one)) for one in messages)
    found = []
    for octet in octets:
        sock.send(bytes([octet]))
        found += channel.receive() or []
    assert found == [(one, []) for one in messages]
    assert channel.receive() == []
    sock.send(octets)
    assert channel.receive() == found


def test_each_has_its_descriptors(ends: tuple[socket.socket, Channel]) -> None:
    sock, channel = ends
    pipes = [os.pipe() for _ in range(2)]
    for number, pipe in enumerate(pipes):
        head, body = encode(Reopened(number), len(pipe))
        socket.send_fds(sock, [head], pipe)
        sock.sendall(body)
    found = channel.receive() or []
    while len(found) < 2:  # the kernel ends a read before the next descriptors
        found += channel.receive() or []
    assert [message for message, _ in found] == [Reopened(0), Reopened(1)]
    for (_, passed), pipe in zip(found, pipes, strict=True):
        assert [os.fstat(one).st_ino for one in passed] == [os.fstat(one).st_ino for one in pipe]
        for one in (*passed, *pipe):
            os.close(one)


def test_the_end(ends: tuple[socket.socket, Channel]) -> None:
    sock, channel = ends
    sock.send(encode(Applied(1))[0])
    assert channel.receive() == []
    sock.close()
    assert channel.receive() is None
