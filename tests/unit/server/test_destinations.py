"""Upstreams of routes: one for all routes with one address, as long as one of them leads there."""

from dataclasses import replace

import pytest

from perijove.config.chp import Options, gateway
from perijove.engine.counters import unshared
from perijove.engine.reactor import Reactor
from perijove.engine.resolver import Resolver
from perijove.gateway.model import Timeouts
from perijove.routing.dynamic import url_of
from perijove.server.destinations import Upstreams

ONE, TWO = "http://127.0.0.1:1", "http://127.0.0.1:2"
GATEWAY = gateway(Options(port=0, api_port=1))


@pytest.fixture
def upstreams():
    made = Upstreams(Resolver(Reactor()), unshared())
    made.begin(GATEWAY, {})
    return made


def use(upstreams, prefix):
    """Return what a request for a route is sent to."""
    target = upstreams.routes.targets[prefix]
    return upstreams.find(url_of(target.url), target)


def test_routes_share_an_upstream_until_the_last_is_gone(upstreams):
    upstreams.change([(b"/a", ONE, -1), (b"/b", ONE, -1), (b"/c", TWO, -1)])
    held = use(upstreams, b"/a")
    assert use(upstreams, b"/a") is use(upstreams, b"/b") is held
    assert use(upstreams, b"/c") is not held
    upstreams.change([(b"/a", None, -1)])
    assert held.max_idle > 0
    upstreams.change([(b"/b", TWO, -1)])
    assert held.max_idle == 0
    assert use(upstreams, b"/b") is use(upstreams, b"/c")


def test_a_route_that_is_told_again_leads_to_the_same(upstreams):
    upstreams.change([(b"/a", ONE, -1), (b"/b", ONE, -1)])
    held = use(upstreams, b"/a"), use(upstreams, b"/b")
    upstreams.change([(b"/a", ONE, 5)])
    assert (use(upstreams, b"/a"), use(upstreams, b"/b")) == held
    upstreams.replace([(b"/b", ONE, -1)])
    assert use(upstreams, b"/b") is held[1]
    assert held[1].max_idle > 0


def test_a_reload_keeps_connections_where_nothing_has_changed(upstreams):
    upstreams.change([(b"/a", ONE, -1)])
    held = use(upstreams, b"/a")
    upstreams.begin(GATEWAY, {})
    assert use(upstreams, b"/a") is held
    upstreams.begin(replace(GATEWAY, timeouts=Timeouts(connect=1.0)), {})
    assert held.max_idle == 0
    fresh = use(upstreams, b"/a")
    assert fresh is not held
    upstreams.change([(b"/a", None, -1)])
    assert fresh.max_idle == 0


def test_what_stands_for_no_route_is_kept(upstreams):
    """A page of errors is asked for there."""
    kept = upstreams.find(url_of(ONE), None)
    upstreams.change([(b"/a", ONE, -1)])
    assert use(upstreams, b"/a") is kept
    upstreams.change([(b"/a", None, -1)])
    assert kept.max_idle > 0
