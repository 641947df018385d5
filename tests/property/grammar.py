"""Messages drawn from a grammar, and spoilt.

Most of what is drawn is well-formed, so that much of it is accepted; faults are drawn at places where readers are known to differ.
Strategies are made once: to make one takes longer than to draw from it.
"""

from __future__ import annotations

from hypothesis import strategies as st

TOKEN = "!#$%&'*+-.^_`|~0123456789abcXYZ"
# What parsers disagree about, for use in mutations.
ODD = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\0",
    b"\t",
    b" ",
    b"\x0b",
    b"\x0c",
    b"\x7f",
    b"\x80",
    b"\xff",
    b":",
    b";",
    b",",
    b'"',
    b"+",
]
ODD += [b"-", b"_", b"0", b"1", b"x", b"%", b"#", b"@", b"[", b"]", b"\x85", b"\xa0"]

tokens = st.text(TOKEN, min_size=1, max_size=8).map(str.encode)
values = st.one_of(
    st.sampled_from([b"", b"a", b"a b", b"a\tb", b"\xe4", b'"q;,"', b"1", b"chunked", b"close"]),
    st.binary(max_size=12).map(lambda raw: bytes(octet for octet in raw if octet == 9 or 32 <= octet != 127).strip()),
)
space = st.sampled_from([b"", b" ", b" ", b" ", b"  ", b"\t"])
content = st.binary(max_size=40)
hosts = st.sampled_from([b"a", b"Hub.example", b"a.b-c.d:8443", b"127.0.0.1:80", b"[::1]", b"[2001:db8::1]:443", b"a_b"])
odd_hosts = st.sampled_from([b"", b"a/b", b"a b", b"a,b", b"@a", b"a:b", b"[::1", b"-a", b".a", b"a:", b"a\xe4", b"a:123456"])
targets = st.one_of(
    st.sampled_from([b"/", b"/a", b"/a/b?c=d&e", b"//a//b", b"/a%2fb/..", b"/;x", b"/?", b'/"<>\\^`{|}', b"/a:b@c"]),
    st.text("abc/%25?&=;:@.,~-_!$'()*+", max_size=20).map(lambda text: b"/" + text.encode()),
    st.builds(b"http://%b%b".__mod__, st.tuples(hosts, st.sampled_from([b"", b"/", b"/a?b", b"?q"]))),
)
methods = st.one_of(st.sampled_from([b"GET", b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"PATCH", b"OPTIONS"]), tokens)
known = st.sampled_from(
    [
        b"Accept", b"Cookie", b"Connection", b"Upgrade", b"TE", b"Trailer", b"Keep-Alive", b"Expect", b"X-Forwarded-For",
        b"x-forwarded-proto", b"X_Real_IP", b"Referer", b"User-Agent", b"Sec-WebSocket-Key", b"Date", b"Server", b"Location",
    ]
)  # fmt: skip
connections = st.lists(
    st.sampled_from([b"close", b"keep-alive", b"Upgrade", b"x-a", b"Cookie", b"host", b"", b"CLOSE", b"te"]), max_size=3
).map(b", ".join)


