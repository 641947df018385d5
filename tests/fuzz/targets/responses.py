"""What an upstream sends, and what the client gets for it.

The client reads interim responses and one final one, with the upstream's status, fields and content; or nothing final, if the
upstream's cannot be read; or half of one, if it was cut. However it arrives, it is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tests import reader
from tests.fuzz import tables
from tests.fuzz.target import Outcome, Target, cuts

from perijove.engine.buffer import Buffer
from perijove.engine.const import ABORT, FORWARD, FOUND, MORE, OVERRIDE, REFUSE, TUNNEL
from perijove.engine.head import Limits, RequestHead, ResponseHead
from perijove.engine.request import write_request
from perijove.engine.response import read_response

_UPGRADE: Final = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"
_REQUESTS: Final = (
    (b"GET", b"GET /user/a?b=c HTTP/1.1\r\nHost: hub.example\r\nCookie: a\r\n\r\n"),
    (b"GET", b"GET /a/x HTTP/1.0\r\n\r\n"),
    (b"HEAD", b"HEAD / HTTP/1.1\r\nHost: hub.example\r\n\r\n"),
    (b"POST", b"POST / HTTP/1.1\r\nHost: hub.example\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab"),
    (b"GET", b"GET /ws HTTP/1.1\r\nHost: hub.example\r\n%b\r\n" % _UPGRADE),
)
_LIMITS: Final = (Limits(), Limits(), Limits(200, 600, 12))
_NAMES: Final = {MORE: "more", FOUND: "done", TUNNEL: "tunnel", REFUSE: "refused", OVERRIDE: "replaced", ABORT: "aborted"}
_HOP: Final = frozenset(
    b"connection keep-alive proxy-connection te trailer transfer-encoding upgrade content-length proxy-authenticate".split()
)
# What tables change or add.
_EDITED: Final = frozenset(
    b"location content-location refresh set-cookie date server x-asked x-gone x-frame-options x-any vary warning".split()
)


@dataclass
class _Played:
    verdict: int
    client: bytes
    left: bytes
    keeps: bool  # the upstream connection
    done: bool


def _play(number: int, choice: bytes, stream: bytes, places: list[int], ends: bool) -> _Played:
    table = tables.TABLES[choice[0] % len(tables.TABLES)]
    _, request = _REQUESTS[number]
    client, head = Buffer(), RequestHead()
    client.append(request)
    assert head.scan(client, Limits()) == FOUND
    plan = table.resolve(head, None, tables.peer(False, True))
    assert plan.kind == FORWARD
    exchange = tables.begun(head, plan, table, tables.peer(False, True))
    sent, out, source, answer = Buffer(), Buffer(), Buffer(), ResponseHead()
    write_request(exchange, head, sent)
    client.drop(head.size)
    exchange.pump_request(client, sent)
    limits, verdict = _LIMITS[choice[1] % len(_LIMITS)], MORE
    for start, end in pairwise([0, *places, len(stream)]):
        source.append(stream[start:end])
        if verdict != MORE or exchange.response_done:
            continue
        if not exchange.response_started:
            verdict = read_response(exchange, answer, limits, source, out)
            if verdict != FOUND:
                continue
        verdict = exchange.pump_response(source, out)
    if ends and verdict == MORE and not exchange.response_done:
        verdict = exchange.end_response(out)
    return _Played(verdict, out.copy(), source.copy(), exchange.reuse, exchange.response_done)


def check(octets: bytes) -> Outcome:
    """Octet 0 chooses the table, 1 limits, 2 the request, 3 whether the stream ends, 4 to 7 where it is cut; the answer follows."""
    choice, stream = octets[:8].ljust(8, b"\0"), octets[8:]
    number, ends = choice[2] % len(_REQUESTS), bool(choice[3] & 1)
    method, request = _REQUESTS[number]
    whole = _play(number, choice, stream, [], ends)
    pieces = _play(number, choice, stream, cuts(choice[4:], 4, len(stream)), ends)
    assert pieces.verdict == whole.verdict, (pieces, whole)
    seen = _read(whole, method, request)
    assert _read(pieces, method, request) == seen
    if whole.verdict in (MORE, FOUND):
        assert (pieces.left, pieces.keeps) == (whole.left, whole.keeps)
    _against(stream, ends, method, whole, plain=choice[0] % len(tables.TABLES) == 0)
    return _NAMES[whole.verdict], seen, whole.keeps


def _read(played: _Played, method: bytes, request: bytes) -> tuple[object, ...]:
    """Return what the client understands; how content is cut into chunks does not count."""
    old = b" HTTP/1.0\r\n" in request
    octets, found = played.client, []
    complete = False
    try:
        while octets and not complete:
            one = reader.response(octets, method, ended=False)
            octets = octets[one.size :]
            complete = one.status >= 200 or one.status == 101
            found.append(one)
        assert not octets, "something is behind the answer"
    except reader.Short as short:
        one = short.message or reader.Message((b"0", b""), 1, [])
        assert played.verdict not in (REFUSE, OVERRIDE), "something of a refused answer was passed on"
        if one.until_close:
            assert old, "an answer without a length to a client that could have learnt one"
            assert played.verdict in (MORE, FOUND, ABORT)
            # Of content that turned out to be broken, more or less may have gone before that was seen.
            return ("open", one.first, one.fields, octets[one.head :] if played.verdict != ABORT else b"")
        assert played.verdict in (MORE, ABORT), "half an answer is said to be a whole one"
        return ("half", [(each.first, each.fields) for each in found], one.first, one.fields if one else None)
    assert all(one.minor == 1 for one in found)
    if played.verdict in (REFUSE, OVERRIDE):
        assert not complete, "an answer was passed on, and refused"
    if played.verdict == ABORT:
        assert not complete, "what is aborted looks like a whole answer"
    if played.verdict in (FOUND, TUNNEL):
        assert complete
    if played.verdict == TUNNEL:
        assert b" /ws " in request, "nobody asked for a tunnel"
        assert found[-1].status == 101
    elif complete:
        assert found[-1].status != 101
        assert played.verdict == FOUND
    assert len(found) <= 101
    return ("whole", [(one.first, one.fields, one.content, one.trailers) for one in found])


def _against(stream: bytes, ends: bool, method: bytes, played: _Played, plain: bool) -> None:
    """What a strict reader reads of the upstream is what the client was told."""
    try:
        told, behind = reader.responses(stream, method, ends)
    except reader.Short as short:
        assert played.verdict != FOUND, "half an answer was passed on as a whole one"
        assert short.message is None or short.message.status >= 200 or not played.done
        return
    except reader.Broken:
        assert played.verdict in (REFUSE, ABORT, MORE, OVERRIDE), "an answer was passed on that is none"
        return
    if told[-1].status == 101:
        return
    if played.verdict == FOUND:
        got, _ = reader.responses(played.client, method, ended=True)
        final, mine = told[-1], got[-1]
        assert mine.first == final.first
        assert mine.content == final.content, "content was lost, or made up"
        assert played.left == behind or final.until_close
        nominated = frozenset(final.tokens(b"connection"))
        away = _HOP | nominated | _EDITED
        fields = [one for one in mine.fields if one[0] not in _HOP | _EDITED]
        if plain:
            assert fields == [one for one in final.fields if one[0] not in away], "fields were lost, or made up"
        assert not (played.keeps and (final.until_close or b"close" in final.tokens(b"connection")))
        assert len(mine.all(b"content-length")) + len(mine.all(b"transfer-encoding")) <= 1
    else:
        # We take less than the grammar allows, but do not wait for more of what is whole.
        assert played.verdict in (REFUSE, OVERRIDE, ABORT), "a whole answer is waited for"


_SEEDS: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b; Path=/c/; Domain=up\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    b"HTTP/1.0 302 Found\r\nLocation: http://up:81/c/x\r\nRefresh: 5; url=/c/\r\n\r\nuntil the end",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nVary: a,  b\r\nX-Any: xaya\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\nframes",
    b"HTTP/1.1 500 Oh\r\nServer: x\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: X-A\r\nX-A: 1\r\nContent-Length: 3\r\n\r\nabc",
)
_WORDS: Final = (
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b" ", b":", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 ", b"HTTP/1.0 ",
    b"Content-Length: 0\r\n", b"Content-Length: 5\r\n", b"Content_Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n",
    b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Upgrade: websocket\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"101", b"204", b"304", b"200", b"099",
    b"Location: //x\r\n", b"Location: http://a\x0bb\r\n", b"Set-Cookie: a; path=/c\r\n", b"X-Gone: 1\r\n", b"X-Any: aaaa\r\n", b"Vary: *\r\n", b"Proxy-Authenticate: a\r\n",
    b"Warning: 199 a \"b\"\r\n", b"\xe4", b"\x80", b"\x7f", b"Trailer: X\r\n", b"+", b"-",
)  # fmt: skip

TARGET: Final = Target(
    "responses",
    check,
    tuple(
        bytes((number % 3, number % 3, (number + number // 7) % 5, number % 2, 3, 40, 90, 200)) + one
        for number, one in enumerate(_SEEDS * 5)
    ),
    _WORDS,
    ("done", "more", "refused", "aborted"),
    count=8000,
)
