"""WebSockets: routed as requests are, refused with a bare status."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket
import websocket
from tests.contract.conftest import Start
from tests.contract.differences import CLOSED, expected
from tests.contract.parts import Proxy, report
from tests.server.parts import Client, Origin, pattern

DOWN = "http://127.0.0.1:9"


class Echo(tornado.websocket.WebSocketHandler):
    """Says what it hears, as a kernel's channels do: text and bytes, with a subprotocol."""

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return "v1.kernel.websocket.jupyter.org" if "v1.kernel.websocket.jupyter.org" in subprotocols else None

    def check_origin(self, origin: str) -> bool:
        return True

    async def on_message(self, message: str | bytes) -> None:
        if message == "close":
            self.close(4001, "as asked")
        else:
            await self.write_message(message, binary=isinstance(message, bytes))


@pytest.fixture(scope="module")
def tornado_url() -> Iterator[str]:
    """A real Tornado, as Jupyter's servers are."""
    ready, loops, urls = threading.Event(), [], []

    async def serve() -> None:
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        server = tornado.httpserver.HTTPServer(tornado.web.Application([(r"/.*", Echo)], websocket_max_message_size=1 << 26))
        server.add_sockets(sockets)
        urls.append(f"http://127.0.0.1:{sockets[0].getsockname()[1]}")
        over = asyncio.Event()
        loops.append((asyncio.get_running_loop(), over))
        ready.set()
        await over.wait()
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield urls[0]
    loop, over = loops[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(10)


def test_with_tornado(proxy: Proxy, base: str, tornado_url: str) -> None:
    proxy.add(base, tornado_url)
    asked = ["other", "v1.kernel.websocket.jupyter.org"]
    client = websocket.create_connection(f"ws://127.0.0.1:{proxy.port}{base}/x", subprotocols=asked, timeout=10)
    assert client.getsubprotocol() == asked[1]
    for message in ("text ü", pattern(300_000).decode()):
        client.send(message)
        assert client.recv() == message
    client.send_binary(bytes(range(256)))
    assert client.recv() == bytes(range(256))
    client.ping("are you there")
    assert client.recv_frame().opcode == websocket.ABNF.OPCODE_PONG
    client.send("close")
    frame = client.recv_frame()
    assert (frame.opcode, int.from_bytes(frame.data[:2], "big")) == (websocket.ABNF.OPCODE_CLOSE, 4001)
    client.shutdown()


def test_answer_of_the_server(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    with proxy.client() as client:
        got = client.upgrade(f"{base}/do/ws?x=1")
        assert (got.status, got.get(b"x-own")) == (101, b"1")
        assert got.get(b"upgrade").lower() == b"websocket"


def test_what_reaches_the_server(proxy_with: Start, base: str, one: Origin) -> None:
    proxy = proxy_with("--custom-header", "K1: v1")
    proxy.add(base, one.url)
    with proxy.client() as client:  # the server answers as to any other request, and that is passed on
        got = report(client.upgrade(f"{base}/x?y=1", b"Cookie: a=b\r\nOrigin: http://hub.example:8443\r\n"))
    assert got.target == f"{base}/x?y=1"
    assert got.get("host") == "hub.example:8443"
    assert (got.get("cookie"), got.get("origin"), got.get("k1")) == ("a=b", "http://hub.example:8443", "v1")
    assert (got.get("x-forwarded-for"), got.get("x-forwarded-port")) == ("127.0.0.1", "8443")
    assert got.get("x-forwarded-proto") == expected(proxy.kind, "websocket-forwarded-proto")
    assert got.get("x-forwarded-host") == expected(proxy.kind, "websocket-forwarded-host")


@pytest.mark.parametrize("status", [302, 403, 404, 500])
def test_refused_by_the_server(proxy: Proxy, base: str, one: Origin, status: int) -> None:
    proxy.add(base, one.url)
    with proxy.client() as client:
        assert client.upgrade(f"{base}/do/status/{status}").status == status


@pytest.mark.parametrize(
    "options", [(), ("--error-target", DOWN), ("--error-path", "/nonexistent")], ids=["", "target", "path"]
)
def test_no_route(proxy_with: Start, options: tuple[str, ...]) -> None:
    """No page either: a bare status."""
    with proxy_with(*options).client() as client:
        got = client.upgrade("/nowhere/x")
        assert (got.status, got.content) == (404, b"")


def test_down(proxy: Proxy, base: str) -> None:
    proxy.add(base, DOWN)
    with proxy.client() as client:
        got = client.upgrade(f"{base}/x")
        assert (got.status, got.content) == (503, b"")


def test_ends_without_an_answer(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    with proxy.client() as client:
        got = client.upgrade(f"{base}/do/close")
        assert (got.status, got.content) == (503, b"")


def test_malformed_percent(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    with proxy.client() as client:
        assert client.upgrade(f"{base}/%zz").status == expected(proxy.kind, "websocket-malformed-percent")


def test_closed_by_either_side(proxy: Proxy, base: str, upstreams: object) -> None:
    """What one side closes is closed for the other."""
    ended = threading.Event()

    def handler(conversation: object) -> None:
        conversation.head()  # type: ignore[attr-defined]
        conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")  # type: ignore[attr-defined]
        if conversation.exactly(1) == b"c":  # type: ignore[attr-defined]
            return
        conversation.rest()  # type: ignore[attr-defined]
        ended.set()

    origin = Origin(handler)  # type: ignore[arg-type]
    try:
        proxy.add(base, origin.url)
        with proxy.client() as client:
            client.upgrade(base)
            client.send(b"c")
            assert client.ended()
        client = proxy.client()
        client.upgrade(base)
        client.send(b"x")
        client.close()
        assert ended.wait(5)
    finally:
        origin.stop()


def upgrade(client: Client, target: str, word: str, method: str = "GET") -> object:
    try:
        return client.ask(target, method=method, fields=f"Connection: Upgrade\r\nUpgrade: {word}\r\n".encode()).status
    except AssertionError:
        return CLOSED


@pytest.mark.parametrize(("word", "method"), [("h2c", "GET"), ("websocket", "POST"), ("TLS/1.2", "GET")])
def test_other_upgrades(proxy: Proxy, base: str, one: Origin, word: str, method: str) -> None:
    proxy.add(base, one.url)
    with proxy.client() as client:
        assert upgrade(client, f"{base}/x", word, method) == expected(proxy.kind, "upgrade-other")


def test_host_routing(proxy_with: Start, one: Origin) -> None:
    proxy = proxy_with("--host-routing")
    proxy.add("/hub.example/a", one.url)
    with proxy.client() as client:
        assert client.upgrade("/a/do/ws").status == 101
    with proxy.client() as client:
        assert client.upgrade("/b/do/ws").status == 404


def test_no_include_prefix(proxy_with: Start, base: str, one: Origin) -> None:
    proxy = proxy_with("--no-include-prefix")
    proxy.add(base, one.url + "/sub")
    with proxy.client() as client:
        assert report(client.upgrade(f"{base}/x?y")).target == "/sub/x?y"
