"""Counting."""

from __future__ import annotations

import pytest

from perijove.engine import slots
from perijove.engine.counters import Counters, unshared


@pytest.fixture
def row() -> memoryview:
    return memoryview(bytearray(8 * slots.COUNT)).cast("q")


def test_groups_do_not_overlap() -> None:
    assert slots.BUCKETS + len(slots.BOUNDS) + 1 <= slots.WORKER
    assert slots.LAST_ACTIVITY < slots.ROUTE
    assert slots.LAST_KIND < slots.UPSTREAM
    names = {name: value for name, value in vars(slots).items() if name.isupper()}
    groups = [("CONNECTIONS", "BUCKETS"), ("BY_CLASS", "LAST_ACTIVITY"), ("ERRORS", "LAST_KIND")]
    order = list(names)
    for first, last in groups:
        group = order[order.index(first) : order.index(last) + 1]
        shared = {"LIMITED", "ERRORS", "BOUNDS"}  # the beginnings of others; and no number
        numbers = [names[name] for name in group if name not in shared]
        assert len(set(numbers)) == len(numbers), group


def test_an_exchange(row: memoryview) -> None:
    counters = Counters(row)
    route = slots.FIRST_ROUTE + slots.ROUTE
    counters.finish(route, 200, 10, 20, 5.5, 0.02)
    counters.finish(route, 503, 0, 5, 6.0, 100.0)
    counters.finish(route, 0, 1, 0, 7.25, 0.0)
    assert [row[route + slots.BY_CLASS + digit] for digit in range(6)] == [1, 0, 1, 0, 0, 1]
    assert (row[route + slots.RECEIVED], row[route + slots.SENT]) == (11, 25)
    assert row[route + slots.LAST_ACTIVITY] == 7250
    buckets = list(row[slots.BUCKETS : slots.BUCKETS + len(slots.BOUNDS) + 1])
    assert sum(buckets) == 3
    assert buckets[0] == 1
    assert buckets[slots.BOUNDS.index(0.025)] == 1
    assert buckets[-1] == 1
    assert row[slots.SECONDS] == 100_020_000


@pytest.mark.parametrize("bound", slots.BOUNDS)
def test_a_bound_is_inside_its_bucket(row: memoryview, bound: float) -> None:
    Counters(row).finish(slots.FIRST_ROUTE, 200, 0, 0, 0.0, bound)
    assert row[slots.BUCKETS + slots.BOUNDS.index(bound)] == 1


def test_a_tunnel_is_not_timed(row: memoryview) -> None:
    Counters(row).finish(slots.FIRST_ROUTE, 101, 0, 0, 0.0, 5000.0)
    assert row[slots.FIRST_ROUTE + slots.BY_CLASS + 1] == 1
    assert sum(row[slots.SECONDS : slots.WORKER]) == 0


@pytest.mark.parametrize("status", [-1, 0, 99, 600, 999])
def test_a_status_of_no_class_is_counted_as_none(row: memoryview, status: int) -> None:
    Counters(row).finish(slots.FIRST_ROUTE, status, 0, 0, 0.0, 0.0)
    assert row[slots.FIRST_ROUTE + slots.BY_CLASS] == 1


def test_a_successor_counts_on(row: memoryview) -> None:
    """Nothing that only grows goes back; what was open in the one that was killed is not open any more."""
    first = Counters(row)
    upstream = slots.FIRST_UPSTREAM + 3 * slots.UPSTREAM
    for number in (slots.CONNECTIONS, slots.TUNNELS, upstream + slots.OPENED):
        first.add(number, 3)
    for number in (slots.CONNECTIONS_ENDED, slots.TUNNELS_ENDED, upstream + slots.OPENED_ENDED):
        first.add(number, 1)
    before = row.tolist()
    second = Counters(row)
    second.add(slots.CONNECTIONS, 1)
    assert row[slots.CONNECTIONS] == 4
    assert row[slots.CONNECTIONS_ENDED] == 3
    assert row[slots.TUNNELS_ENDED] == row[slots.TUNNELS] == 3
    assert row[upstream + slots.OPENED_ENDED] == row[upstream + slots.OPENED] == 3
    assert all(after >= then for after, then in zip(row.tolist(), before, strict=True))


def test_a_value_is_kept_in_place_of_the_one_before(row: memoryview) -> None:
    counters = Counters(row)
    counters.note(5, 7)
    counters.note(5, 3)
    assert row[5] == 3


def test_unshared() -> None:
    unshared().add(slots.CONNECTIONS, 1)
    unshared().finish(slots.FIRST_ROUTE, 200, 0, 0, 0.0, 0.0)


def test_of_one_route_each_status_is_counted(row: memoryview) -> None:
    counters = Counters(row)
    route, other = slots.FIRST_ROUTE + slots.ROUTE, slots.FIRST_ROUTE
    counters.finish(route, 200, 0, 0, 0.0, 0.0)
    assert not any(row[slots.FIRST_STATUS :])  # none is, until one is named
    counters.detailed = route
    for status in (200, 503, 503, 101, 0, 999, 1000, -1):
        counters.finish(route, status, 0, 0, 0.0, 0.0)
    counters.finish(other, 200, 0, 0, 0.0, 0.0)
    counted = {status: row[slots.FIRST_STATUS + status] for status in range(slots.STATUSES)}
    assert {status: count for status, count in counted.items() if count} == {0: 1, 101: 1, 200: 1, 503: 2, 999: 1}


def test_uses_of_routes_are_counted() -> None:
    row = memoryview(bytearray(8 * (slots.FIRST_ACTIVITY + 2))).cast("q")
    counters = Counters(row)
    for number in (slots.FIRST_ACTIVITY, slots.FIRST_ACTIVITY + 1, -1, len(row)):  # the last two have no place
        counters.touch(number, 5.0)
    assert row[slots.TOUCHED] == 2
