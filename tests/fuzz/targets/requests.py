"""What a client sends, and what goes upstream for it.

What is accepted is one message to a strict reader; what is forwarded is one message, too, with the same method, target, fields
and content; and where it ends, the next one begins.
"""

from __future__ import annotations

from typing import Final

from tests import reader
from tests.fuzz import tables
from tests.fuzz.target import Outcome, Target, cuts

from perijove.engine.buffer import Buffer
from perijove.engine.const import FORWARD, FOUND, MORE, REFUSE
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead
from perijove.engine.plan import Plan
from perijove.engine.request import write_request

_LIMITS: Final = (Limits(), Limits(), Limits(120, 500, 12), Limits(field=60, empty=4), Limits(anywhere=True))
# What is never forwarded, however it is spelt: hop-by-hop fields, and what is between a client and a proxy.
_HOP: Final = frozenset(
    b"connection keep-alive proxy-connection te trailer transfer-encoding upgrade content-length proxy-authorization proxy http2-settings".split()
)
_WRITTEN: Final = frozenset(b"x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port x-scheme x-real-ip".split())
_OF_CLIENTS: Final = _WRITTEN | frozenset(
    b"x-forwarded-server x-forwarded-ssl x-forwarded-scheme x-forwarded-prefix forwarded".split()
)
_PROTECTED: Final = frozenset(b"content-length transfer-encoding host connection upgrade".split())
_EDITED: Final = frozenset(b"x-path x-query x-host cookie".split())  # by tables.ROUTES


def _scanned(stream: bytes, limits: Limits) -> tuple[RequestHead, Buffer, int]:
    head, source = RequestHead(), Buffer()
    source.append(stream)
    return head, source, head.scan(source, limits)


def _forwarded(exchange: Exchange, head: RequestHead, plan: Plan, source: Buffer, places: list[int]) -> tuple[bytes, int]:
    """Return what goes upstream, and the last verdict; content comes in pieces, cut at these places behind the head."""
    out = Buffer()
    gathered = exchange.gather(head, source) if plan.edited and exchange.request_decoder is not None else None
    write_request(exchange, head, out)
    source.drop(head.size)
    if gathered is not None:
        source.drop(exchange.gathered)
        out.append(gathered)
        return out.copy(), FOUND
    rest = source.copy()
    source.clear()
    verdict = MORE
    for start, end in zip([0, *places], [*places, len(rest)], strict=True):
        source.append(rest[start:end])
        if verdict != REFUSE:
            verdict = exchange.pump_request(source, out)
    return out.copy(), verdict


def check(octets: bytes) -> Outcome:
    """Octet 0 chooses the table, 1 limits, 2 who sends, 3 to 5 where content is cut; a request follows."""
    choice, stream = octets[:6].ljust(6, b"\0"), octets[6:]
    table = tables.TABLES[choice[0] % len(tables.TABLES)]
    limits = _LIMITS[choice[1] % len(_LIMITS)]
    trusted, secure = bool(choice[2] & 1), bool(choice[2] & 2)
    head, source, verdict = _scanned(stream, limits)
    for cut in cuts(choice[3:6], 3, len(stream)):
        early = _scanned(stream[:cut], limits)[2]
        assert early == MORE or verdict != FOUND or head.size <= cut, f"{early} at {cut}, and {verdict} of the whole"
    if verdict != FOUND:
        return ("more",) if verdict == MORE else ("refused", verdict)
    bare = stream
    for _ in range(limits.empty):
        bare = bare.removeprefix(b"\r\n")
    skipped = len(stream) - len(bare)
    short = False
    try:
        asked = reader.request(bare)
    except reader.Short as early_end:
        assert early_end.message is not None
        asked, short = early_end.message, True
    except reader.Broken:
        assert head.length < 0, "a head was accepted that is none"
        return _broken(choice, head, table, source)
    assert (head.method, head.target, head.minor) == (*asked.first, asked.minor)
    assert head.items() == _same_case(head, asked.fields)
    assert head.size == skipped + asked.head
    plan = table.resolve(head, None, tables.peer(trusted, secure))
    if plan.kind != FORWARD:
        return "answered", plan.kind, plan.status
    exchange = tables.begun(head, plan, table, tables.peer(trusted, secure))
    places = cuts(choice[3:6], 3, len(stream) - head.size)
    out, verdict = _forwarded(exchange, head, plan, source, places)
    if verdict == REFUSE:
        assert short or _reads_more(head), "a whole message was forwarded and then refused"
        return ("broken", len(out))
    try:
        sent = reader.request(out)
        assert sent.size == len(out), "more than one message was forwarded"
        assert not short or exchange.request_done is False, "half a message was forwarded as a whole one"
    except reader.Short as early_end:
        assert short, "a whole message was forwarded as half a one"
        assert early_end.message is not None
        sent = early_end.message
    assert short == (not exchange.request_done)
    if not short:
        assert sent.content == asked.content
        assert source.copy() == bare[asked.size :]
        assert all(one in asked.trailers for one in sent.trailers)
        assert not any(name.replace(b"_", b"-") in _HOP | _OF_CLIENTS | {b"host"} for name, _ in sent.trailers)
    assert sent.minor == 1
    assert sent.first[0] == asked.first[0]
    if not plan.edited:
        _compare(asked, sent, plan, head, trusted, secure)
    return "forwarded", out, source.copy()


