"""What is added to and changed in fields: templates, forwarding fields, URLs, cookies."""

from ipaddress import ip_address, ip_network

import pytest

from perijove.engine import fields, template
from perijove.engine.buffer import Buffer
from perijove.engine.const import FORWARD, FOUND
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead
from perijove.engine.peer import Peer
from perijove.engine.plan import (
    CLIENT_IP,
    CLIENT_PORT,
    HOSTNAME,
    LITERAL,
    METHOD,
    PATH,
    PUBLIC_HOST,
    PUBLIC_SCHEME,
    QUERY,
    REQUEST_ID,
    SEARCH,
    SERVER_PORT,
    TARGET,
    UPSTREAM,
    CookieMap,
    FieldEdit,
    Plan,
    Template,
    Timeouts,
    UrlMap,
)

TIMEOUTS = Timeouts()


def begun(
    lines: bytes = b"",
    host: bytes = b"hub.example:8443",
    target: bytes = b"/a/b?c=d",
    scheme: bytes = b"https",
    trusted: bool = False,
    address: bytes = b"192.0.2.7",
) -> tuple[Exchange, RequestHead, Plan]:
    """Return an exchange that has begun with a request, the request's head and the plan."""
    buffer, head = Buffer(), RequestHead()
    first = b"Host: %b\r\n" % host if host else b""
    buffer.append(b"GET %b HTTP/1.%d\r\n%b%b\r\n" % (target, 1 if host else 0, first, lines))
    assert head.scan(buffer, Limits()) == FOUND
    plan = Plan(FORWARD, TIMEOUTS)
    plan.authority = b"127.0.0.1:8000"
    exchange = Exchange(Peer(address, 50000, scheme, 443, trusted))
    exchange.begin(head, plan)
    # The head stands for octets of the buffer: it must live as long.
    _buffers.append(buffer)
    return exchange, head, plan


_buffers: list[Buffer] = []


# ------------------------------------------------------------------ templates


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ((), b""),
        (((LITERAL, b"as it is"),), b"as it is"),
        (((CLIENT_IP, b""),), b"192.0.2.7"),
        (((CLIENT_PORT, b""),), b"50000"),
        (((PUBLIC_HOST, b""),), b"hub.example:8443"),
        (((HOSTNAME, b""),), b"hub.example"),
        (((PUBLIC_SCHEME, b""),), b"https"),
        (((SERVER_PORT, b""),), b"443"),
        (((METHOD, b""),), b"GET"),
        (((TARGET, b""),), b"/a/b?c=d"),
        (((PATH, b""),), b"/a/b"),
        (((QUERY, b""),), b"c=d"),
        (((SEARCH, b""),), b"?c=d"),
        (((UPSTREAM, b""),), b"127.0.0.1:8000"),
        (((LITERAL, b"<"), (METHOD, b""), (LITERAL, b">"), (PATH, b"")), b"<GET>/a/b"),
    ],
)
def test_fill(written: Template, filled: bytes) -> None:
    assert template.fill(written, begun()[0]) == filled


@pytest.mark.parametrize(
    ("target", "path", "query", "search"),
    [
        (b"/a", b"/a", b"", b""),
        (b"/a?", b"/a", b"", b"?"),
        (b"/a?b?c", b"/a", b"b?c", b"?b?c"),
        (b"http://h/a?b", b"/a", b"b", b"?b"),
    ],
)
def test_parts_of_the_target(target: bytes, path: bytes, query: bytes, search: bytes) -> None:
    exchange = begun(target=target)[0]
    assert [template.fill(((kind, b""),), exchange) for kind in (PATH, QUERY, SEARCH)] == [path, query, search]


def test_the_asterisk_is_no_part_of_a_url() -> None:
    """RFC 9112 §3.3. Behind a host it would be one of its letters."""
    exchange = begun()[0]
    exchange.path = b"*"
    url = ((LITERAL, b"https://hub.example"), (TARGET, b""), (PATH, b""), (SEARCH, b""))
    assert template.fill(url, exchange) == b"https://hub.example"


def test_request_id() -> None:
    exchange, other = begun()[0], begun()[0]
    one = template.request_id(exchange)
    assert one == template.request_id(exchange) == template.fill(((REQUEST_ID, b""),), exchange)
    assert one != template.request_id(other)
    assert len(one) >= 12


def test_a_new_request_has_a_new_id() -> None:
    exchange, head, plan = begun()
    one = template.request_id(exchange)
    exchange.begin(head, plan)
    assert template.request_id(exchange) != one


