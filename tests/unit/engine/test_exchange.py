"""Exchanges as scripts; see `script`."""

import pytest
from tests.unit.engine.script import GET, OK, SENT, SWITCH, WS, Script, forward, owning
from tests.unit.engine.test_head import request

from perijove.engine import fields, plan
from perijove.engine.const import FORWARD
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead
from perijove.engine.peer import Peer
from perijove.engine.plan import CookieMap, FieldEdit, Plan, Timeouts, UrlMap

LITERAL = plan.LITERAL


def test_a_get_and_a_length() -> None:
    Script(GET, OK + b"Content-Length: 5\r\nX: y\r\n\r\nhello").expect(
        upstream=SENT,
        client=OK + b"X: y\r\nContent-Length: 5\r\n\r\nhello",
        verdict="done",
        keep_alive=True,
        reuse=True,
    )


def test_content_of_known_length() -> None:
    Script(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET", OK + b"Content-Length: 0\r\n\r\n").expect(
        upstream=b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
        left=b"GET",
        client=OK + b"Content-Length: 0\r\n\r\n",
    )


def test_chunked_content_is_framed_anew() -> None:
    body = b'5;x="y"\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\nHost: evil\r\nContent-Length: 9\r\n\r\n'
    Script(b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"next").expect(
        upstream=b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello!\r\n0\r\nX-Sum: 1\r\n\r\n",
        left=b"next",
    )


@pytest.mark.parametrize(
    "body", [b"5\r\nhelloX", b"g\r\n", b"-1\r\n", b"5\nhello", b"0x5\r\nhello", b"0\r\nA b: c\r\n\r\n", b" 5\r\n"]
)
def test_broken_chunks_are_refused(body: bytes) -> None:
    Script(b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body).expect(verdict="refuse")


def test_chunked_response() -> None:
    Script(GET, OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a\r\n\r\n").expect(
        client=OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
        verdict="done",
        keep_alive=True,
        reuse=True,
    )


def test_chunked_response_to_http_10() -> None:
    Script(
        b"GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ).expect(client=OK + b"Connection: close\r\n\r\nhello", verdict="done", keep_alive=False, reuse=True)


def test_until_close_is_framed_for_http_11() -> None:
    Script(GET, b"HTTP/1.0 200 OK\r\n\r\nhello", ends=True).expect(
        client=OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", verdict="done", keep_alive=True, reuse=False
    )


def test_until_close_for_http_10() -> None:
    Script(b"GET /a HTTP/1.0\r\n\r\n", OK + b"\r\nhello", ends=True).expect(
        upstream=b"GET /a HTTP/1.1\r\nHost: up:80\r\n\r\n",
        client=OK + b"Connection: close\r\n\r\nhello",
        verdict="done",
        keep_alive=False,
    )


@pytest.mark.parametrize(
    "response",
    [
        OK + b"Content-Length: 9\r\n\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhello",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ],
)
def test_a_dying_upstream_never_looks_like_the_end(response: bytes) -> None:
    result = Script(GET, response, ends=True).expect(verdict="abort")
    assert not result.client.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200", OK + b"Content-Le"])
def test_an_upstream_that_ends_before_its_head(response: bytes) -> None:
    Script(GET, response, ends=True).expect(verdict="refuse", client=b"")


@pytest.mark.parametrize(
    "response",
    [
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_garbled_chunks_from_upstream(response: bytes) -> None:
    result = Script(GET, response).expect(verdict="abort")
    assert not result.client.endswith(b"0\r\n\r\n")


def test_a_second_answer_is_not_sent() -> None:
    Script(GET, OK + b"Content-Length: 2\r\n\r\nhi" + OK + b"\r\n").expect(
        client=OK + b"Content-Length: 2\r\n\r\nhi", extra=OK + b"\r\n"
    )


def test_expectation() -> None:
    Script(
        b"PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    ).expect(
        upstream=b"PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
        client=b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        keep_alive=True,
    )


def test_websocket() -> None:
    result = Script(WS + b"early", SWITCH + b"frame").expect(verdict="tunnel", left=b"early", extra=b"frame")
    assert result.upstream.endswith(b"Sec-WebSocket-Protocol: p\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert result.client.endswith(b"Sec-WebSocket-Accept: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")


def test_a_trusted_proxy_is_believed() -> None:
    Script(
        b"GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: pub\r\n\r\n",
        OK + b"Location: http://up:80/x\r\nContent-Length: 0\r\n\r\n",
        plan=owning(
            maps=(
                UrlMap(((LITERAL, b"http://up:80"),), ((plan.PUBLIC_SCHEME, b""), (LITERAL, b"://"), (plan.PUBLIC_HOST, b""))),
            )
        ),
        trusted=True,
    ).expect(
        upstream=b"GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: pub\r\n"
        b"X-Forwarded-For: 1.1.1.1, 192.0.2.1\r\nX-Forwarded-Port: 443\r\nX-Scheme: https\r\nX-Real-IP: 1.1.1.1\r\n\r\n",
        client=OK + b"Content-Length: 0\r\nLocation: https://pub/x\r\n\r\n",
    )


def test_a_prefix_is_mapped_both_ways() -> None:
    mapped = forward(
        map_from=b"/a/",
        map_to=b"/",
        maps=(UrlMap(((LITERAL, b"/"),), ((LITERAL, b"/a/"),)),),
        cookies=(CookieMap(b"/", b"/a/"),),
    )
    Script(
        b"GET /a/b?c HTTP/1.1\r\nHost: h\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: a=b; Path=/\r\nSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n",
        plan=mapped,
    ).expect(
        upstream=b"GET /b?c HTTP/1.1\r\nHost: h\r\n\r\n",
        client=b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /a/x\r\nSet-Cookie: a=b; Path=/a/\r\nSet-Cookie: c=d\r\n\r\n",
    )


def test_fields_are_edited() -> None:
    edited = forward(
        drop=fields.REQUEST_DROP | fields.mask(fields.COOKIE),
        drop_names=frozenset((b"x-a",)),
        edits=(FieldEdit(b"X-B", ((plan.CLIENT_IP, b""),)), FieldEdit(b"Accept", ((LITERAL, b"*/*"),), True)),
        varies=True,
        response_edits=(FieldEdit(b"X-C", ((LITERAL, b"c"),)),),
    )
    Script(
        b"GET /a HTTP/1.1\r\nHost: h\r\nCookie: c\r\nX-A: a\r\nAccept: text/html\r\n\r\n",
        OK + b"Content-Length: 0\r\n\r\n",
        plan=edited,
    ).expect(
        upstream=b"GET /a HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\nX-B: 192.0.2.1\r\n\r\n",
        client=OK + b"Content-Length: 0\r\nX-C: c\r\n\r\n",
    )


def test_what_may_be_repeated() -> None:
    for data, wanted in (
        (GET, True),
        (GET.replace(b"GET", b"POST"), False),
        (b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n", False),
    ):
        _, head, _ = request(data, Limits())
        assert isinstance(head, RequestHead)
        exchange = Exchange(Peer(b"", 0, b"http", 80, False))
        exchange.begin(head, Plan(FORWARD, Timeouts()))
        assert exchange.may_repeat() is wanted
