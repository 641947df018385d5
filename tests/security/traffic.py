"""Requests that are odd but valid, and must arrive as they are: methods, forms of content and targets, conversations."""

from __future__ import annotations

from collections.abc import Iterator

from tests.security.case import CHUNKED, GET, HIDDEN, HOST, KEY, POST, UPGRADE, Case, attack, valid


def _bodies() -> Iterator[Case]:
    for method in (
        b"PROPFIND",
        b"MKCOL",
        b"REPORT",
        b"PATCH",
        b"M-SEARCH",
        b"LOCK",
        b"BREW",
        b"x!#$%&'*+-.^_`|~",
        b"DELETE",
        b"OPTIONS",
        b"PUT",
        b"GET",
    ):
        line = method + GET[3:]
        yield valid("methods", f"{method.decode()}", line + b"\r\n")
        yield valid("methods", f"{method.decode()} with content", line + b"Content-Length: 5\r\n\r\nhello", content=b"hello")
        yield valid(
            "methods",
            f"{method.decode()} with chunks",
            line + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            content=b"hello",
        )
    yield valid("methods", "HEAD", b"HEAD" + GET[3:] + b"\r\n")
    yield valid(
        "methods",
        "HEAD twice",
        b"HEAD" + GET[3:] + b"\r\n",
        b"HEAD" + GET[3:] + b"\r\n",
        content=(b"", b""),
        methods=(b"HEAD", b"HEAD"),
        targets=(b"/<mark>",) * 2,
        statuses=(200, 200),
    )
    yield valid("methods", "POST with no content", POST + b"Content-Length: 0\r\n\r\n")
    chunks = {
        "extension": b"5;a=b\r\nhello\r\n0\r\n\r\n", "extension without value": b"5;a\r\nhello\r\n0;b\r\n\r\n", "extension in quotes": b'5;a="b c; d,"\r\nhello\r\n0\r\n\r\n',
        "extension with a quoted pair": b'5;a="b\\"c"\r\nhello\r\n0\r\n\r\n', "many extensions": b"5" + b";a=b" * 50 + b"\r\nhello\r\n0\r\n\r\n", "capitals": b"5\r\nhello\r\n0\r\n\r\n",
        "leading zeros": b"00005\r\nhello\r\n000\r\n\r\n", "an octet each": b"".join(b"1\r\n%c\r\n" % c for c in b"hello") + b"0\r\n\r\n", "trailer": b"5\r\nhello\r\n0\r\nX-Checksum: 1\r\n\r\n",
        "trailers": b"5\r\nhello\r\n0\r\nX-Checksum: 1\r\nExpires-Soon: a\r\n\r\n", "an empty value in quotes": b'5;a=""\r\nhello\r\n0\r\n\r\n',
    }  # fmt: skip
    for name, data in chunks.items():
        yield valid("chunks", name, CHUNKED + data, content=b"hello")
        yield valid("chunks", f"{name}, octet by octet", CHUNKED + data, content=b"hello", drip=True)
    yield valid("chunks", "capital hexadecimal", CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", content=b"0123456789")
    yield valid("chunks", "none", CHUNKED + b"0\r\n\r\n")
    yield valid(
        "chunks",
        "large",
        CHUNKED + b"20000\r\n" + bytes(131072) + b"\r\n20000\r\n" + bytes(131072) + b"\r\n0\r\n\r\n",
        content=bytes(262144),
    )
    yield valid(
        "chunks", "coding in capitals", POST + b"TRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", content=b"hello"
    )
    yield valid(
        "chunks",
        "coding with a tab before it",
        POST + b"Transfer-Encoding:\tchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        content=b"hello",
    )
    yield valid("length", "leading zero", POST + b"Content-Length: 05\r\n\r\nhello", content=b"hello")
    yield valid("length", "white space around", POST + b"Content-Length: \t 5 \t\r\n\r\nhello", content=b"hello")
    yield valid(
        "length",
        "large, slowly",
        POST + b"Content-Length: 300000\r\n\r\n",
        bytes(100000),
        0.01,
        bytes(100000),
        0.01,
        bytes(100000),
        content=bytes(300000),
    )


def _forms() -> Iterator[Case]:
    for target in (
        b"/<mark>?", b"/<mark>??a", b"/<mark>?a=b?c", b"/<mark>;x=y/z", b"/<mark>/;/a", b"/<mark>\\a", b"/<mark>%5Ca", b"/<mark>%2Fa", b"/<mark>%2fa", b"/<mark>//a", b"//<mark>", b"/<mark>/a//b///c", b"/<mark>%20a", b"/<mark>%00", b"/<mark>%C3%A9", b"/<mark>%c3%a9",
        b"/<mark>a+b", b"/<mark>[a]", b"/<mark>{a}", b"/<mark>|a", b"/<mark>^a", b"/<mark>`a", b'/<mark>"a', b"/<mark><a>", b"/<mark>~a", b"/<mark>'a", b"/<mark>(a)", b"/<mark>*", b"/<mark>!$&,=:@", b"/<mark>/a:b/c", b"/<mark>?a=http://x/y", b"/<mark>?%", b"/<mark>?a%zz",
        b"/<mark>/./a", b"/<mark>/a/../b", b"/<mark>/%2e%2e/a", b"/<mark>/a%2F..%2Fb", b"/<mark>%252F", b"/<mark>" + b"a" * 8000, b"/<mark>?" + b"a=b&" * 1900,
    ):  # fmt: skip
        yield valid("targets", f"{target[:60]!r}", b"GET %b HTTP/1.1\r\n%b\r\n" % (target, HOST), targets=(target,))
    for name, line, target in (
        ("", b"http://hub.example/<mark>", b"/<mark>"), (", another Host", b"http://hub.example/<mark>", b"/<mark>"), (", https", b"https://hub.example/<mark>", b"/<mark>"), (", no path", b"http://hub.example?<mark>", b"/?<mark>"),
        (", capitals", b"HTTP://hub.example/<mark>", b"/<mark>"), (", port", b"http://hub.example:8080/<mark>", b"/<mark>"),
    ):  # fmt: skip
        host = b"Host: other.example\r\n" if "another" in name else HOST
        yield valid("absolute-form", f"absolute-form{name}", b"GET %b HTTP/1.1\r\n%b\r\n" % (line, host), targets=(target,))
    yield valid("OPTIONS", "asterisk", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"X: /<mark>\r\n\r\n", targets=(b"*",))
    for scheme in (b"http", b"HTTPS"):
        line = b"OPTIONS %b://hub.example HTTP/1.1\r\n" % scheme
        yield valid("OPTIONS", f"of {scheme.decode()}", line + HOST + b"X: /<mark>\r\n\r\n", targets=(b"*",))
    old = b"GET /<mark> HTTP/1.0\r\n"
    yield valid("HTTP/1.0", "without Host", old + b"\r\n")
    yield valid("HTTP/1.0", "with Host", old + HOST + b"\r\n")
    yield valid(
        "HTTP/1.0", "with content", b"POST /<mark> HTTP/1.0\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello", content=b"hello"
    )
    yield valid(
        "HTTP/1.0",
        "keep-alive",
        old + HOST + b"Connection: keep-alive\r\n\r\n",
        0.03,
        old + HOST + b"\r\n",
        content=(b"", b""),
        methods=(b"GET",) * 2,
        targets=(b"/<mark>",) * 2,
        statuses=(200, 200),
    )
    yield valid(
        "HTTP/1.0",
        "keep-alive, at once",
        (old + HOST + b"Connection: Keep-Alive\r\n\r\n") * 2,
        content=(b"", b""),
        methods=(b"GET",) * 2,
        targets=(b"/<mark>",) * 2,
        statuses=(200, 200),
    )
    yield valid(
        "HTTP/1.0",
        "expectation",
        b"POST /<mark> HTTP/1.0\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        content=b"hello",
    )
    yield valid("HTTP/1.1", "close", GET + b"Connection: close\r\n\r\n")
    yield valid("HTTP/1.1", "an empty line before", b"\r\n" + GET + b"\r\n", methods=(b"GET",))
    for host in (
        b"hub.example:8443",
        b"HUB.Example",
        b"127.0.0.1:8080",
        b"[::1]:8080",
        b"[::1]",
        b"a_b.example",
        b"x",
        b"hub.example.",
    ):
        yield valid("Host", host.decode(), b"GET /<mark> HTTP/1.1\r\nHost: %b\r\n\r\n" % host)
    for name, line in {
        "no white space": b"A:b", "much white space": b"A: \t  b \t ", "empty": b"A:", "obs-text": b"A: caf\xe9 \xc3\xa9", "odd name": b"!#$%&'*+-.^_`|~09: a", "tab within": b"A: b\tc", "colons": b"A: :b:c:",
        "nominated": b"Connection: keep-alive, A\r\nA: b", "large": b"Cookie: " + b"a=b; " * 1600, "ninety": b"A: b\r\n" * 89 + b"A: b", "underscore": b"My_Field: a", "TE": b"TE: trailers\r\nConnection: TE",
        "twice": b"A: b\r\nA: c", "empty options": b"Connection: ,, keep-alive,,", "TE of a coding": b"TE: gzip;q=0.5, chunked", "TE: identity": b"TE: identity\r\nConnection: TE", "for proxies": b"Proxy-Connection: keep-alive",
    }.items():  # fmt: skip
        yield valid("fields", name, GET + line + b"\r\n\r\n")
    yield valid("limits", "cookie of 16 KB", GET + b"Cookie: " + b"a=b; " * 3200 + b"\r\n\r\n")
    yield valid("limits", "200 fields", GET + b"A: b\r\n" * 180 + b"\r\n")
    yield valid("fields", "head octet by octet", GET + b"\r\n", drip=True)


def _conversations() -> Iterator[Case]:
    targets = tuple(b"/<mark>%d" % number for number in range(8))
    yield valid(
        "pipelining",
        "8 GETs",
        b"".join(GET.replace(b"/<mark>", target) + b"\r\n" for target in targets),
        content=(b"",) * 8,
        methods=(b"GET",) * 8,
        targets=targets,
        statuses=(200,) * 8,
    )
    mixed = (
        POST
        + b"Content-Length: 5\r\n\r\nhello"
        + CHUNKED
        + b"5\r\nhello\r\n0\r\n\r\n"
        + b"HEAD"
        + GET[3:]
        + b"\r\n"
        + GET
        + b"\r\n"
    )
    yield valid(
        "pipelining",
        "mixed",
        mixed,
        content=(b"hello", b"hello", b"", b""),
        methods=(b"POST", b"POST", b"HEAD", b"GET"),
        targets=(b"/<mark>",) * 4,
        statuses=(200,) * 4,
    )
    yield valid(
        "pipelining",
        "100 GETs",
        (GET + b"\r\n") * 100,
        content=(b"",) * 100,
        methods=(b"GET",) * 100,
        targets=(b"/<mark>",) * 100,
        statuses=(200,) * 100,
    )
    yield valid(
        "pipelining",
        "an empty line behind content",
        POST + b"Content-Length: 5\r\n\r\nhello\r\n" + GET + b"\r\n",
        content=(b"hello", b""),
        methods=(b"POST", b"GET"),
        targets=(b"/<mark>",) * 2,
        statuses=(200, 200),
    )
    yield valid(
        "pipelining",
        "behind the content of a GET",
        GET + b"Content-Length: 5\r\n\r\nhello" + GET + b"\r\n",
        content=(b"hello", b""),
        methods=(b"GET",) * 2,
        targets=(b"/<mark>",) * 2,
        statuses=(200, 200),
    )
    yield valid("pipelining", "close in between", GET + b"Connection: close\r\n\r\n" + HIDDEN)
    expect = POST + b"Expect: 100-continue\r\n"
    yield valid("Expect", "waits for it", expect + b"Content-Length: 5\r\n\r\n", 0.03, b"hello", content=b"hello")
    yield valid("Expect", "does not wait", expect + b"Content-Length: 5\r\n\r\nhello", content=b"hello")
    yield valid(
        "Expect",
        "with chunks",
        expect + b"Transfer-Encoding: chunked\r\n\r\n",
        0.03,
        b"5\r\nhello\r\n0\r\n\r\n",
        content=b"hello",
    )
    yield valid("Expect", "of nothing", GET + b"Expect: 100-continue\r\n\r\n")
    yield valid(
        "Expect",
        "answered early",
        expect.replace(b"<mark>", b"<mark>-early") + b"Content-Length: 5\r\n\r\n",
        0.1,
        b"hello",
        content=None,
        methods=(b"POST",),
        statuses=(413,),
    )
    yield attack("Expect", "unknown", GET + b"Expect: more\r\n\r\n", closes=False)
    yield valid(
        "Expect", "in capitals", POST + b"Expect: 100-CONTINUE\r\nContent-Length: 5\r\n\r\n", 0.03, b"hello", content=b"hello"
    )
    for value in (b"100-continue, x", b"x 100-continue", b"100-continue;q=1", b"100-continue\r\nExpect: 100-continue", b"100-continue\r\nExpect: x", b'"100-continue"', b"", b"100-continue\r\n x"):  # fmt: skip
        for content in (b"Content-Length: 5\r\n\r\nhello", b"Content-Length: 0\r\n\r\n"):
            name = f"{value!r} and {len(content) - 21} octets"
            yield attack("Expect", name, POST + b"Expect: " + value + b"\r\n" + content + HIDDEN, most=2, closes=False)
    # Answered before the content has come, by an upstream that goes on: what then comes is content, whatever it looks like.
    soon = POST.replace(b"<mark>", b"<mark>-soon")
    inside = b"Content-Length: %d\r\n\r\n" % len(HIDDEN)
    for name, head in {
        "content": soon + inside,
        "content that was to be asked for": soon + b"Expect: 100-continue\r\n" + inside,
        "chunks": soon + b"Transfer-Encoding: chunked\r\n\r\n",
        "the rest of content": soon + b"Content-Length: 10\r\n\r\nhello",
    }.items():
        yield attack("early answer", f"kept, and a request for {name}", head, 0.1, HIDDEN, methods=(b"POST",), closes=False)
    for size in (1000, 200_000, 30_000_000):
        yield valid(
            "early answer",
            f"while uploading {size}",
            POST.replace(b"<mark>", b"<mark>-early") + b"Content-Length: %d\r\n\r\n" % size,
            bytes(size),
            content=None,
            methods=(b"POST",),
            statuses=(413,),
        )
    yield valid(
        "early answer",
        "while uploading chunks",
        CHUNKED.replace(b"<mark>", b"<mark>-early"),
        *[b"10000\r\n" + bytes(65536) + b"\r\n"] * 40,
        b"0\r\n\r\n",
        content=None,
        methods=(b"POST",),
        statuses=(413,),
    )
    yield valid("WebSocket", "with octets behind the head", UPGRADE + b"early", statuses=(101,))
    yield valid(
        "WebSocket",
        "capitals",
        GET + b"CONNECTION: keep-alive, UPGRADE\r\nUPGRADE: WebSocket\r\n" + KEY + b"\r\n",
        statuses=(101,),
    )
    yield valid(
        "WebSocket",
        "refused, and the connection goes on",
        UPGRADE.replace(b"<mark>", b"<mark>-refused") * 2,
        content=(b"", b""),
        methods=(b"GET",) * 2,
        targets=(b"/<mark>-refused",) * 2,
        statuses=(403, 403),
    )


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _bodies()
    yield from _forms()
    yield from _conversations()
