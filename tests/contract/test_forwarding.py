"""What of a request and of its response is passed on, and what is changed."""

from __future__ import annotations

import json

import pytest
from tests.contract.conftest import Start
from tests.contract.differences import expected
from tests.contract.parts import Proxy, report
from tests.server.parts import Origin, pattern

HOST = "hub.example:8443"  # what `ask` says


def test_request(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    got = report(
        proxy.ask(f"{base}/x?y=%20z&&", method="PATCH", fields=b"X-Own: a\r\nX-Own: b\r\nCookie: c=d\r\n", content=b"body")
    )
    assert (got.method, got.target, got.content) == ("PATCH", f"{base}/x?y=%20z&&", "body")
    assert got.get("host") == HOST
    assert got.get("cookie") == "c=d"
    assert ", ".join(got.all("x-own")) == "a, b"


def test_response(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    for status in (200, 201, 206, 299, 304, 400, 404, 418, 500, 503):
        assert proxy.ask(f"{base}/do/status/{status}").status == status
    got = proxy.ask(f"{base}/do/status/404")
    assert got.head.first[2] == b"Whatever"
    assert got.content == b""  # errors of servers are theirs: no page of ours


def test_large_bodies(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    data = pattern(2_000_000)
    got = json.loads(proxy.ask(base, method="POST", content=data).content)
    assert got["content"].encode() == data


# ------------------------------------------------------------------ forwarding fields


def test_forwarding_fields(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    got = report(proxy.ask(base))
    assert got.all("x-forwarded-for") == ["127.0.0.1"]
    assert got.all("x-forwarded-port") == ["8443"]
    assert got.all("x-forwarded-proto") == ["http"]
    assert got.all("x-forwarded-host") == [HOST]


def test_forwarding_fields_without_a_port(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    got = report(proxy.raw(f"GET {base} HTTP/1.1\r\nHost: hub.example\r\n\r\n".encode()))
    assert (got.get("x-forwarded-port"), got.get("x-forwarded-host")) == ("80", "hub.example")


def test_forwarding_fields_that_came(proxy: Proxy, base: str, one: Origin) -> None:
    """From a peer on loopback they are believed, and added to."""
    proxy.add(base, one.url)
    fields = b"X-Forwarded-For: 203.0.113.5\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outer.example\r\n"
    got = report(proxy.ask(base, fields=fields))
    assert got.get("x-forwarded-for").replace(" ", "") == "203.0.113.5,127.0.0.1"
    assert got.get("x-forwarded-port").replace(" ", "") == expected(proxy.kind, "forwarded-port-that-came")
    assert got.get("x-forwarded-proto").replace(" ", "") == expected(proxy.kind, "forwarded-proto-that-came")
    assert got.get("x-forwarded-host") == "outer.example"


def test_no_x_forward(proxy_with: Start, base: str, one: Origin) -> None:
    proxy = proxy_with("--no-x-forward")
    proxy.add(base, one.url)
    assert not [name for name, _ in report(proxy.ask(base)).fields if name.startswith("x-forwarded")]
    got = report(proxy.ask(base, fields=b"X-Forwarded-For: 203.0.113.5\r\nX-Forwarded-Proto: https\r\n"))
    assert (got.get("x-forwarded-for"), got.get("x-forwarded-proto")) == ("203.0.113.5", "https")


def test_change_origin(proxy_with: Start, base: str, one: Origin) -> None:
    proxy = proxy_with("--change-origin")
    assert proxy.says("Change Origin of host headers enabled."), proxy.log()
    proxy.add(base, one.url)
    got = report(proxy.ask(base, fields=b"Origin: http://hub.example:8443\r\n"))
    assert got.get("host") == one.url.removeprefix("http://")
    assert got.get("x-forwarded-host") == HOST
    assert got.get("origin") == "http://hub.example:8443"  # it is of the Host alone, whatever it is called


def test_custom_header(proxy_with: Start, base: str, one: Origin) -> None:
    proxy = proxy_with(
        "--custom-header",
        "k1: v1",
        "--custom-header",
        " K2 : v2:with v2 ",
        "--custom-header",
        "k1:last",
        "--custom-header",
        "k3:",
    )
    proxy.add(base, one.url)
    got = report(proxy.ask(base, fields=b"K2: theirs\r\n"))
    assert (got.all("k1"), got.all("k2"), got.all("k3")) == (["last"], ["v2:with v2"], [""])


# ------------------------------------------------------------------ cookies


def test_cookies(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    got = proxy.ask(f"{base}/do/cookies")
    assert got.head.all(b"set-cookie") == [b"a=1; Path=/user/x", b"b=2; HttpOnly"]
    got = proxy.ask(f"{base}/do/cookies", fields=b"X-Forwarded-Proto: https\r\n")
    secure = [b"secure" in one.lower().split(b"; ") for one in got.head.all(b"set-cookie")]
    assert secure == [expected(proxy.kind, "cookies-under-https-are-secure")] * 2


# ------------------------------------------------------------------ redirects


def location(proxy: Proxy, base: str, to: str, status: int = 302) -> str:
    got = proxy.ask(f"{base}/do/redirect/{status}?to={to}")
    assert got.status == status
    return (got.get(b"location") or b"").decode()


@pytest.mark.parametrize("to", ["/a?b", "http://other.example/a", "{own}/a", "a"])
def test_location(proxy: Proxy, base: str, one: Origin, to: str) -> None:
    """It is not touched."""
    proxy.add(base, one.url)
    to = to.replace("{own}", one.url)
    assert location(proxy, base, to) == to


@pytest.mark.parametrize("status", [201, 301, 302, 307, 308])
def test_auto_rewrite(proxy_with: Start, base: str, one: Origin, two: Origin, status: int) -> None:
    proxy = proxy_with("--auto-rewrite")
    assert proxy.says("AutoRewrite of Location headers enabled."), proxy.log()
    proxy.add(base, one.url)
    assert location(proxy, base, f"{one.url}/a?b", status) == f"http://{HOST}/a?b"
    for other in (f"{two.url}/a", "http://other.example/a"):
        assert location(proxy, base, other, status) == other


@pytest.mark.parametrize("status", [200, 303, 305])
def test_auto_rewrite_of_other_statuses(proxy_with: Start, base: str, one: Origin, status: int) -> None:
    proxy = proxy_with("--auto-rewrite")
    proxy.add(base, one.url)
    to = HOST if expected(proxy.kind, "location-is-rewritten-whatever-the-status") else f"127.0.0.1:{one.port}"
    assert location(proxy, base, f"{one.url}/a", status) == f"http://{to}/a"


def test_auto_rewrite_of_a_path(proxy_with: Start, base: str, one: Origin) -> None:
    proxy = proxy_with("--auto-rewrite")
    proxy.add(base, one.url)
    assert location(proxy, base, "/a/b") == "/a/b"


def test_protocol_rewrite(proxy_with: Start, base: str, one: Origin) -> None:
    proxy = proxy_with("--protocol-rewrite", "https")
    assert proxy.says("ProtocolRewrite enabled. Rewriting to https"), proxy.log()
    proxy.add(base, one.url)
    assert location(proxy, base, f"{one.url}/a") == f"https://127.0.0.1:{one.port}/a"
    assert location(proxy, base, "http://other.example/a") == "http://other.example/a"


def test_both_rewrites(proxy_with: Start, base: str, one: Origin) -> None:
    proxy = proxy_with("--protocol-rewrite", "https", "--auto-rewrite")
    proxy.add(base, one.url)
    assert location(proxy, base, f"{one.url}/a") == f"https://{HOST}/a"


# ------------------------------------------------------------------ connections


def test_kept_alive(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    with proxy.client() as client:
        accepted = one.accepted
        for _ in range(5):
            assert client.ask(base).status == 200
        assert one.accepted - accepted <= 1


def test_health(proxy: Proxy) -> None:
    for method in ("GET", "POST", "HEAD"):
        got = proxy.ask("/_chp_healthz", method=method)
        assert (got.status, got.get(b"content-type")) == (200, b"application/json")
        if method != "HEAD":
            assert json.loads(got.content) == {"status": "OK"}
    for other in ("/_chp_healthz/", "/_chp_healthz/x", "/_chp_health"):
        assert proxy.ask(other).status == 404
