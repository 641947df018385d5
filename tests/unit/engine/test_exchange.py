"""Exchanges as scripts; see `script`."""

import pytest
from tests.unit.engine.script import Script, forward

from perijove.engine import fields, plan
from perijove.engine.buffer import Buffer
from perijove.engine.const import FORWARD, FOUND, STALE
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead, ResponseHead
from perijove.engine.peer import Peer
from perijove.engine.plan import CookieMap, FieldEdit, Plan, Timeouts, UrlMap

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
SENT = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
LITERAL = plan.LITERAL


def test_a_get_and_a_length() -> None:
    Script(GET, OK + b"Content-Length: 5\r\nX: y\r\n\r\nhello").expect(
        upstream=SENT,
        client=OK + b"X: y\r\nContent-Length: 5\r\n\r\nhello",
        verdict="done",
        keep_alive=True,
        reuse=True,
    )


def test_the_target_goes_on_byte_for_byte() -> None:
    target = b"/user/%C3%A9/a%2Fb//c;d=e/./%7e?x=%2f&&y="
    Script(b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % target).expect(upstream=b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % target)
    Script(b"GET /? HTTP/1.1\r\nHost: h\r\n\r\n").expect(upstream=b"GET /? HTTP/1.1\r\nHost: h\r\n\r\n")


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


def test_a_length_of_zero_is_kept() -> None:
    Script(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").expect(
        upstream=b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
    )


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


def test_http_10_client_that_keeps_its_connection() -> None:
    Script(b"GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", OK + b"Content-Length: 2\r\n\r\nhi").expect(
        client=OK + b"Content-Length: 2\r\nConnection: keep-alive\r\n\r\nhi", keep_alive=True
    )


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


def test_head() -> None:
    Script(b"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", OK + b"Content-Length: 5\r\n\r\n").expect(
        client=OK + b"Content-Length: 5\r\n\r\n", verdict="done", keep_alive=True, reuse=True
    )


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_no_content(status: bytes) -> None:
    result = Script(GET, b"HTTP/1.1 %b\r\nETag: x\r\n\r\nunasked" % status).expect(
        verdict="done", extra=b"unasked", keep_alive=True
    )
    assert result.client == b"HTTP/1.1 %b\r\nETag: x\r\n\r\n" % status


def test_a_second_answer_is_not_sent() -> None:
    Script(GET, OK + b"Content-Length: 2\r\n\r\nhi" + OK + b"\r\n").expect(
        client=OK + b"Content-Length: 2\r\n\r\nhi", extra=OK + b"\r\n"
    )


