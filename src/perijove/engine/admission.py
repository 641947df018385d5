"""One connection as operators' limits see it: whose it is, whose its requests and its tunnel are, and whether they may come in.

Knows the counts that all workers share (`limiter`). Must not know sockets, nor how a refusal is worded: it names the reason.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from perijove.engine import page, slots, target, template
from perijove.engine.const import FORWARD
from perijove.engine.limiter import CLIENT, EXCESS, OWNER
from perijove.engine.upstream import Upstream

if TYPE_CHECKING:
    from perijove.engine.exchange import Exchange
    from perijove.engine.head import RequestHead
    from perijove.engine.limiter import Limiter, Spot
    from perijove.engine.peer import Peer
    from perijove.engine.plan import Plan
    from perijove.engine.site import Site

_ASK_AGAIN: Final = 10  # seconds, in a refusal of what has no time at which it is possible again


class Admission:
    """A connection that is counted, from now until `ended`."""

    __slots__ = ("excess", "limiter", "owner", "site", "spot")

    def __init__(self, site: Site, limiter: Limiter) -> None:
        self.site = site
        self.limiter = limiter
        self.spot: Spot | None = None  # where it is counted as its client's
        self.owner: Spot | None = None  # where its tunnel is, or is about to be
        self.excess = False  # the client has too many: this one is only to be told so
        limiter.opened()

    def admits(self, peer: Peer, secured: bool) -> bool:
        """Count the connection as its client's; False if the client has too many and it must be closed.

        Plain HTTP is let in beyond the limit, up to as many again, to have its first request answered with 429: an answer
        before the request, or a close on top of one, might never be seen. A handshake would cost too much for that.
        """
        limiter = self.limiter
        # A trusted peer's connections are many clients', and whose, each request says. A Unix socket's have no address.
        if peer.trusted or peer.address == b"unix:":
            return True
        spot = limiter.spot(CLIENT, peer.address)
        if 0 < limiter.per_client <= limiter.count(spot):
            self.site.limited(slots.LIMITED_ADDRESS, peer.address)
            spot = limiter.spot(EXCESS, peer.address)
            if secured or limiter.count(spot) >= limiter.per_client:
                return False
            self.excess = True
        self.spot = spot
        limiter.add(spot)
        return True

    def stands(self, peer: Peer) -> None:
        """Count a connection that stood before there were limits as its client's, however many those are."""
        if not peer.trusted and peer.address != b"unix:":
            self.spot = self.limiter.spot(CLIENT, peer.address)
            self.limiter.add(self.spot)

    def tunnels(self, exchange: Exchange) -> None:
        """Count the tunnel of a connection that stood before there were limits, if it is not yet."""
        if self.owner is None:
            self.owner = self._owner_of(exchange)
            if self.owner is not None:
                self.limiter.add(self.owner)

    def refuses(self, exchange: Exchange, head: RequestHead, now: float) -> tuple[int, int] | None:
        """Return why a request is over a limit (0 or a number of `page`), and after how many seconds it may come again."""
        site = self.site
        limiter = self.limiter
        peer = exchange.peer
        if self.excess:
            exchange.keep_alive = False
            return page.CONNECTIONS, _ASK_AGAIN
        if site.limiter is None:
            return None
        if limiter.interval:
            if peer.trusted:
                template.find_client(exchange, head)
            # What a trusted peer asks for itself is not a client's.
            if exchange.address != b"unix:" and not (peer.trusted and exchange.address == peer.address):
                wait = limiter.take(limiter.spot(CLIENT, exchange.address), now)
                if wait:
                    site.limited(slots.LIMITED_RATE, exchange.address)
                    return 0, math.ceil(wait)
        plan = exchange.plan
        if exchange.upgrade and plan is not None and plan.kind == FORWARD:
            # Counted from the request on: of many that are on their way at once no more must become tunnels.
            owner = self._owner_of(exchange)
            if owner is not None:
                if 0 < limiter.tunnels <= limiter.count(owner):
                    site.limited(slots.LIMITED_TUNNELS, self._name(exchange, plan))
                    return page.TUNNELS, _ASK_AGAIN
                limiter.add(owner)
                self.owner = owner
        return None

    def finished(self) -> None:
        """Give back the tunnel of an exchange that has ended."""
        if self.owner is not None:
            self.limiter.remove(self.owner)
            self.owner = None

    def ended(self) -> None:
        """Give back all of a connection that has ended."""
        self.finished()
        self.limiter.ended()
        if self.spot is not None:
            self.limiter.remove(self.spot)

    def _owner_of(self, exchange: Exchange) -> Spot | None:
        """Return where tunnels of the exchange's owner are counted. Hosts that lead to one upstream have the same owners."""
        plan = exchange.plan
        assert plan is not None
        name = self._name(exchange, plan)
        if not name:
            return None
        upstream = plan.upstream
        assert isinstance(upstream, Upstream)
        return self.limiter.spot(OWNER, b"%b\0%b" % (upstream.name.encode(), name))

    def _name(self, exchange: Exchange, plan: Plan) -> bytes:
        return target.behind(exchange.path, plan.mount, self.limiter.word)
