"""Readiness of descriptors, and the clock."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from perijove.engine.const import ERR, HUP, IN, NOT_TAKEN, OUT, UNTOLD
from perijove.engine.poll import Poller, clock

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    yield one, other
    one.close()
    other.close()


@pytest.fixture
def poller() -> Iterator[Poller]:
    made = Poller()
    yield made
    made.close()


def events(poller: Poller, timeout: float = 0.0) -> dict[int, int]:
    """Wait once: descriptor -> mask."""
    count = poller.wait(timeout)
    found = {}
    while poller.next():
        found[poller.fd] = poller.mask
    assert len(found) == count
    return found


def test_the_clock_goes_on() -> None:
    before = clock()
    assert abs(before - time.monotonic()) < 0.5
    time.sleep(0.01)
    assert 0.009 < clock() - before < 1


def test_before_the_first_wait_there_is_no_event(poller: Poller) -> None:
    assert not poller.next()


def test_readable_and_writable(poller: Poller, pair: Pair) -> None:
    one, other = pair
    poller.add(one.fileno(), IN)
    assert events(poller) == {}
    other.send(b"x")
    assert events(poller) == {one.fileno(): IN}
    # Level-triggered: as long as it is not read, it is told again.
    assert events(poller) == {one.fileno(): IN}
    one.recv(1)
    assert events(poller) == {}
    poller.change(one.fileno(), IN | OUT)
    assert events(poller) == {one.fileno(): OUT}
    poller.change(one.fileno(), 0)
    other.send(b"x")
    assert events(poller) == {}
    poller.remove(one.fileno())
    poller.add(one.fileno(), IN)
    assert events(poller) == {one.fileno(): IN}


def test_an_end_and_a_hang_up(poller: Poller, pair: Pair) -> None:
    one, other = pair
    poller.add(one.fileno(), IN)
    other.shutdown(socket.SHUT_WR)
    assert events(poller) == {one.fileno(): IN}
    other.close()
    assert events(poller)[one.fileno()] == IN | HUP
    # Errors and hang-ups are told whether they are wanted or not.
    poller.change(one.fileno(), 0)
    assert events(poller) == {one.fileno(): HUP}
    poller.remove(one.fileno())
    assert events(poller) == {}


def test_an_error(poller: Poller) -> None:
    reader, writer = os.pipe()
    poller.add(writer, 0)
    os.close(reader)
    assert events(poller)[writer] & ERR
    poller.remove(writer)
    os.close(writer)


def test_many(poller: Poller) -> None:
    pairs = [socket.socketpair() for _ in range(100)]
    for one, _ in pairs:
        poller.add(one.fileno(), IN)
    for _, other in pairs[::2]:
        other.send(b"x")
    assert events(poller) == {one.fileno(): IN for one, _ in pairs[::2]}
    for one, other in pairs:
        poller.remove(one.fileno())
        one.close()
        other.close()


def test_what_was_not_taken_is_forgotten_by_the_next_wait(poller: Poller, pair: Pair) -> None:
    one, other = pair
    poller.add(one.fileno(), OUT)
    poller.add(other.fileno(), OUT)
    assert poller.wait(0) == 2
    assert poller.next()
    poller.remove(one.fileno())
    poller.remove(other.fileno())
    assert poller.wait(0) == 0
    assert not poller.next()


def test_it_waits_as_long_as_it_is_told(poller: Poller, pair: Pair) -> None:
    poller.add(pair[0].fileno(), IN)
    before = time.monotonic()
    assert poller.wait(0.05) == 0
    # Not a tick too early, or a loop that waits for a deadline would spin.
    assert 0.0495 < time.monotonic() - before < 2
    before = time.monotonic()
    assert poller.wait(0.0) == 0
    assert time.monotonic() - before < 0.05


def test_for_ever_ends_with_an_event(poller: Poller, pair: Pair) -> None:
    poller.add(pair[0].fileno(), OUT)
    assert poller.wait(-1.0) == 1


def test_a_signal_is_handled_and_does_no_harm(poller: Poller, pair: Pair) -> None:
    heard = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: heard.append(number))
    poller.add(pair[0].fileno(), IN)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        assert poller.wait(0.2) == 0
        assert not poller.next()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert heard == [signal.SIGALRM]


def test_failures_are_told(poller: Poller, pair: Pair) -> None:
    fd = pair[0].fileno()
    with pytest.raises(OSError):
        poller.change(fd, IN)
    with pytest.raises(OSError):
        poller.remove(fd)
    poller.add(fd, IN)
    with pytest.raises(OSError):
        poller.add(fd, IN)


def test_the_descriptor_is_released() -> None:
    before = len(os.listdir("/proc/self/fd"))
    poller = Poller()
    assert len(os.listdir("/proc/self/fd")) == before + 1
    poller.close()
    assert len(os.listdir("/proc/self/fd")) == before
    poller.close()
    del poller
    assert len(os.listdir("/proc/self/fd")) == before


# ------------------------------------------------------------------ joined descriptors

Sides = tuple[Pair, Pair]


@pytest.fixture
def sides(poller: Poller) -> Iterator[Sides]:
    """Two pairs: the near ends are watched and joined, the far ones speak."""
    pairs = socket.socketpair(), socket.socketpair()
    for near, far in pairs:
        near.setblocking(False)
        far.setblocking(False)
        poller.add(near.fileno(), IN)
    poller.join(pairs[0][0].fileno(), pairs[1][0].fileno())
    yield pairs
    for near, far in pairs:
        near.close()
        far.close()


def told(poller: Poller, timeout: float = 0.0) -> list[tuple[int, int]]:
    """Wait once: descriptor and count of what was copied, where that is told; nothing else is."""
    poller.wait(timeout)
    found = []
    while poller.next():
        assert poller.copied
        found.append((poller.fd, poller.count))
    return found


def test_what_one_says_goes_to_the_other_and_is_told_now_and_then(poller: Poller, sides: Sides) -> None:
    for (near, far), (_, other) in (sides, sides[::-1]):
        far.send(b"first")
        assert told(poller) == [(near.fileno(), 5)]
        for number in range(3):
            far.send(b"more %d" % number)
            assert told(poller) == []
        assert other.recv(100) == b"firstmore 0more 1more 2"
        assert poller.untold(near.fileno()) == 18
        assert poller.untold(near.fileno()) == 0
        far.send(b"later")
        assert told(poller) == []
    time.sleep(UNTOLD)
    near, far = sides[0]
    far.send(b"last")
    assert told(poller) == [(near.fileno(), 9)]
    assert poller.untold(near.fileno()) == 0


def test_both_at_once(poller: Poller, sides: Sides) -> None:
    (one, one_far), (two, two_far) = sides
    one_far.send(b"to two")
    two_far.send(b"to one")
    assert sorted(told(poller)) == sorted([(one.fileno(), 6), (two.fileno(), 6)])
    assert (one_far.recv(100), two_far.recv(100)) == (b"to one", b"to two")


def test_what_the_other_does_not_take_is_told_at_once(poller: Poller, sides: Sides) -> None:
    (near, far), (other, other_far) = sides
    far.send(b"first")
    assert told(poller) == [(near.fileno(), 5)]
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += other.send(b"x" * 4096)
    far.send(b"too much")
    poller.wait(0)
    assert poller.next()
    assert (poller.copied, poller.fd, poller.count, poller.rest.copy()) == (True, near.fileno(), 8, b"too much")
    assert not poller.next()
    # Whoever did not take it has lost it: it must not go to the next one.
    assert poller.rest.size() == 0
    got = b""
    while len(got) < 5 + filled:
        got += other_far.recv(1 << 20)
    assert got == b"first" + b"x" * filled
    far.send(b"again")
    assert told(poller) == []
    assert other_far.recv(100) == b"again"


def test_an_end_is_told(poller: Poller, sides: Sides) -> None:
    (near, far), (_, other_far) = sides
    far.send(b"last words")
    far.shutdown(socket.SHUT_WR)
    assert told(poller) == [(near.fileno(), 10)]
    assert told(poller) == [(near.fileno(), 0)]
    assert other_far.recv(100) == b"last words"
    poller.change(near.fileno(), 0)
    other_far.send(b"an answer")  # that way it goes on
    told(poller)
    assert far.recv(100) == b"an answer"


def test_one_that_takes_nothing_any_more_is_told(poller: Poller, sides: Sides) -> None:
    (near, far), (other, _) = sides
    poller.change(other.fileno(), 0)
    other.shutdown(socket.SHUT_WR)
    far.send(b"into the void")
    assert told(poller) == [(near.fileno(), NOT_TAKEN)]
    assert poller.rest.size() == 0


def test_other_events_are_told_as_ever(poller: Poller, sides: Sides) -> None:
    (near, far), (_, other_far) = sides
    poller.change(near.fileno(), IN | OUT)
    far.send(b"x")
    assert events(poller)[near.fileno()] == IN | OUT
    assert not poller.copied
    with pytest.raises(BlockingIOError):
        other_far.recv(1)  # that is whoever's who hears of it
    assert near.recv(1) == b"x"


@pytest.mark.parametrize("which", [0, 1])
def test_one_that_is_not_watched_any_more_is_parted(which: int, poller: Poller, sides: Sides) -> None:
    poller.remove(sides[which][0].fileno())
    near, far = sides[1 - which]
    far.send(b"x")
    assert events(poller) == {near.fileno(): IN}
    assert not poller.copied
    assert near.recv(1) == b"x"


def test_joined_again_with_another(poller: Poller, sides: Sides) -> None:
    (near, far), (other, other_far) = sides
    for _ in range(2):
        far.send(b"x")
        told(poller)
    poller.join(near.fileno(), other.fileno())  # they are: nothing is forgotten
    assert poller.untold(near.fileno()) == 1
    far.send(b"y")
    told(poller)
    poller.remove(near.fileno())
    third, third_far = socket.socketpair()
    poller.add(third.fileno(), IN)
    poller.join(third.fileno(), other.fileno())
    third_far.send(b"z")
    assert told(poller) == [(third.fileno(), 1)]
    assert other_far.recv(100) == b"xxyz"
    other_far.send(b"back")
    assert told(poller) == [(other.fileno(), 4)]
    assert third_far.recv(100) == b"back"
    poller.part(third.fileno())
    poller.part(third.fileno())
    poller.part(1 << 20)
    third_far.send(b"z")
    assert events(poller) == {third.fileno(): IN}
    third.close()
    third_far.close()


def test_where_each_word_counts_each_is_told(poller: Poller, pair: Pair) -> None:
    (near, far), (other, other_far) = pair, socket.socketpair()
    for one in (near, other):
        one.setblocking(False)
        poller.add(one.fileno(), IN)
    poller.join(near.fileno(), other.fileno(), True)
    for _ in range(3):
        far.send(b"word")
        assert told(poller) == [(near.fileno(), 4)]
        other_far.send(b"back")
        assert told(poller) == [(other.fileno(), 4)]
    assert other_far.recv(100) == b"word" * 3
    other.close()
    other_far.close()
