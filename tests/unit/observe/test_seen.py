"""Sums over workers."""

from __future__ import annotations

from tests.unit.observe.pictures import ROUTE, row, seen

from perijove.engine import slots


def test_sums() -> None:
    both = seen(row(connections=5, connections_ended=2), row(connections=4, connections_ended=4))
    assert both.total(slots.CONNECTIONS) == 9
    assert both.open(slots.CONNECTIONS, slots.CONNECTIONS_ENDED) == 3


def test_what_is_read_while_it_grows_is_never_negative() -> None:
    torn = seen(row(connections=5, connections_ended=6), row(connections=1))
    assert torn.open(slots.CONNECTIONS, slots.CONNECTIONS_ENDED) == 1


def test_the_latest() -> None:
    both = seen(row(route_last_activity=5), row(route_last_activity=9))
    assert both.latest(ROUTE + slots.LAST_ACTIVITY) == 9