def _broken(choice: bytes, head: RequestHead, table: tables.Table, source: Buffer) -> Outcome:
    """Content that is none: whatever of it is forwarded must not look like a whole message."""
    plan = table.resolve(head, None, tables.peer(bool(choice[2] & 1), bool(choice[2] & 2)))
    if plan.kind != FORWARD:
        return "answered", plan.kind, plan.status
    exchange = tables.begun(head, plan, table, tables.peer(bool(choice[2] & 1), bool(choice[2] & 2)))
    out, verdict = _forwarded(exchange, head, plan, source, [])
    assert verdict != FOUND
    try:
        reader.request(out)
    except reader.Short:
        return ("broken", len(out))
    raise AssertionError("content that is none was forwarded as a whole message")


def _reads_more(head: RequestHead) -> bool:
    """Tell whether a strict reader may read what we refuse: of chunked content we take less than the grammar allows."""
    return head.length < 0


def _same_case(head: RequestHead, fields: reader.Fields) -> reader.Fields:
    """Return fields with the names spelt as the head has them."""
    spelt = [name for name, _ in head.items()]
    assert [name.lower() for name in spelt] == [name for name, _ in fields]
    return [(name, value) for name, (_, value) in zip(spelt, fields, strict=True)]


def _plain(name: bytes) -> bytes:
    return name.replace(b"_", b"-")


def _compare(asked: reader.Message, sent: reader.Message, plan: Plan, head: RequestHead, trusted: bool, secure: bool) -> None:
    """What is forwarded is what was asked for, field by field, but for what a proxy must take away and write."""
    target = asked.first[1]
    host = asked.all(b"host")[0] if asked.all(b"host") else b""
    if head.absolute and target.partition(b"://")[1]:
        authority = target.partition(b"://")[2]
        at = min((found for found in (authority.find(mark) for mark in b"/?") if found >= 0), default=len(authority))
        host, target = authority[:at], authority[at:]
        target = target if target.startswith(b"/") else b"/" + target
    if plan.map_from:
        target = target.replace(plan.map_from, plan.map_to, 1)
    assert sent.first[1] == target, (sent.first, target)
    assert sent.all(b"host") == [host if plan.preserve_host and host else plan.authority]
    nominated = frozenset(asked.tokens(b"connection")) - _PROTECTED
    away = _HOP | (frozenset() if trusted else _OF_CLIENTS)
    edited = frozenset((b"host",)) | (
        frozenset(name.lower() for name in (*plan.drop_names, b"cookie")) if plan.edits else frozenset()
    )
    wanted = [
        (name, value)
        for name, value in asked.fields
        if _plain(name) not in away and name not in nominated and name not in edited and name not in _EDITED
    ]
    ours = _WRITTEN | _PROTECTED | edited | _EDITED
    if trusted:
        wanted = [one for one in wanted if one[0] not in _OF_CLIENTS]
        got = [one for one in sent.fields if one[0] not in ours | _OF_CLIENTS]
        assert sent.all(b"x-forwarded-for")[-1].endswith(b"192.0.2.1")
    else:
        got = [one for one in sent.fields if one[0] not in ours]
        assert sent.all(b"x-forwarded-for") == sent.all(b"x-real-ip") == [b"192.0.2.1"]
        assert sent.all(b"x-forwarded-proto") == [b"https" if secure else b"http"]
        assert not [name for name, _ in sent.fields if _plain(name) in _OF_CLIENTS - _WRITTEN]
    assert got == wanted, (got, wanted)
    upgraded = sent.all(b"connection"), sent.all(b"upgrade")
    assert upgraded in (([], []), ([b"Upgrade"], [b"websocket"])), upgraded
    if upgraded[1]:
        assert b"websocket" in [value.lower() for value in asked.all(b"upgrade")]
        assert b"upgrade" in asked.tokens(b"connection")


_SEEDS: Final = (
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /user/x?y=z HTTP/1.1\r\nHost: hub.example:80\r\nCookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\nX_Real_IP: 5.6.7.8\r\n\r\n",
    b"POST /old/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhelloGET / HTTP/1.1\r\n",
    b"PUT /b/x/y HTTP/1.1\r\nHost: hub.example\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\nHost: x\r\n\r\nGET",
    b"GET http://a.b:81/go/a?to=/b HTTP/1.1\r\nHost: c\r\nConnection: close, X-A, cookie\r\nX-A: 1\r\nCookie: a\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n",
    b"\r\nHEAD //a/..%2f/./b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:8\r\nTE: trailers\r\nForwarded: for=1.2.3.4\r\nUser-Agent: axxb\r\n\r\n",
    b'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1F;q="a;b"\r\n0123456789012345678901234567890\r\n0\r\n\r\n',
)
_WORDS: Final = (
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"Host: a\r\n", b"Content-Length: 1\r\n", b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"content_length: 9\r\n", b"Connection: close\r\n",
    b"Connection: Host, Content-Length\r\n", b"X-Forwarded-Proto: https\r\n", b"X-Forwarded-For: 10.0.0.1, 2.2.2.2\r\n", b" HTTP/1.1", b" HTTP/1.0",
    b"HTTP/2.0", b"GET ", b"CONNECT ", b"http://", b"/..", b"%2e%2e", b"%2F", b"//", b"?", b"#", b"@", b";", b"0\r\n\r\n", b"\r\n5\r\n",
    b"FFFFFFFFFFFFFFFF\r\n", b"7fffffffffffffff", b"-1", b"+1", b"0x1", b"1_0", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n", b"Proxy: x\r\n",
    b"X-Forwarded-Host: evil\r\n", b" chunked", b", chunked", b"\x0b", b"\x85", b"\xa0", b"\xff", b"Trailer: x\r\n", b"Proxy-Connection: a\r\n",
)  # fmt: skip

TARGET: Final = Target(
    "requests",
    check,
    tuple(bytes((number % 3, number % 5, number % 4, 7, 99, 200)) + one for number, one in enumerate(_SEEDS * 3)),
    _WORDS,
    ("forwarded", "refused", "more", "answered", "broken"),
    count=15000,
)
