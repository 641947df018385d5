"""What all connections of one listener share."""

from tests.unit.engine.script import forward, table

from perijove.engine import slots
from perijove.engine.counters import Counters
from perijove.engine.exchange import Exchange
from perijove.engine.head import Limits
from perijove.engine.peer import Peer
from perijove.engine.site import Site


def test_what_a_limit_kept_out_is_counted_and_told() -> None:
    site = Site(table(forward()), Limits())
    row = memoryview(bytearray(8 * slots.COUNT)).cast("q")
    site.counters = Counters(row)
    site.limited(slots.LIMITED_RATE, b"192.0.2.1")  # there may be nobody to tell
    told: list[tuple[int, bytes]] = []
    site.tell = lambda limit, who: told.append((limit, who))
    site.limited(slots.LIMITED_RATE, b"192.0.2.2")
    assert told == [(slots.LIMITED_RATE, b"192.0.2.2")]
    assert row[slots.LIMITED_RATE] == 2


def test_a_failure_is_told_once() -> None:
    site = Site(table(forward()), Limits())
    exchange = Exchange(Peer(b"192.0.2.1", 1, b"http", 80, False))
    site.failure(exchange, 503)  # there may be nobody to tell
    told: list[tuple[Exchange, int]] = []
    site.failed = lambda one, status: told.append((one, status))
    site.failure(exchange, 503)
    exchange.inside = True  # the page of the error failed, too
    site.failure(exchange, 503)
    assert told == [(exchange, 503)]


def test_texts_that_many_have_are_held_once() -> None:
    site = Site(table(forward()), Limits())
    first, again = bytes(bytearray(b"Mozilla/5.0")), bytes(bytearray(b"Mozilla/5.0"))
    assert first is not again
    assert site.same(first) is first
    assert site.same(again) is first
    for number in range(1000):  # a stranger's inventions do not gather
        site.same(b"agent %d" % number)
    assert site.same(again) is again


def test_peers_that_ask_for_nothing_more_are_held_once_for_each_address() -> None:
    site = Site(table(forward()), Limits())

    def peer(address: bytes, port: int, trusted: bool = False) -> Peer:
        return Peer(address, port, b"http", 80, trusted)

    first = peer(b"192.0.2.1", 1)
    first.tail = b"X-Forwarded-For: 192.0.2.1\r\n"
    assert site.known(first) is first
    assert first.tail == b""
    assert site.known(peer(b"192.0.2.1", 2)) is first
    for other in (peer(b"192.0.2.2", 1), peer(b"192.0.2.1", 1, trusted=True)):
        assert site.known(other) is other
    for number in range(1000):
        site.known(peer(b"address %d" % number, 1))
    again = peer(b"192.0.2.1", 3)
    assert site.known(again) is again
