"""`last_activity`: what counts as use of a server, and what does not."""

from __future__ import annotations

import time

import pytest
from tests.contract.conftest import Start
from tests.contract.differences import expected
from tests.contract.parts import Proxy
from tests.server.parts import Origin, eventually

SOON = 15.0  # seconds within which what happened shows; it does at once


def test_a_good_answer(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    for status in (200, 201, 204, 206):
        before = proxy.activity(base)
        time.sleep(0.005)
        assert proxy.ask(f"{base}/do/status/{status}").status == status
        assert eventually(lambda was=before: proxy.activity(base) > was, SOON), status


def test_other_answers(proxy: Proxy, base: str, one: Origin) -> None:
    """Redirects and errors are not use: nobody may be there at all."""
    statuses = (300, 302, 304, 400, 403, 404, 500, 503)
    for status in statuses:
        proxy.add(f"{base}/{status}", one.url)
    proxy.add(f"{base}/down", "http://127.0.0.1:9")
    before = {path: proxy.activity(base + path) for path in (*(f"/{status}" for status in statuses), "/down")}
    time.sleep(0.005)
    for status in statuses:
        assert proxy.ask(f"{base}/{status}/do/status/{status}").status == status
    assert proxy.ask(f"{base}/down").status == 503
    time.sleep(0.5)
    assert {path: proxy.activity(base + path) for path in before} == before


def test_only_of_the_route_that_was_used(proxy: Proxy, base: str, one: Origin) -> None:
    for path in ("", "/a", "/a/b", "/c"):
        proxy.add(base + path, one.url)
    before = {path: proxy.activity(base + path) for path in ("", "/a", "/a/b", "/c")}
    time.sleep(0.005)
    assert proxy.ask(f"{base}/a/x").status == 200
    assert eventually(lambda: proxy.activity(f"{base}/a") > before["/a"], SOON)
    del before["/a"]
    assert {path: proxy.activity(base + path) for path in before} == before


def test_asking_the_api_is_not_use(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    before = proxy.activity(base)
    time.sleep(0.02)
    proxy.routes()
    assert proxy.activity(base) == before


def test_it_shows_in_inactive_since(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    time.sleep(0.02)
    since = f"?inactive_since={time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())}.{int(time.time() % 1 * 1000):03}Z"
    time.sleep(0.02)
    assert base in proxy.routes(since)
    proxy.ask(base)
    assert eventually(lambda: base not in proxy.routes(since), SOON)


def test_said_through_a_websocket(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    with proxy.client() as client:
        assert client.upgrade(f"{base}/do/ws").status == 101
        for _ in range(3):
            time.sleep(0.05)
            before = proxy.activity(base)
            time.sleep(0.005)
            client.send(b"hello")
            assert client.exactly(5) == b"hello"
            assert eventually(lambda was=before: proxy.activity(base) > was, SOON)


def test_a_silent_websocket(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    with proxy.client() as client:
        assert client.upgrade(f"{base}/do/ws").status == 101
        time.sleep(0.1)
        before = proxy.activity(base)
        time.sleep(0.5)
        assert proxy.activity(base) == before


def test_heard_through_a_websocket(proxy: Proxy, base: str, one: Origin) -> None:
    """What the server says by itself."""
    proxy.add(base, one.url)
    with proxy.client() as client:
        assert client.upgrade(f"{base}/do/ws?after=1.0").status == 101
        time.sleep(0.1)
        before = proxy.activity(base)
        assert client.exactly(6) == b"pushed"
        moves = expected(proxy.kind, "activity-of-what-a-websocket-says")
        assert eventually(lambda: proxy.activity(base) > before, SOON if moves else 1.0) == moves


def test_an_upload_that_goes_on(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    with proxy.client() as client:
        client.send(f"POST {base} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n".encode())
        for _ in range(2):
            time.sleep(0.05)
            before = proxy.activity(base)
            time.sleep(0.005)
            client.send(b"12345")
            assert eventually(lambda was=before: proxy.activity(base) > was, SOON)
        assert client.response().status == 200


@pytest.mark.parametrize("routed", ["--default-target"])
def test_of_the_root(start: Start, one: Origin, routed: str) -> None:
    proxy = start(routed, one.url)
    before = proxy.routes()["/"]["last_activity"]
    time.sleep(0.005)
    proxy.ask("/x")
    assert eventually(lambda: proxy.routes()["/"]["last_activity"] > before, SOON)


def test_of_hosts(start: Start, one: Origin) -> None:
    proxy = start("--host-routing")
    proxy.add("/hub.example/a", one.url)
    before = proxy.activity("/hub.example/a")
    time.sleep(0.005)
    assert proxy.ask("/a/b").status == 200
    assert eventually(lambda: proxy.activity("/hub.example/a") > before, SOON)