@pytest.mark.parametrize(
    ("host", "without", "port"),
    [
        (b"a", b"a", b"443"),
        (b"a:81", b"a", b"81"),
        (b"[::1]", b"[::1]", b"443"),
        (b"[::1]:81", b"[::1]", b"81"),
        (b"127.0.0.1:81", b"127.0.0.1", b"81"),
        (b"", b"", b"443"),
    ],
)
def test_hosts_and_ports(host: bytes, without: bytes, port: bytes) -> None:
    assert (template.without_port(host), template.port_of(host, b"https")) == (without, port)
    assert template.port_of(b"a", b"http") == b"80"


# ------------------------------------------------------------------ forwarding fields

SPOOFS = (
    b"X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n"
    b"X-Forwarded-Server: evil\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-Scheme: x\r\nX-Forwarded-Prefix: /evil\r\n"
    b"X-Scheme: gopher\r\nX-Real-IP: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\nX_Forwarded_For: 10.0.0.2\r\n"
    b"X-Remote-User: admin\r\nRemote-User: admin\r\nREMOTE_USER: admin\r\nX-Forwarded-User: admin\r\nX-Forwarded-Email: a@b\r\n"
    b"X-Forwarded-Groups: a\r\nX-Forwarded-Preferred-Username: admin\r\nX_Forwarded-Preferred_Username: admin\r\n"
)


def written(
    lines: bytes,
    trusted: bool,
    host: bytes = b"hub.example:8443",
    own: int | None = None,
    address: bytes = b"192.0.2.7",
) -> list[bytes]:
    """Return the lines that go on, Host left out, sorted."""
    exchange, head, plan = begun(lines, trusted=trusted, host=host, address=address)
    if own is not None:
        plan.own = own
    tail, drop = template.forwarded(exchange, head, plan, plan.drop)
    out = Buffer()
    head.write(out, b"/", drop, frozenset(), tail)
    return sorted(line for line in out.copy().split(b"\r\n")[1:] if line and not line.startswith(b"Host:"))


OURS = [
    b"X-Forwarded-For: 192.0.2.7",
    b"X-Forwarded-Host: hub.example:8443",
    b"X-Forwarded-Port: 8443",
    b"X-Forwarded-Proto: https",
    b"X-Real-IP: 192.0.2.7",
    b"X-Scheme: https",
]


def test_an_untrusted_peer_is_believed_nothing() -> None:
    assert written(b"", False) == OURS
    assert written(SPOOFS, False) == OURS
    assert written(SPOOFS + SPOOFS, False) == OURS


def test_an_untrusted_peer_s_word_changes_no_variable() -> None:
    exchange, head, plan = begun(SPOOFS)
    template.forwarded(exchange, head, plan, plan.drop)
    assert (exchange.host, exchange.scheme) == (b"hub.example:8443", b"https")


def test_http_10_without_host() -> None:
    assert written(b"", False, b"") == [
        b"X-Forwarded-For: 192.0.2.7",
        b"X-Forwarded-Port: 443",
        b"X-Forwarded-Proto: https",
        b"X-Real-IP: 192.0.2.7",
        b"X-Scheme: https",
    ]


def test_a_trusted_peer_that_says_nothing() -> None:
    assert written(b"", True) == OURS


def test_a_trusted_peer_s_chain_is_appended_to() -> None:
    lines = b"X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\nA: b\r\nx-forwarded-for: 10.0.0.3\r\n"
    assert written(lines, True)[0:2] == [b"A: b", b"X-Forwarded-For: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.7"]
    assert len([line for line in written(lines, True) if line.lower().startswith(b"x-forwarded-for")]) == 1


def test_a_trusted_peer_s_word_is_kept_and_the_rest_added() -> None:
    lines = b"X-Forwarded-Proto: http\r\nX-Forwarded-Host: public.example\r\nX-Real-IP: 10.0.0.1\r\nForwarded: for=_a\r\n"
    assert written(lines, True) == [
        b"Forwarded: for=_a",
        b"X-Forwarded-For: 192.0.2.7",
        b"X-Forwarded-Host: public.example",
        b"X-Forwarded-Port: 80",
        b"X-Forwarded-Proto: http",
        b"X-Real-IP: 10.0.0.1",
        b"X-Scheme: http",
    ]


