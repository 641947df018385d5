"""The access log: what a line says, and what it keeps to itself."""

import calendar
import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove.engine import const
from perijove.engine.buffer import Buffer
from perijove.engine.client import Client
from perijove.engine.const import FORWARD, FOUND
from perijove.engine.head import Limits, RequestHead
from perijove.engine.peer import Peer
from perijove.engine.plan import Plan, Table, Timeouts
from perijove.engine.reactor import Reactor
from perijove.engine.record import WORDS, Combined, Json, Record
from perijove.engine.sink import Sink
from perijove.engine.site import Site
from perijove.engine.upstream import Upstream

COMBINED = re.compile(
    rb'(?P<host>\S+) - - \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d+) (?P<size>\d+) '
    rb'"(?P<referer>[^"]*)" "(?P<agent>[^"]*)"\n\Z'
)


def client() -> Client:
    site = Site(Table(None, {}, (), Timeouts()), Limits())
    return Client(Reactor(), site, Peer(b"192.0.2.7", 50000, b"https", 443, False))


class Kept(Sink):
    """A sink that keeps what it is given, or loses it."""

    def __init__(self, most: int = 1 << 20, loses: int = 0) -> None:
        self.most = most
        self.loses = loses
        self.lines: list[bytes] = []

    def write(self, lines: list[bytes]) -> int:
        self.lines += lines
        return self.loses


def line(
    target: bytes = b"/a?b=c",
    fields: bytes = b"",
    status: int = 200,
    sent: int = 5,
    kind: type[Record] = Combined,
    most: int = 1 << 20,
    host: bytes = b"a",
) -> bytes:
    """Return the line for a request."""
    buffer, head, record, one = Buffer(), RequestHead(), kind(Kept(most)), client()
    buffer.append(b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + fields + b"\r\n")
    assert head.scan(buffer, Limits()) == FOUND
    one.exchange.begin(head, Plan(FORWARD, Timeouts()))
    record.begin(one, head)
    one.exchange.status = status
    one.exchange.sent = sent
    record.finish(one)
    assert len(record.lines) == 1
    return record.lines[0]


def parts(text: bytes) -> dict[str, bytes]:
    found = COMBINED.match(text)
    assert found, text
    return found.groupdict()


def test_combined() -> None:
    before = int(time.time())
    said = parts(
        line(fields=b"Referer: https://hub.example/hub/home\r\nUser-Agent: Mozilla/5.0 (X11)\r\n", status=404, sent=77)
    )
    assert said.pop("time")
    assert said == {
        "host": b"192.0.2.7",
        "request": b"GET /a?b=c HTTP/1.1",
        "status": b"404",
        "size": b"77",
        "referer": b"https://hub.example/hub/home",
        "agent": b"Mozilla/5.0 (X11)",
    }
    stamp = parts(line())["time"].decode()
    assert re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", stamp)
    shown = time.strptime(stamp[:-6], "%d/%b/%Y:%H:%M:%S")
    assert before <= time.mktime((*shown[:8], -1)) <= time.time()


def test_what_is_not_there_is_a_hyphen() -> None:
    said = parts(line())
    assert (said["referer"], said["agent"]) == (b"-", b"-")


def test_what_was_not_understood_is_a_hyphen() -> None:
    record, one = Combined(Kept()), client()
    one.exchange.status = 400
    record.finish(one)
    said = parts(record.lines[0])
    assert (said["request"], said["status"], said["size"]) == (b"-", b"400", b"0")


@pytest.mark.parametrize("kind", [Combined, Json])
def test_secrets_are_written_nowhere(kind: type[Record]) -> None:
    target = b"/hub/login?next=%2Flab%3Ftoken%3DSECRET&%74oken=SECRET&state=SECRET"
    said = line(target, b"Referer: https://hub.example%b\r\n" % target, kind=kind)
    assert b"SECRET" not in said
    assert said.count(b"***") == 6


def test_a_secret_of_the_absolute_form() -> None:
    assert parts(line(b"http://a/b?token=abc"))["request"] == b"GET http://a/b?token=*** HTTP/1.1"


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (b'a"b', rb"a\x22b"),
        (rb"a\b", rb"a\x5cb"),
        (b"a\tb", rb"a\x09b"),
        (b"\xff\xc3\xa4", rb"\xff\xc3\xa4"),
        (b'x" 200 0 "-" "y', rb"x\x22 200 0 \x22-\x22 \x22y"),
        (b"'a' b", b"'a' b"),
    ],
)
def test_quoting(agent: bytes, shown: bytes) -> None:
    text = line(fields=b"User-Agent: %b\r\nReferer: %b\r\n" % (agent, agent))
    assert text.count(b"\n") == 1
    said = parts(text)
    assert (said["agent"], said["referer"]) == (shown, shown)


def test_a_quote_in_the_target() -> None:
    assert parts(line(b'/a"b\\c'))["request"] == rb"GET /a\x22b\x5cc HTTP/1.1"


# ------------------------------------------------------------------ JSON


def members(text: bytes) -> dict[str, object]:
    """Read a line as strictly as it is meant: one object, ASCII, no name twice."""
    assert text.endswith(b"}\n")
    assert text.count(b"\n") == 1
    text.decode("ascii")

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    return dict(json.loads(text, object_pairs_hook=once))


