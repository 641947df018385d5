"""Upstreams: their addresses, their pooled connections, and one connection to one of them.

Knows which connection to lend and when to open one. Must not know what is said on it: whoever borrows a connection is told
what happens to it and reads and writes its buffers.
"""

from __future__ import annotations

import errno
import socket
import struct
from typing import TYPE_CHECKING, Any, Final

from perijove.engine.const import (
    AGAIN,
    CONNECT_TIMEOUT,
    ERR,
    FOUND,
    HUP,
    IN,
    LOST,
    OUT,
    REFUSED,
    UNKNOWN_NAME,
    UNTRUSTED,
    WANT_WRITE,
)
from perijove.engine.counters import unshared
from perijove.engine.reactor import Endpoint, Reactor
from perijove.engine.slots import (
    ANSWERS,
    ERRORS,
    FIRST_UPSTREAM,
    LAST_ANSWER,
    LAST_ERROR,
    LAST_KIND,
    OPENED,
    OPENED_ENDED,
    REUSED,
)
from perijove.engine.tls import Layer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from perijove.engine.buffer import Buffer
    from perijove.engine.plan import Timeouts

_TCP_INFO: Final = getattr(socket, "TCP_INFO", -1)  # Linux'
_CLOSED: Final = 7  # TCP_CLOSE (linux/tcp_states.h)
_ACKNOWLEDGED: Final = struct.Struct("B119xQ")  # of struct tcp_info (linux/tcp.h): tcpi_state, tcpi_bytes_acked
_UNREAD = unshared()  # one for all that nobody counts for: they are large, and there may be thousands of upstreams
Address = tuple[int, Any]  # family, and what socket.connect takes


class Borrower(Endpoint):
    """Who an upstream connection is lent to."""

    __slots__ = ()

    def upstream_opened(self) -> None:
        """The connection stands now; what lay in its `outbuf` has been offered to it."""
        raise NotImplementedError

    def upstream_readable(self) -> None:
        """There is something to read, or the end."""
        raise NotImplementedError

    def upstream_copied(self, count: int, rest: Buffer) -> None:
        """The poller copied what it said to the descriptor that it is joined with: see `Endpoint.on_copied`."""
        raise NotImplementedError

    def upstream_drained(self) -> None:
        """What lay in its `outbuf` has been written."""
        raise NotImplementedError

    def upstream_lost(self, why: int) -> None:
        """The connection cannot be written to or never came about. It is to be closed by the borrower."""
        raise NotImplementedError

    def upstream_timeout(self) -> None:
        """The time given by `until` is over."""
        raise NotImplementedError


