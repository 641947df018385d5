"""The loop: readiness, deadlines, second looks, hang-ups and faults. Everything over socket pairs."""

import os
import re
import resource
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.unit.engine.loopback import turn_for, turning

from perijove.engine.const import AGAIN, ERR, HUP, IN, OUT
from perijove.engine.poll import clock
from perijove.engine.reactor import Endpoint, Log, Reactor, Wakeup


class Spy(Endpoint):
    """Keeps what it is told, and does what a test wants."""

    def __init__(self, reactor: Reactor, then: Callable[["Spy"], None] | None = None) -> None:
        super().__init__(reactor)
        self.told: list[str | int] = []
        self.then = then

    def on_event(self, mask: int) -> None:
        self.told.append(mask)
        if self.then is not None:
            self.then(self)

    def on_timeout(self) -> None:
        self.told.append("timeout")
        if self.then is not None:
            self.then(self)

    def on_lost(self) -> None:
        self.told.append("lost")
        self.close()


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    with turning() as made:
        yield made


@pytest.fixture
def far() -> Iterator[list[socket.socket]]:
    """The far ends of all pairs, closed in the end."""
    ends: list[socket.socket] = []
    yield ends
    for end in ends:
        end.close()


def spy(
    reactor: Reactor, far: list[socket.socket], interest: int = IN, then: Callable[[Spy], None] | None = None
) -> tuple[Spy, socket.socket]:
    near, end = socket.socketpair()
    near.setblocking(False)
    end.setblocking(False)
    far.append(end)
    endpoint = Spy(reactor, then)
    endpoint.attach(near, interest)
    return endpoint, end


# ------------------------------------------------------------------ readiness


def test_who_is_urgent_does_not_stand_behind_what_takes_long(reactor: Reactor, far: list[socket.socket]) -> None:
    order: list[str] = []

    def slow(one: Spy) -> None:
        order.append("slow")
        time.sleep(takes)
        reactor.took_long = True

    takes = 0.003

    for _ in range(3):
        spy(reactor, far, then=slow)[1].send(b"x")
    urgent, _ = spy(reactor, far, then=lambda one: order.append("urgent"))
    reactor.urgent = urgent
    reactor.turn(1)
    assert order == ["slow", "urgent"] * 3
    urgent.want(0)
    reactor.turn(1)
    assert order == ["slow", "urgent"] * 3 + ["slow"] * 3
    order.clear()
    urgent.want(IN)
    reactor.attended = clock() + 60  # it has just had its turn
    reactor.turn(1)
    assert order == ["slow"] * 3


