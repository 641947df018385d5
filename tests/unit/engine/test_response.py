"""A response's head as it goes to the client; see `script`."""

import pytest
from tests.unit.engine.script import GET, OK, SWITCH, WS, Script
from tests.unit.engine.test_head import request

from perijove.engine.buffer import Buffer
from perijove.engine.const import FORWARD, FOUND, STALE
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead, ResponseHead
from perijove.engine.peer import Peer
from perijove.engine.plan import Plan, Timeouts
from perijove.engine.response import read_response


def test_http_10_client_that_keeps_its_connection() -> None:
    Script(b"GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", OK + b"Content-Length: 2\r\n\r\nhi").expect(
        client=OK + b"Content-Length: 2\r\nConnection: keep-alive\r\n\r\nhi", keep_alive=True
    )


def test_interim_responses() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    final = OK + b"Content-Length: 0\r\n\r\n"
    Script(GET, b"HTTP/1.1 100 Continue\r\n\r\n" + hints + final).expect(client=hints + final, verdict="done")
    Script(GET.replace(b"1.1", b"1.0"), hints + final).expect(client=OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n")


def test_a_flood_of_interim_responses() -> None:
    assert Script(GET, b"HTTP/1.1 103 E\r\n\r\n" * 1000).play().verdict == "refuse"


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


def test_head() -> None:
    Script(b"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", OK + b"Content-Length: 5\r\n\r\n").expect(
        client=OK + b"Content-Length: 5\r\n\r\n", verdict="done", keep_alive=True, reuse=True
    )


def test_hop_by_hop_fields_stay_behind() -> None:
    Script(GET, OK + b"Connection: x-b\r\nX-B: 1\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n").expect(
        client=OK + b"Content-Length: 0\r\n\r\n"
    )


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_no_content(status: bytes) -> None:
    result = Script(GET, b"HTTP/1.1 %b\r\nETag: x\r\n\r\nunasked" % status).expect(
        verdict="done", extra=b"unasked", keep_alive=True
    )
    assert result.client == b"HTTP/1.1 %b\r\nETag: x\r\n\r\n" % status


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
    _, head, _ = request(GET, Limits())
    assert isinstance(head, RequestHead)
    exchange = Exchange(Peer(b"", 0, b"http", 80, False))
    exchange.begin(head, Plan(FORWARD, Timeouts()))
    assert not exchange.kept
    exchange.kept = kept
    source, out = Buffer(), Buffer()
    source.append(answer)
    assert read_response(exchange, ResponseHead(), Limits(), source, out) == wanted
    assert (b" 408 " not in out.copy()) is (wanted == STALE or b" 400 " in answer)


def test_an_early_answer_ends_the_connection() -> None:
    result = Script(
        b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhi", b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    ).expect(verdict="done", keep_alive=False)
    assert b"Connection: close\r\n" in result.client