class Upstream:
    """Where requests go: addresses and a pool."""

    def __init__(self, name: str, timeouts: Timeouts) -> None:
        self.name = name
        self.timeouts = timeouts
        self.authority = b""  # for Host where the client's is not kept
        self.addresses: list[Address] = []
        self.host = ""  # to resolve; empty if the addresses are literal
        self.port = 0
        self.tls: ssl.SSLContext | None = None
        self.server_name: str | None = None  # for SNI and the check
        self.name_from_host = False  # each request says for itself who is to answer: its Host
        # Tells of a certificate, DER, and a name whether it may be spoken with; None where `tls` does.
        self.examine: Callable[[bytes, str], bool] | None = None
        self.idle: list[UpstreamConnection] = []
        self.absolute = b""  # what stands before each path in a request line, where another proxy is asked
        self.max_idle = 64
        self.idle_timeout = 30.0
        self.last_answer = -1e9  # on the reactor's clock
        self.unresolved = False  # the last look-up failed
        self.barred = False  # nothing may be sent there: it is only asked whether anybody has the name
        self.waiting: list[UpstreamConnection] = []
        self.counters = _UNREAD
        self.counted = FIRST_UPSTREAM  # where in the row of counters

    def lend(self, borrower: Borrower, fresh: bool, name: str | None) -> UpstreamConnection:
        """Return a connection for `borrower`: one that stands, unless it must be `fresh`, or one that is being opened.

        Args:
            borrower: who is told what happens to it.
            fresh: whether it must be a new one.
            name: who is to answer, with TLS: no connection is lent that was opened for another name.
        """
        if not fresh:
            for at in range(len(self.idle) - 1, -1, -1):
                connection = self.idle[at]
                if connection.closed:
                    del self.idle[at]
                elif connection.server_name == name:
                    del self.idle[at]
                    connection.borrower = borrower
                    connection.used = True
                    connection.lent = borrower.reactor.round
                    connection.deadline = 0.0
                    self.counters.add(self.counted + REUSED, 1)
                    return connection
        return UpstreamConnection(borrower.reactor, self, borrower, name)

    def take_back(self, connection: UpstreamConnection) -> None:
        """Keep a connection that is clean for another request, or close it."""
        if connection.closed or len(self.idle) >= self.max_idle or connection.inbuf.size() or connection.outbuf.size():
            connection.close()
            return
        if connection.unsure or (connection.tls is not None and connection.tls.pending()):
            connection.unsure = False
            if connection.recv(connection.inbuf, 1) != AGAIN:  # there is more, which nobody asked for, or the end
                connection.close()
                return
        connection.again = False  # of the time before: who borrows it next would take that for news
        connection.borrower = None
        connection.want(IN)
        connection.until(self.idle_timeout)
        self.idle.append(connection)

    def resolved(self, addresses: list[Address]) -> None:
        """Use `addresses` from now on; an empty list is a failed look-up, and leaves known ones in use."""
        self.unresolved = not addresses
        if addresses:
            self.addresses = addresses
        waiting = self.waiting
        self.waiting = []
        for connection in waiting:
            if not connection.closed:
                connection.open()

    def answered(self, now: float) -> None:
        """Note that an exchange, or a tunnel, came to what it was for."""
        self.last_answer = now
        self.counters.add(self.counted + ANSWERS, 1)
        self.counters.note(self.counted + LAST_ANSWER, int(now * 1e3))

    def failed(self, why: int, now: float) -> None:
        """Note that an exchange was given up: REFUSED … RESPONSE_TIMEOUT."""
        self.counters.add(self.counted + ERRORS + why, 1)
        self.counters.note(self.counted + LAST_ERROR, int(now * 1e3))
        self.counters.note(self.counted + LAST_KIND, why)

    def close_idle(self) -> None:
        """Close what is pooled."""
        idle = self.idle
        self.idle = []
        for connection in idle:
            connection.close()


