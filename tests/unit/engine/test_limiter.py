"""Counts and rates that workers share: never too low, never negative, and mostly exact."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perijove.engine.limiter import CLIENT, EXCESS, OWNER, Limiter, network, prepare, size_of, workers_in

A, B = b"198.51.100.7", b"198.51.100.8"


def memory(workers: int = 1) -> memoryview:
    made = memoryview(bytearray(size_of(workers)))
    prepare(made)
    return made


def limiter(rate: float = 0.0, burst: int = 1) -> Limiter:
    made = Limiter(memory(), 0)
    made.admit(rate, burst)
    return made


@pytest.mark.parametrize("workers", [1, 2, 512])
def test_size(workers: int) -> None:
    assert workers_in(size_of(workers)) == workers


# ------------------------------------------------------------------ who is one client


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"192.0.2.1", b"192.0.2.1", True),
        (b"192.0.2.1", b"192.0.2.2", False),
        (b"::ffff:192.0.2.1", b"192.0.2.1", True),
        (b"2001:db8:0:1::1", b"2001:0db8:0000:0001:ffff::2", True),
        (b"2001:db8:0:1::1", b"2001:db8:0:2::1", False),
        (b"fe80::1%eth0", b"fe80::2", True),
        (b"what", b"else", False),
        (b"what", b"what", True),
    ],
)
def test_network(one: bytes, other: bytes, same: bool) -> None:
    counting = limiter()
    assert (network(one) == network(other)) is same
    assert (counting.spot(CLIENT, one) == counting.spot(CLIENT, other)) is same


def test_kinds_are_counted_apart() -> None:
    counting = limiter()
    assert len({counting.spot(kind, A) for kind in (CLIENT, EXCESS, OWNER)}) == 3
    assert counting.spot(OWNER, b"2001:db8::1") != counting.spot(OWNER, b"2001:db8::2")  # a name, not an address


def test_nobody_can_tell_the_cells_of_a_key() -> None:
    assert limiter().spot(CLIENT, A) != limiter().spot(CLIENT, A)


def test_all_workers_have_the_same_cells() -> None:
    shared = memory(2)
    assert Limiter(shared, 0).spot(CLIENT, A) == Limiter(shared, 1).spot(CLIENT, A)


def test_cells_stay_when_what_is_remembered_is_begun_anew() -> None:
    counting = limiter()
    before = counting.spot(CLIENT, A)
    for number in range(10_000):
        counting.spot(OWNER, b"%d" % number)
    assert counting.spot(CLIENT, A) == before


# ------------------------------------------------------------------ counts


def test_counts() -> None:
    counting = limiter()
    spot, other = counting.spot(CLIENT, A), counting.spot(CLIENT, B)
    counting.add(spot)
    counting.add(spot)
    assert (counting.count(spot), counting.count(other)) == (2, 0)
    counting.remove(spot)
    assert counting.count(spot) == 1


def test_counts_are_of_all_workers() -> None:
    shared = memory(3)
    workers = [Limiter(shared, number) for number in range(3)]
    for one in workers:
        one.connections = 3
        one.add(one.spot(OWNER, b"x"))
        assert not one.full()
        one.opened()
    assert [one.count(one.spot(OWNER, b"x")) for one in workers] == [3, 3, 3]
    assert all(one.full() for one in workers)
    workers[1].ended()
    assert not any(one.full() for one in workers)


def test_a_worker_that_is_replaced_gives_back_what_it_had() -> None:
    shared = memory(2)
    stays, dies = Limiter(shared, 0), Limiter(shared, 1)
    spot = stays.spot(CLIENT, A)
    stays.connections = 2
    for one in (stays, dies):
        one.add(spot)
        one.opened()
    Limiter(shared, 1)
    assert stays.count(spot) == 1
    assert not stays.full()


def test_nothing_goes_below_nothing() -> None:
    counting = limiter()
    counting.connections = 1
    spot = counting.spot(CLIENT, A)
    counting.remove(spot)
    counting.ended()
    assert not counting.full()
    counting.add(spot)
    counting.opened()
    assert counting.count(spot) == 1
    assert counting.full()


def test_without_a_limit_it_is_never_full() -> None:
    counting = limiter()
    counting.opened()
    assert not counting.full()


steps = st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 30)), max_size=300)


@given(steps)
@settings(deadline=None, max_examples=60)
def test_a_count_is_never_too_low(steps: list[tuple[bool, int, int]]) -> None:
    """Against exact counts of three workers; each gives back only what is its own."""
    shared = memory(3)
    workers = [Limiter(shared, number) for number in range(3)]
    exact: Counter[tuple[int, int]] = Counter()
    for add, worker, key in steps:
        spot = workers[worker].spot(OWNER, b"%d" % key)
        if add:
            workers[worker].add(spot)
            exact[worker, key] += 1
        elif exact[worker, key]:
            workers[worker].remove(spot)
            exact[worker, key] -= 1
    for key in range(31):
        assert workers[0].count(workers[0].spot(OWNER, b"%d" % key)) >= sum(exact[worker, key] for worker in range(3))


def test_how_much_too_high_a_count_may_be() -> None:
    """10,000 keys with one connection each: nobody has more than a few too many, and hardly anybody more than one."""
    counting = limiter()
    spots = [counting.spot(OWNER, b"%d" % number) for number in range(10_000)]
    for spot in spots:
        counting.add(spot)
    found = Counter(counting.count(spot) for spot in spots)
    assert min(found) == 1
    assert max(found) <= 4
    assert sum(count for value, count in found.items() if value > 1) < 800  # (1 - 1/e**0.61)**4 are 4.3 %


# ------------------------------------------------------------------ rates


class Exact:
    """A token bucket of each client, by the book."""

    def __init__(self, rate: float, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.tokens: dict[bytes, tuple[float, float]] = {}

    def take(self, key: bytes, now: float) -> bool:
        tokens, then = self.tokens.get(key, (float(self.burst), now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        passed = tokens >= 1 - 0.002
        self.tokens[key] = (tokens - passed, now)
        return passed


def test_burst_and_rate() -> None:
    counting = limiter(2.0, 3)
    spot = counting.spot(CLIENT, A)
    waits = [counting.take(spot, 100.0) for _ in range(5)]
    assert waits[:3] == [0, 0, 0]
    assert waits[3] == waits[4] == pytest.approx(0.5, abs=0.01)
    assert counting.take(counting.spot(CLIENT, B), 100.0) == 0
    assert counting.take(spot, 100.4) > 0
    assert counting.take(spot, 100.0 + waits[3]) == 0
    assert counting.take(spot, 100.6) > 0
    assert [counting.take(spot, 200.0) > 0 for _ in range(4)] == [False, False, False, True]


def test_without_a_rate_all_pass() -> None:
    counting = limiter()
    assert not any(counting.take(counting.spot(CLIENT, A), 1.0) for _ in range(1000))


def test_workers_share_the_rate() -> None:
    shared = memory(2)
    workers = [Limiter(shared, number) for number in range(2)]
    for one in workers:
        one.admit(1.0, 4)
    spot = workers[0].spot(CLIENT, A)
    assert sum(workers[number % 2].take(spot, 50.0) == 0 for number in range(10)) == 4
    Limiter(shared, 1)
    assert workers[0].take(spot, 50.0) > 0  # a worker that is replaced gives no rate back


def test_a_new_rate_does_not_punish_for_the_old_one() -> None:
    counting = limiter(1 / 60, 60)
    spot = counting.spot(CLIENT, A)
    for _ in range(60):
        assert counting.take(spot, 100.0) == 0
    counting.admit(10.0, 5)
    wait = counting.take(spot, 100.0)
    assert 0 < wait <= 0.11
    assert counting.take(spot, 100.0 + wait) == 0


moments = st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3)), max_size=200)


@given(moments, st.sampled_from([0.1, 1.0, 7.3, 1000.0]), st.sampled_from([1, 2, 10]))
@settings(deadline=None, max_examples=100)
def test_a_rate_is_that_of_an_exact_bucket(moments: list[tuple[int, float]], rate: float, burst: int) -> None:
    """Few clients share no cell, so that all is the same, but at the very edge."""
    counting = limiter(rate, burst)
    exact = Exact(rate, burst)
    now = 1000.0
    for key, later in moments:
        now += later / rate
        name = b"%d" % key
        passed = counting.take(counting.spot(OWNER, name), now) == 0
        tokens, then = exact.tokens.get(name, (float(burst), now))
        at_the_edge = abs(min(burst, tokens + (now - then) * rate) - 1) < 0.01
        if at_the_edge:
            return
        assert passed is exact.take(name, now)


@given(moments, st.sampled_from([0.5, 20.0]), st.sampled_from([1, 5]))
@settings(deadline=None, max_examples=100)
def test_never_more_than_the_rate(moments: list[tuple[int, float]], rate: float, burst: int) -> None:
    """In any stretch of time no more than the burst and what the rate brings, however many clients there are."""
    counting = limiter(rate, burst)
    for number in range(2000):
        counting.take(counting.spot(OWNER, b"other %d" % number), 1000.0)
    passed: dict[int, list[float]] = {}
    now = 1000.0
    for key, later in moments:
        now += later / rate / 3
        if counting.take(counting.spot(OWNER, b"%d" % key), now) == 0:
            passed.setdefault(key, []).append(now)
    for times in passed.values():
        for first, begun in enumerate(times):
            for last in range(first, len(times)):
                assert last - first + 1 <= burst + math.floor((times[last] - begun) * rate + 0.01)


def test_others_do_not_use_up_a_client_s_rate() -> None:
    """1,000 clients at their limit: hardly any other is refused, of a thousand."""
    counting = limiter(1.0, 5)
    for number in range(1000):
        for _ in range(6):
            counting.take(counting.spot(OWNER, b"%d" % number), 100.0)
    refused = sum(counting.take(counting.spot(OWNER, b"new %d" % number), 100.0) > 0 for number in range(1000))
    assert refused <= 2


def test_others_do_not_give_a_client_more() -> None:
    """1,000 clients have used up what they may; that 20,000 others come does not change that, although they share cells."""
    counting = limiter(1.0, 5)
    used = [counting.spot(OWNER, b"%d" % number) for number in range(1000)]
    for spot in used:
        while counting.take(spot, 100.0) == 0:
            pass
    for number in range(20_000):
        counting.take(counting.spot(OWNER, b"new %d" % number), 100.0)
    assert all(counting.take(spot, 100.0) > 0 for spot in used)
