"""WebSockets: bytes both ways after the 101, and only after it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable

import pytest
from tests.server.parts import WAIT, Application, Client, Conversation, Front, Handler, Origin, answer, eventually, pattern

ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


def test_echo(front: Front, application: Application) -> None:
    with Client(front.port) as client:
        got = client.upgrade()
        assert got.status == 101
        assert (got.get(b"upgrade"), got.get(b"connection")) == (b"websocket", b"Upgrade")
        asked = application.heads[-1]
        assert (asked.all(b"upgrade"), asked.all(b"connection")) == ([b"websocket"], [b"Upgrade"])
        assert asked.get(b"sec-websocket-key") == b"eA=="
        data = pattern(5_000_000)
        threading.Thread(target=client.send, args=(data,)).start()
        assert client.exactly(len(data)) == data


def test_over_tls(secured: Callable[[Handler], Front], client_tls: ssl.SSLContext) -> None:
    front = secured(Application())
    with Client(front.port, tls=client_tls) as client:
        assert client.upgrade().status == 101
        data = pattern(100_000)
        for _ in range(50):
            client.send(data)
            assert client.exactly(len(data)) == data


def test_bytes_that_come_with_the_heads(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    """What either side says right behind its head is not lost."""

    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(ACCEPT + b"\r\nfirst")
        assert conversation.exactly(5) == b"early"
        conversation.send(b"heard")

    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(handler).url}"')
    with Client(front.port) as client:
        client.send(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: eA==\r\n\r\nearly"
        )
        assert client.response().status == 101
        assert client.rest() == b"firstheard"


def test_half_close_by_the_client(front: Front) -> None:
    with Client(front.port) as client:
        client.upgrade()
        client.send(b"last words")
        client.sock.shutdown(1)
        assert client.rest() == b"last wordsbye"


def test_half_close_by_the_server(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    heard: list[bytes] = []

    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(ACCEPT + b"\r\nend")
        conversation.sock.shutdown(1)
        heard.append(conversation.rest())

    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(handler).url}"')
    at_first = front.descriptors()
    with Client(front.port) as client:
        client.upgrade()
        assert client.rest() == b"end"
        client.send(b"still")
        client.sock.shutdown(1)
        assert eventually(lambda: heard == [b"still"])
        assert eventually(lambda: front.descriptors() <= at_first)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_the_client_goes(front: Front, origin: Origin, how: str) -> None:
    client = Client(front.port)
    client.upgrade()
    assert len(origin.open) == 1
    getattr(client, how)()
    assert eventually(lambda: not origin.open)


def test_the_server_is_killed(front: Front, origin: Origin) -> None:
    with Client(front.port) as client:
        client.upgrade()
        origin.stop()
        client.rest() == b"bye"  # noqa: B015
        assert client.ended()


def test_refused_by_the_server(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    """Any answer but 101 is an ordinary response, and the connection stays one of HTTP."""

    def handler(conversation: Conversation) -> None:
        while conversation.head() is not None:
            conversation.send(answer(b"no", b"403 Forbidden"))

    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(handler).url}"')
    with Client(front.port) as client:
        for _ in range(3):
            got = client.upgrade()
            assert (got.status, got.content) == (403, b"no")


@pytest.mark.parametrize(
    "fields",
    [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
        b"Connection: Upgrade\r\nUpgrade: foo\r\n",
        b"Upgrade: websocket\r\n",  # not nominated: not meant for us
    ],
)
def test_other_upgrades_are_ignored(front: Front, application: Application, fields: bytes) -> None:
    with Client(front.port) as client:
        got = client.ask("/seen", fields=fields)
        assert got.status == 200
        for name in (b"upgrade", b"http2-settings", b"connection"):
            assert application.heads[-1].get(name) is None
        assert client.ask("/").status == 200


@pytest.mark.parametrize(
    ("asked", "answered"),
    [(False, ACCEPT), (True, ACCEPT.replace(b"websocket", b"h2c")), (True, b"HTTP/1.1 101 Switching Protocols\r\n")],
)
def test_101_that_was_not_asked_for(
    fronts: Callable[..., Front], origins: Callable[..., Origin], asked: bool, answered: bytes
) -> None:
    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(answered + b"\r\nraw bytes")
        conversation.rest()

    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(handler).url}"')
    with Client(front.port) as client:
        got = client.upgrade() if asked else client.ask("/")
        assert got.status == 502
        assert b"raw bytes" not in got.content


def test_neither_side_is_read_faster_than_the_other_takes(fronts: Callable[..., Front], origins: Callable[..., Origin]) -> None:
    sent = [0]

    def handler(conversation: Conversation) -> None:
        conversation.head()
        conversation.send(ACCEPT + b"\r\n")
        conversation.sock.settimeout(1.0)
        piece = bytes(1 << 16)
        try:
            while sent[0] < 1 << 28:
                conversation.send(piece)
                sent[0] += len(piece)
        except TimeoutError:
            conversation.sock.settimeout(WAIT)
            conversation.until(b"go")

    front = fronts(f'listen = "127.0.0.1:{{port}}"\nto = "{origins(handler).url}"')
    with Client(front.port) as client:
        before = front.rss()
        client.upgrade()
        assert eventually(lambda: sent[0] > 1 << 18)
        threading.Event().wait(1.5)
        assert sent[0] < 1 << 26  # what fits into the kernel's buffers
        assert front.rss() < before + 4
        client.send(b"go")
        assert client.exactly(1 << 18) == bytes(1 << 18)
