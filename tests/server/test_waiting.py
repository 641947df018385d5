"""A connection parked in each state of waiting costs no CPU: a level-triggered loop whose interest is wrong spins.

The limit is 10 ms of CPU in 3 s, over all states at once, each with a connection of its own.
"""

from __future__ import annotations

import resource
import select
import signal
import socket
import ssl
import time
from collections.abc import Callable

from tests.server.parts import LATE, Application, Client, Conversation, Front, Handler, Origin, eventually, quiet

LIMIT = 0.010


def handler(conversation: Conversation) -> None:
    """A server that leaves things undone, as the path says."""
    head = conversation.head()
    assert head is not None
    what = head.target
    if what == b"/download":
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            conversation.send(bytes(1 << 20))  # until nobody takes more
    if what == b"/endless":
        conversation.send(b"HTTP/1.1 200 OK\r\n\r\nsome")
    if what in (b"/tunnel", b"/half", b"/flood"):
        conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        if what == b"/half":
            conversation.sock.shutdown(socket.SHUT_WR)
        if what == b"/flood":
            while True:
                conversation.send(bytes(1 << 20))
    if what == b"/unread":
        hung_up = select.poll()
        hung_up.register(conversation.sock, select.POLLRDHUP)
        hung_up.poll()
        return
    conversation.rest()


def park(port: int, tls: ssl.SSLContext | None = None) -> list[Client]:
    """Open a connection in every state that a client can bring about."""
    parked: dict[str, Client] = {
        name: Client(port, tls=tls)
        for name in (
            "silent", "head", "answer", "paused", "streaming", "uploading", "unread", "tunnel", "half tunnel", "flooded",
            "half closed tunnel", "pipelined", "idle", "half closed",
        )
    }  # fmt: skip
    ask = b"GET /%b HTTP/1.1\r\nHost: a\r\n"
    parked["head"].send(b"GET / HTTP/1.1\r\nHo")
    parked["answer"].send(ask % b"hang" + b"\r\n")
    parked["paused"].send(ask % b"download" + b"\r\n")
    parked["streaming"].send(ask % b"endless" + b"\r\n")
    parked["uploading"].send(ask.replace(b"GET", b"PUT") % b"upload" + b"Content-Length: 1000\r\n\r\nsome")
    parked["pipelined"].send(ask % b"hang" + b"\r\n" + (ask % b"next" + b"\r\n") * 10000)
    for name, target in (
        ("tunnel", b"tunnel"),
        ("half tunnel", b"half"),
        ("flooded", b"flood"),
        ("half closed tunnel", b"tunnel"),
    ):
        parked[name].send(
            ask % target
            + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n"
        )
        assert parked[name].head() is not None
    unread = parked["unread"]
    unread.send(ask.replace(b"GET", b"PUT") % b"unread" + b"Content-Length: 1000000000\r\n\r\n")
    unread.sock.settimeout(0.5)
    try:
        while True:
            unread.send(bytes(1 << 16))
    except (TimeoutError, ssl.SSLError):
        pass
    if tls is None:
        parked["half closed tunnel"].sock.shutdown(socket.SHUT_WR)
        parked["half closed"].sock.shutdown(socket.SHUT_WR)
    # One that is reset while it is paused: it must be noticed although nobody reads it.
    lost = Client(port, tls=tls)
    lost.send(ask % b"download" + b"\r\n")
    assert lost.head() is not None
    lost.reset()
    return list(parked.values())


def close(clients: list[Client]) -> None:
    for one in clients:
        one.close()


def test_every_state(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    origin = origins(handler)
    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origin.url}"')
    parked = park(front.port)
    assert quiet(front.cpu, LIMIT)
    close(parked)


def test_every_state_over_tls(secured: Callable[[Handler], Front], client_tls: ssl.SSLContext) -> None:
    front = secured(handler)
    parked = park(front.port, client_tls)
    assert quiet(front.cpu, LIMIT)
    close(parked)


def test_out_of_descriptors(front: Front) -> None:
    """Connections that cannot be accepted wait in the kernel's queue, and are served when there is room again."""
    at_first = front.descriptors()
    resource.prlimit(front.worker, resource.RLIMIT_NOFILE, (at_first + 10, 1000))
    clients = [Client(front.port) for _ in range(30)]
    for one in clients[:25]:
        one.send(b"GET /")  # what says nothing at all gives way
    assert quiet(front.cpu, LIMIT)  # it looks five times a second whether there is room
    close(clients[:25])
    for one in clients[25:]:
        assert one.ask("/").status in (200, 503)
    close(clients)
    assert eventually(lambda: front.descriptors() <= at_first + 2)  # what is pooled may stay


def test_who_says_nothing_keeps_nobody_out(front: Front) -> None:
    """Connections without a word, many more than there are descriptors, and new ones for each that is closed."""
    at_first = front.descriptors()
    resource.prlimit(front.worker, resource.RLIMIT_NOFILE, (at_first + 20, 1000))
    with Client(front.port) as kept:
        assert kept.ask("/").status == 200
        silent = [Client(front.port) for _ in range(60)]
        for _ in range(2):
            with Client(front.port) as late:
                late.sock.settimeout(LATE + 5.0)  # of the ten seconds for which each of those may be silent
                assert late.ask("/").status == 200
            assert kept.ask("/").status == 200
            silent += [Client(front.port) for _ in range(10)]
        close(silent)


def test_draining(front: Front, application: Application) -> None:
    with Client(front.port) as client, Client(front.port) as tunnel, Client(front.port) as paused:
        client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.head() is not None
        assert tunnel.upgrade().status == 101
        paused.send(b"GET /bytes/100000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert paused.head() is not None
        front.signal(signal.SIGTERM)
        assert eventually(lambda: "finishing" in front.log())
        assert quiet(front.cpu, 2 * LIMIT)  # it looks twenty times a second whether all is done
        application.go.set()
        assert client.chunked().endswith(b"data: 2\n\n")


def test_the_measure_sees_a_spin(front: Front) -> None:
    """One request a millisecond is seen: the limit is not one that anything passes."""
    before = front.cpu()
    with Client(front.port) as client:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            client.ask("/")
            time.sleep(0.001)
    assert front.cpu() - before > LIMIT