_sixth = st.integers(0, 5)
_special = st.sampled_from([b"Upgrade: websocket\r\n", b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n", b"TE: trailers\r\n"])


@st.composite
def _fields(draw: st.DrawFn) -> bytes:
    """Return a field line that does not frame."""
    kind = draw(_sixth)
    if kind == 0:
        return b"Connection: " + draw(connections) + b"\r\n"
    if kind == 1:
        return draw(_special)
    name = draw(known) if kind < 4 else draw(tokens)
    if name.lower() in (b"upgrade", b"expect"):
        name = b"X-" + name
    return name + b":" + draw(space) + draw(values) + draw(space) + b"\r\n"


fields = _fields()
_some_fields = st.lists(fields, max_size=4)
extensions = st.one_of(
    st.just(b""),
    st.just(b""),
    st.just(b""),
    st.builds(b";%b".__mod__, tokens),
    st.builds(b";%b=%b".__mod__, st.tuples(tokens, tokens)),
    st.sampled_from(
        [b';a="b;c"', b';a="b\\"c"', b';a="\\', b";", b" ;a", b";a=", b"; a=b", b";a;b=c", b" ", b"\t", b';"', b";\xe4"]
    ),
)


_pieces = st.lists(st.binary(min_size=1, max_size=20), max_size=4)
_sizes = st.sampled_from([b"%x", b"%x", b"%X", b"0%x", b"000%x"])
_last = st.sampled_from([b"0", b"0", b"00"])
_count_of_trailers = st.sampled_from([0, 0, 0, 1, 2])


@st.composite
def _chunked(draw: st.DrawFn) -> bytes:
    """Return content in chunks, mostly well-formed."""
    out = b""
    for piece in draw(_pieces):
        size = draw(_sizes) % len(piece)
        out += size + draw(extensions) + b"\r\n" + piece + b"\r\n"
    out += draw(_last) + draw(extensions) + b"\r\n"
    for _ in range(draw(_count_of_trailers)):
        out += b"X-" + draw(tokens) + b":" + draw(space) + draw(values) + b"\r\n"
    return out + b"\r\n"


chunked = _chunked()
_codings = st.sampled_from([b"chunked", b"Chunked", b"chunked\t"])
_odd_lengths = st.sampled_from(
    [b"0", b"007", b"+5", b"-1", b"1_0", b"0x5", b"5 5", b"5,5", b"", b"\x0b5", b"99999999999999999999", b"5.0"]
)
_odd_codings = st.sampled_from(
    [b"identity", b"gzip, chunked", b"chunked, chunked", b"chunked;a", b"xchunked", b"chunked,", b", chunked", b'"chunked"']
)
_kinds = {True: st.integers(0, 3), False: st.integers(0, 6)}
_two_of_three = st.lists(st.integers(0, 2), min_size=2, max_size=2)


@st.composite
def _framed(draw: st.DrawFn, plain: bool) -> tuple[list[bytes], bytes]:
    """Return field lines that frame and the content they frame; the lines may lie, unless `plain`."""
    kind = draw(_kinds[plain])
    if kind <= 1:
        return [], b""
    body = draw(content)
    if kind == 2:
        return [b"Content-Length:%b%d\r\n" % (draw(space), len(body))], body
    if kind == 3:
        return [b"Transfer-Encoding: %b\r\n" % draw(_codings)], draw(chunked)
    if kind == 4:
        return [b"Content-Length: %b\r\n" % draw(_odd_lengths)], body
    if kind == 5:
        return [b"Transfer-Encoding: %b\r\n" % draw(_odd_codings)], draw(chunked)
    lines = [b"Content-Length: %d\r\n" % len(body), b"Transfer-Encoding: chunked\r\n", b"Content_Length: 0\r\n"]
    chosen = [lines[number] for number in draw(_two_of_three)]
    return chosen, draw(chunked) if lines[1] in chosen else body


framed = {plain: _framed(plain) for plain in (True, False)}
_count_of_changes = st.sampled_from([1, 1, 2])
_taken = st.sampled_from([0, 0, 1, 2])
_odd = st.sampled_from([b"", *ODD])


def _spoilt(draw: st.DrawFn, data: bytes) -> bytes:
    """Return `data` with a few octets changed."""
    for _ in range(draw(_count_of_changes)):
        at = draw(st.integers(0, len(data)))
        size = draw(_taken)
        data = data[:at] + draw(_odd) + data[at + size :]
    return data


_quarter = st.integers(0, 3)
_count_of_requests = st.sampled_from([1, 1, 2, 3])
_versions = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9"])
_any_hosts = st.lists(st.one_of(hosts, hosts, odd_hosts), max_size=2)
_between = st.sampled_from([b""] * 8 + [b"\r\n", b"\n", b"\r\n\r\n"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Return one request or several, one after the other."""
    out = b""
    for _ in range(draw(_count_of_requests)):
        plain = draw(_quarter) > 0
        version = b"HTTP/1.1" if plain else draw(_versions)
        lines, body = draw(framed[plain])
        if plain:
            lines.append(b"Host: %b\r\n" % draw(hosts))
        else:
            lines += [b"Host: %b\r\n" % host for host in draw(_any_hosts)]
        lines += draw(_some_fields)
        lines = draw(st.permutations(lines))
        first = draw(methods) + b" " + draw(targets) + b" " + version + b"\r\n"
        message = first + b"".join(lines) + b"\r\n" + body
        if draw(_quarter) == 0:
            message = _spoilt(draw, message)
        out += draw(_between) + message
    return out


statuses = st.sampled_from([100, 103, 200, 200, 200, 201, 204, 206, 302, 304, 404, 500, 599])
reasons = st.sampled_from([b" OK", b" OK", b" ", b"", b" Not Found", b" \xe4\t!", b" a  b "])


_versions_of_responses = st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"http/1.1", b"HTTP/2.0"])
_odd_statuses = st.sampled_from([b"200", b"20", b"2000", b"099", b"600", b"2x0", b"+20"])
_behind = st.sampled_from([b"", b"", b"more", b"HTTP/1.1 200 OK\r\n\r\n"])


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Return one response, with content that may be cut short or be followed by more."""
    plain = draw(_quarter) > 0
    version = b"HTTP/1.1" if plain else draw(_versions_of_responses)
    status = b"%d" % draw(statuses) if plain else draw(_odd_statuses)
    lines, body = draw(framed[plain])
    lines = draw(st.permutations(lines + draw(_some_fields)))
    message = version + b" " + status + draw(reasons) + b"\r\n" + b"".join(lines) + b"\r\n" + body
    if draw(_quarter) == 0:
        message = _spoilt(draw, message)
    return message + draw(_behind)
