"""Accepting connections.

Knows listening sockets and whom to trust. Must not know what connections are used for beyond starting a `Client`.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Final

from perijove.engine.accept import accept, local_address
from perijove.engine.client import Client
from perijove.engine.const import EXCLUSIVE, IN
from perijove.engine.peer import Peer
from perijove.engine.reactor import Endpoint, Reactor
from perijove.engine.slots import CONNECTIONS, LIMITED_CONNECTIONS

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from perijove.engine.site import Site

_AT_ONCE: Final = 64  # connections taken in one round, so that those that stand are served too
_WANTED: Final = IN | (EXCLUSIVE if sys.platform == "linux" else 0)  # other workers may wait for the same socket
_PAUSE: Final = 0.2  # seconds without accepting when there are no descriptors, no memory, or enough connections
_IDLE: Final = 1.0  # seconds after which a connection that says nothing gives way where there are no descriptors
_EXHAUSTED: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Acceptor(Endpoint):
    """A listening socket."""

    __slots__ = ("announced", "port", "scheme", "secure", "site", "trusts")

    def __init__(
        self,
        reactor: Reactor,
        sock: socket.socket,
        site: Site,
        secure: ssl.SSLContext | None,
        trusts: Callable[[str], bool],
        announced: Callable[[str], bool] | None = None,
    ) -> None:
        """Accept on `sock`.

        Args:
            reactor: the loop.
            sock: listening, non-blocking.
            site: what the connections share.
            secure: of a TLS listener.
            trusts: whether forwarding fields of a peer's address are believed; "" is a Unix socket's peer.
            announced: whether connections from a peer's address begin with the PROXY protocol's header; None is: none do.
        """
        super().__init__(reactor)
        self.site = site
        self.secure = secure
        self.trusts = trusts
        self.announced = announced
        self.scheme = b"http" if secure is None else b"https"
        name = sock.getsockname()
        self.port = name[1] if isinstance(name, tuple) else 0
        self.attach(sock, _WANTED)
        self.interest = IN

    def on_event(self, mask: int) -> None:
        """Take what waits in the queue."""
        self.take(_AT_ONCE)

    def take(self, most: int) -> None:
        """Accept up to so many connections."""
        assert self.sock is not None
        limiter = self.site.limiter
        if limiter is not None and limiter.full():
            self.site.limited(LIMITED_CONNECTIONS, b"")
            self._pause()
            return
        for _ in range(most):
            if limiter is not None and limiter.full():
                return  # whether anybody waits, the next round tells
            try:
                taken = accept(self.sock)
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._make_room()
                    self._pause()
                    return
                continue  # the client hung up while it waited (ECONNABORTED and its like, accept(2))
            if taken is None:
                return
            fd, _, address, port = taken
            try:
                self._start(fd, address, port)
            except OSError:  # it hung up again at once, or the poller has no room
                continue

    def _start(self, fd: int, address: bytes, port: int) -> None:
        client: Client | None = None
        try:
            said = address.decode()
            peer = Peer(address or b"unix:", port, self.scheme, self.port, self.trusts(said), self.trusts)
            if address:
                peer.local = local_address(fd)
            client = Client(self.reactor, self.site, peer)
            self.site.connections += 1
            self.site.counters.add(CONNECTIONS, 1)
            client.start(fd, self.secure, self.announced is not None and self.announced(said))
        except Exception:
            if client is None:
                os.close(fd)
            else:
                client.close()
            raise

    def _make_room(self) -> None:
        """Close half of those that wait for a request of which nothing has come, but for those that have just begun to.

        First come those that have never asked for anything, then those that have waited for the longest time. Else whoever
        opens many and says nothing would keep all others out. A kept connection may be closed at any time, and clients ask
        again on another (RFC 9112 §9.5). What is free then is for upstreams first, since accepting pauses.
        """
        latest = self.reactor.now - _IDLE
        idle = []
        for endpoint in self.reactor.table:
            if isinstance(endpoint, Client):
                since = endpoint.idle_since()
                if since >= 0.0:
                    idle.append((endpoint.exchange.begun > 0.0, since, endpoint.fd))
        idle.sort()
        for _, since, fd in idle[: (len(idle) + 1) // 2]:
            one = self.reactor.table[fd]
            if one is not None and since < latest:
                one.close()

    def _pause(self) -> None:
        if not self.muted:
            # Taken out rather than changed: EPOLLEXCLUSIVE cannot be (epoll_ctl(2)).
            self.muted = True
            self.reactor.poller.remove(self.fd)
        self.until(_PAUSE)

    def on_fault(self) -> None:
        """Go on: one connection's fault must not end the listener."""

    def on_timeout(self) -> None:
        """Accept again, if there may be more connections. What other workers have is not told: it must be looked at."""
        if self.site.limiter is not None and self.site.limiter.full():
            self.until(_PAUSE)
        elif self.muted:
            self.muted = False
            self.reactor.poller.add(self.fd, _WANTED)
