"""What is written into fields: of whatever clients and upstreams say, a line that is a line.

Forwarding fields, redirections, cookies, and the edits of Apache's directives: each written head is read by a strict reader, and
has as many lines as there are fields; what is believed of a client is an address or nothing.
"""

from __future__ import annotations

from typing import Final

from tests import reader
from tests.fuzz import tables
from tests.fuzz.target import Outcome, Target

from perijove.engine import page
from perijove.engine.buffer import Buffer
from perijove.engine.const import FORWARD, FOUND, REJECT, RESPOND
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead, ResponseHead
from perijove.engine.plan import CookieMap, Table
from perijove.engine.request import write_request
from perijove.engine.response import page_fields, read_response
from perijove.engine.template import client_of, map_cookie, map_refresh, map_url

_MAPPED: Final = tables.compiled(
    'listen = ":80"\n[[route]]\npath = "/a/"\nto = "http://up:81/c/"\n'
    '[[route]]\npath = "/"\nto = "http://up:82"\nresponse-fields.set = { X-Back = "{scheme}://{host}{target}" }\n'
)
_TABLES: Final = (_MAPPED, tables.APACHE)
_COOKIES: Final = (
    CookieMap(b"/c/", b"/a/", b"up", b"hub.example", True),
    CookieMap(b"/", b"/b/", b"up", b"", False),
)


def _tokens(lines: reader.Fields, name: bytes) -> list[bytes]:
    return [value for known, value in lines if known == name]


def _answered(table: Table, exchange: Exchange, answer: bytes) -> tuple[int, bytes]:
    source, out = Buffer(), Buffer()
    source.append(answer)
    verdict = read_response(exchange, ResponseHead(), Limits(), source, out)
    return verdict, out.copy()


def check(octets: bytes) -> Outcome:
    """Octet 0 chooses the table, 1 who sends; a request's head follows, and behind an octet 0, field lines of an answer."""
    choice, rest = octets[:2].ljust(2, b"\0"), octets[2:]
    asked, _, told = rest.partition(b"\0")
    table = _TABLES[choice[0] % len(_TABLES)]
    trusted, secure = bool(choice[1] & 1), bool(choice[1] & 2)
    head, source = RequestHead(), Buffer()
    source.append(asked)
    _values(told, secure)
    if head.scan(source, Limits()) != FOUND or head.length != 0:
        return ("no request",)
    peer = tables.peer(trusted, secure)
    plan = table.resolve(head, None, peer)
    exchange = Exchange(peer)
    exchange.begin(head, plan)
    state = table.state
    if plan.edited:
        assert state is not None
        state.snapshot()
        exchange.state = state
    if plan.kind != FORWARD:
        said = b""
        if plan.edited and state is not None:
            said = page_fields(exchange)
            if plan.status == state.status:
                said += page.said(plan.status, state.location)
        lines = reader.lines(said)
        assert all(name and len(value) < 100_000 for name, value in lines)
        return ("answered", plan.kind in (RESPOND, REJECT), lines)
    out = Buffer()
    write_request(exchange, head, out)
    sent = reader.request(out.copy())
    assert sent.size == out.size(), "a value has become more than a line"
    chains = sent.all(b"x-forwarded-for")
    assert len(chains) <= 1
    if not plan.edited:
        assert chains[0].rpartition(b",")[2].strip() == b"192.0.2.1"
        if not trusted:
            assert chains == [b"192.0.2.1"]
    assert exchange.scheme in (b"http", b"https")
    verdict, client = _answered(table, exchange, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + told + b"\r\n\r\n")
    if verdict != FOUND:
        assert not client
        return ("refused", sent.fields)
    got, behind = reader.responses(client, head.method, ended=True)
    assert not behind, "an answer has become two"
    assert len(got) == 1 or got[-1].status >= 200
    home = b"http://%b%b" % (plan.authority, b"/c/" if plan.authority == b"up:81" else b"/")
    for value in (one for name in (b"location", b"content-location") for one in got[-1].all(name)):
        assert not value.lower().startswith(home), "the public is told where the upstream is"
    return ("mapped", sent.fields, got[-1].fields)


def _values(told: bytes, secure: bool) -> None:
    """The functions themselves, with octets that no head has, too."""
    exchange = Exchange(tables.peer(True, secure))
    plan = next(route.plan for route in _MAPPED.default.routes if route.plan.maps) if _MAPPED.default else None
    assert plan is not None
    exchange.plan = plan
    allowed = frozenset(told) | frozenset(b"httpsab/hub.example:80 Path=Domain=Secure;/c")
    for value in told.split(b"\r\n")[:4]:
        value = value.partition(b":")[2].strip()
        for made in (
            map_url(value, plan.maps, exchange),
            map_refresh(value, plan.maps, exchange),
            map_cookie(value, _COOKIES, exchange),
            client_of(value, exchange.peer),
        ):
            assert frozenset(made) <= allowed | frozenset(b"192.0.2.1unix"), (value, made)
            assert made.count(b"\n") <= value.count(b"\n")
            assert made.count(b"\r") <= value.count(b"\r")


_SEEDS: Final = (
    b"GET /a/x?y=z HTTP/1.1\r\nHost: hub.example\r\nX-Forwarded-For: 10.0.0.1, 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\r\n"
    b"\0Location: http://up:81/c/d?e#f\r\nSet-Cookie: a=b; Path=/c/; Domain=up; Secure\r\nRefresh: 5; url=/c/x\r\n",
    b"GET /b/n/m?to=/x HTTP/1.1\r\nHost: hub.example\r\nUser-Agent: a--b\r\nCookie: c=d\r\nX-Scheme: wss\r\n\r\n"
    b"\0Location: /c/x\r\nX-Any: banana\r\nVary: a\r\nContent-Location: http://UP:81/c\r\nSet-Cookie: a; path=/; domain=.up\r\n",
    b"GET /go/x?to=%0d%0aSet-Cookie:a HTTP/1.1\r\nHost: hub.example\r\nX-Forwarded-Host: evil:1, b\r\n\r\n\0X-Back: 1\r\n",
    b'HEAD /%0a/a HTTP/1.0\r\nX-Forwarded-For: unix:, ::1, "a"\r\n\r\n\0Location: //up:82/x\r\n',
)
_WORDS: Final = (
    b"\0", b"\r\n", b"%0d%0a", b"%00", b"\t", b" ", b",", b";", b"=", b'"', b"://", b"http://up:81/c/", b"HTTP://UP:82", b"https://up:81/c", b"/c/", b"/c", b"/a/",
    b"X-Forwarded-For: ", b"X-Forwarded-Proto: ", b"X-Forwarded-Host: ", b"X-Scheme: ", b"Location: ", b"Set-Cookie: ", b"Refresh: 0;url=", b"10.0.0.2",
    b"Path=/c/", b"; Secure", b"; Domain=UP", b"\xff", b"\xe2\x80\xa8", b"\x85", b"$1", b"\\1", b"%{HTTP_HOST}e", b"to=", b"?", b"#", b"User-Agent: ab", b"X-Any: ",
)  # fmt: skip

TARGET: Final = Target(
    "edits",
    check,
    tuple(bytes((number % 2, number // 2 % 4)) + _SEEDS[number % len(_SEEDS)] for number in range(16)),
    _WORDS,
    ("mapped", "answered", "refused", "no request"),
    count=8000,
)
