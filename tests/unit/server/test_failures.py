"""Which requests are told of, and how many lines."""

from types import SimpleNamespace

import pytest

from perijove.engine import const
from perijove.engine.upstream import Upstream
from perijove.gateway.model import Timeouts
from perijove.routing.compile import timeouts
from perijove.server.failures import Failures
from perijove.server.said import ERROR, WARNING


class Ear:
    def __init__(self):
        self.lines = []

    def say(self, level, text, at=None):
        self.lines.append((level, text))


class Waiting(Failures):
    """One that is told when its time has come."""

    __slots__ = ("waits",)

    def until(self, seconds):
        self.waits = seconds


@pytest.fixture
def failures():
    from perijove.engine.reactor import Reactor

    return Waiting(Reactor(), Ear())


def exchange(ended, target=b"/user/x?token=secret", method=b"GET", started=False):
    to = Upstream("http://127.0.0.1:9", timeouts(Timeouts()))
    return SimpleNamespace(
        ended=ended, target=target, method=method, response_started=started, plan=SimpleNamespace(upstream=to)
    )


@pytest.mark.parametrize(
    ("ended", "status", "expected"),
    [
        (const.REFUSED, 503, (ERROR, "503 GET /user/x upstream-refused http://127.0.0.1:9")),
        (const.RESPONSE_TIMEOUT, 503, (ERROR, "503 GET /user/x upstream-timeout http://127.0.0.1:9")),
        (const.UNTRUSTED, 502, (ERROR, "502 GET /user/x upstream-untrusted http://127.0.0.1:9")),
        (const.DENIED, 500, (ERROR, "500 GET /user/x refused http://127.0.0.1:9")),
        (const.DENIED, 400, None),
        (const.DENIED, 429, None),
        (const.CLIENT_GONE, 499, None),
        (const.CLIENT_TIMEOUT, 408, None),
        (const.CUT, 200, None),
    ],
)
def test_what_is_told_of(failures, ended, status, expected):
    failures.failed(exchange(ended), status)
    assert failures._voice.lines == ([] if expected is None else [expected])


def test_a_request_that_no_route_is_for(failures):
    one = exchange(const.DENIED)
    one.plan.upstream = None
    failures.failed(one, 404)
    assert failures._voice.lines == [(WARNING, "404 GET /user/x no route")]


def test_an_answer_that_was_cut(failures):
    failures.failed(exchange(const.LOST, started=True), 200)
    assert failures._voice.lines == [(ERROR, "200 GET /user/x upstream-lost http://127.0.0.1:9 (the answer had begun)")]


def test_what_a_client_chose_does_no_harm_on_a_terminal(failures):
    failures.failed(exchange(const.REFUSED, target=b"/\x1b[2J\xff" + b"a" * 10000), 503)
    ((_, text),) = failures._voice.lines
    assert "\x1b" not in text
    assert r"/\x1b[2J\xff" in text
    assert len(text) < 700


def test_many(failures):
    """A server that is down fails thousands: as many lines as somebody reads, then how many more."""
    for number in range(1000):
        failures.failed(exchange(const.REFUSED, target=b"/user/%d" % number), 503)
    failures.failed(exchange(const.LOST), 503)
    assert failures.waits == 10.0
    assert len(failures._voice.lines) == 21
    failures.on_timeout()
    assert failures._voice.lines[21:] == [(ERROR, "503 upstream-refused: 980 more requests in 10 s: http://127.0.0.1:9")]
    failures.on_timeout()
    failures.failed(exchange(const.REFUSED), 503)
    assert len(failures._voice.lines) == 23
