"""One worker's loop: descriptors that are ready, deadlines that have passed.

Knows descriptors, endpoints and time. Must not know HTTP. Level-triggered: an endpoint registers once and changes what
it waits for only when that changes, so that a request costs no epoll_ctl.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import traceback
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from perijove.engine.buffer import Buffer
from perijove.engine.const import ERR, IN, OUT
from perijove.engine.poll import Poller, clock

if TYPE_CHECKING:
    from perijove.engine.tls import Layer

_GATHER: Final = 0.1  # seconds for which lines of a log may wait
_MANY_LINES: Final = 256
_TICK: Final = 0.1  # seconds: how finely deadlines are kept
_PATIENCE: Final = 0.001  # seconds for which what is urgent may wait
# After a minute of silence, every quarter of one, given up after four without an answer (tcp(7)).
_PROBES: Final = [
    (getattr(socket, name), value)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
    if hasattr(socket, name)
]
_RESET: Final = struct.pack("ii", 1, 0)
_NOTHING: Final = Buffer()  # of those that have none of their own: nothing is ever put into it


class Endpoint:
    """Something with a descriptor in the loop. Subclasses say what an event means."""

    __slots__ = (
        "again",
        "born",
        "closed",
        "deadline",
        "fd",
        "inbuf",
        "interest",
        "mask",
        "muted",
        "outbuf",
        "reactor",
        "sock",
        "tick",
        "tls",
    )

    def __init__(self, reactor: Reactor) -> None:
        self.reactor = reactor
        self.fd = -1
        self.sock: socket.socket | None = None
        self.tls: Layer | None = None
        self.interest = 0  # what the owner wants to be told
        self.mask = 0  # what the poller was asked for
        self.inbuf = Buffer()
        self.outbuf = Buffer()
        self.deadline = 0.0  # on the reactor's clock; 0 is never
        self.tick = 0  # where the endpoint stands in the timer wheel; 0 is nowhere
        self.closed = False
        self.born = 0  # the round in which it was attached
        self.muted = False  # taken out of the poller while nothing is wanted
        self.again = False  # an `IN` is to come from `Reactor.again`, unless this is made False before

    def attach(self, sock: socket.socket, interest: int) -> None:
        """Take `sock` (non-blocking) and wait for `interest`."""
        self.sock = sock
        self.hold(sock.fileno(), interest)

    def hold(self, fd: int, interest: int) -> None:
        """Take a connection's descriptor (non-blocking) and wait for `interest`."""
        self.fd = fd
        self.interest = interest
        self.mask = interest
        self.born = self.reactor.round
        self.reactor.add(self, interest)

    def lighten(self) -> None:
        """Hold no more than the descriptor and what is to be written: connections may be silent for days, by the thousand."""
        if self.tls is None:
            if self.sock is not None:
                self.sock.detach()
                self.sock = None
            self.inbuf = _NOTHING
            if self.outbuf.size() == 0:
                self.outbuf = _NOTHING

    def socket(self) -> socket.socket | None:
        """Return the socket, made anew where only its descriptor was kept; None of a connection that does not stand."""
        if self.sock is None and self.fd >= 0 and not self.closed:
            self.sock = socket.socket(fileno=self.fd)
            self.sock.setblocking(False)
        return self.sock

    def probe(self) -> None:
        """Have the kernel ask now and then whether the other side is still there: one that is silent may have vanished."""
        sock = self.socket()
        if sock is not None and sock.family != socket.AF_UNIX:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                for option, value in _PROBES:
                    sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def want(self, interest: int) -> None:
        """Wait for `interest` from now on."""
        self.interest = interest
        if interest != self.mask and self.fd >= 0 and not self.closed:
            if self.muted:
                self.muted = False
                self.reactor.poller.add(self.fd, interest)
            else:
                self.reactor.poller.change(self.fd, interest)
            self.mask = interest

    def until(self, seconds: float) -> None:
        """Call `on_timeout` in `seconds`, unless this is called again before; 0 is never."""
        if seconds <= 0:
            self.deadline = 0.0
            return
        self.deadline = self.reactor.now + seconds
        if self.tick == 0 or self.deadline < self.tick * _TICK - _TICK:
            self.reactor.schedule(self)

    def recv(self, into: Buffer, size: int) -> int:
        """Read into a buffer: a count, 0 at the end, AGAIN, or another negative number for a failure."""
        if self.tls is None:
            return into.recv(self.fd, size)
        count = self.tls.recv(self.fd, into, size)
        if count > 0 and self.tls.pending():
            self.reactor.again(self)  # epoll knows nothing of records that were read already
        return count

    def flush(self) -> int:
        """Write what lies in `outbuf`: how much is left, or a negative number for a failure."""
        if self.outbuf.size() == 0:
            return 0
        if self.tls is None:
            return self.outbuf.send(self.fd)
        return self.tls.send(self.fd, self.outbuf)

    def close(self) -> None:
        """Close the descriptor; a second call does nothing."""
        if self.closed:
            return
        self.closed = True
        self.deadline = 0.0
        if self.tick:
            self.reactor.unschedule(self)
        if self.tls is not None:
            self.tls.end(self.fd)
        if self.fd >= 0:
            self.reactor.forget(self)
        self.inbuf.clear()
        self.outbuf.clear()
        if self.sock is not None:
            self.sock.close()
        elif self.fd >= 0:
            os.close(self.fd)
        self.sock = None
        self.tls = None

    def reset(self) -> None:
        """Close with RST, so that the other side cannot take what it has for all."""
        sock = self.socket()
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.tls = None  # no close_notify: it would say that this is all
        self.close()

    def on_event(self, mask: int) -> None:
        """Act on readiness."""
        raise NotImplementedError

    def on_copied(self, count: int, rest: Buffer) -> None:
        """Act on what the poller copied to the descriptor that this one is joined with: see `poll.Poller`."""
        raise NotImplementedError

    def on_timeout(self) -> None:
        """Act on a deadline that has passed."""
        raise NotImplementedError

    def on_hangup(self, mask: int) -> None:
        """Act on an error or a hang-up while neither `IN` nor `OUT` is reported.

        The poller tells of these whether they are wanted or not, round after round. A connection that failed is
        lost; one that both sides have ended may still hold octets for whoever is not ready for them yet.
        """
        if mask & ERR:
            self.on_lost()
        elif not self.muted:
            self.muted = True
            self.mask = 0
            self.reactor.poller.remove(self.fd)

    def on_fault(self) -> None:
        """Act on a fault of our own in one of the methods above."""
        self.reset()

    def on_lost(self) -> None:
        """Act on a connection that failed while it was not being read."""
        self.close()


