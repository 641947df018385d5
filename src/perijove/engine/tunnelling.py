"""A client's connection from the moment it is a tunnel, until both sides have ended.

Knows who ended, for how long a tunnel may be silent, and how much went through it. How octets are copied is `tunnel`'s, and the
poller's. Must not know what was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perijove.engine import slots
from perijove.engine.answering import Answering
from perijove.engine.const import (
    CLIENT_GONE,
    ENDED,
    FAILED,
    IN,
    LOST,
    OPEN,
    OUT,
    TUNNELLING,
)
from perijove.engine.tunnel import copied, drained, half_close, join

if TYPE_CHECKING:
    from perijove.engine.buffer import Buffer
    from perijove.engine.peer import Peer
    from perijove.engine.reactor import Reactor
    from perijove.engine.site import Site
    from perijove.engine.upstream import UpstreamConnection


class Tunnelling(Answering):
    """A connection that may become a tunnel."""

    __slots__ = ("client_ended", "tunnelled", "upstream_ended")

    def __init__(self, reactor: Reactor, site: Site, peer: Peer) -> None:
        super().__init__(reactor, site, peer)
        self.client_ended = False
        self.upstream_ended = False
        self.tunnelled = 0.0  # when a tunnel began

    def _drain(self) -> None:
        """Write what lies ready for the client, and go on with what waited for that."""
        raise NotImplementedError

    def _tunnel(self) -> None:
        """The upgrade is agreed: copy bytes from now on."""
        upstream = self.upstream
        assert upstream is not None
        self.mode = TUNNELLING
        self.site.counters.add(slots.TUNNELS, 1)
        self.client_ended = False
        self.upstream_ended = False
        self.replay = None
        self.accept = b""
        upstream.upstream.answered(self.reactor.now)
        self.tunnelled = self.reactor.now
        self.exchange.sent += upstream.inbuf.size()
        self.exchange.received += self.inbuf.size()
        upstream.inbuf.move(self.outbuf, upstream.inbuf.size())
        self.inbuf.move(upstream.outbuf, self.inbuf.size())
        self.deadline = 0.0
        self.probe()
        upstream.probe()
        self.until(upstream.upstream.timeouts.tunnel)
        upstream.deadline = 0.0
        site = self.site
        self.exchange.lighten()
        self.exchange.host = site.same(self.exchange.host)
        self.peer = self.exchange.peer = site.known(self.peer)
        self.agent = site.same(self.agent)
        if self.tls is None and upstream.tls is None:
            self.lighten()
            upstream.lighten()
        if self.tls is not None:
            self.tls.lighten()
        if upstream.tls is not None:
            upstream.tls.lighten()
        self._join()
        self.want(IN | OUT if self.outbuf.size() else IN)
        upstream.want(IN | OUT if upstream.outbuf.size() else IN)
        if self.tls is not None:
            self.reactor.again(self)
        if upstream.tls is not None:
            self.reactor.again(upstream)
        if self.outbuf.size():
            self._drain()

    def on_copied(self, count: int, rest: Buffer) -> None:
        """Something went to the upstream, without a word or because of the end."""
        if self.upstream is not None:
            self._copied(copied(self, self.upstream, count, rest), True)

    def upstream_copied(self, count: int, rest: Buffer) -> None:
        """Something went to the client, without a word or because of the end."""
        if self.upstream is not None:
            self._copied(copied(self.upstream, self, count, rest), False)

    def _join(self) -> None:
        """Leave what is said to the poller. Where a route's last use is noted, each word counts."""
        plan = self.exchange.plan
        if self.upstream is not None:
            join(self, self.upstream, plan is not None and plan.activity >= 0)

    def _drained(self, from_client: bool) -> None:
        """Write what lies ready for one side, and go on with what the other one says to it."""
        upstream = self.upstream
        assert upstream is not None
        verdict = drained(upstream, self, self.client_ended) if from_client else drained(self, upstream, self.upstream_ended)
        if verdict == OPEN:
            self._join()
        else:
            self._copied(verdict, from_client)

    def _copied(self, verdict: int, from_client: bool) -> None:
        """Act on what `relay` answered for one direction."""
        upstream = self.upstream
        if upstream is None:
            return
        exchange = self.exchange
        if verdict > 0:
            if from_client:
                exchange.received += verdict
            else:
                exchange.sent += verdict
            self._touch()
        elif verdict <= FAILED:
            self.exchange.ended = CLIENT_GONE if (verdict == FAILED) == from_client else LOST
            self._finished()
            self.close()
            return
        if verdict == ENDED:
            to: UpstreamConnection | Tunnelling
            if from_client:
                self.client_ended = True
                to = upstream
            else:
                self.upstream_ended = True
                to = self
            if to.outbuf.size() == 0:
                half_close(to)
                if (self.client_ended and self.upstream_ended) or to.tls is not None:
                    self._finished()
                    self.close()
                    return
        self._tunnel_lasts()

    def _tunnel_lasts(self) -> None:
        """Give it its time anew, since somebody said something."""
        assert self.upstream is not None
        timeouts = self.upstream.upstream.timeouts
        if self.client_ended or self.upstream_ended:
            self.until(timeouts.write)  # what is left to say is said soon; TCP would keep half a tunnel for ever
        elif timeouts.tunnel:
            self.until(timeouts.tunnel)

    def _untold(self) -> bool:
        """Count what the poller copied and has not told yet: whether it did."""
        upstream = self.upstream
        if upstream is None or self.tls is not None or upstream.tls is not None:
            return False
        received = self.reactor.poller.untold(self.fd)
        sent = self.reactor.poller.untold(upstream.fd)
        if not received and not sent:
            return False
        self.exchange.received += received
        self.exchange.sent += sent
        return True

    def _finished(self) -> None:
        if self.mode == TUNNELLING:
            self._untold()
        Answering._finished(self)