@pytest.mark.parametrize(
    ("lines", "scheme", "host"),
    [
        (b"X-Forwarded-Proto: http\r\n", b"http", b"hub.example:8443"),
        (b"X-Forwarded-Proto: HTTPS\r\n", b"https", b"hub.example:8443"),
        (b"X-Forwarded-Proto: http, https\r\n", b"http", b"hub.example:8443"),
        (b"X-Forwarded-Proto: ws\r\n", b"http", b"hub.example:8443"),
        (b"X-Forwarded-Proto: wss\r\n", b"https", b"hub.example:8443"),
        (b"X-Scheme: http\r\nX-Forwarded-Proto: https\r\n", b"http", b"hub.example:8443"),
        (b"X-Forwarded-Proto: javascript\r\n", b"https", b"hub.example:8443"),
        (b"X-Forwarded-Host: a.example, b.example\r\n", b"https", b"a.example"),
        (b"X-Forwarded-Host: a.example:81\r\n", b"https", b"a.example:81"),
        (b"X-Forwarded-Host: [::1]:81\r\n", b"https", b"[::1]:81"),
        (b"X-Forwarded-Host: a.example/evil\r\n", b"https", b"hub.example:8443"),
        (b"X-Forwarded-Host: user@a.example\r\n", b"https", b"hub.example:8443"),
        (b"X-Forwarded-Host:\r\n", b"https", b"hub.example:8443"),
    ],
)
def test_a_trusted_peer_s_word_counts_for_variables(lines: bytes, scheme: bytes, host: bytes) -> None:
    exchange, head, plan = begun(lines, trusted=True)
    template.forwarded(exchange, head, plan, plan.drop)
    assert (exchange.scheme, exchange.host) == (scheme, host)


def test_a_field_that_is_not_ours_is_not_written() -> None:
    own = fields.OWNED & ~fields.mask(fields.X_FORWARDED_PROTO, fields.X_SCHEME)
    assert written(SPOOFS, False, own=own) == [line for line in OURS if b"https" not in line]


# ------------------------------------------------------------------ edits


def edit(name: bytes, value: Template, if_absent: bool = False) -> FieldEdit:
    return FieldEdit(name, value, if_absent)


def test_edits() -> None:
    exchange, head, _ = begun(b"X-There: 1\r\n")
    edits = (
        edit(b"X-New", ((LITERAL, b"a "), (CLIENT_IP, b""))),
        edit(b"x-there", ((LITERAL, b"2"),), True),
        edit(b"X-Absent", ((LITERAL, b"3"),), True),
    )
    assert template.add_edits(b"T: t\r\n", edits, exchange, head) == b"T: t\r\nX-New: a 192.0.2.7\r\nX-Absent: 3\r\n"


@pytest.mark.parametrize("octets", [b"\r\n", b"\r", b"\n"])
def test_an_edit_cannot_add_a_line(octets: bytes) -> None:
    exchange, head, _ = begun()
    assert template.add_edits(b"", (edit(b"A", ((LITERAL, b"b" + octets + b"C: d"),)),), exchange, head) == b""


# ------------------------------------------------------------------ URLs

INNER: Template = ((LITERAL, b"http://"), (UPSTREAM, b""), (LITERAL, b"/inner/"))
OUTER: Template = ((PUBLIC_SCHEME, b""), (LITERAL, b"://"), (PUBLIC_HOST, b""), (LITERAL, b"/outer/"))
MAPS = (UrlMap(INNER, OUTER), UrlMap(((LITERAL, b"/inner/"),), ((LITERAL, b"/outer/"),)))
BARE = (UrlMap(((LITERAL, b"http://127.0.0.1:8000"),), ((LITERAL, b"https://hub.example"),)),)
SEGMENT = (
    UrlMap(((LITERAL, b"http://127.0.0.1:8000/inner"),), ((LITERAL, b"https://hub.example/outer"),)),
    UrlMap(((LITERAL, b"/inner"),), ((LITERAL, b"/outer"),)),
)

