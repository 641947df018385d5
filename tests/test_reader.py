"""The strict reader, and what judges of proxies ask beyond it, on messages that are clear, cut, and not what they seem."""

from __future__ import annotations

import pytest
from tests import reader
from tests.reader import Broken, Short
from tests.security import clear
from tests.security.clear import Unclear

HOST = b"Host: a\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
GET = b"GET / HTTP/1.1\r\n"


def test_a_request_is_read_to_its_end() -> None:
    octets = b"POST /a?b HTTP/1.1\r\nHost: a\r\nX: 1\r\nx:  2 \r\n" + CHUNKED + b'\r\n3;a="b;"\r\nabc\r\n0\r\nSum: 6\r\n\r\n'
    message = reader.request(octets + b"GET")
    assert (message.first, message.minor) == ((b"POST", b"/a?b"), 1)
    assert message.get(b"x") == b"1, 2"
    assert (message.content, message.trailers) == (b"abc", [(b"sum", b"6")])
    assert message.size == len(octets)
    for end in range(len(octets)):
        with pytest.raises(Short):
            reader.request(octets[:end])


@pytest.mark.parametrize(
    "octets",
    [
        b"GET / HTTP/1.1\n",  # …
        b"GET / HTTP/1.1\r\nHost: a\r\n\0",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        GET + b"\r\n",
        GET + HOST + HOST + b"\r\n",
        GET + b"Host: a b\r\n\r\n",
        GET + b"Host : a\r\n\r\n",
        GET + HOST + b" folded\r\n\r\n",
        GET + HOST + b"Content-Length: +1\r\n\r\n",
        GET + HOST + b"Content-Length: 1, 1\r\n\r\n",
        GET + HOST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
        GET + HOST + b"Content-Length: 1\r\n" + CHUNKED + b"\r\n",
        GET + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        b"GET / HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
        GET + HOST + CHUNKED + b"\r\n0x1\r\n",
        GET + HOST + CHUNKED + b"\r\n1 ",  # …
        GET + HOST + CHUNKED + b"\r\n1;a\n",
        GET + HOST + CHUNKED + b"\r\n1\r\nab",
        GET + HOST + CHUNKED + b"\r\n0\r\nA\r\n\r\n",
    ],
)
def test_what_two_could_read_in_two_ways_is_broken(octets: bytes) -> None:
    """As soon as nothing that comes could mend it."""
    with pytest.raises(Broken) as found:
        reader.request(octets)
    assert not isinstance(found.value, Short)


def test_a_response_ends_as_its_request_and_its_head_say() -> None:
    until = b"HTTP/1.1 200 OK\r\n\r\nabc"
    with pytest.raises(Short) as found:
        reader.response(until, b"GET")
    assert found.value.message is not None
    assert found.value.message.content == b"abc"
    assert reader.response(until, b"GET", ended=True).content == b"abc"
    assert reader.response(until, b"HEAD").content == b""
    none = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"
    assert reader.response(none, b"GET").size == len(none)
    found_all, behind = reader.responses(b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 \r\n\r\nx", b"GET")
    assert ([one.status for one in found_all], behind) == ([103, 204], b"x")


@pytest.mark.parametrize(
    "octets",
    [
        b"GET a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
        GET + b"Host:\r\n\r\n",
        GET + HOST + b"Content_Length: 5\r\n\r\n",
        GET + HOST + CHUNKED + b"\r\n0\r\nX_Forwarded_For: a\r\n\r\n",
        GET + HOST + b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n",  # whatever follows
    ],
)
def test_what_recipients_guess_at_is_unclear(octets: bytes) -> None:
    with pytest.raises(Unclear):
        clear.request(octets)


def test_a_length_of_nothing_is_unclear() -> None:
    with pytest.raises(Unclear):
        clear.response(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b"GET", "open")
    assert clear.response(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", b"GET", "open") is not None


def test_a_status_line_without_its_second_space_is_unclear() -> None:
    octets = b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"
    assert reader.response(octets, b"GET").status == 200
    with pytest.raises(Unclear):
        clear.response(octets, b"GET", "open")


def test_a_reset_ends_no_answer() -> None:
    octets = b"HTTP/1.1 200 OK\r\n\r\nabc"
    assert clear.response(octets, b"GET", "open") is clear.response(octets, b"GET", "rst") is None
    assert clear.response(octets, b"GET", "fin") is not None