def test_events(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, end = spy(reactor, far)
    reactor.turn(0)
    assert endpoint.told == []
    end.send(b"x")
    reactor.turn(1)
    reactor.turn(1)
    assert endpoint.told == [IN, IN]  # level-triggered
    assert endpoint.recv(endpoint.inbuf, 10) == 1
    assert endpoint.recv(endpoint.inbuf, 10) == AGAIN
    endpoint.want(OUT)
    reactor.turn(1)
    assert endpoint.told == [IN, IN, OUT]
    endpoint.want(0)
    end.send(b"x")
    reactor.turn(0)
    assert endpoint.told == [IN, IN, OUT]


def test_wanting_the_same_again_costs_no_call(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, _ = spy(reactor, far)
    fd = endpoint.fd
    reactor.poller.remove(fd)  # a call would fail now
    endpoint.want(IN)
    with pytest.raises(OSError):
        endpoint.want(OUT)
    endpoint.mask = 0
    reactor.poller.add(fd, 0)


def test_close(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, end = spy(reactor, far)
    endpoint.outbuf.append(b"never sent")
    endpoint.until(0.05)
    fd = endpoint.fd
    endpoint.close()
    endpoint.close()
    assert (endpoint.closed, endpoint.sock, endpoint.outbuf.size(), reactor.table[fd]) == (True, None, 0, None)
    assert end.recv(10) == b""
    with pytest.raises(OSError):
        os.fstat(fd)
    endpoint.want(OUT)
    turn_for(reactor, 0.3)
    assert endpoint.told == []


def test_a_light_one_keeps_its_descriptor_only(reactor: Reactor, far: list[socket.socket]) -> None:
    (one, _), (other, _) = spy(reactor, far), spy(reactor, far)
    fd = one.fd
    one.lighten()
    other.outbuf.append(b"still to be written")
    other.lighten()
    assert one.sock is None
    assert one.inbuf is one.outbuf is other.inbuf
    assert other.flush() == 0
    assert far[1].recv(100) == b"still to be written"
    far[0].send(b"x")
    reactor.turn(1.0)
    assert one.told == [IN]
    assert os.read(fd, 10) == b"x"
    one.close()
    one.close()
    assert far[0].recv(10) == b""
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    assert one.socket() is None


def test_a_light_one_gets_its_socket_again(reactor: Reactor, far: list[socket.socket]) -> None:
    one, _ = spy(reactor, far)
    one.lighten()
    made = one.socket()
    assert made is not None
    assert made.fileno() == one.fd
    assert one.socket() is made
    one.close()
    assert made.fileno() == -1


def test_flush(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, end = spy(reactor, far)
    assert endpoint.flush() == 0
    endpoint.outbuf.append(b"hello")
    assert (endpoint.flush(), end.recv(10)) == (0, b"hello")
    endpoint.outbuf.append(b"a" * 3_000_000)
    left = endpoint.flush()
    assert 0 < left == endpoint.outbuf.size()
    end.close()
    assert endpoint.flush() < 0


def test_a_descriptor_beyond_the_table(reactor: Reactor, far: list[socket.socket]) -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 3000:
        pytest.skip("no such descriptors here")
    endpoint, end = Spy(reactor), socket.socketpair()
    far.append(end[0])
    high = os.dup(end[1].fileno())
    os.dup2(high, 2500)
    os.close(high)
    end[1].close()
    near = socket.socket(fileno=2500)
    near.setblocking(False)
    endpoint.attach(near, IN)
    end[0].send(b"x")
    reactor.turn(1)
    assert (endpoint.fd, endpoint.told) == (2500, [IN])


def test_an_event_of_one_that_was_closed_in_the_same_round(reactor: Reactor, far: list[socket.socket]) -> None:
    both: list[Spy] = []

    def close_the_other(endpoint: Spy) -> None:
        both[1 - both.index(endpoint)].close()

    ends = []
    for _ in range(2):
        endpoint, end = spy(reactor, far, then=close_the_other)
        both.append(endpoint)
        ends.append(end)
    for end in ends:
        end.send(b"x")
    reactor.turn(1)
    assert sorted(len(endpoint.told) for endpoint in both) == [0, 1]


def test_an_event_of_a_descriptor_that_is_another_s_by_now(reactor: Reactor, far: list[socket.socket]) -> None:
    both: list[Spy] = []
    heirs: list[Spy] = []

    def replace_the_other(endpoint: Spy) -> None:
        if heirs:
            return
        other = both[1 - both.index(endpoint)]
        fd = other.fd
        other.close()
        one, end = socket.socketpair()
        far.append(end)
        heir = one if one.fileno() == fd else socket.socket(fileno=os.dup2(one.detach(), fd))
        heir.setblocking(False)
        heirs.append(Spy(reactor))
        heirs[0].attach(heir, IN)

    ends = []
    for _ in range(2):
        endpoint, end = spy(reactor, far, then=replace_the_other)
        both.append(endpoint)
        ends.append(end)
    for end in ends:
        end.send(b"x")
    reactor.turn(1)
    assert [heir.told for heir in heirs] == [[]]  # nothing has been sent to it


# ------------------------------------------------------------------ deadlines


def test_deadlines_in_order_and_not_too_early(reactor: Reactor) -> None:
    order: list[tuple[int, float]] = []
    start = time.monotonic()
    endpoints = []
    for number, seconds in enumerate((0.35, 0.05, 0.2)):
        endpoint = Spy(reactor, lambda its, number=number: order.append((number, time.monotonic() - start)))  # type: ignore[misc]
        endpoint.until(seconds)
        endpoints.append((endpoint, seconds))
    turn_for(reactor, 0.7)
    assert [number for number, _ in order] == [1, 2, 0]
    for number, at in order:
        seconds = endpoints[number][1]
        assert seconds - 0.01 < at < seconds + 0.25, (number, at)
    assert all(endpoint.told == ["timeout"] for endpoint, _ in endpoints)


def test_a_deadline_that_is_put_off(reactor: Reactor) -> None:
    endpoint = Spy(reactor)
    endpoint.until(0.1)
    endpoint.until(0.4)
    turn_for(reactor, 0.25)
    assert endpoint.told == []
    turn_for(reactor, 0.45)
    assert endpoint.told == ["timeout"]


def test_a_deadline_that_is_brought_forward(reactor: Reactor) -> None:
    endpoint = Spy(reactor)
    endpoint.until(5)
    endpoint.until(0.1)
    turn_for(reactor, 0.4)
    assert endpoint.told == ["timeout"]


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_deadline_that_is_taken_back(reactor: Reactor, seconds: float) -> None:
    endpoint = Spy(reactor)
    endpoint.until(0.1)
    endpoint.until(seconds)
    turn_for(reactor, 0.35)
    assert (endpoint.told, endpoint.deadline) == ([], 0.0)


def test_a_deadline_that_is_taken_back_and_given_anew(reactor: Reactor) -> None:
    endpoint = Spy(reactor)
    endpoint.until(0.1)
    endpoint.until(0.0)
    endpoint.until(0.15)
    turn_for(reactor, 0.5)
    assert endpoint.told == ["timeout"]


def test_a_deadline_that_is_set_again_when_it_is_over(reactor: Reactor) -> None:
    endpoint = Spy(reactor, lambda its: its.until(0.1) if len(its.told) < 3 else None)
    endpoint.until(0.1)
    turn_for(reactor, 1.0)
    assert endpoint.told == ["timeout"] * 3


def test_a_deadline_that_ends_one_whose_own_has_passed_as_well(reactor: Reactor) -> None:
    other = Spy(reactor)
    endpoint = Spy(reactor, lambda _: other.close())
    endpoint.until(0.1)
    other.until(0.4)
    time.sleep(0.7)
    turn_for(reactor, 0.05)
    assert (endpoint.told, other.told) == (["timeout"], [])


def test_a_deadline_far_away_does_not_keep_the_loop_busy(reactor: Reactor) -> None:
    endpoint = Spy(reactor)
    endpoint.until(0.1)
    endpoint.until(60)
    assert turn_for(reactor, 0.4) < 10
    assert endpoint.told == []


def test_a_loop_waits_no_longer_than_for_the_next_deadline(reactor: Reactor) -> None:
    Spy(reactor).until(0.1)
    start = time.monotonic()
    reactor.turn(5)
    assert time.monotonic() - start < 1


# ------------------------------------------------------------------ a second look


def test_again(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, _ = spy(reactor, far)
    reactor.again(endpoint)
    start = time.monotonic()
    reactor.turn(5)
    assert time.monotonic() - start < 1
    assert endpoint.told == [IN]
    reactor.turn(0)
    assert endpoint.told == [IN]


def test_again_from_within_is_for_the_next_round(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, _ = spy(reactor, far, then=lambda its: its.reactor.again(its) if len(its.told) < 3 else None)
    reactor.again(endpoint)
    for count in (1, 2, 3, 3):
        reactor.turn(0)
        assert len(endpoint.told) == count


def test_again_for_one_that_does_not_want_to_read(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, _ = spy(reactor, far, OUT)
    endpoint.want(0)
    reactor.again(endpoint)
    reactor.turn(0)
    assert endpoint.told == []


def test_again_for_one_that_is_closed(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, _ = spy(reactor, far)
    reactor.again(endpoint)
    endpoint.close()
    reactor.turn(0)
    assert endpoint.told == []


# ------------------------------------------------------------------ hang-ups


def test_a_hang_up_that_nobody_waits_for_is_muted(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, end = spy(reactor, far, OUT)
    endpoint.want(0)
    end.send(b"last words")
    end.close()
    assert turn_for(reactor, 0.1) < 5  # the poller would tell of it without end
    assert (endpoint.told, endpoint.muted, endpoint.closed) == ([], True, False)
    # It may still hold octets for whoever is not ready for them yet.
    endpoint.want(IN)
    assert not endpoint.muted
    reactor.turn(1)
    assert endpoint.told == [IN | HUP]
    assert endpoint.recv(endpoint.inbuf, 100) == 10
    assert endpoint.inbuf.copy() == b"last words"


def test_a_muted_one_can_be_closed(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, end = spy(reactor, far, OUT)
    endpoint.want(0)
    end.close()
    reactor.turn(0)
    assert endpoint.muted
    endpoint.close()
    assert reactor.table[endpoint.fd] is None


def test_a_muted_one_is_muted_again(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint, end = spy(reactor, far, OUT)
    endpoint.want(0)
    end.close()
    for _ in range(3):
        assert turn_for(reactor, 0.05) < 5
        assert endpoint.muted
        endpoint.want(IN)
        endpoint.want(0)
        assert not endpoint.muted


def tcp(far: list[socket.socket]) -> socket.socket:
    """Return one end of a TCP connection; the other is the last of `far`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        far.append(socket.create_connection(listening.getsockname()))
        near, _ = listening.accept()
    near.setblocking(False)
    return near


def test_a_connection_that_failed_is_lost_although_nobody_waits(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint = Spy(reactor)
    endpoint.attach(tcp(far), IN)
    endpoint.want(0)
    far[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far[-1].close()
    reactor.turn(1)
    assert endpoint.told == ["lost"]
    assert endpoint.closed


def test_reset_is_told_to_the_other_side(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint = Spy(reactor)
    endpoint.attach(tcp(far), IN)
    endpoint.reset()
    endpoint.reset()
    with pytest.raises(ConnectionResetError):
        far[-1].recv(10)


def test_close_is_no_reset(reactor: Reactor, far: list[socket.socket]) -> None:
    endpoint = Spy(reactor)
    endpoint.attach(tcp(far), IN)
    endpoint.close()
    assert far[-1].recv(10) == b""


# ------------------------------------------------------------------ faults of our own


def fail(endpoint: Spy) -> None:
    raise RuntimeError("on purpose")


@pytest.mark.parametrize("by", ["event", "again", "timeout"])
def test_a_fault_ends_one_connection_only(
    by: str, reactor: Reactor, far: list[socket.socket], capsys: pytest.CaptureFixture[str]
) -> None:
    faulty, end = spy(reactor, far, then=fail)
    good, other = spy(reactor, far)
    if by == "event":
        end.send(b"x")
    elif by == "again":
        reactor.again(faulty)
    else:
        faulty.until(0.05)
    other.send(b"x")
    turn_for(reactor, 0.3 if by == "timeout" else 0.02)
    assert (faulty.closed, good.closed) == (True, False)
    assert len(faulty.told) == 1
    assert good.told
    told = capsys.readouterr().err
    assert "internal error" in told
    assert "on purpose" in told


# ------------------------------------------------------------------ the rest


class Lines(Log):
    """Keeps what it is to write."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[list[bytes]] = []

    def flush(self) -> None:
        self.written.append(self.lines)
        self.lines = []


def test_lines_of_the_log_gather_for_a_moment(reactor: Reactor, far: list[socket.socket]) -> None:
    """It is short, also for a loop that has nothing else to do."""
    log = Lines()
    reactor.log = log
    for _ in range(2):
        _, end = spy(reactor, far, then=lambda its: (log.lines.append(b"line"), its.want(0)))
        end.send(b"x")
    reactor.turn(1)
    assert log.written == []
    begun = clock()
    while not log.written and clock() < begun + 2:
        reactor.turn(60)
    assert log.written == [[b"line", b"line"]]
    assert clock() - begun < 0.5
    reactor.turn(0)
    assert len(log.written) == 1


def test_many_lines_are_written_at_once(reactor: Reactor, far: list[socket.socket]) -> None:
    log = Lines()
    reactor.log = log
    _, end = spy(reactor, far, then=lambda its: (log.lines.extend([b"line"] * 300), its.want(0)))
    end.send(b"x")
    reactor.turn(1)
    assert [len(lines) for lines in log.written] == [300]


def test_run_ends_when_it_is_told_to(reactor: Reactor, far: list[socket.socket]) -> None:
    def stop(endpoint: Spy) -> None:
        endpoint.reactor.running = False

    _, end = spy(reactor, far, then=stop)
    end.send(b"x")
    reactor.run()
    assert not reactor.running


def test_wakeup_from_a_thread(reactor: Reactor) -> None:
    heard: list[bytes] = []
    wakeup = Wakeup(reactor, heard.append)
    thread = threading.Timer(0.05, wakeup.wake)
    thread.start()
    start = time.monotonic()
    reactor.turn(5)
    assert time.monotonic() - start < 2
    thread.join()
    assert heard == [b"\0"]
    for _ in range(100_000):  # more than it holds: no one waits, nothing fails
        wakeup.wake()
    reactor.turn(0)
    assert heard[1]
    assert not heard[1].strip(b"\0")
    wakeup.writer.close()


def test_date(reactor: Reactor) -> None:
    date = reactor.date()
    assert re.fullmatch(rb"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", date)
    assert abs(time.mktime(time.strptime(date.decode(), "%a, %d %b %Y %H:%M:%S GMT")) - time.mktime(time.gmtime())) < 3
    assert reactor.date() is date
    reactor.now += 2
    reactor.date()


def test_what_must_be_said_is_not_said_here(reactor: Reactor) -> None:
    with pytest.raises(NotImplementedError):
        Endpoint(reactor).on_event(IN)
    with pytest.raises(NotImplementedError):
        Endpoint(reactor).on_timeout()
    with pytest.raises(NotImplementedError):
        Log().flush()
    assert ERR | HUP == 0x018
