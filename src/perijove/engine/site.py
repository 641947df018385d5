"""What all connections of one listener share.

Knows what was decided on once: the table, limits, where things are counted. Must not know connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine.counters import unshared
from perijove.engine.head import Limits, RequestHead, ResponseHead
from perijove.engine.reactor import Log

if TYPE_CHECKING:
    from collections.abc import Callable

    from perijove.engine.exchange import Exchange
    from perijove.engine.limiter import Limiter
    from perijove.engine.peer import Peer
    from perijove.engine.plan import Table
    from perijove.engine.reactor import Endpoint

_REMEMBERED: Final = 256  # texts, and peers, that many connections may have


class Recorder(Log):
    """What writes the access log, as connections know it."""

    def begin(self, client: Endpoint, head: RequestHead) -> None:
        """Keep what is needed of a request's head, which stands for another request by the time of the answer."""
        raise NotImplementedError

    def finish(self, client: Endpoint) -> None:
        """Write of an exchange that has ended."""
        raise NotImplementedError


class Site:
    """One listener's table, and all that its connections use one after the other."""

    def __init__(self, table: Table, limits: Limits) -> None:
        self.table = table
        self.limits = limits
        # How few fields a request may have says nothing of responses (LimitRequestFields is 100).
        self.response_limits = Limits(8192, limits.size, max(limits.count, Limits().count))
        self.timeouts = table.missing.timeouts
        self.body_limit = 0  # octets; 0 is none
        self.request_head = RequestHead()
        self.response_head = ResponseHead()
        self.record: Recorder | None = None
        self.connections = 0
        self.counters = unshared()
        self.limiter: Limiter | None = None  # of operators' limits, if there are any
        self.tell: Callable[[int, bytes], None] | None = None  # somebody of what a limit kept out, and whose it was
        self._same: dict[bytes, bytes] = {}
        self._known: dict[tuple[bytes, bool], Peer] = {}
        self.failed: Callable[[Exchange, int], None] | None = None  # tells of a request that fails, and by which status

    def same(self, text: bytes) -> bytes:
        """Return `text` as another connection has it already, if one does: browsers and hosts are fewer than connections."""
        found = self._same.get(text)
        if found is None:
            if len(self._same) >= _REMEMBERED:
                self._same.clear()
            self._same[text] = found = text
        return found

    def known(self, peer: Peer) -> Peer:
        """Return one for all peers of an address that will ask for nothing more: their ports are of no use to anybody."""
        key = peer.address, peer.trusted
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = found = peer
            peer.forget()
        return found

    def limited(self, limit: int, who: bytes) -> None:
        """Count what a limit (a number of `slots`) kept out."""
        self.counters.add(limit, 1)
        if self.tell is not None:
            self.tell(limit, who)

    def failure(self, exchange: Exchange, status: int) -> None:
        """Have it told that an exchange ends badly (`ended`); of one in whose place a page of an error is asked for, once."""
        if self.failed is not None and not exchange.inside:
            self.failed(exchange, status)
