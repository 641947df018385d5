"""What becomes of a request that a route is for."""

import pytest

from perijove.engine.buffer import Buffer
from perijove.engine.const import DYNAMIC, FORWARD, FOUND, REJECT
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits, RequestHead
from perijove.engine.peer import Peer
from perijove.engine.plan import Plan, Timeouts
from perijove.engine.request import write_request
from perijove.engine.routes import Routes, Target
from perijove.engine.upstream import Upstream
from perijove.gateway.model import RoutesApi, Routing, TcpAddress, UnixAddress
from perijove.routing.dynamic import BadTarget, Destinations, Url, url_of

API = RoutesApi(address=TcpAddress("localhost", 8001))


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:8000", Url("http", TcpAddress("127.0.0.1", 8000), "")),
        ("http://hub", Url("http", TcpAddress("hub", 80), "")),
        ("https://[::1]/", Url("https", TcpAddress("::1", 443), "")),
        ("http://h:1/base/x", Url("http", TcpAddress("h", 1), "/base/x")),
        ("http+unix://%2Frun%2Fhub.sock", Url("http", UnixAddress("/run/hub.sock"), "")),
        ("unix+http://%2Frun%2Fhub.sock/x", Url("http", UnixAddress("/run/hub.sock"), "/x")),
    ],
)
def test_urls(text, url):
    assert url_of(text) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "ws://h",
        "http://",
        "http://h:x",
        "http://h:70000",
        "http://h:0",
        "http://a..b",
        "http://" + "a" * 64,
        "http://a b",
        "http://a\0b",
        "http://a,b",
        "http://a\u2028b",
        "http://\ud800",
        "http://[fe80::1%25lo]",
        "http+unix://%2Frun%00",
        "http+unix://" + "a" * 108,
        "http://h/ä",
        "http://h/a b",
        "http+unix:",
        "http://h/a?b=c",
        "http://h/#a",
    ],
)
def test_no_urls(text):
    with pytest.raises(BadTarget):
        url_of(text)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://h:80", b"h"),
        ("https://h:443", b"h"),
        ("http://h:443", b"h:443"),
        ("http://[::1]:8", b"[::1]:8"),
        ("http+unix://%2Fx", b"localhost"),
    ],
)
def test_authorities(url, authority):
    assert url_of(url).authority == authority


def sent(target, path, host=b"hub.example.org", pages=(), **routing):
    """Return the first line and Host as they go upstream, and the plan."""
    routes, found = Routes(), []
    routes.put(target)

    def find(url, asked_for):
        found.append(Upstream(str(url), Timeouts()))
        return found[-1]

    made = Destinations(Routing(api=API, **routing), routes, find, dict(pages))
    leads = made.dynamic(Plan(DYNAMIC, Timeouts()), Plan(REJECT, Timeouts()))
    buffer, head, out = Buffer(), RequestHead(), Buffer()
    buffer.append(b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (path, host))
    assert head.scan(buffer, Limits()) == FOUND
    plan = leads.plan(head)
    assert plan.kind == FORWARD
    assert plan.upstream is found[-1]
    exchange = Exchange(Peer(b"192.0.2.1", 1, b"http", 80, False))
    exchange.begin(head, plan)
    write_request(exchange, head, out)
    lines = out.copy().split(b"\r\n")
    return lines[0].split(b" ")[1], lines[1], plan


@pytest.mark.parametrize(
    ("prefix", "url", "path", "routing", "expected"),
    [
        (b"/user/x", "http://h:1", b"/user/x/tree?a=b", {}, b"/user/x/tree?a=b"),
        (b"/user/x", "http://h:1/", b"/user/x", {}, b"/user/x"),
        (b"/user/x", "http://h:1/base", b"/user/x/tree?a", {}, b"/base/user/x/tree?a"),
        (b"/user/x", "http://h:1/base/", b"/user/x/tree", {"keeps_base": False}, b"/user/x/tree"),
        (b"/user/x", "http://h:1", b"/user/x/tree?a", {"keeps_prefix": False}, b"/tree?a"),
        (b"/user/x", "http://h:1", b"/user/x", {"keeps_prefix": False}, b"/"),
        (b"/user/x", "http://h:1/base", b"/user/x/tree", {"keeps_prefix": False}, b"/base/tree"),
        (b"/user/x y", "http://h:1", b"/user/x%20y/a%20b", {"keeps_prefix": False}, b"/a%20b"),
        (b"", "http://h:1", b"/tree", {"keeps_prefix": False}, b"/tree"),
        (b"/hub.example.org/user", "http://h:1", b"/user/x", {"keeps_prefix": False, "by_host": True}, b"/x"),
    ],
)
def test_paths(prefix, url, path, routing, expected):
    assert sent(Target(prefix, url), path, **routing)[0] == expected


def test_host():
    assert sent(Target(b"", "http://h:1"), b"/")[1] == b"Host: hub.example.org"
    assert sent(Target(b"", "http://h:1"), b"/", preserve_host=False)[1] == b"Host: h:1"


def test_what_goes_with_every_route():
    plan = sent(Target(b"", "http://h:1", 77), b"/", tells=False, error_target="http://e:2/hub/error")[2]
    assert plan.terse
    assert plan.activity == 77
    assert plan.own == 0
    assert plan.error_pages.map_to == b"/hub/error/"
    assert plan.error_pages.authority == b"e:2"


def test_pages_of_files():
    plan = sent(Target(b"", "http://h:1"), b"/", pages={"/p/503.html": b"down", "/p/error.html": b"other", "/p/x.html": b""})[2]
    assert {status: text for status, (_, text) in plan.pages.items()} == {
        404: b"other", 500: b"other", 502: b"other", 503: b"down", 504: b"other",
    }  # fmt: skip