def test_json() -> None:
    before = time.time()
    said = members(line(fields=b"Referer: https://hub.example/\r\nUser-Agent: Mozilla/5.0\r\n", status=404, sent=77, kind=Json))
    stamp = str(said.pop("time"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamp)
    assert int(before) <= calendar.timegm(time.strptime(stamp[:-5], "%Y-%m-%dT%H:%M:%S")) <= time.time()
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]+", str(said.pop("request_id")))
    assert isinstance(said.pop("seconds"), float)
    assert said == {
        "client": "192.0.2.7",
        "scheme": "https",
        "host": "a",
        "method": "GET",
        "target": "/a?b=c",
        "protocol": "HTTP/1.1",
        "referer": "https://hub.example/",
        "user_agent": "Mozilla/5.0",
        "status": 404,
        "received": 0,
        "sent": 77,
        "ended": "done",
    }


def test_json_of_what_was_not_understood() -> None:
    record, one = Json(Kept()), client()
    one.exchange.forget(one.reactor.now)
    one.exchange.status = 400
    one.exchange.ended = const.DENIED
    record.finish(one)
    said = members(record.lines[0])
    assert set(said) == {"time", "request_id", "client", "scheme", "status", "received", "sent", "seconds", "ended"}
    assert said["ended"] == "refused"


def test_json_of_an_upstream_and_a_tunnel() -> None:
    record, one = Json(Kept()), client()
    plan = Plan(FORWARD, Timeouts())
    plan.upstream = Upstream('a "hub"', Timeouts())
    exchange = one.exchange
    exchange.method, exchange.plan, exchange.asked = b"GET", plan, True
    exchange.begun = one.reactor.now - 3.0
    record.finish(one)
    said = members(record.lines[-1])
    assert said["upstream"] == 'a "hub"'
    assert "upstream_seconds" not in said
    exchange.answered = exchange.begun + 0.25
    one.tunnelled = exchange.begun + 0.5
    record.finish(one)
    said = members(record.lines[-1])
    assert (said["seconds"], said["upstream_seconds"], said["tunnel_seconds"]) == (3.0, 0.25, 2.5)


def test_the_id_is_the_one_that_others_were_told() -> None:
    record, one = Json(Kept()), client()
    one.exchange.request_id = b"abc-1"
    record.finish(one)
    assert members(record.lines[0])["request_id"] == "abc-1"


def test_every_end_has_a_word() -> None:
    ends = [
        const.DONE, const.REFUSED, const.CONNECT_TIMEOUT, const.UNKNOWN_NAME, const.UNTRUSTED, const.LOST, const.BAD_RESPONSE,
        const.RESPONSE_TIMEOUT, const.DENIED, const.CLIENT_GONE, const.CLIENT_TIMEOUT, const.IDLE, const.CUT,
    ]  # fmt: skip
    assert sorted(ends) == sorted(WORDS) == list(range(13))


anything = st.binary(max_size=40)


@given(anything, anything, anything, anything, anything, st.sampled_from([1 << 20, 700]))
def test_any_octets(method: bytes, target: bytes, referer: bytes, agent: bytes, host: bytes, most: int) -> None:
    """Whatever a client says: one line, which can be read, and which has what was said."""
    for kind in (Combined, Json):
        record, one = kind(Kept(most)), client()
        exchange = one.exchange
        exchange.method, exchange.target, exchange.host = method or b"G", target, host
        one.referer, one.agent = referer, agent
        record.finish(one)
        assert len(record.lines) == 1
        assert len(record.lines[0]) <= most
        if kind is Json:
            said = members(record.lines[0])
            if most > 700 or agent.isascii():
                assert said.get("user_agent", "") == agent.decode("utf-8", "backslashreplace")
                assert said.get("host", "") == host.decode("utf-8", "backslashreplace")
        else:
            parts(record.lines[0])


@pytest.mark.parametrize("kind", [Combined, Json])
@pytest.mark.parametrize("octet", [b"a", b"\xff", b'"', b"\x01"])
def test_a_line_is_no_longer_than_its_sink_takes(kind: type[Record], octet: bytes) -> None:
    """Else whoever sends much would not be seen."""
    record, one = kind(Kept(4096)), client()
    exchange = one.exchange
    exchange.method, exchange.target, exchange.host = octet * 8000, octet * 16000, octet * 8000
    one.referer, one.agent = octet * 30000, octet * 30000
    record.finish(one)
    (text,) = record.lines
    assert 1500 < len(text) <= 4096
    assert members(text) if kind is Json else parts(text)
    assert text.count(b"...") >= 4


# ------------------------------------------------------------------ handing on


def test_flush_hands_on_all_lines() -> None:
    sink = Kept()
    record = Combined(sink)
    record.lines += [b"one\n", b"two\n"]
    record.flush()
    assert (sink.lines, record.lines, record.dropped) == ([b"one\n", b"two\n"], [], 0)


def test_what_is_lost_is_counted() -> None:
    record = Combined(Kept(loses=2), 5)
    record.lines += [b"one\n", b"two\n"]
    record.flush()
    record.lines += [b"three\n", b"four\n"]
    record.flush()
    assert record.dropped == 9
