"""When there is no route, or nobody at its end: 404 and 503, and whose page is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from tests.contract.conftest import Start
from tests.contract.differences import expected
from tests.contract.parts import Proxy
from tests.server.parts import Conversation, Origin, answer, eventually

DOWN = "http://127.0.0.1:9"  # discard: nobody listens there
HTML = b"text/html"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_no_page_configured(proxy: Proxy, base: str, one: Origin, method: str) -> None:
    proxy.add(base, DOWN)
    for path, status, words in ((f"{base}x", 404, "404"), (base, 503, "503")):
        got = proxy.ask(path, method=method, content=b"x" if method == "POST" else None)
        assert got.status == status
        assert got.get(b"content-type").startswith(HTML)
        assert words in got.content.decode()


def test_head(proxy: Proxy) -> None:
    got = proxy.ask("/nowhere", method="HEAD")
    assert (got.status, got.content) == (404, b"")


def test_reasons(proxy: Proxy, base: str) -> None:
    proxy.add(base, DOWN)
    assert proxy.ask(f"{base}x").head.first[2] == b"Not Found"
    assert proxy.ask(base).head.first[2] == b"Service Unavailable"


def test_a_server_that_ends_without_an_answer(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    assert proxy.ask(f"{base}/do/close").status == 503


def test_a_name_that_does_not_resolve(proxy: Proxy, base: str) -> None:
    proxy.add(base, "http://no-such-host.invalid:80")
    assert proxy.ask(base).status == 503


def test_not_the_protocol(proxy: Proxy, base: str, upstreams: Callable[..., Origin]) -> None:
    """What answers speaks something else."""
    origin = Origin(lambda conversation: conversation.send(b"220 mail.example ESMTP\r\n"))
    try:
        proxy.add(base, origin.url)
        assert proxy.ask(base).status == 503
        proxy.add(base, origin.url.replace("http:", "https:"))
        assert proxy.ask(base).status == 503
    finally:
        origin.stop()


def test_the_connection_goes_on(proxy: Proxy, base: str, one: Origin) -> None:
    proxy.add(base, one.url)
    with proxy.client() as client:
        assert client.ask(f"{base}x").status == 404
        assert client.ask(base).status == 200


# ------------------------------------------------------------------ --error-target


@pytest.fixture(scope="module")
def pages(upstreams: Callable[..., Origin]) -> Origin:
    return upstreams("pages")


def asked(content: bytes) -> dict[str, object]:
    return json.loads(content)


@pytest.mark.parametrize("path", ["", "/hub/error", "/hub/error/"])
def test_error_target(proxy_with: Start, base: str, pages: Origin, path: str) -> None:
    proxy = proxy_with("--error-target", pages.url + path)
    proxy.add(base, DOWN)
    below = path.rstrip("/")
    for asked_for, status, arrives in (
        (f"{base}x", 404, f"{below}/404?url=%2F{base[1:]}x"),
        (f"{base}/x", 503, f"{below}/503?url=%2F{base[1:]}%2Fx"),
    ):
        got = proxy.ask(asked_for)
        assert (got.status, got.get(b"content-type")) == (status, b"application/json")
        assert asked(got.content)["target"] == arrives
        assert asked(got.content)["method"] == "GET"
    reason = proxy.ask(f"{base}x").head.first[2]
    assert reason == b"Not Found"


@pytest.mark.parametrize(
    ("url", "escaped"),
    [
        ("/a%20b", "%2Fa%2520b"),
        ("/a?b=c&d=e", "%2Fa%3Fb%3Dc%26d%3De"),
        ("/%C3%BC", "%2F%25C3%25BC"),
        ("/~x/@y", "%2F"),
        ("/a+b", "%2Fa%2Bb"),
        ("/a'(b)*!", "%2Fa%27%28b%29"),
        ("/a-b_c.d", "%2Fa-b_c.d"),
    ],
)
def test_the_url_is_escaped(proxy_with: Start, pages: Origin, url: str, escaped: str) -> None:
    proxy = proxy_with("--error-target", pages.url)
    target = str(asked(proxy.ask(f"/none{url}").content)["target"])
    assert parse_qs(target.partition("?")[2]) == {"url": [f"/none{url}"]}
    assert target.startswith(f"/404?url=%2Fnone{escaped}")


def test_what_the_error_target_is_not_told(proxy_with: Start, pages: Origin) -> None:
    """It is asked anew: with no field and no content of the request."""
    proxy = proxy_with("--error-target", pages.url)
    got = proxy.ask(
        "/nowhere", method="POST", fields=b"Cookie: a=b\r\nX-Own: 1\r\nAuthorization: token x\r\n", content=b"secret"
    )
    seen = asked(got.content)
    assert (got.status, seen["method"], seen["content"]) == (404, "GET", "")
    assert {name for name, _ in seen["fields"]} <= {"host", "connection"}  # type: ignore[attr-defined]
    assert dict(seen["fields"])["host"] == pages.url.removeprefix("http://")  # type: ignore[call-overload]


def test_what_survives_of_its_answer(start: Start) -> None:
    """Content, its type and coding; neither its status nor any other field."""

    def handler(conversation: Conversation) -> None:
        while conversation.head() is not None:
            fields = b"Content-Type: text/x-own; charset=x\r\nContent-Encoding: own\r\nX-Own: 1\r\nSet-Cookie: a=b\r\nLocation: /a\r\n"
            conversation.send(answer(b"page", b"302 Found", fields))

    origin = Origin(handler)
    try:
        got = start("--error-target", origin.url).ask("/nowhere")
        assert (got.status, got.head.first[2], got.content) == (404, b"Not Found", b"page")
        assert (got.get(b"content-type"), got.get(b"content-encoding")) == (b"text/x-own; charset=x", b"own")
        assert not [name for name in (b"x-own", b"set-cookie", b"location") if got.get(name) is not None]
    finally:
        origin.stop()


def test_error_target_down(start: Start) -> None:
    proxy = start("--error-target", DOWN)
    proxy.add("/down", DOWN)
    for path, status, words in (("/nowhere", 404, b"Not Found"), ("/down", 503, b"Service Unavailable")):
        got = proxy.ask(path)
        assert got.status == status
        assert words in got.content
        assert got.get(b"content-type") == expected(proxy.kind, "page-of-last-resort")


def test_error_target_without_the_prefix(proxy_with: Start, pages: Origin) -> None:
    proxy = proxy_with("--error-target", pages.url, "--no-include-prefix")
    proxy.add("/pre/fix", DOWN)
    assert asked(proxy.ask("/pre/fix/x").content)["target"] == expected(proxy.kind, "error-target-without-the-prefix")


def test_head_with_an_error_target(proxy_with: Start, pages: Origin) -> None:
    got = proxy_with("--error-target", pages.url).ask("/nowhere", method="HEAD")
    assert (got.status, got.content) == (404, b"")


# ------------------------------------------------------------------ --error-path


def test_error_path(start: Start, tmp_path: Path) -> None:
    def shown(path: str) -> tuple[int, bytes | None, bytes]:
        got = proxy.ask(path)
        return got.status, got.get(b"content-type"), got.content

    (tmp_path / "404.html").write_text("<p>no such page")
    proxy = start("--error-path", str(tmp_path))
    proxy.add("/down", DOWN)
    assert shown("/nowhere") == (404, HTML, b"<p>no such page")
    assert b"Service Unavailable" in shown("/down")[2]  # there is none
    (tmp_path / "error.html").write_bytes(b"<p>any \xc3\xbc")
    proxy = start("--error-path", str(tmp_path))
    proxy.add("/down", DOWN)
    assert shown("/nowhere") == (404, HTML, b"<p>no such page")
    assert shown("/down") == (503, HTML, b"<p>any \xc3\xbc")
    (tmp_path / "503.html").write_text("<p>nobody there")
    assert eventually(lambda: shown("/down")[2] == b"<p>nobody there")  # a file that came later …
    (tmp_path / "404.html").write_text("<p>another text")
    assert eventually(lambda: shown("/nowhere")[2] == b"<p>another text")  # … and one that has changed
    (tmp_path / "503.html").unlink()
    assert eventually(lambda: shown("/down")[2] == b"<p>any \xc3\xbc")


def test_error_path_that_is_none(start: Start, tmp_path: Path) -> None:
    got = start("--error-path", str(tmp_path / "none")).ask("/nowhere")
    assert got.status == 404
    assert b"Not Found" in got.content