class Log:
    """Lines that are written a few times a second, or when there are many: a write costs as much as half a request does."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.due = 0.0  # when they are to be written, on the reactor's clock; 0 is not said yet

    def flush(self) -> None:
        """Write the lines, and forget them."""
        raise NotImplementedError


class Reactor:
    """The loop."""

    def __init__(self) -> None:
        self.poller = Poller()
        self.table: list[Endpoint | None] = [None] * 1024  # by descriptor
        self.now = clock()
        self.round = 0
        self.running = False
        self.draining = False  # connections end with the exchange they are in
        self.log: Log | None = None
        self.urgent: Endpoint | None = None  # who is not to wait behind what takes long: it copes with events for nothing
        self.took_long = False  # what was just done, as handshakes do
        self.attended = 0.0  # when it had its turn
        self._wheel: dict[int, set[Endpoint]] = {}
        self._next_tick = 0  # the earliest key of the wheel; 0 if it is empty
        self._again: list[Endpoint] = []
        self._date = b""
        self._date_second = -1

    def date(self) -> bytes:
        """Return the time for a Date field (RFC 9110 §5.6.7), made once a second."""
        if not self._date_second <= self.now < self._date_second + 1:
            self._date_second = int(self.now)
            self._date = formatdate(usegmt=True).encode()
        return self._date

    def add(self, endpoint: Endpoint, mask: int) -> None:
        """Watch the descriptor of an endpoint."""
        fd = endpoint.fd
        while fd >= len(self.table):
            self.table.extend([None] * len(self.table))
        self.table[fd] = endpoint
        self.poller.add(fd, mask)

    def forget(self, endpoint: Endpoint) -> None:
        """Watch it no more."""
        fd = endpoint.fd
        if fd < len(self.table) and self.table[fd] is endpoint:
            self.table[fd] = None
            if endpoint.muted:
                return
            try:
                self.poller.remove(fd)
            except (OSError, KeyError):
                return

    def again(self, endpoint: Endpoint) -> None:
        """Give the endpoint an `IN` event in the next round although its descriptor may be silent."""
        if not endpoint.again:
            endpoint.again = True
            self._again.append(endpoint)

    def schedule(self, endpoint: Endpoint) -> None:
        """Put the endpoint into the wheel at its deadline, and nowhere else."""
        if endpoint.tick:
            self.unschedule(endpoint)
        tick = int(endpoint.deadline / _TICK) + 1
        endpoint.tick = tick
        slot = self._wheel.get(tick)
        if slot is None:
            self._wheel[tick] = {endpoint}
            if self._next_tick == 0 or tick < self._next_tick:
                self._next_tick = tick
        else:
            slot.add(endpoint)

    def unschedule(self, endpoint: Endpoint) -> None:
        """Take the endpoint out of the wheel: one that is closed must not be kept until its time."""
        tick = endpoint.tick
        endpoint.tick = 0
        slot = self._wheel.get(tick)
        if slot is not None:
            slot.discard(endpoint)
            if not slot:
                del self._wheel[tick]  # its time may be a day away

    def run(self) -> None:
        """Serve until `running` is made False."""
        self.running = True
        while self.running:
            self.turn(60.0)

    def turn(self, longest: float) -> None:
        """Wait once, for at most `longest` seconds, and act on everything that is ready."""
        timeout = longest
        if self._again:
            timeout = 0.0
        elif self._next_tick:
            timeout = self._next_tick * _TICK - clock()
            timeout = 0.0 if timeout < 0 else min(timeout + 0.001, longest)
        if self.log is not None and self.log.due:
            timeout = max(min(timeout, self.log.due - clock()), 0.0)
        self.poller.wait(timeout)
        self.now = self.poller.now
        self.round += 1
        poller = self.poller
        table = self.table
        while poller.next():
            endpoint = table[poller.fd]
            # An event for a descriptor that was closed and taken again in this very round is not the new one's.
            if endpoint is not None and endpoint.born != self.round:
                try:
                    if poller.copied:
                        endpoint.on_copied(poller.count, poller.rest)
                    elif poller.mask & (IN | OUT):
                        endpoint.on_event(poller.mask)
                    else:
                        endpoint.on_hangup(poller.mask)
                except Exception:
                    self._failed(endpoint)
                if self.took_long:
                    self._attend()
        if self._again:
            again = self._again
            self._again = []
            for endpoint in again:
                called, endpoint.again = endpoint.again, False
                if called and not endpoint.closed and endpoint.interest & IN:
                    try:
                        endpoint.on_event(IN)
                    except Exception:
                        self._failed(endpoint)
        if self._next_tick and self._next_tick * _TICK <= self.now:
            self._expire()
        log = self.log
        if log is not None and log.lines:
            if log.due == 0.0:
                log.due = self.now + _GATHER
            if self.now >= log.due or len(log.lines) >= _MANY_LINES:
                log.due = 0.0
                log.flush()

    def _attend(self) -> None:
        """Give who is urgent its turn: many that take long may be ready at once."""
        self.took_long = False
        now = clock()
        if now < self.attended + _PATIENCE:
            return
        self.attended = now
        endpoint = self.urgent
        if endpoint is not None and not endpoint.closed and endpoint.interest & IN:
            try:
                endpoint.on_event(IN)
            except Exception:
                self._failed(endpoint)

    def _expire(self) -> None:
        tick = int(self.now / _TICK)
        due = [key for key in self._wheel if key <= tick]
        due.sort()
        for key in due:
            for endpoint in list(self._wheel.pop(key, ())):  # gone with its last endpoint, perhaps just now
                if endpoint.closed:
                    continue  # by another one's timeout, just now
                endpoint.tick = 0
                if endpoint.deadline == 0.0:
                    continue
                if endpoint.deadline > self.now:
                    self.schedule(endpoint)
                    continue
                endpoint.deadline = 0.0
                try:
                    endpoint.on_timeout()
                except Exception:
                    self._failed(endpoint)
        self._next_tick = min(self._wheel) if self._wheel else 0

    def _failed(self, endpoint: Endpoint) -> None:
        """Tell of a fault of our own, and end only the connection it happened on."""
        sys.stderr.write("perijove: internal error, one connection is dropped\n")
        traceback.print_exc()
        endpoint.on_fault()


class Wakeup(Endpoint):
    """Wakes the loop from a signal or another thread, and calls `heard` with what was written."""

    __slots__ = ("heard", "writer")

    def __init__(self, reactor: Reactor, heard: object) -> None:
        super().__init__(reactor)
        self.heard = heard
        reader, self.writer = socket.socketpair()
        reader.setblocking(False)
        self.writer.setblocking(False)
        self.attach(reader, IN)

    def on_event(self, mask: int) -> None:
        """Read what was written and pass it on."""
        data = b""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self.fd, 4096)
        self.heard(data)  # type: ignore[operator]

    def wake(self) -> None:
        """Wake the loop; safe from any thread, and when it is closed already."""
        with contextlib.suppress(OSError):
            self.writer.send(b"\0")

    def close(self) -> None:
        """Close both ends."""
        self.writer.close()
        Endpoint.close(self)
