"""Readiness of descriptors, and the clock."""

import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from perijove.engine.const import ERR, HUP, IN, OUT
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
