"""Requests that hide a second one, or are malformed: to be refused, or cleaned.

Written as tables of spellings, each of which is tried in each place.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.security.case import CHUNKED, GET, HIDDEN, HOST, KEY, POST, UPGRADE, WEBSOCKET, Case, attack, malformed

# ------------------------------------------------------------------ framing

CODINGS = (
    b"xchunked", b"chunkedx", b"chunked,", b",chunked", b"chunked, identity", b"identity, chunked", b"identity", b"gzip",
    b"chunked, chunked", b"gzip, chunked", b"chunked, gzip", b'"chunked"', b"'chunked'", b"chunked;q=1", b"chun ked", b"\x0bchunked",
    b"\x0cchunked", b"chunked\x00", b"chunked\x0b", b"\x00chunked", b"chunk\xe9d", b"chun\xe2\x84\xaaed", b"\xef\xbb\xbfchunked", b"", b"cow",
    b"chunked\rx", b"chunked\nX: y", b"\r\n chunked", b"\r\n\tchunked", b"chunked\r\n , identity", b"[chunked]", b"chunked:", b"=chunked",
    b"chunked;", b"chunked x", b"\xa0chunked", b"chunked\x85", b"x-chunked", b"chunked\x1f", b"\x7fchunked", b"%63hunked", b"chunked=1", b"\"\", chunked", b"chunked, trailers", b"deflate, chunked",
)  # fmt: skip
CODING_LINES = (
    b"Transfer-Encoding : chunked", b"Transfer-Encoding\t: chunked", b" Transfer-Encoding: chunked", b"\tTransfer-Encoding: chunked",
    b"Transfer_Encoding: chunked", b"Transfer-Encoding\x00: chunked", b"\x00Transfer-Encoding: chunked", b"Transfer-Encoding\x0b: chunked",
    b"X: y\nTransfer-Encoding: chunked", b"X: y\rTransfer-Encoding: chunked", b"X: y\x00\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\nX: y", b"Transfer-Encoding chunked", b"Transfer-Encoding\r\n: chunked", b"Transfer-Encoding\r: chunked",
    b'"Transfer-Encoding": chunked', b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\nTransfer-encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer_Encoding: identity", b"Transfer\xadEncoding: chunked", b":Transfer-Encoding: chunked",
    b"Content-Type: a\r\n Transfer-Encoding: chunked", b"Transfer-Encoding=chunked", b"Transfer Encoding: chunked", b"Transfer-Encoding;: chunked", b"tRANSFER_eNCODING: chunked", b"X: y\r\n\r Transfer-Encoding: chunked",
    b"X: y\n\nTransfer-Encoding: chunked", b"Transfer-Encoding:\n chunked", b"Transfer-\r\nEncoding: chunked", b"Transfer-\nEncoding: chunked", b"\xa0Transfer-Encoding: chunked",
)  # fmt: skip
LENGTHS = (
    b"+5", b"-5", b"-0", b"0x5", b"5_0", b"0_5", b"5 5", b"5,5", b"5, 5", b"5;", b"5.0", b"5e0", b"\x0b5", b"5\x0b", b"\x0c5", b"5\x00", b"\xd9\xa5",
    b"", b"5a", b"a5", b"'5'", b'"5"', b"99999999999999999999", b"18446744073709551621", b"9223372036854775808", b"4294967301" + b"0" * 12,
    b"0" * 400 + b"5", b"5\r\n 0", b"5\r\n\t", b"5\n", b"5\r", b"\xa05", b"5\x85", b"(5)", b"5, ", b"0x", b"inf",
    b"5 6", b"5\t6", b",5", b"5,6", b"5,,5", b"--5", b"5\xc2\xa0", b"1e1", b"0b101", b"\x005", b"5#", b"18446744073709551616", b"-18446744073709551611",
)  # fmt: skip
LENGTH_LINES = (
    b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 6\r\nContent-Length: 5", b"Content-Length: 0\r\nContent-Length: 5",
    b"Content-Length: 5\r\nContent-Length: -5", b"Content-Length: 5\r\nContent-Length: 5", b"Content-Length: 5\r\ncontent-length: 05",
    b"Content-Length : 5", b"Content-Length\t: 5", b" Content-Length: 5", b"Content-Length\x00: 5", b"Content_Length: 5", b"Content-Length 5",
    b"Content-Length: 5\r\nContent_Length: 50", b"X: y\nContent-Length: 5", b"X: y\rContent-Length: 5", b"Content-Length:\r\n 5", b"Content\xadLength: 5",
    b"Content-Length=5", b"Content Length: 5", b"Content-Length: 5\r\nContent-Length: +5", b"Content-Length: 0\r\nContent_length: 5", b"Content-\r\nLength: 5", b"X: y\r\n\rContent-Length: 5",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: Transfer-Encoding",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: Content-Length",
)  # fmt: skip
_INNER = b"0\r\n\r\n" + HIDDEN


def _framing() -> Iterator[Case]:
    for coding in CODINGS:
        line = b"Transfer-Encoding: %b\r\n" % coding
        yield attack("TE", f"coding {coding!r}", POST + line + b"\r\n" + _INNER)
        yield attack("CL.TE", f"coding {coding!r} and length", POST + b"Content-Length: 5\r\n" + line + b"\r\n" + _INNER)
    for line in CODING_LINES:
        yield attack("TE.TE", f"line {line!r}", POST + line + b"\r\n\r\n" + _INNER)
        yield attack("CL.TE", f"line {line!r} and length", POST + b"Content-Length: 5\r\n" + line + b"\r\n\r\n" + _INNER)
    yield attack(
        "CL.TE",
        "length, then chunked",
        POST + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(_INNER) + _INNER,
    )
    yield attack(
        "TE.CL",
        "chunked, then length",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + b"2d\r\n" + HIDDEN + b"\r\n0\r\n\r\n",
    )
    yield attack(
        "TE.CL", "chunked, and a length of nothing", POST + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + _INNER
    )
    for length in LENGTHS:
        yield attack("CL", f"length {length[:40]!r}", POST + b"Content-Length: %b\r\n\r\nhello" % length + HIDDEN)
    for line in LENGTH_LINES:
        yield attack("CL.CL", f"line {line!r}", POST + line + b"\r\n\r\nhello" + HIDDEN)
    for coding in (b"chunked", b"identity", b"chunked, chunked"):
        yield attack(
            "HTTP/1.0",
            f"coding {coding!r}",
            b"POST /<mark> HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\nTransfer-Encoding: %b\r\n\r\n" % coding + _INNER,
        )
    yield attack(
        "HTTP/1.0",
        "length and coding",
        b"POST /<mark> HTTP/1.0\r\n"
        + HOST
        + b"Connection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        + _INNER,
    )
    for name, lines in {
        "not kept": b"", "kept by a field for proxies": b"Proxy-Connection: keep-alive\r\n", "kept by a field of parameters": b"Keep-Alive: timeout=5\r\n", "kept and not": b"Connection: keep-alive, close\r\n",
    }.items():  # fmt: skip
        yield attack("HTTP/1.0", f"GET, {name}, and one more", b"GET /<mark> HTTP/1.0\r\n" + HOST + lines + b"\r\n" + HIDDEN)
    yield attack("HTTP/1.0", "POST without a length", b"POST /<mark> HTTP/1.0\r\n" + HOST + b"\r\n" + HIDDEN)
    for lines in (
        b"Connection: close\r\nConnection: keep-alive\r\n",
        b"Connection: x,CLOSE ,y\r\n",
        b"Connection:\r\n close\r\n",
    ):
        yield attack("HTTP/1.1", f"one more behind {lines!r}", GET + lines + b"\r\n" + HIDDEN)
    for first in (b"GET", b"HEAD", b"OPTIONS", b"DELETE"):
        yield attack(
            "CL.0",
            f"{first.decode()} with length and coding",
            first + GET[3:] + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + _INNER,
        )


SIZES = (
    b"x", b"", b" 5", b"5 ", b"\t5", b"-5", b"+5", b"0x5", b"5_0", b"5g", b"5\x00", b"\x0b5", b"10000000000000005", b"fffffffffffffffb", b"ffffffffffffffffff",
    b"8000000000000005", b"5,5", b"5 5", b"5\n", b"5\r", b"5;\n", b"5;a\nb", b"5;a\rb", b"5;a\x00", b"5;a=\"b", b"5;a=b c", b"5;\x0b", b"\xd9\xa5", b"5:", b"5=", b"05x",
    b"5;" + b"a" * 20000, b"0" * 100 + b"5", b"5;;", b"5;a=", b"5;a=\"\0\"", b"5;a=\"\n\"", b"5;a=\"b\\", b"5;\xff", b"5;a=b=c", b"5;\"a\"", b"5;a b", b"5,a", b"5#", b"5\n;a", b"5\r;a", b"5\xa0", b"%35", b"5.",
    b"5" + b";a" * 3000,
)  # fmt: skip


def _chunks() -> Iterator[Case]:
    for size in SIZES:
        yield attack("chunk size", f"{size[:40]!r}", CHUNKED + size + b"\r\nhello\r\n" + _INNER)
        yield attack(
            "last chunk",
            f"behind good ones, {size[:40]!r}",
            CHUNKED + b"5\r\nhello\r\n" + size.replace(b"5", b"0") + b"\r\n\r\n" + HIDDEN,
        )
    for end in (b"", b"\n", b"\r", b"\n\r", b"xx", b"\r\r\n", b" \r\n", b"\0\0"):
        yield attack("chunk end", f"{end!r}", CHUNKED + b"5\r\nhello" + end + _INNER)
    for end in (b"\n\n", b"\n", b"\r\n\n", b"\n\r\n", b"\r\r", b"\rX: y\r\n\r\n", b"\r\nX: y\n\r\n", b"\r\nX: y\rZ: a\r\n\r\n"):
        yield attack("last chunk", f"ends with {end!r}", CHUNKED + b"5\r\nhello\r\n0" + end + HIDDEN)
    for line in (b"A", b": b", b"A : b", b" A: b", b"A: \0", b"A: b\r\n c", b"A\x00: b", b"A: b\nContent-Length: 5", b"(A): b"):
        yield attack("trailer", f"{line!r}", CHUNKED + b"5\r\nhello\r\n0\r\n" + line + b"\r\n\r\n" + HIDDEN)
    yield attack("trailer", "without an end", CHUNKED + b"0\r\n" + b"A: b\r\n" * 20000)
    for name in (
        b"Content-Length", b"Transfer-Encoding", b"Host", b"Connection", b"Authorization", b"Cookie", b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Real-IP",
        b"Forwarded", b"X-Remote-User", b"content_length", b"Content-Type", b"X_Forwarded_For", b"TE",
    ):  # fmt: skip
        yield attack(
            "trailer that frames or identifies",
            name.decode(),
            CHUNKED + b"5\r\nhello\r\n0\r\n" + name + b": 5\r\n\r\n",
            closes=False,
        )


# ------------------------------------------------------------------ the head

CONTROLS = (b"\0", b"\x01", b"\x08", b"\x0b", b"\x0c", b"\x1b", b"\x7f")
_LINES = (
    b"get /<mark> HTTP/1.1 ", b"GET  /<mark> HTTP/1.1", b"GET /<mark>  HTTP/1.1", b" GET /<mark> HTTP/1.1", b"GET\t/<mark> HTTP/1.1", b"GET /<mark>\tHTTP/1.1", b"GET /<mark>", b"GET /<mark> ",
    b"GET /<mark> HTTP/1.1\r", b"GET /<mark> HTTP/0.9", b"GET /<mark> HTTP/2.0", b"GET /<mark> HTTP/1.2", b"GET /<mark> HTTP/1.10", b"GET /<mark> HTTP/01.1", b"GET /<mark> HTTP/1.", b"GET /<mark> HTTP/1",
    b"GET /<mark> http/1.1", b"GET /<mark> HTTP /1.1", b"GET /<mark> HTTP/ 1.1", b"GET /<mark> HTTP/1,1", b"GET /<mark> HTTPS/1.1", b"GET /<mark> ICY/1.1", b"GET /<mark> HTTP/1.1 HTTP/1.1", b"GET /<mark> x HTTP/1.1",
    b"GET /<mark>#x HTTP/1.1", b"GET <mark> HTTP/1.1", b"GET * HTTP/1.1", b"GET ?<mark> HTTP/1.1", b"GET http:///<mark> HTTP/1.1", b"GET http://u:p@hub.example/<mark> HTTP/1.1", b"GET ftp://hub.example/<mark> HTTP/1.1",
    b"GET http:/<mark> HTTP/1.1", b"GET http://hub.example:x/<mark> HTTP/1.1", b"GET http://hub.example:99999/<mark> HTTP/1.1", b"GET file:///<mark> HTTP/1.1", b"CONNECT /<mark> HTTP/1.1", b"CONNECT hub.example:443 HTTP/1.1",
    b"G\xc9T /<mark> HTTP/1.1", b"G:T /<mark> HTTP/1.1", b"G(T /<mark> HTTP/1.1", b"G/T /<mark> HTTP/1.1", b'"GET" /<mark> HTTP/1.1', b"PRI * HTTP/2.0", b"\x16\x03\x01\x02\x00\x01\x00", b"SSH-2.0-x", b"GET /<mark>\xe9 HTTP/1.1",
    b"GET /<mark> HTTP/1.1\x00", b"GET /<mark> HTTP/1.1;x", b"GET /<mark> HTTP/1.1.1", b"GET /<mark> HTTP/3.0", b"GET /<mark> HTTP//1.1", b"GET /<mark>\xa0HTTP/1.1", b"GET\x0b/<mark> HTTP/1.1", b"GET \\<mark> HTTP/1.1", b"GET @evil/<mark> HTTP/1.1", b"GET :80/<mark> HTTP/1.1",
    b"GET http:\\\\hub.example\\<mark> HTTP/1.1", b"GET http://hub.example\\@evil/<mark> HTTP/1.1", b"GET http://hub.example#@evil/<mark> HTTP/1.1", b"GET http://[::1/<mark> HTTP/1.1", b"GET http://hub example/<mark> HTTP/1.1", b"GET ws://hub.example/<mark> HTTP/1.1", b"GET http://@/<mark> HTTP/1.1", b"GET http://<a>/<mark> HTTP/1.1",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /<mark> HTTP/1.1", b"HELO x\r\nGET /<mark> HTTP/1.1", b"\xef\xbb\xbfGET /<mark> HTTP/1.1", b"  \r\nGET /<mark> HTTP/1.1", b"connect hub.example:443 HTTP/1.1", b"CONNECT http://hub.example/<mark> HTTP/1.1", b"POST * HTTP/1.1", b"OPTIONS *<mark> HTTP/1.1",
)  # fmt: skip
_HOSTS = (
    b"", b"Host: \r\n", b"Host: a\r\nHost: b\r\n", HOST + b"Host: hub.example\r\n", HOST + b"host: evil\r\n", b"Host: a b\r\n", b"Host: a,b\r\n", b"Host: a/b\r\n", b"Host: a@b\r\n",
    b"Host: a:b\r\n", b"Host: a:80:80\r\n", b"Host: a:-1\r\n", b"Host: a:99999\r\n", b"Host: [::1\r\n", b"Host: ::1\r\n", b"Host: a\0\r\n", b"Host: a\x0b\r\n", b"Host: a\tb\r\n", b"Host: a?b\r\n",
    b"Host: a#b\r\n", b"Host: a\\b\r\n", b"Host: <a>\r\n", b'Host: "a"\r\n', b"Host: a\xe9\r\n", b"Host : hub.example\r\n", b" Host: hub.example\r\n", b"Host: a\r\n b\r\n", b"Host: http://a\r\n",
    b"H\0st: a\r\n", b"Host: a :80\r\n", b"Host: a: 80\r\n", b"Host: a:+80\r\n", b"Host: a:8_0\r\n", b"Host: a:0\r\n", b"Host: [::1]x\r\n", b"Host: []\r\n", b"Host: [::1%25eth0]\r\n", b"Host: a|b\r\n", b"Host: a^b\r\n", b"Host: a`b\r\n", b"Host: {a}\r\n", b"Host: %zz\r\n", b"Host: //a\r\n",
    b"Host: a\r\n :80\r\n", b"X-Forwarded-Host: a\r\n", b"Connection: Host\r\n", b" Host: a\r\nHost: a\r\n",
)  # fmt: skip


def _heads() -> Iterator[Case]:
    for line in _LINES:
        yield malformed("request line", f"{line!r}", line + b"\r\n" + HOST + b"\r\n", closes=not line.startswith(b"CONNECT h"))
    for control in CONTROLS:
        places = {
            "in the method": b"G%bT /<mark> HTTP/1.1\r\n%b\r\n" % (control, HOST), "in the target": b"GET /<mark>%b HTTP/1.1\r\n%b\r\n" % (control, HOST),
            "in the version": b"GET /<mark> HTTP/1%b.1\r\n%b\r\n" % (control, HOST), "in front of a name": GET + b"%bA: b\r\n\r\n" % control,
            "in a name": GET + b"A%bA: b\r\n\r\n" % control, "behind a name": GET + b"A%b: b\r\n\r\n" % control, "in front of a value": GET + b"A: %bb\r\n\r\n" % control,
            "in a value": GET + b"A: b%bb\r\n\r\n" % control, "behind a value": GET + b"A: b%b\r\n\r\n" % control, "for a line": GET + b"%b\r\n\r\n" % control,
        }  # fmt: skip
        for where, data in places.items():
            yield malformed("control", f"{control!r} {where}", data)
    for bare in (b"\r", b"\n"):
        places = {
            "ends the request line": GET.replace(b"\r\n", bare, 1) + b"\r\n", "ends a field": GET + b"A: b%bC: d\r\n\r\n" % bare, "ends the head": GET + bare, "ends all lines": (GET + b"\r\n").replace(b"\r\n", bare),
            "in a name": GET + b"A%bA: b\r\n\r\n" % bare, "in the target": b"GET /<mark>%bx HTTP/1.1\r\n%b\r\n" % (bare, HOST), "in the method": b"G%bT /<mark> HTTP/1.1\r\n%b\r\n" % (bare, HOST), "doubled": GET + bare + b"\r\n\r\n",
        }  # fmt: skip
        for where, data in places.items():
            yield malformed("bare CR or LF", f"{bare!r} {where}", data)
    for lines in _HOSTS:
        yield malformed("Host", f"{lines!r}", b"GET /<mark> HTTP/1.1\r\n" + lines + b"\r\n")
        if lines:
            yield malformed(
                "Host", f"beside absolute-form, {lines!r}", b"GET http://hub.example/<mark> HTTP/1.1\r\n" + lines + b"\r\n"
            )
    for name in (b"A ", b"A\t", b" A", b"A b", b"", b"A(", b"A,", b"A=", b"A\xe9", b"A{", b"A/", b'"A"', b"A@", b"[A]"):
        yield malformed("field name", f"{name!r}", GET + name + b": b\r\n\r\n")
    for line in (b"A", b"A b", b"A;b", b" folded", b"\tfolded", b"A: b\r\n c", b"A: b\r\n\tc", b"A:\r\n b", b"A: b\r\n \r\n c"):
        yield malformed("field line", f"{line!r}", GET + line + b"\r\n\r\n")
    yield attack("size", "request line of 20,000", b"GET /<mark>" + b"a" * 20000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    yield attack("size", "request line of 1,000,000", b"GET /<mark>" + b"a" * 1000000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    yield attack("size", "a field of 1,000,000", GET + b"A: " + b"a" * 1000000 + b"\r\n\r\n")
    yield attack("size", "a name of 100,000", GET + b"A" * 100000 + b": b\r\n\r\n")
    yield attack("size", "10,000 fields", GET + b"A: b\r\n" * 10000 + b"\r\n")
    yield attack("size", "a head without an end", GET + b"A: b\r\n" * 100000)
    yield attack("size", "a line without an end", b"G" * 1000000)
    yield attack("empty lines", "1,000 before a request", b"\r\n" * 1000 + GET + b"\r\n")


# ------------------------------------------------------------------ upgrades


def _upgrades() -> Iterator[Case]:
    settings = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    for name, lines in {
        "h2c": settings, "h2c without its settings": b"Connection: Upgrade\r\nUpgrade: h2c\r\n", "TLS": b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
        "unknown": b"Connection: Upgrade\r\nUpgrade: foo\r\n", "list": b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n" + KEY, "list, h2c first": b"Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n" + KEY,
        "twice": b"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n" + KEY, "not nominated": b"Upgrade: h2c\r\n", "in quotes": b'Connection: Upgrade\r\nUpgrade: "websocket"\r\n' + KEY,
        "with a version": b"Connection: Upgrade\r\nUpgrade: websocket/13\r\n" + KEY, "h2": b"Connection: Upgrade\r\nUpgrade: h2\r\n", "HTTP/2.0": b"Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\n", "connect-udp": b"Connection: Upgrade\r\nUpgrade: connect-udp\r\nCapsule-Protocol: ?1\r\n",
        "in capitals": b"CONNECTION: UPGRADE\r\nUPGRADE: H2C\r\n", "on a second line": b"Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: h2c\r\n", "k of Kelvin": b"Connection: Upgrade\r\nUpgrade: webso\xe2\x84\xaaet\r\n" + KEY, "nothing": b"Connection: Upgrade\r\nUpgrade:\r\n",
    }.items():  # fmt: skip
        yield attack("upgrade", name, GET + lines + b"\r\n", 0.03, HIDDEN, most=2, closes=False)
    for method in (b"POST", b"PUT", b"HEAD", b"OPTIONS"):
        yield attack(
            "upgrade by another method",
            f"WebSocket by {method.decode()}",
            method + UPGRADE[3:],
            0.03,
            HIDDEN,
            methods=(method,),
            most=2,
            closes=False,
        )
    yield attack(
        "upgrade by another method",
        "WebSocket with content",
        POST + WEBSOCKET + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
        methods=(b"POST",),
        closes=False,
    )
    yield attack(
        "upgrade by another method",
        "WebSocket with chunks",
        POST + WEBSOCKET + b"Transfer-Encoding: chunked\r\n\r\n" + _INNER,
        methods=(b"POST",),
        most=2,
        closes=False,
    )
    for method in (b"POST", b"PATCH", b"GET"):
        yield attack(
            "upgrade",
            f"h2c by {method.decode()} with content, and its preface",
            method + GET[3:] + settings + b"Content-Length: 5\r\n\r\nhello",
            0.03,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            methods=(method,),
            most=2,
            closes=False,
        )
    yield attack("upgrade", "WebSocket in HTTP/1.0", UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0"), 0.03, HIDDEN, closes=False)
    yield attack(
        "upgrade",
        "wrong version, refused upstream",
        GET.replace(b"<mark>", b"<mark>-refused") + WEBSOCKET.replace(b"13", b"777") + b"\r\n",
        0.03,
        HIDDEN,
        most=2,
        closes=False,
    )


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _framing()
    yield from _chunks()
    yield from _heads()
    yield from _upgrades()
