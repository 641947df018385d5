"""Answers of our own, and the ends of exchanges and connections: written to the log, counted, closed or kept.

Knows what has been answered and whether the connection may go on. Must not know how requests come in, nor how
an upstream is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine import files, page, replies, slots, template
from perijove.engine.arrival import Arrival
from perijove.engine.const import (
    ACTIVE,
    CLIENT_GONE,
    CLOSING,
    DENIED,
    DONE,
    HEAD,
    IN,
    LINGER,
    OUT,
    TUNNELLING,
)
from perijove.engine.reactor import Endpoint
from perijove.engine.replies import Reply
from perijove.engine.slots import FIRST_ROUTE
from perijove.engine.tunnel import half_close

if TYPE_CHECKING:
    from perijove.engine.head import RequestHead
    from perijove.engine.peer import Peer
    from perijove.engine.plan import Plan
    from perijove.engine.reactor import Reactor
    from perijove.engine.site import Site
    from perijove.engine.upstream import UpstreamConnection


_HOST: Final = 261  # octets of a host and a port that are remembered: of a name there may be 255 (RFC 1035 §2.3.4)


class Answering(Arrival):
    """A client's connection, as far as answers go. Subclasses ask upstreams, and read requests."""

    __slots__ = ("accept", "agent", "buffered", "head_begun", "head_size", "referer", "replay", "upstream")

    def __init__(self, reactor: Reactor, site: Site, peer: Peer) -> None:
        super().__init__(reactor, site, peer)
        self.upstream: UpstreamConnection | None = None
        self.head_begun = False  # a request head has begun to come in
        self.buffered = False  # a request may be complete in `inbuf` already
        self.replay: bytes | None = None  # the whole request, while it could be sent a second time
        self.head_size = 0  # of the request's head as it was written
        self.accept = b""
        self.referer = b""
        self.agent = b""

    def _send(self, head: RequestHead, plan: Plan) -> None:
        """Send a request upstream."""
        raise NotImplementedError

    def close(self) -> None:
        """Close it, and the upstream connection that it holds."""
        if self.closed:
            return
        Endpoint.close(self)
        self.site.connections -= 1
        self.site.counters.add(slots.CONNECTIONS_ENDED, 1)
        if self.mode == TUNNELLING:
            self.site.counters.add(slots.TUNNELS_ENDED, 1)
        if self.admission is not None:
            self.admission.ended()
        upstream = self.upstream
        self.upstream = None
        if upstream is not None:
            upstream.borrower = None
            upstream.close()

    def _finished(self) -> None:
        exchange = self.exchange
        plan = exchange.plan
        route = FIRST_ROUTE if plan is None else plan.counted
        now = self.reactor.now
        self.site.counters.finish(route, exchange.status, exchange.received, exchange.sent, now, now - exchange.begun)
        if 101 < exchange.status < 300 and exchange.asked:
            self._touch()
        if exchange.upgrade and exchange.status != 101:
            self.site.counters.add(slots.UPGRADES_REFUSED, 1)
        state = exchange.state
        if state is not None and state.balance is not None:
            status = exchange.status if exchange.answered else 0
            state.balance.ended(state, self.head_size + exchange.received, exchange.sent, status)
        if self.admission is not None:
            self.admission.finished()
        record = self.site.record
        if record is not None:
            record.finish(self)

    def _touch(self) -> None:
        """Note that the route is of use, if that is kept."""
        plan = self.exchange.plan
        if plan is not None and plan.activity >= 0:
            self.site.counters.touch(plan.activity, self.reactor.now)

    def _tell_if_last(self) -> None:
        """Have TLS say with the last answer's end that it is the last."""
        exchange = self.exchange
        if self.tls is not None and exchange.response_done and not (exchange.keep_alive and exchange.request_done):
            self.tls.last = True

    def _let_go(self) -> None:
        """Keep nothing of a request that was answered and logged: its client chose how much that is, and may wait for long."""
        exchange = self.exchange
        exchange.lighten()
        exchange.state = None
        exchange.target = exchange.path = b""
        self.accept = self.referer = self.agent = b""
        if len(exchange.host) > _HOST:
            exchange.host = b""
            self.peer.forget()

    def _after_answer(self, left: int) -> None:
        self._let_go()
        if self.exchange.keep_alive and self.exchange.request_done:
            self.mode = HEAD
            if left == 0:
                if self.buffered or self.interest != IN or self.tls is not None:
                    self._await_request()
                else:
                    self.until(self.site.timeouts.keepalive)
                return
        else:
            self.mode = CLOSING
            if left == 0:
                self._written()
                return
        self.want(OUT)
        self.until(self.site.timeouts.write)

    def _await_request(self) -> None:
        self.until(self.site.timeouts.keepalive)
        self.want(IN)
        if self.inbuf.size():
            self.buffered = True
            self.head_begun = False
            self.until(self.site.timeouts.header)
            self.reactor.again(self)
        else:
            self.buffered = False
            if self.tls is not None and self.tls.pending():
                self.reactor.again(self)

    def _written(self) -> None:
        """The last answer is written: end the connection so that the client can read it to its end."""
        exchange = self.exchange
        # Others may have sent a request meanwhile: a reset would take the answer with it (RFC 9112 §9.6).
        if exchange.request_done and not exchange.persistent and self.inbuf.size() == 0 and exchange.method:
            self.close()
            return
        self.mode = LINGER
        self.exchange.received = 0
        self.inbuf.clear()
        if self.tls is None:
            half_close(self)
        self.want(IN)
        self.until(self.site.timeouts.linger)

    def _vanished(self) -> None:
        """The client is gone: so is what it waited for."""
        if self.mode in (ACTIVE, TUNNELLING):
            if not self.exchange.status:
                self.exchange.status = 499  # nginx's word in a log for a client that did not wait
            self.exchange.ended = CLIENT_GONE
            self._finished()
        self.close()

    def _abort(self, why: int) -> None:
        """The response cannot be completed. RST: what was sent must not look like all of it (RFC 9112 §8)."""
        if self.mode == ACTIVE:
            self.exchange.ended = why
            self.site.failure(self.exchange, self.exchange.status)
            self._finished()
        self.reset()

    def _release(self) -> None:
        upstream = self.upstream
        self.upstream = None
        self.replay = None
        if upstream is not None:
            upstream.borrower = None
            upstream.close()

    def _give_up(self, status: int, why: int) -> None:
        """End the exchange with an error page, or, if the response has begun, with a reset."""
        self._release()
        if self.exchange.response_started:
            self._abort(why)
            return
        self.exchange.ended = why
        if not self.exchange.request_done:
            self.exchange.keep_alive = False
        self.refuse(status)

    def refuse(self, status: int, why: int = 0, wait: int = 2) -> None:
        """Answer with an error page, in the words for `why`; the client may try again after `wait` seconds.

        What cannot be understood is the end of the connection.
        """
        exchange = self.exchange
        site = self.site
        if not exchange.method or status in (400, 408, 413, 414, 431, 501, 505) or (site.table.bare and status in (500, 503)):
            exchange.keep_alive = False
        if exchange.ended == DONE:
            exchange.ended = DENIED
        site.failure(exchange, status)
        reply = replies.refusal(site, exchange, self.accept, status, why, wait)
        if reply.ask is not None and exchange.plan is not None:
            self._send(reply.ask, exchange.plan)
        else:
            self._answer(reply)

    def _respond(self, plan: Plan, head: RequestHead) -> None:
        """Answer as the plan says."""
        exchange = self.exchange
        template.forwarded(exchange, head, plan, 0)  # for the public scheme and host behind a trusted peer
        lines = template.add_edits(b"", plan.response_edits, exchange, head)
        self.inbuf.drop(head.size)
        self._answer(Reply(plan.status, plan.content_type, template.fill(plan.body, exchange), lines))

    def _serve_file(self, plan: Plan, head: RequestHead) -> None:
        path = head.path.split(b"?", 1)[0]
        self.inbuf.drop(head.size)
        if head.method not in (b"GET", b"HEAD"):
            self.refuse(405, page.READ_ONLY)
            return
        content = files.read(plan.directory, path[len(plan.below) :])
        if content is None:
            self.refuse(404, page.NO_FILE)
        else:
            self._answer(Reply(200, plan.content_type, content, replies.NO_STORE))

    def _answer(self, reply: Reply) -> None:
        exchange = self.exchange
        exchange.status = reply.status
        exchange.response_done = True
        self.outbuf.append(replies.written(reply, exchange, self.reactor.date(), self.site.table.bare))
        self._tell_if_last()
        left = self.flush()
        if left < 0:
            exchange.ended = CLIENT_GONE
        self._finished()
        if left < 0:
            self.close()
            return
        self._after_answer(left)