def test_interim_responses() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = OK + b"Content-Length: 0\r\n\r\n"
    Script(GET, b"HTTP/1.1 100 Continue\r\n\r\n" + hints + final).expect(client=hints + final, verdict="done")
    Script(GET.replace(b"1.1", b"1.0"), hints + final).expect(client=OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n")


def test_expectation() -> None:
    Script(
        b"PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    ).expect(
        upstream=b"PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
        client=b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        keep_alive=True,
    )


def test_a_flood_of_interim_responses() -> None:
    assert Script(GET, b"HTTP/1.1 103 E\r\n\r\n" * 1000).play().verdict == "refuse"


def test_an_early_answer_ends_the_connection() -> None:
    result = Script(
        b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhi", b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    ).expect(verdict="done", keep_alive=False)
    assert b"Connection: close\r\n" in result.client


WS = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: k\r\nSec-WebSocket-Protocol: p\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: a\r\n\r\n"


def test_websocket() -> None:
    result = Script(WS + b"early", SWITCH + b"frame").expect(verdict="tunnel", left=b"early", extra=b"frame")
    assert result.upstream.endswith(b"Sec-WebSocket-Protocol: p\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert result.client.endswith(b"Sec-WebSocket-Accept: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")


def test_websocket_refused_by_upstream() -> None:
    Script(WS, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").expect(
        verdict="done", client=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", keep_alive=True
    )


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (GET, SWITCH),
        (WS, SWITCH.replace(b"websocket", b"h2c")),
        (WS, SWITCH.replace(b"Connection: Upgrade\r\n", b"")),
        (WS.replace(b"websocket", b"h2c"), SWITCH.replace(b"websocket", b"h2c")),
    ],
)
def test_a_switch_that_nobody_asked_for(request_: bytes, response: bytes) -> None:
    Script(request_, response).expect(verdict="refuse", client=b"")


def test_another_upgrade_is_a_plain_request() -> None:
    Script(
        b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"
    ).expect(upstream=SENT)


def test_hop_by_hop_fields_stay_behind() -> None:
    lines = b"Connection: x-a\r\nX-A: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: x\r\nProxy-Connection: y\r\nProxy: z\r\n"
    Script(b"GET /a HTTP/1.1\r\nHost: h\r\n%bProxy-Authorization: q\r\n\r\n" % lines).expect(upstream=SENT)
    Script(GET, OK + b"Connection: x-b\r\nX-B: 1\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n").expect(
        client=OK + b"Content-Length: 0\r\n\r\n"
    )


def owning(**settings: object) -> Plan:
    made = forward(**settings)
    made.own = fields.OWNED
    return made


FORGED = b"X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX_Real_IP: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nX-Scheme: https\r\n"


def test_an_untrusted_client_tells_nothing_of_itself() -> None:
    Script(b"GET /a HTTP/1.1\r\nHost: h:81\r\n" + FORGED + b"\r\n", plan=owning()).expect(
        upstream=b"GET /a HTTP/1.1\r\nHost: h:81\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n"
        b"X-Forwarded-Host: h:81\r\nX-Forwarded-Port: 81\r\nX-Scheme: http\r\nX-Real-IP: 192.0.2.1\r\n\r\n"
    )


def test_an_untrusted_client_tells_nothing_of_itself_with_a_later_request_either() -> None:
    exchange, decided = Exchange(Peer(b"192.0.2.1", 5, b"http", 80, False)), owning()
    sent = []
    for _ in range(3):
        head, source, out = RequestHead(), Buffer(), Buffer()
        source.append(b"GET /a HTTP/1.1\r\nHost: h\r\n" + FORGED + b"\r\n")
        assert head.scan(source, Limits()) == FOUND
        exchange.begin(head, decided)
        exchange.write_request(head, out)
        sent.append(out.copy())
    assert b"1.1.1.1" not in sent[0]
    assert sent == sent[:1] * 3


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


def test_absolute_form_replaces_host() -> None:
    Script(b"GET http://real/x HTTP/1.1\r\nHost: other\r\n\r\n").expect(upstream=b"GET /x HTTP/1.1\r\nHost: real\r\n\r\n")


def test_host_of_the_upstream_where_it_is_not_kept() -> None:
    Script(GET, plan=forward(preserve_host=False)).expect(upstream=b"GET /a HTTP/1.1\r\nHost: up:80\r\n\r\n")


def test_a_plan_holds_nothing_of_a_request() -> None:
    """Two clients of different identity, turn about, over one plan: each is told of itself only."""
    shared = owning(edits=(FieldEdit(b"X-Path", ((plan.PATH, b""),)),), varies=True)
    for number in range(4):
        path = b"/%d" % number
        sent = Script(b"GET %b HTTP/1.1\r\nHost: h%d\r\n\r\n" % (path, number), plan=shared).play().upstream
        assert b"X-Path: %b\r\n" % path in sent
        assert b"X-Forwarded-Host: h%d\r\n" % number in sent


def test_what_may_be_repeated() -> None:
    from tests.unit.engine.test_head import request

    from perijove.engine.exchange import Exchange
    from perijove.engine.head import Limits, RequestHead
    from perijove.engine.peer import Peer

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


@pytest.mark.parametrize(
    ("kept", "answer", "wanted"),
    [
        (True, b"HTTP/1.1 408 T\r\nConnection: close\r\n\r\n", STALE),
        (True, b"HTTP/1.0 408 T\r\n\r\n", STALE),
        (False, b"HTTP/1.1 408 T\r\nConnection: close\r\n\r\n", FOUND),
        (True, b"HTTP/1.1 408 T\r\nContent-Length: 0\r\n\r\n", FOUND),
        (True, b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 408 T\r\nConnection: close\r\n\r\n", FOUND),
        (True, b"HTTP/1.1 400 B\r\nConnection: close\r\n\r\n", FOUND),
    ],
)
def test_what_is_said_of_the_time_before_the_request(kept: bool, answer: bytes, wanted: int) -> None:
    from tests.unit.engine.test_head import request

    _, head, _ = request(GET, Limits())
    assert isinstance(head, RequestHead)
    exchange = Exchange(Peer(b"", 0, b"http", 80, False))
    exchange.begin(head, Plan(FORWARD, Timeouts()))
    assert not exchange.kept
    exchange.kept = kept
    source, out = Buffer(), Buffer()
    source.append(answer)
    assert exchange.read_response(ResponseHead(), Limits(), source, out) == wanted
    assert (b" 408 " not in out.copy()) is (wanted == STALE or b" 400 " in answer)
