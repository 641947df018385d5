"""Heads: what is understood, what is refused and with which status, what is written on."""

import tracemalloc

import pytest

from perijove.engine import fields
from perijove.engine.buffer import Buffer
from perijove.engine.const import CHUNKED, FOUND, MORE, UNTIL_CLOSE
from perijove.engine.head import Limits, RequestHead, ResponseHead, consists, content_length, cut, place

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"


def request(data: bytes, limits: Limits | None = None) -> tuple[int, RequestHead, Buffer]:
    buffer = Buffer()
    buffer.append(data)
    head = RequestHead()
    return head.scan(buffer, limits or Limits()), head, buffer


def response(data: bytes, to_head: bool = False) -> tuple[int, ResponseHead, Buffer]:
    buffer = Buffer()
    buffer.append(data)
    head = ResponseHead()
    return head.scan(buffer, Limits(), to_head), head, buffer


REFUSED = {
    "no version (HTTP/0.9)": (b"GET /\r\n\r\n", 400),
    "version 0.9": (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400),
    "version 2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "version 1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    "version in lower case": (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    "version with two digits": (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "space before method": (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "space after version": (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    "tab for space": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "space in target": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "fragment in target": (b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "control in target": (b"GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "NUL in target": (b"GET /a\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "octet above 127 in target": (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "target without slash": (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "empty target": (b"GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "asterisk for GET": (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "method with a colon": (b"GE:T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "CONNECT": (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "absolute-form, other scheme": (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "absolute-form with a user": (b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "absolute-form without host": (b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (GET + b"Host: a\r\n\r\n", 400),
    "empty Host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "Host with a path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "Host with a user": (b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    "Host with a space": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "Host with a comma": (b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400),
    "Host with a bad port": (b"GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", 400),
    "Host with an open bracket": (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    "two lengths": (GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "the same length twice": (GET + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
    "a list of lengths": (GET + b"Content-Length: 1, 1\r\n\r\n", 400),
    "negative length": (GET + b"Content-Length: -1\r\n\r\n", 400),
    "signed length": (GET + b"Content-Length: +1\r\n\r\n", 400),
    "hexadecimal length": (GET + b"Content-Length: 0x1\r\n\r\n", 400),
    "length with an underscore": (GET + b"Content-Length: 1_0\r\n\r\n", 400),
    "length with a vertical tab": (GET + b"Content-Length: \x0b1\r\n\r\n", 400),
    "empty length": (GET + b"Content-Length:\r\n\r\n", 400),
    "huge length": (GET + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
    "length and coding": (GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "coding and length": (GET + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400),
    "two codings": (GET + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "unknown coding": (GET + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "coding identity": (GET + b"Transfer-Encoding: identity\r\n\r\n", 501),
    "coding list": (GET + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
    "coding with a vertical tab": (GET + b"Transfer-Encoding: \x0bchunked\r\n\r\n", 400),
    "tab behind the coding": (GET + b"Transfer-Encoding: chunked \t\r\n\r\n", 501),
    "coding in quotes": (GET + b'Transfer-Encoding: "chunked"\r\n\r\n', 501),
    "coding with a parameter": (GET + b"Transfer-Encoding: chunked;a=b\r\n\r\n", 501),
    "coding in HTTP/1.0": (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    "length with underscore for hyphen": (GET + b"Content_Length: 1\r\n\r\n", 400),
    "coding with underscore for hyphen": (GET + b"Transfer_Encoding: chunked\r\n\r\n", 400),
    "folded line": (GET + b"A: b\r\n c\r\n\r\n", 400),
    "folded first line": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "space before colon": (GET + b"A : b\r\n\r\n", 400),
    "no colon": (GET + b"A\r\n\r\n", 400),
    "no name": (GET + b": b\r\n\r\n", 400),
    "space in name": (GET + b"A b: c\r\n\r\n", 400),
    "control in name": (GET + b"A\x01: c\r\n\r\n", 400),
    "NUL in value": (GET + b"A: \0\r\n\r\n", 400),
    "control in value": (GET + b"A: \x01\r\n\r\n", 400),
    "DEL in value": (GET + b"A: \x7f\r\n\r\n", 400),
    "bare CR in value": (GET + b"A: b\rc\r\n\r\n", 400),
    "bare LF in value": (GET + b"A: b\nc: d\r\n\r\n", 400),
    "bare LF ends a line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    "bare LFs end the head": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "two empty lines before": (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "unknown expectation": (GET + b"Expect: more\r\n\r\n", 417),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00", 400),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
def test_refused(data: bytes, status: int) -> None:
    assert request(data)[0] == status


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
def test_refused_however_it_arrives(data: bytes, status: int) -> None:
    buffer, head = Buffer(), RequestHead()
    verdict = MORE
    for octet in data:
        buffer.append(bytes((octet,)))
        verdict = head.scan(buffer, Limits())
        if verdict != MORE:
            break
    # It may be told earlier, with less to go by, but never be taken for good.
    assert verdict >= 400


def test_request() -> None:
    data = b"POST /a%2Fb//c;d?x= HTTP/1.1\r\nHost: Hub.example:8443\r\nContent-Length: 12\r\nX-A:  b c \t\r\n\r\nrest"
    verdict, head, _ = request(data)
    assert verdict == FOUND
    assert (head.method, head.target, head.path, head.host) == (
        b"POST",
        b"/a%2Fb//c;d?x=",
        b"/a%2Fb//c;d?x=",
        b"Hub.example:8443",
    )
    assert (head.minor, head.length, head.keep_alive, head.upgrade, head.expect) == (1, 12, True, False, False)
    assert head.size == len(data) - 4
    assert head.named(b"x-a") == [b"b c"]
    assert head.field(fields.COOKIE) is None


@pytest.mark.parametrize(
    ("lines", "minor", "keep_alive"),
    [
        (b"", 1, True),
        (b"Connection: close\r\n", 1, False),
        (b"Connection: Keep-Alive, CLOSE\r\n", 1, False),
        (b"", 0, False),
        (b"Connection: keep-alive\r\n", 0, True),
        (b"Connection: x\r\nConnection: close\r\n", 1, False),
    ],
)
def test_keep_alive(lines: bytes, minor: int, keep_alive: bool) -> None:
    verdict, head, _ = request(b"GET / HTTP/1.%d\r\nHost: a\r\n%b\r\n" % (minor, lines))
    assert (verdict, head.minor, head.keep_alive) == (FOUND, minor, keep_alive)


@pytest.mark.parametrize("host", [b"a", b"a.b-c.d", b"a_b", b"127.0.0.1:80", b"[::1]", b"[::1]:8080", b"a:"])
def test_hosts(host: bytes) -> None:
    assert request(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host)[0] == (400 if host == b"a:" else FOUND)


def test_http_10_needs_no_host() -> None:
    verdict, head, _ = request(b"GET / HTTP/1.0\r\n\r\n")
    assert (verdict, head.host) == (FOUND, b"")


def test_an_empty_line_before_is_forgiven() -> None:
    verdict, head, _ = request(b"\r\n" + GET + b"\r\n")
    assert (verdict, head.size) == (FOUND, len(GET) + 4)


@pytest.mark.parametrize(("lines", "verdict"), [(0, FOUND), (3, FOUND), (4, 400)])
def test_as_many_empty_lines_before_as_are_allowed(lines: int, verdict: int) -> None:
    limits = Limits(empty=3)
    buffer, head = Buffer(), RequestHead()
    data = b"\r\n" * lines + GET + b"\r\n"
    seen = MORE
    for octet in data:
        if seen == MORE:
            buffer.append(bytes((octet,)))
            seen = head.scan(buffer, limits)
    assert seen == verdict
    assert verdict != FOUND or (head.size == len(data) and head.path == b"/")


def test_absolute_form() -> None:
    verdict, head, _ = request(b"GET HTTP://real:81?q HTTP/1.1\r\nHost: other\r\n\r\n")
    assert verdict == FOUND
    assert (head.host, head.path, head.absolute) == (b"real:81", b"/?q", True)


def test_asterisk() -> None:
    verdict, head, _ = request(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (verdict, head.path) == (FOUND, b"*")


HANDSHAKE = (
    GET + b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: k\r\n"
)


@pytest.mark.parametrize(
    ("data", "upgrade"),
    [
        (HANDSHAKE, True),
        (HANDSHAKE.replace(b"websocket", b"WebSocket"), True),
        (HANDSHAKE.replace(b"websocket", b"h2c"), False),
        (HANDSHAKE.replace(b"websocket", b"websocket, h2c"), False),
        (HANDSHAKE.replace(b"GET", b"POST"), False),
        (HANDSHAKE.replace(b", Upgrade", b""), False),
        (HANDSHAKE.replace(b"13", b"8"), False),
        (HANDSHAKE.replace(b"Sec-WebSocket-Key: k\r\n", b""), False),
        (HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (HANDSHAKE + b"Content-Length: 5\r\n", False),
        (HANDSHAKE + b"Upgrade: websocket\r\n", False),
    ],
)
def test_upgrade(data: bytes, upgrade: bool) -> None:
    verdict, head, _ = request(data + b"\r\n")
    assert (verdict, head.upgrade) == (FOUND, upgrade)


def test_chunked_and_expect() -> None:
    verdict, head, _ = request(GET + b"Transfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n")
    assert (verdict, head.length, head.expect) == (FOUND, CHUNKED, True)


@pytest.mark.parametrize(
    ("data", "limits", "verdict"),
    [
        (b"GET /" + b"a" * 100, Limits(line=80), 414),
        (b"GET /" + b"a" * 100 + b" HTTP/1.1\r\nHost: a\r\n\r\n", Limits(line=80), 414),
        (GET + b"A: " + b"a" * 2000, Limits(size=1024), 431),
        (GET + b"A: " + b"a" * 2000 + b"\r\n\r\n", Limits(size=1024), 431),
        (GET + b"A: b\r\n" * 20, Limits(count=10), 431),
        (GET + b"A: b\r\n" * 20 + b"\r\n", Limits(count=10), 431),
        (GET + b"A: b\r\n" * 9 + b"\r\n", Limits(count=10), FOUND),
        (b"", Limits(), MORE),
        (b"\r\n", Limits(), MORE),
        (b"GET / HT", Limits(), MORE),
        (GET, Limits(), MORE),
    ],
)
def test_limits(data: bytes, limits: Limits, verdict: int) -> None:
    assert request(data, limits)[0] == verdict


def test_write_request() -> None:
    verdict, head, _ = request(
        b"GET /x HTTP/1.0\r\nHost: a\r\nConnection: x-one, close\r\nX-One: 1\r\nX-Two: 2\r\nx-three: 3\r\nCookie: c\r\n\r\n"
    )
    assert verdict == FOUND
    out = Buffer()
    head.write(out, b"/y", fields.REQUEST_DROP, frozenset((b"x-three",)), b"New: 4\r\n")
    assert out.copy() == b"GET /y HTTP/1.1\r\nHost: a\r\nX-Two: 2\r\nCookie: c\r\nNew: 4\r\n\r\n"


def test_write_when_nothing_stays() -> None:
    _, head, _ = request(GET + b"\r\n")
    out = Buffer()
    head.write(out, b"/", fields.mask(fields.HOST), frozenset(), b"")
    assert out.copy() == b"GET / HTTP/1.1\r\n\r\n"


def test_connection_cannot_take_away_what_frames() -> None:
    _, head, _ = request(GET + b"Content-Length: 3\r\nConnection: host, content-length, upgrade\r\n\r\n")
    out = Buffer()
    head.write(out, b"/", 0, frozenset(), b"")
    assert b"Host: a\r\n" in out.copy()
    assert head.length == 3
    assert head.nominated == frozenset()


def test_owned_names_with_underscores_are_dropped() -> None:
    _, head, _ = request(GET + b"X_Forwarded_For: 1.2.3.4\r\nX_Other: 1\r\n\r\n")
    out = Buffer()
    head.write(out, b"/", fields.OWNED, frozenset(), b"")
    assert out.copy() == b"GET / HTTP/1.1\r\nHost: a\r\nX_Other: 1\r\n\r\n"


def test_values_in_order() -> None:
    _, head, _ = request(GET + b"X-Forwarded-For: 1\r\nA: b\r\nx-forwarded-for: 2\r\n\r\n")
    assert head.values(fields.X_FORWARDED_FOR) == [b"1", b"2"]
    assert head.repeats >> fields.X_FORWARDED_FOR & 1
    assert head.has(fields.X_FORWARDED_FOR)
    assert not head.has(fields.COOKIE)


BAD_RESPONSES = {
    "not HTTP": b"hello\r\n\r\n",
    "lower case": b"http/1.1 200 OK\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\n\r\n",
    "two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status 099": b"HTTP/1.1 099 OK\r\n\r\n",
    "letters": b"HTTP/1.1 2x0 OK\r\n\r\n",
    "no space": b"HTTP/1.1 200OK\r\n\r\n",
    "control in reason": b"HTTP/1.1 200 O\0K\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nA: b\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nA\r\n\r\n",
    "space before colon": b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
    "length and coding": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "coding in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "too large": b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("data", BAD_RESPONSES.values(), ids=BAD_RESPONSES)
def test_bad_response(data: bytes) -> None:
    assert response(data)[0] == 502


@pytest.mark.parametrize("data", [b"H", b"HTTP/1.", b"HTTP/1.1 200 OK\r\nA: b\r\n", b""])
def test_incomplete_response(data: bytes) -> None:
    assert response(data)[0] == MORE


def test_a_server_that_does_not_speak_http_is_not_waited_for() -> None:
    assert response(b"SSH-2.0-x\r\n")[0] == 502


@pytest.mark.parametrize(
    ("data", "to_head", "length", "declared"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", False, 5, 5),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", True, 0, 5),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", False, 0, 5),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", False, 0, -1),
        (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n", False, CHUNKED, -1),
        (b"HTTP/1.1 200 \r\n\r\n", False, UNTIL_CLOSE, -1),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False, 0, -1),
    ],
)
def test_response_framing(data: bytes, to_head: bool, length: int, declared: int) -> None:
    verdict, head, _ = response(data, to_head)
    assert (verdict, head.length, head.declared) == (FOUND, length, declared)


def test_a_status_line_over_the_limit_is_refused_whole_as_in_part() -> None:
    data = b"HTTP/1.1 200 " + b"a" * 100 + b"\r\n\r\n"
    for part in (data, data[:-2], data[:110]):
        buffer = Buffer()
        buffer.append(part)
        assert ResponseHead().scan(buffer, Limits(line=80), False) == 502


def test_write_response() -> None:
    _, head, _ = response(b"HTTP/1.0 404 N\xf6t\r\nConnection: close\r\nServer: s\r\nContent-Length: 0\r\n\r\n")
    out = Buffer()
    head.write(out, fields.RESPONSE_DROP, frozenset(), b"X: y\r\n")
    assert out.copy() == b"HTTP/1.1 404 N\xf6t\r\nServer: s\r\nX: y\r\n\r\n"
    assert (head.status, head.keep_alive) == (404, False)


@pytest.mark.parametrize("status", [599, 600, 999])
def test_statuses_of_no_class_are_passed_on(status: int) -> None:
    """RFC 9110 §15: they are clients' to understand, as errors of the server."""
    verdict, head, _ = response(b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n" % status)
    assert (verdict, head.status, head.length) == (FOUND, status, 2)


def test_response_upgrade() -> None:
    assert response(b"HTTP/1.1 101 S\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\r\n")[1].upgrade
    assert not response(b"HTTP/1.1 101 S\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n")[1].upgrade
    assert not response(b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n")[1].upgrade


@pytest.mark.parametrize(
    ("target", "tidy"),
    [
        (b"/", True),
        (b"/a/b.c/?x=%2F//..", True),
        (b"/a//b", False),
        (b"//", False),
        (b"/a%20b", False),
        (b"/a/./b", False),
        (b"/..", False),
        (b"/.well-known", False),
        (b"http://h/a/b", True),
        (b"http://h//a", False),
        (b"http://h", True),
    ],
)
def test_tidy_paths(target: bytes, tidy: bool) -> None:
    assert request(b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % target)[1].tidy is tidy


def test_consists() -> None:
    digits = bytes(48 <= octet < 58 for octet in range(256))
    assert consists(b"", digits)
    assert consists(b"0123456789", digits)
    assert not consists(b"12a", digits)
    assert not consists(b"\xff", digits)
    with pytest.raises(ValueError, match="256"):
        consists(b"1", b"\x01")


def test_parts_of_a_text() -> None:
    assert place(b"/a?b?c", 0x3F) == 2
    assert place(b"/a", 0x3F) == -1
    assert place(b"", 0x3F) == -1
    assert cut(b"/a?b", 0, 2) == b"/a"
    assert cut(b"/a?b", 3, 4) == b"b"
    assert cut(b"/a?", 3, 3) == b""


@pytest.mark.parametrize("size", [0, 1, 9, 10, 1234567890, (1 << 63) - 1])
def test_content_length(size: int) -> None:
    assert content_length(size) == b"Content-Length: %d\r\n" % size


@pytest.mark.parametrize(
    ("lines", "date", "found"),
    [
        (b"Server: a\r\nDate: then\r\n", b"now", b"Date: then\r\nServer: a\r\n"),
        (b"Server: a\r\n", b"now", b"Date: now\r\nServer: a\r\n"),
        (b"Server: a\r\nDate:\r\n", b"now", b"Date: now\r\nServer: a\r\n"),
        (b"Server: a\r\n", b"", b"Server: a\r\n"),
        (b"Date: then\r\n", b"now", b""),
        (b"Server:\r\nDate: then\r\n", b"now", b""),
    ],
)
def test_date_and_server(lines: bytes, date: bytes, found: bytes) -> None:
    buffer, head = Buffer(), ResponseHead()
    buffer.append(b"HTTP/1.1 200 OK\r\n%b\r\n" % lines)
    assert head.scan(buffer, Limits(), False) == FOUND
    assert head.dated(date) == found


def test_all_of_some_fields() -> None:
    head = request(b"GET / HTTP/1.1\r\nHost: h\r\nCookie: a\r\n\r\n")[1]
    assert head.has_all(fields.mask(fields.HOST, fields.COOKIE))
    assert head.has_all(0)
    assert not head.has_all(fields.mask(fields.HOST, fields.UPGRADE))


@pytest.mark.parametrize(
    ("lines", "compact"),
    [
        (b"", True),
        (b"Vary: Origin\r\n", True),
        (b"Vary: Origin,Accept\r\n", True),
        (b"Vary: Origin, Accept\r\n", False),
        (b"Vary: Origin,\tAccept\r\n", False),
        (b"Vary: Origin,,Accept\r\n", False),
        (b"Vary: ,Origin\r\n", False),
        (b"Vary: Origin,\r\n", False),
        (b"Vary:\r\n", False),
        (b"Vary: Origin\r\nVary: Accept\r\n", False),
    ],
)
def test_compact_lists(lines: bytes, compact: bool) -> None:
    buffer, head = Buffer(), ResponseHead()
    buffer.append(b"HTTP/1.1 200 OK\r\n%b\r\n" % lines)
    assert head.scan(buffer, Limits(), False) == FOUND
    assert head.compact(fields.VARY) is compact


@pytest.mark.parametrize(
    ("host", "ok"), [(b"%2ftmp%2Fx.sock", True), (b"%2ftmp:80", True), (b"%zz", False), (b"%2", False), (b"a b", False)]
)
def test_encoded_hosts_only_where_they_may_be(host, ok):
    for limits, verdict in ((Limits(), 400), (Limits(encoded=True), FOUND if ok else 400)):
        buffer, head = Buffer(), RequestHead()
        buffer.append(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host)
        assert head.scan(buffer, limits) == verdict


@pytest.mark.parametrize("nominates", [False, True])
def test_what_is_remembered_of_names_is_bounded(nominates: bool) -> None:
    """However long names are, and however many of them a client nominates."""
    head = RequestHead()

    def once(number: int) -> int:
        long = b"n%d" % number + b"x" * 8000
        option = b"Connection: %b\r\n" % long if nominates else b"%b: y\r\n" % long
        source = Buffer()
        source.append(b"GET / HTTP/1.1\r\nHost: a\r\n%bA%d: b\r\n\r\n" % (option, number))
        assert head.scan(source, Limits()) == FOUND
        head.write(Buffer(), b"/", 0, frozenset(), b"")
        return len(option)

    once(0)
    tracemalloc.start()
    try:
        sent = sum(once(number) for number in range(1, 400))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < sent / 4


CLEAR = [
    b"a",
    b"a.b",
    b"a.b.",
    b"1a",
    b"a.b1",
    b"_a.b",
    b"1.2.3.4",
    b"1.2.3.4.",
    b"999.2.3.0",
    b"[::1]",
    b"a.b:80",
    b"1.2.3.4:80",
]
UNCLEAR = [
    b"a..b",
    b"a.b..",
    b"1",
    b"0",
    b"1.2.3",
    b"127.1:80",
    b"1.2.3.4.5",
    b"01.2.3.4",
    b"1.2.3.04",
    b"a.1",
    b"a.1b",
    b"a.-b",
    b"a.5.",
]


@pytest.mark.parametrize("host", CLEAR + UNCLEAR)
def test_hosts_that_are_neither_names_nor_addresses(host: bytes) -> None:
    limits = Limits(anywhere=True, clear=True)
    status = FOUND if host in CLEAR else 400
    port = b"" if host[-3:] == b":80" else b":80"
    for data in (
        b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n",
        b"GET http://" + host + b"/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT " + host + port + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ):
        assert request(data, limits)[0] == status
        assert request(data, Limits(anywhere=True))[0] == FOUND


def test_an_unclear_host_behind_another_on_one_connection() -> None:
    buffer = Buffer()
    head = RequestHead()
    for host, status in ((b"a", FOUND), (b"a", FOUND), (b"127.1", 400)):
        buffer.append(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert head.scan(buffer, Limits(clear=True)) == status
        buffer.drop(head.size)
