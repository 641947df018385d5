"""A client's connection: its requests one after the other, each with an upstream connection, or a tunnel at the end.

Knows when to read from the client, write to it, and wait for it. What becomes of a request is in the classes that this one is
made of, each of which knows those before it: `Arrival`, `Answering`, `Tunnelling`, `Forwarding`. Must not know what is in a
message (`exchange`, `head`). What arrives out of turn stays in the kernel: reading stops while a buffer waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine import fields, page, slots
from perijove.engine.admission import Admission
from perijove.engine.const import (
    ACTIVE,
    AGAIN,
    ANNOUNCED,
    CHUNKED,
    CLIENT_TIMEOUT,
    CLOSING,
    CONNECT,
    CUT,
    FILE,
    FIN,
    FORWARD,
    FOUND,
    HANDSHAKE,
    HEAD,
    IDLE,
    IN,
    LINGER,
    MORE,
    OUT,
    READ_SIZE,
    RESPOND,
    RESPONSE_TIMEOUT,
    TUNNELLING,
)
from perijove.engine.forwarding import Forwarding
from perijove.engine.tunnel import relay

if TYPE_CHECKING:
    from perijove.engine.head import RequestHead
    from perijove.engine.limiter import Limiter
    from perijove.engine.peer import Peer
    from perijove.engine.reactor import Reactor
    from perijove.engine.site import Site

_ACCEPT: Final = fields.ACCEPT
_PIPELINED: Final = 65536  # octets of further requests that are taken in while one is served
_LINGER_MOST: Final = 1 << 20


class Client(Forwarding):
    """One connection."""

    __slots__ = ("requests",)

    def __init__(self, reactor: Reactor, site: Site, peer: Peer) -> None:
        super().__init__(reactor, site, peer)
        self.requests = 0  # of this connection, where they are counted

    def arrived(self) -> None:
        """Read the first request."""
        self._read()

    def spoke_plainly(self) -> None:
        """Refuse a request that came in place of a handshake."""
        self.exchange.forget(self.reactor.now)
        self.refuse(400, page.PLAIN_HTTP)

    def enter(self, limiter: Limiter) -> None:
        """Be counted from now on, as far as it is not: limits were set while the connection stood."""
        if self.admission is None:
            self.admission = Admission(self.site, limiter)
            if self.mode != ANNOUNCED:
                self.admission.stands(self.peer)
        if self.mode in (ACTIVE, TUNNELLING) and self.exchange.upgrade:
            self.admission.tunnels(self.exchange)

    # ------------------------------------------------------------------ events of the client

    def on_event(self, mask: int) -> None:
        """Go on with whatever the connection stands at."""
        if self.mode <= HANDSHAKE:
            self.go_on()
            return
        if mask & OUT and self.interest & OUT:
            self._drain()
        if mask & IN and self.interest & IN and not self.closed:
            self._read()

    def on_hangup(self, mask: int) -> None:
        """Notice an end behind what is not taken in: further requests, or content that upstream does not take."""
        if mask & FIN and self.mode == ACTIVE:
            self._vanished()
        else:
            Forwarding.on_hangup(self, mask)

    def on_lost(self) -> None:
        """The client is gone."""
        self._vanished()

    def on_timeout(self) -> None:
        """Give up what was waited for."""
        if self.mode == HEAD and self.outbuf.size() == 0:
            if self.head_begun:
                self.exchange.ended = CLIENT_TIMEOUT
                self.refuse(408)
            else:
                self.close()
        elif self.mode == ACTIVE and self.retry_until and self.upstream is not None and self.upstream.fd < 0:
            self._reconnect()
        elif self.mode == ACTIVE and not self.exchange.response_started and not self.exchange.request_done:
            self._give_up(408, CLIENT_TIMEOUT)
        elif self.mode in (CLOSING, ACTIVE, HEAD):
            self._abort(CLIENT_TIMEOUT)
        elif self.mode == TUNNELLING and self._untold():
            self._tunnel_lasts()
        else:
            if self.mode == TUNNELLING:
                self.exchange.ended = RESPONSE_TIMEOUT if self.client_ended else CLIENT_TIMEOUT if self.upstream_ended else IDLE
                self._finished()
            self.close()

    def _read(self) -> None:
        mode = self.mode
        if mode == HEAD:
            if self.buffered:
                self.buffered = False
            else:
                count = self.recv(self.inbuf, READ_SIZE)
                if count <= 0:
                    if count != AGAIN:
                        self.close()
                    return
            self._next_request()
        elif mode == TUNNELLING:
            assert self.upstream is not None
            self._copied(relay(self, self.upstream), True)
        elif mode == ACTIVE:
            if self.exchange.request_done:
                self._read_ahead()
            else:
                self._read_content()
        elif mode == LINGER:
            count = self.recv(self.inbuf, READ_SIZE)
            self.exchange.received += max(count, 0)
            self.inbuf.clear()
            if count == 0 or (count < 0 and count != AGAIN) or self.exchange.received > _LINGER_MOST:
                self.close()

    def _read_ahead(self) -> None:
        """Take in what comes while a request is served: further requests, or the end."""
        if self.inbuf.size() >= _PIPELINED:
            self.want(self.interest & ~IN | FIN)
            return
        count = self.recv(self.inbuf, READ_SIZE)
        if count > 0:
            self.buffered = True
        elif count != AGAIN:
            # TCP cannot tell a client that is gone from one that has only ended its side. One that has waits in vain
            # here, as with nginx; but what it stopped waiting for is not kept running.
            self._vanished()

    def _read_content(self) -> None:
        upstream = self.upstream
        exchange = self.exchange
        assert upstream is not None
        if upstream.outbuf.size():
            self._hold_content()
            return
        if exchange.request_left > 0 and self.inbuf.size() == 0:
            count = self.recv(upstream.outbuf, min(exchange.request_left, READ_SIZE))
            if count > 0:
                exchange.took(count)
        else:
            count = self.recv(self.inbuf, READ_SIZE)
        if count <= 0:
            if count != AGAIN:
                self._vanished()
            return
        self.until(self.site.timeouts.body)
        self._push_content()

    def _drain(self) -> None:
        """Write what lies ready for the client, and go on with what waited for that."""
        if self.mode == TUNNELLING:
            self._drained(False)
            return
        before = self.outbuf.size()
        left = self.flush()
        if left < 0:
            self._vanished()
            return
        if left:
            if left != before:
                self.until(self.site.timeouts.write)
            return
        self.want(self.interest & ~OUT)
        if self.mode == ACTIVE:
            # Where content is held, it is upstream that is waited for.
            self.until(0.0 if self.exchange.request_done or not self.interest & IN else self.site.timeouts.body)
            if self.upstream is not None and self.upstream.opened:
                self.upstream.want(self.upstream.interest | IN)
                self._time_upstream(self.upstream)
                if self.upstream.tls is not None:
                    self.reactor.again(self.upstream)
        elif self.mode == HEAD:
            self._await_request()
        elif self.mode == CLOSING:
            self._written()

    # ------------------------------------------------------------------ requests

    def _next_request(self) -> None:
        """Look for a request in `inbuf` and start it."""
        site = self.site
        head = site.request_head
        verdict = head.scan(self.inbuf, site.limits)
        if verdict == FOUND:
            self._begin(head)
        elif verdict == MORE:
            if not self.head_begun and self.inbuf.size():
                self._forget()
                self.head_begun = True
                self.until(site.timeouts.header)
        else:
            if not self.head_begun:
                self._forget()
            self.refuse(site.table.status_of_head(verdict))

    def _forget(self) -> None:
        """Forget the request before: what comes now may turn out to be none."""
        self.exchange.forget(self.reactor.now)
        self.accept = b""
        self.referer = b""
        self.agent = b""

    def _begin(self, head: RequestHead) -> None:
        site = self.site
        plan = site.table.resolve(head, None, self.peer)
        exchange = self.exchange
        exchange.begin(head, plan)
        if plan.edited:
            state = site.table.state
            assert state is not None
            if plan.keeps_fields:
                state.snapshot()  # the head stands for other requests by the time of the answer
            exchange.state = state
        exchange.begun = self.reactor.now
        self.head_begun = False
        self.accept = head.field(_ACCEPT) or b""
        if self.reactor.draining:
            exchange.keep_alive = False
        if plan.per_connection:
            self.requests += 1
            if self.requests >= plan.per_connection:
                exchange.keep_alive = False
        if site.record is not None:
            site.record.begin(self, head)
        if self.admission is not None:
            over = self.admission.refuses(exchange, head, self.reactor.now)
            if over is not None:
                if head.length == CHUNKED or head.length > 0:
                    exchange.keep_alive = False  # its content is not read
                self.inbuf.drop(head.size)
                why, wait = over
                self.refuse(429, why, wait)
                return
        if plan.kind == CONNECT:
            self._connect(head, plan)
            return
        if plan.kind != FORWARD or (head.method == b"TRACE" and not plan.edited) or 0 < site.body_limit < head.length:
            if head.length == CHUNKED or head.length > 0:
                exchange.keep_alive = False  # its content is not read
            if plan.kind == RESPOND:
                self._respond(plan, head)
            elif plan.kind == FILE:
                self._serve_file(plan, head)
            else:
                self.inbuf.drop(head.size)
                if plan.kind != FORWARD:
                    self.refuse(plan.status)
                elif head.method == b"TRACE":
                    self.refuse(405)
                else:
                    site.limited(slots.LIMITED_BODY, exchange.address)
                    self.refuse(413)
            return
        self._send(head, plan)

    # ------------------------------------------------------------------ the end of the process

    def drain(self) -> None:
        """Let the exchange that is going on be the last."""
        if not self.exchange.response_started:
            self.exchange.keep_alive = False

    def idle_since(self) -> float:
        """Return since when it waits for a request of which nothing has come, on the reactor's clock; -1 if it does not."""
        if self.mode != HEAD or self.inbuf.size() or self.outbuf.size():
            return -1.0
        timeouts = self.site.timeouts
        return max(self.deadline - (timeouts.keepalive if self.exchange.begun else timeouts.header), 0.0)

    def close_if_idle(self) -> None:
        """Close a connection that has brought nothing of a further request."""
        if self.mode == HEAD and self.inbuf.size() == 0 and self.outbuf.size() == 0:
            self.close()

    def end(self) -> None:
        """Close now: a tunnel with a FIN on both sides, an exchange so that it cannot be taken for a whole one."""
        if self.mode == TUNNELLING:
            self.exchange.ended = CUT
            self._finished()
            self.close()
        elif self.mode == ACTIVE:
            self._abort(CUT)
