"""Which route a path is for."""

import pytest

from perijove.engine.buffer import Buffer
from perijove.engine.const import DYNAMIC, FORWARD, FOUND, REJECT
from perijove.engine.head import Limits, RequestHead
from perijove.engine.plan import Plan, Timeouts
from perijove.engine.routes import Dynamic, Routes, Target

HUB, ALICE, BASE, SPACE = (b"", b"/user/alice", b"/user", b"/user/has space")


@pytest.fixture
def routes():
    made = Routes()
    for prefix in (HUB, ALICE, SPACE):
        made.put(Target(prefix, "http://127.0.0.1:1"))
    return made


def dynamic(routes, by_host=False):
    plans = {}
    for name, kind in (("pattern", DYNAMIC), ("missing", REJECT), ("bad", REJECT)):
        plans[name] = Plan(kind, Timeouts())

    def make(pattern, target):
        made = pattern.copy()
        made.kind = FORWARD
        made.mount = target.prefix
        return made

    made = Dynamic(routes, plans["pattern"], plans["missing"], plans["bad"], make, by_host)
    routes.users.append(made)
    return made


def asked(target, host=b"hub.example.org"):
    buffer, head = Buffer(), RequestHead()
    buffer.append(b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target, host))
    assert head.scan(buffer, Limits()) == FOUND
    return head


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        (b"/", HUB),
        (b"/hub/login", HUB),
        (b"/user/alice", ALICE),
        (b"/user/alice/", ALICE),
        (b"/user/alice/api/kernels/x/channels", ALICE),
        (b"/user/alicee/api", HUB),
        (b"/user/alic", HUB),
        (b"/user/has space/tree", SPACE),
        (b"/x/user/alice", HUB),
    ],
)
def test_the_longest_prefix_by_whole_segments(routes, path, prefix):
    assert routes.find(path).prefix == prefix


def test_none():
    assert Routes().find(b"/") is None
    routes = Routes()
    routes.put(Target(ALICE, "http://127.0.0.1:1"))
    assert routes.find(b"/hub") is None
    assert routes.find(b"/user") is None


def test_depth_follows_what_is_there(routes):
    assert routes.deepest == 2
    routes.put(Target(b"/a/b/c/d", "http://127.0.0.1:1"))
    assert routes.deepest == 4
    routes.remove(b"/a/b/c/d")
    assert routes.deepest == 2
    assert routes.remove(b"/a/b/c/d") is None
    assert routes.find(b"/a/b/c/d").prefix == HUB


def test_a_route_replaced_is_another(routes):
    before = routes.find(b"/user/alice")
    assert routes.put(Target(ALICE, "http://127.0.0.1:2")) is before
    assert routes.find(b"/user/alice/x").url == "http://127.0.0.1:2"
    assert routes.deepest == 2


def test_a_plan_is_made_once_and_goes_with_its_route(routes):
    leads = dynamic(routes)
    first = leads.plan(asked(b"/user/alice/x?a=b"))
    assert first.mount == ALICE
    assert leads.plan(asked(b"/user/alice/y")) is first
    routes.put(Target(ALICE, "http://127.0.0.1:2"))
    assert leads.plan(asked(b"/user/alice/y")) is not first
    routes.remove(ALICE)
    assert leads.plan(asked(b"/user/alice/y")).mount == HUB
    assert len(leads.plans) == 1


@pytest.mark.parametrize(
    "path", [b"/user/has%20space/x", b"/user%2Fhas%20space", b"/%75ser/has%20space/%zz".replace(b"%zz", b"x")]
)
def test_encoded(routes, path):
    assert dynamic(routes).plan(asked(path)).mount == SPACE


@pytest.mark.parametrize(
    "path",
    [
        b"/user/alice/../bob",
        b"/hub/../user/alice",
        b"/hub/%2e%2e/user/alice/x",
        b"/../x",
        b"//user/alice",
        b"/user/alice/%zz",
        b"/%",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(routes, path):
    leads = dynamic(routes)
    assert leads.plan(asked(path)) is leads.bad


def test_dots_that_stay_within_a_route(routes):
    assert dynamic(routes).plan(asked(b"/user/alice/a/../b")).mount == ALICE


def test_by_host():
    routes = Routes()
    for prefix in (HUB, b"/alice.example.org", b"/hub.example.org/hub"):
        routes.put(Target(prefix, "http://127.0.0.1:1"))
    leads = dynamic(routes, by_host=True)
    assert leads.plan(asked(b"/user/alice", b"Alice.Example.org:8000")).mount == b"/alice.example.org"
    assert leads.plan(asked(b"/hub/x", b"hub.example.org")).mount == b"/hub.example.org/hub"
    assert leads.plan(asked(b"/x", b"hub.example.org")).mount == HUB
    routes.remove(HUB)
    assert leads.plan(asked(b"/x", b"other.example.org")) is leads.missing
