"""A client's connection before its first request: a balancer says whose it is, or TLS is agreed on.

Knows the PROXY protocol's header and handshakes. Must not know requests: `arrived` says that they may come.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from perijove.engine import proxy_protocol
from perijove.engine.admission import Admission
from perijove.engine.const import AGAIN, ANNOUNCED, BROKEN, FOUND, HANDSHAKE, HEAD, IN, MORE, OUT, PLAIN, WANT_WRITE
from perijove.engine.exchange import Exchange
from perijove.engine.tls import Layer
from perijove.engine.upstream import Borrower

if TYPE_CHECKING:
    import ssl

    from perijove.engine.peer import Peer
    from perijove.engine.reactor import Reactor
    from perijove.engine.site import Site


class Arrival(Borrower):
    """What a connection is from accept on."""

    __slots__ = ("admission", "context", "exchange", "mode", "peer", "site")

    def __init__(self, reactor: Reactor, site: Site, peer: Peer) -> None:
        super().__init__(reactor)
        self.site = site
        self.peer = peer
        self.exchange = Exchange(peer)
        self.mode = HEAD
        self.admission: Admission | None = None  # if there are limits
        self.context: ssl.SSLContext | None = None  # for the handshake that is to come

    def start(self, fd: int, tls: ssl.SSLContext | None, announced: bool = False) -> None:
        """Take an accepted connection.

        Args:
            fd: its descriptor (non-blocking), which this closes from now on.
            tls: begin with a handshake.
            announced: before all that the PROXY protocol's header must come.
        """
        self.fd = fd
        limiter = self.site.limiter
        if limiter is not None:
            self.admission = Admission(self.site, limiter)
            if not announced and not self.admission.admits(self.peer, tls is not None):
                self.close()
                return
        if announced:
            self.context = tls
            self.mode = ANNOUNCED
            self.hold(fd, IN)
            self.until(self.site.timeouts.handshake)
        elif tls is None:
            self.hold(fd, IN)
            self.until(self.site.timeouts.header)
        else:
            self.tls = Layer(tls, True)
            self.mode = HANDSHAKE
            self.hold(fd, IN)
            self.until(self.site.timeouts.handshake)

    def go_on(self) -> None:
        """Read on at what comes before requests."""
        if self.mode == HANDSHAKE:
            self._handshake()
        else:
            self._announced()

    def arrived(self) -> None:
        """Read the first request, of which something may have come with the handshake already."""

    def spoke_plainly(self) -> None:
        """Refuse a request that came in place of a handshake."""

    def _announced(self) -> None:
        """Read the PROXY protocol's header and nothing beyond it: what follows may be a handshake, which is not ours to read.

        So octets are looked at first, and taken when they are known to be the header's.
        """
        sock = self.socket()
        assert sock is not None
        before = self.inbuf.copy()
        try:
            seen = sock.recv(proxy_protocol.MOST - len(before), socket.MSG_PEEK)
            size, address, port = proxy_protocol.parse(before + seen)
            if not seen or size == BROKEN:
                self.close()
                return
            self.inbuf.append(sock.recv(len(seen) if size == MORE else size - len(before)))
            if size == MORE:
                return
            self.inbuf.clear()
            if address:
                self.peer.renew(address, port)
                self.exchange.address = address
                if self.admission is not None and not self.admission.admits(self.peer, self.context is not None):
                    self.close()
                    return
            if self.context is None:
                self.mode = HEAD
                self.until(self.site.timeouts.header)
                return
            self.mode = HANDSHAKE
            self.tls = Layer(self.context, True)
            self.context = None
        except BlockingIOError:
            return
        except OSError:
            self.close()

    def _handshake(self) -> None:
        assert self.tls is not None
        self.reactor.took_long = True
        verdict = self.tls.handshake(self.fd)
        if verdict == FOUND:
            self.peer.tls = self.tls.connection
            self.mode = HEAD
            self.want(IN)
            self.until(self.site.timeouts.header)
            self.arrived()
        elif verdict == AGAIN:
            self.want(IN)
        elif verdict == WANT_WRITE:
            self.want(OUT)
        elif verdict == PLAIN:
            self.tls = None
            self.spoke_plainly()
        else:
            self.close()