class UpstreamConnection(Endpoint):
    """One connection to an upstream."""

    __slots__ = ("_next", "borrower", "counted", "lent", "opened", "server_name", "unsure", "upstream", "used")

    def __init__(self, reactor: Reactor, upstream: Upstream, borrower: Borrower, server_name: str | None) -> None:
        super().__init__(reactor)
        self.upstream = upstream
        self.server_name = server_name
        self.borrower: Borrower | None = borrower
        self.opened = False  # ready for bytes
        self.used = False  # it has carried a request before
        self.lent = -1  # in which round that was, of one that has
        self.unsure = False  # no more was read than the response had left: what lies behind it was not seen
        self.counted = False  # as one that was opened
        self._next = 0  # of the addresses

    def open(self) -> None:
        """Start connecting; what is in `outbuf` goes out as soon as it stands."""
        upstream = self.upstream
        if not upstream.addresses:
            if upstream.unresolved:
                self._lost(UNKNOWN_NAME)
            else:
                upstream.waiting.append(self)
                self.until(upstream.timeouts.connect)
            return
        if upstream.barred:
            self._lost(REFUSED)
            return
        while self._next < len(upstream.addresses):
            family, address = upstream.addresses[self._next]
            self._next += 1
            try:
                sock = socket.socket(family, socket.SOCK_STREAM | getattr(socket, "SOCK_CLOEXEC", 0))
            except OSError:  # out of descriptors, or a family the kernel lacks
                continue
            sock.setblocking(False)
            if family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            try:
                error = sock.connect_ex(address)
            except (OSError, ValueError):  # an address that is none: a zone that is not there, a path that is too long
                error = errno.EINVAL
            if error not in (0, errno.EINPROGRESS):
                sock.close()
                continue
            self.until(upstream.timeouts.connect)
            self.attach(sock, OUT)
            return
        self._lost(REFUSED)

    def _connected(self) -> None:
        """The kernel says whether the connection stands."""
        assert self.sock is not None
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._drop_socket()
            self.open()
            return
        if self.upstream.tls is not None:
            try:
                self.tls = Layer(self.upstream.tls, False, self.server_name or None)
            except (OSError, ValueError):  # ssl.SSLError is the former
                self._lost(UNTRUSTED)
                return
            self.want(IN | OUT)
            self._handshake()
            return
        self._ready()

    def _handshake(self) -> None:
        assert self.tls is not None
        verdict = self.tls.handshake(self.fd)
        if verdict == AGAIN:
            self.want(IN)
        elif verdict == WANT_WRITE:
            self.want(OUT)
        elif verdict == FOUND and self._is_who_it_should_be():
            self._ready()
        else:
            self._lost(UNTRUSTED)

    def _is_who_it_should_be(self) -> bool:
        examine = self.upstream.examine
        if examine is None:
            return True
        assert self.tls is not None
        return examine(self.tls.connection.getpeercert(True) or b"", self.server_name or "")

    def close(self) -> None:
        """Close it; a second call does nothing."""
        if self.counted and not self.closed:
            self.upstream.counters.add(self.upstream.counted + OPENED_ENDED, 1)
        Endpoint.close(self)

    def _ready(self) -> None:
        self.opened = True
        self.counted = True
        self.upstream.counters.add(self.upstream.counted + OPENED, 1)
        self.deadline = 0.0
        self.want(IN)
        self.offer()
        if not self.closed and self.borrower is not None:
            self.borrower.upstream_opened()

    def _drop_socket(self) -> None:
        self.reactor.forget(self)
        if self.sock is not None:
            self.sock.close()
        self.sock = None
        self.tls = None
        self.fd = -1
        self.mask = 0

    def _lost(self, why: int) -> None:
        self.deadline = 0.0
        if self.borrower is not None:
            self.borrower.upstream_lost(why)
        else:
            self.close()

    def offer(self) -> int:
        """Write what can be written: how much is left, or a negative number if the connection was lost."""
        if not self.opened:
            return self.outbuf.size()
        left = self.flush()
        if left < 0:
            self._lost(LOST)
        elif left:
            if not self.interest & OUT:
                self.want(self.interest | OUT)
        elif self.interest & OUT:
            self.want(self.interest & ~OUT)
        return left

    def untaken(self) -> bool:
        """Tell whether it was reset before the other side acknowledged anything: nobody has read what was sent.

        The socket was gone when that came. What was acknowledged may lie unread as well, but nobody can tell.
        """
        if self.sock is None or self.used or self.tls is not None:
            return False
        try:
            info = self.sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _ACKNOWLEDGED.size)
            state, octets = _ACKNOWLEDGED.unpack(info)
        except (OSError, struct.error):  # no TCP, or another system
            return False
        return bool(state == _CLOSED and octets <= 1)  # the SYN counts as one

    def on_event(self, mask: int) -> None:
        """Go on with whatever the connection stands at."""
        borrower = self.borrower
        if borrower is None:  # idle: an end, or octets that nobody asked for; neither leaves it of use
            self._retire()
            return
        if not self.opened:
            if self.tls is not None:
                self._handshake()
            else:
                self._connected()
            return
        if mask & IN and self.lent == self.reactor.round:
            # Epoll has told of this before the request was sent: whatever it is, it is no answer to it.
            self._lost(LOST)
            return
        if mask & (OUT | ERR) and self.outbuf.size() and self.offer() == 0 and self.borrower is borrower:
            borrower.upstream_drained()
        if mask & (IN | HUP | ERR) and self.borrower is borrower and self.interest & IN and not self.closed:
            borrower.upstream_readable()

    def on_copied(self, count: int, rest: Buffer) -> None:
        """Tell the borrower."""
        if self.borrower is not None:
            self.borrower.upstream_copied(count, rest)

    def on_hangup(self, mask: int) -> None:
        """Wait for the borrower: a connection that failed, too, may still hold octets that it is not ready for yet."""
        Endpoint.on_hangup(self, mask & ~ERR)

    def on_fault(self) -> None:
        """End the borrower as well: it would wait for ever."""
        borrower = self.borrower
        self.borrower = None
        self.reset()
        if borrower is not None:
            borrower.on_fault()

    def on_timeout(self) -> None:
        """Tell the borrower, or retire an idle connection."""
        if self.borrower is None:
            self._retire()
        elif not self.opened:
            if self in self.upstream.waiting:
                self.upstream.waiting.remove(self)
                self._lost(UNKNOWN_NAME)
            else:
                self._drop_socket()
                if self._next < len(self.upstream.addresses):
                    self.open()
                else:
                    self._lost(CONNECT_TIMEOUT)
        else:
            self.borrower.upstream_timeout()

    def _retire(self) -> None:
        if self.tls is not None and not self.closed:
            # A TLS 1.3 server sends session tickets after the handshake; they are no content.
            count = self.recv(self.inbuf, 4096)
            if count == AGAIN:
                return
        if self in self.upstream.idle:
            self.upstream.idle.remove(self)
        self.close()