URLS = [
    (MAPS, b"http://127.0.0.1:8000/inner/a?b#c", b"https://hub.example:8443/outer/a?b#c"),
    (MAPS, b"HTTP://127.0.0.1:8000/inner/", b"https://hub.example:8443/outer/"),
    (MAPS, b"/inner/a", b"/outer/a"),
    (MAPS, b"/inner/", b"/outer/"),
    # what is not the upstream's stays
    (MAPS, b"http://127.0.0.1:8000/other/", b"http://127.0.0.1:8000/other/"),
    (MAPS, b"http://127.0.0.1:8000/Inner/", b"http://127.0.0.1:8000/Inner/"),
    (MAPS, b"http://127.0.0.1:80001/inner/", b"http://127.0.0.1:80001/inner/"),
    (MAPS, b"http://127.0.0.1:8000.evil/inner/", b"http://127.0.0.1:8000.evil/inner/"),
    (MAPS, b"http://127.0.0.1:8000@evil/inner/", b"http://127.0.0.1:8000@evil/inner/"),
    (MAPS, b"https://127.0.0.1:8000/inner/", b"https://127.0.0.1:8000/inner/"),
    (MAPS, b"https://elsewhere.example/inner/", b"https://elsewhere.example/inner/"),
    (MAPS, b"//127.0.0.1:8000/inner/", b"//127.0.0.1:8000/inner/"),
    (MAPS, b"//inner/a", b"//inner/a"),
    (MAPS, b"relative/inner/", b"relative/inner/"),
    (MAPS, b"?a", b"?a"),
    (MAPS, b"", b""),
    (MAPS, b"/innermost", b"/innermost"),
    (BARE, b"http://127.0.0.1:8000", b"https://hub.example/"),
    (BARE, b"http://127.0.0.1:8000/", b"https://hub.example/"),
    (BARE, b"http://127.0.0.1:8000/a", b"https://hub.example/a"),
    (BARE, b"http://127.0.0.1:8000?a", b"https://hub.example?a"),
    (BARE, b"http://127.0.0.1:8000#a", b"https://hub.example#a"),
    (BARE, b"http://127.0.0.1:80", b"http://127.0.0.1:80"),
    (BARE, b"/a", b"/a"),
    # by whole segments, as requests are routed
    (SEGMENT, b"/inner", b"/outer"),
    (SEGMENT, b"/inner/a", b"/outer/a"),
    (SEGMENT, b"/inner?a", b"/outer?a"),
    (SEGMENT, b"/inner#a", b"/outer#a"),
    (SEGMENT, b"/innermost", b"/innermost"),
    (SEGMENT, b"http://127.0.0.1:8000/inner", b"https://hub.example/outer"),
    (SEGMENT, b"http://127.0.0.1:8000/inner/a", b"https://hub.example/outer/a"),
    (SEGMENT, b"http://127.0.0.1:8000/inner?a", b"https://hub.example/outer?a"),
    (SEGMENT, b"http://127.0.0.1:8000/innermost", b"http://127.0.0.1:8000/innermost"),
    ((), b"/a", b"/a"),
]


@pytest.mark.parametrize(("maps", "url", "public"), URLS)
def test_map_url(maps: tuple[UrlMap, ...], url: bytes, public: bytes) -> None:
    assert template.map_url(url, maps, begun()[0]) == public


def test_the_first_map_that_fits_counts() -> None:
    maps = (
        UrlMap(((LITERAL, b"/a/b/"),), ((LITERAL, b"/1/"),)),
        UrlMap(((LITERAL, b"/a/"),), ((LITERAL, b"/2/"),)),
        UrlMap(((LITERAL, b"/2/"),), ((LITERAL, b"/3/"),)),
    )
    assert [template.map_url(url, maps, begun()[0]) for url in (b"/a/b/c", b"/a/c", b"/2/c")] == [b"/1/c", b"/2/c", b"/3/c"]


@pytest.mark.parametrize(
    ("value", "public"),
    [
        (b"5; url=/inner/a", b"5; url=/outer/a"),
        (b"0;URL=/inner/a", b"0;URL=/outer/a"),
        (b"0.5 , Url = /inner/a", b"0.5 , Url = /outer/a"),
        (b"5; url='/inner/a'", b"5; url='/outer/a'"),
        (b'5; url="http://127.0.0.1:8000/inner/a"', b'5; url="https://hub.example:8443/outer/a"'),
        (b"5; url=https://elsewhere.example/", b"5; url=https://elsewhere.example/"),
        (b"5", b"5"),
        (b"5; /inner/a", b"5; /inner/a"),
        (b"", b""),
    ],
)
def test_map_refresh(value: bytes, public: bytes) -> None:
    assert template.map_refresh(value, MAPS, begun()[0]) == public


# ------------------------------------------------------------------ cookies

PATHS = CookieMap(path_from=b"/inner/", path_to=b"/outer/")
TO_ROOT = CookieMap(path_from=b"/inner/", path_to=b"/")
SEGMENTS = CookieMap(path_from=b"/inner", path_to=b"/outer")
DOMAIN = CookieMap(domain_from=b"inner.example", domain_to=b"outer.example")
NO_DOMAIN = CookieMap(domain_from=b"inner.example", domain_to=b"")
SECURE = CookieMap(secure=True)
PLAIN = CookieMap(secure=False)

