"""Metrics, under the names that dashboards of configurable-http-proxy know."""

from __future__ import annotations

import re

import pytest
from tests.contract.conftest import Start
from tests.contract.differences import expected
from tests.contract.parts import Proxy
from tests.server.parts import Origin, ask, eventually

DOWN = "http://127.0.0.1:9"


def values(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^([a-zA-Z_:][^ #]*) ([^ \n]+)", text, re.MULTILINE)}


@pytest.fixture
def metered(start: Start) -> tuple[Proxy, int]:
    proxy = start("--metrics-ip", "127.0.0.1", "--metrics-port", "{free}")
    return proxy, proxy.other_port


def test_names(metered: tuple[Proxy, int], one: Origin) -> None:
    proxy, port = metered
    proxy.add("/a", one.url)
    proxy.add("/b", DOWN)
    for path in ("/a", "/a/do/status/404", "/b", "/nowhere"):
        proxy.ask(path)
    assert proxy.ask("/_chp_healthz").status == 200  # is counted nowhere
    with proxy.client() as client:
        assert client.upgrade("/a/do/ws").status == 101
    proxy.delete("/b")
    proxy.delete("/b")
    proxy.routes()
    proxy.api("GET", "/a")
    proxy.api("PUT")
    proxy.api("GET", fields=b"")
    wanted = {
        "api_route_get": 1.0,  # of the whole table
        "api_route_add": 2.0,
        "api_route_delete": 2.0,
        "find_target_for_req_count": 5.0,
        "requests_web": 4.0,
        "requests_ws": 1.0,
        'requests_proxy{status="200"}': 1.0,
        'requests_proxy{status="404"}': 2.0,
        'requests_proxy{status="503"}': 1.0,
        'requests_api{status="200"}': 2.0,
        'requests_api{status="201"}': 2.0,
        'requests_api{status="204"}': 1.0,
        'requests_api{status="403"}': 1.0,
        'requests_api{status="404"}': 1.0,
        'requests_api{status="405"}': 1.0,
    }

    def seen() -> dict[str, float]:
        found = values(ask(port, "/metrics").content.decode())
        return {name: found.get(name, 0.0) for name in wanted}

    eventually(lambda: seen() == wanted, 3)
    assert seen() == wanted
    text = ask(port, "/metrics").content.decode()
    for name in ("find_target_for_req", "last_activity_updating"):
        assert f"# TYPE {name} summary" in text
        assert values(text)[f"{name}_count"] > 0
        assert (values(text)[f"{name}_sum"] > 0) == expected(proxy.kind, "look-ups-are-timed")
    for name in ("requests_web", "requests_ws", "requests_proxy", "requests_api", "api_route_get", "api_route_add"):
        assert f"# TYPE {name} counter" in text


def test_answers(metered: tuple[Proxy, int]) -> None:
    proxy, port = metered
    got = ask(port, "/metrics")
    assert got.status == 200
    assert got.get(b"content-type").startswith(b"text/plain; version=")
    assert ask(port, "/").status == 404
    assert proxy.ask("/metrics").status == 404  # not on the public side
    assert proxy.api("GET", whole="/metrics").status == 404


def test_none_by_default(proxy: Proxy) -> None:
    assert "metrics" not in proxy.log()