COOKIES = [
    (PATHS, b"a=b; Path=/inner/", b"a=b; Path=/outer/"),
    (PATHS, b"a=b; Path=/inner/user", b"a=b; Path=/outer/user"),
    (PATHS, b"a=b; path = /inner/user ; HttpOnly", b"a=b; Path=/outer/user; HttpOnly"),
    (PATHS, b"a=b;Path=/inner", b"a=b; Path=/outer"),
    (PATHS, b"a=b; Path=/", b"a=b; Path=/"),
    (PATHS, b"a=b; Path=/innermost", b"a=b; Path=/innermost"),
    (PATHS, b"a=b; Path", b"a=b; Path"),
    (PATHS, b"path=/inner/; HttpOnly", b"path=/inner/; HttpOnly"),  # that is the cookie's own name
    (PATHS, b"a=Path=/inner/; SameSite=Lax", b"a=Path=/inner/; SameSite=Lax"),
    (TO_ROOT, b"a=b; Path=/inner", b"a=b; Path=/"),
    (TO_ROOT, b"a=b; Path=/inner/x", b"a=b; Path=/x"),
    (SEGMENTS, b"a=b; Path=/inner", b"a=b; Path=/outer"),
    (SEGMENTS, b"a=b; Path=/inner/x", b"a=b; Path=/outer/x"),
    (SEGMENTS, b"a=b; Path=/innermost", b"a=b; Path=/innermost"),
    (DOMAIN, b"a=b; Domain=inner.example", b"a=b; Domain=outer.example"),
    (DOMAIN, b"a=b; domain=.Inner.Example; Path=/", b"a=b; Domain=outer.example; Path=/"),
    (DOMAIN, b"a=b; Domain=example", b"a=b; Domain=example"),
    (DOMAIN, b"a=b; Domain=x.inner.example", b"a=b; Domain=x.inner.example"),
    (NO_DOMAIN, b"a=b; Domain=inner.example; Path=/", b"a=b; Path=/"),
    (NO_DOMAIN, b"a=b; Domain=inner.example", b"a=b"),
    (SECURE, b"a=b", b"a=b; Secure"),
    (SECURE, b"a=b; secure", b"a=b; secure"),
    (SECURE, b"secure=1", b"secure=1; Secure"),
    (PLAIN, b"a=b; Secure; HttpOnly", b"a=b; Secure; HttpOnly"),
    (PATHS, b"", b""),
]


@pytest.mark.parametrize(("one", "cookie", "public"), COOKIES)
def test_map_cookie(one: CookieMap, cookie: bytes, public: bytes) -> None:
    assert template.map_cookie(cookie, (one,), begun()[0]) == public


def test_secure_where_the_client_speaks_http() -> None:
    exchange = begun(scheme=b"http")[0]
    assert template.map_cookie(b"a=b", (SECURE,), exchange) == b"a=b"
    assert template.map_cookie(b"a=b; SECURE ; HttpOnly", (PLAIN,), exchange) == b"a=b; HttpOnly"


def test_several_cookie_maps() -> None:
    maps = (PATHS, NO_DOMAIN, SECURE)
    cookie = b"a=b; Domain=inner.example; Path=/inner/x"
    assert template.map_cookie(cookie, maps, begun()[0]) == b"a=b; Path=/outer/x; Secure"


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        (b"192.0.2.7", b"192.0.2.7"),
        (b"1.1.1.1, 192.0.2.7", b"192.0.2.7"),
        (b"1.1.1.1, 192.0.2.7,10.0.0.1 , 10.0.0.2", b"192.0.2.7"),
        (b"10.0.0.1", b"10.0.0.1"),  # the client itself is in a trusted network
        (b"1.1.1.1, nonsense, 10.0.0.1", b"10.0.0.1"),
        (b"nonsense", b"10.0.0.9"),
        (b"", b"10.0.0.9"),
        (b"2001:db8::1, 10.0.0.1", b"2001:db8::1"),
    ],
)
def test_the_client_behind_trusted_proxies(chain: bytes, client: bytes) -> None:
    def trusts(address: str) -> bool:
        return ip_address(address) in ip_network("10.0.0.0/8")

    assert template.client_of(chain, Peer(b"10.0.0.9", 1, b"http", 80, True, trusts)) == client


def test_a_peer_without_an_address_is_not_named() -> None:
    for said, told in (
        (b"", []),
        (b"X-Forwarded-For: 192.0.2.9\r\n", [b"X-Forwarded-For: 192.0.2.9", b"X-Real-IP: 192.0.2.9"]),
    ):
        lines = written(said, True, address=b"unix:")
        assert [line for line in lines if line.startswith((b"X-Forwarded-For", b"X-Real-IP"))] == told
