"""A request on its way: lent an upstream connection, sent, answered, or tried again where that is safe.

Knows when an upstream is written to, waited for and given up. Must not know how requests come in, nor how connections are
pooled (`upstream`), nor what is in a message (`exchange`, `head`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine import slots
from perijove.engine.buffer import Buffer
from perijove.engine.const import (
    ABORT,
    ACTIVE,
    AGAIN,
    BAD_RESPONSE,
    CONNECT,
    CONNECT_TIMEOUT,
    DENIED,
    FAILED,
    FIN,
    FORWARD,
    FOUND,
    IDLE,
    IN,
    LOST,
    MORE,
    NO_BODY,
    OUT,
    OVERRIDE,
    READ_SIZE,
    REFUSE,
    REFUSED,
    RESPONSE_TIMEOUT,
    STALE,
    TUNNEL,
    TUNNELLING,
    UNKNOWN_NAME,
)
from perijove.engine.exchange import IDEMPOTENT
from perijove.engine.head import RequestHead
from perijove.engine.request import write_request
from perijove.engine.response import read_response
from perijove.engine.tunnel import relay
from perijove.engine.tunnelling import Tunnelling
from perijove.engine.upstream import Upstream

if TYPE_CHECKING:
    from perijove.engine.peer import Peer
    from perijove.engine.plan import Plan
    from perijove.engine.reactor import Reactor
    from perijove.engine.site import Site
    from perijove.engine.upstream import UpstreamConnection

_RETRY_FOR: Final = 2.0  # seconds for which a refused connection is tried again …
_RETRY_IF: Final = 10.0  # … if the upstream has answered within these
_RETRY_EVERY: Final = 0.1


class Forwarding(Tunnelling):
    """A connection whose requests are sent upstream."""

    __slots__ = ("attempts", "first", "repeated", "retry_until")

    def __init__(self, reactor: Reactor, site: Site, peer: Peer) -> None:
        super().__init__(reactor, site, peer)
        self.repeated = False
        self.first: bytes | None = None  # the request's head as it came, while another upstream may be asked
        self.attempts = 0  # others that were asked
        self.retry_until = 0.0

    def _connect(self, head: RequestHead, plan: Plan) -> None:
        """Open a connection to where a CONNECT leads. Content has no meaning in one (RFC 9110 §9.3.6): it is refused."""
        exchange = self.exchange
        lender = plan.upstream
        assert isinstance(lender, Upstream)
        if head.length != NO_BODY:
            exchange.keep_alive = False
            self.inbuf.drop(head.size)
            self.refuse(400)
            return
        self.upstream = lender.lend(self, True, lender.server_name)
        self.mode = ACTIVE
        self.repeated = False
        self.replay = None
        self.retry_until = 0.0
        self.inbuf.drop(head.size)
        self.want(self.interest & ~IN)  # what follows is the tunnel's
        self.deadline = 0.0
        if lender.authority != exchange.host:  # another proxy is asked, and answers for itself
            self.upstream.outbuf.append(b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (exchange.host, exchange.host))
        self.upstream.open()

    def _send(self, head: RequestHead, plan: Plan) -> None:
        """Send a request upstream, as far as it has come."""
        exchange = self.exchange
        lender = plan.upstream
        assert isinstance(lender, Upstream)
        content = exchange.gather(head, self.inbuf) if plan.edited and exchange.request_decoder is not None else None
        if exchange.request_decoder is not None and plan.version != b"HTTP/1.1":
            exchange.keep_alive = False  # HTTP/1.0 has no chunks, and how long they are is not known before they have come
            self.inbuf.drop(head.size)
            self.refuse(411)
            return
        # A request that must not, or cannot, be sent twice never goes out on a connection that may have ended unseen.
        name = lender.server_name
        if lender.name_from_host and plan.preserve_host and exchange.state is not None:
            name = exchange.state.called().decode("latin-1")
        upstream = lender.lend(self, head.length != NO_BODY or head.method not in IDEMPOTENT, name)
        self.upstream = upstream
        self.mode = ACTIVE
        self.repeated = False
        self.retry_until = 0.0
        self.first = None
        if exchange.state is not None and exchange.state.balance is not None:
            self.first = self.inbuf.peek(head.size)
            self.attempts = 0
        exchange.kept = upstream.used
        write_request(exchange, head, upstream.outbuf)
        self.head_size = upstream.outbuf.size()
        if not exchange.inside:
            self.inbuf.drop(head.size)
        if content is not None:
            self.inbuf.drop(exchange.gathered)
            upstream.outbuf.append(content)
        self.deadline = 0.0
        if not exchange.request_done:
            if not self._take_content(upstream):
                return
            if not exchange.request_done and upstream.outbuf.size() >= READ_SIZE:
                self._hold_content()
        if exchange.request_done:
            self.replay = upstream.outbuf.copy()
            if self.inbuf.size():
                self.buffered = True
        else:
            self.replay = None
        if upstream.opened:
            upstream.until(lender.timeouts.response)
            upstream.offer()
        else:
            upstream.open()

    def _push_content(self) -> None:
        """Move the request's content on, as far as it has come and upstream takes it."""
        upstream = self.upstream
        exchange = self.exchange
        assert upstream is not None
        if not self._take_content(upstream):
            return
        if exchange.request_done:
            self.until(0.0)
            if self.inbuf.size():
                self.buffered = True
            self.want(self.interest | IN)
        left = upstream.offer()
        if self.upstream is not upstream or left < 0:
            return
        if left and not exchange.request_done:
            self._hold_content()
            self.until(0.0)  # it is upstream that is waited for
        self._time_upstream(upstream)

    def _take_content(self, upstream: UpstreamConnection) -> bool:
        """Move what came of the request's content to the upstream's buffer; False if it was refused."""
        exchange = self.exchange
        self._touch()
        if exchange.pump_request(self.inbuf, upstream.outbuf) == REFUSE:
            self._give_up(400, DENIED)
            return False
        if 0 < self.site.body_limit < exchange.received:
            self.site.limited(slots.LIMITED_BODY, exchange.address)
            self._give_up(413, DENIED)
            return False
        return True

    def _hold_content(self) -> None:
        """Leave content where it is, and be told if the client goes meanwhile."""
        self.want(self.interest & ~IN | FIN)

    def _await_content(self) -> None:
        self.until(self.site.timeouts.body)
        self.want(self.interest | IN)
        if self.tls is not None:
            self.reactor.again(self)

    def _time_upstream(self, upstream: UpstreamConnection) -> None:
        """Give upstream its time to go on with an answer, or with taking content; none while content is still to come."""
        timeouts = upstream.upstream.timeouts
        if self.exchange.response_started:
            upstream.until(timeouts.stream)
        elif self.exchange.request_done or upstream.outbuf.size():
            upstream.until(timeouts.response)
        else:
            upstream.until(0.0)

    def upstream_opened(self) -> None:
        """The connection stands: now it has to answer, and takes the rest of the content."""
        upstream = self.upstream
        assert upstream is not None
        plan = self.exchange.plan
        if plan is not None and plan.kind == CONNECT:
            self._connected()
            return
        self.first = None
        self._time_upstream(upstream)
        if not self.exchange.request_done and upstream.outbuf.size() == 0:
            self._await_content()

    def _connected(self) -> None:
        """A CONNECT has led somewhere."""
        exchange = self.exchange
        upstream = self.upstream
        assert upstream is not None
        exchange.status = 200
        exchange.response_started = exchange.response_done = True
        if upstream.upstream.authority == exchange.host:
            self.outbuf.append(b"HTTP/1.1 200 Connection Established\r\nProxy-agent: perijove\r\n\r\n")
        self._tunnel()

    def upstream_drained(self) -> None:
        """Upstream has taken all that lay ready."""
        if self.mode == TUNNELLING:
            self._drained(True)
        elif not self.exchange.request_done:
            assert self.upstream is not None
            self._time_upstream(self.upstream)
            self._await_content()
            if self.inbuf.size():
                self._push_content()

    def upstream_readable(self) -> None:
        """Read what upstream has, and pass it on."""
        upstream = self.upstream
        exchange = self.exchange
        assert upstream is not None
        if self.mode == TUNNELLING:
            self._copied(relay(upstream, self), False)
            return
        if self.outbuf.size() and exchange.response_started:
            upstream.want(upstream.interest & ~IN)
            return
        if exchange.response_started:
            if exchange.response_left > 0 and upstream.inbuf.size() == 0:
                count = upstream.recv(self.outbuf, min(exchange.response_left, READ_SIZE))
                if count > 0:
                    exchange.gave(count)
                    upstream.unsure = exchange.response_done
            else:
                count = upstream.recv(upstream.inbuf, READ_SIZE)
            if count == AGAIN:
                return
            if count < 0:
                upstream.upstream.failed(LOST, self.reactor.now)
                self._abort(LOST)
                return
            verdict = exchange.end_response(self.outbuf) if count == 0 else MORE
        else:
            count = upstream.recv(upstream.inbuf, READ_SIZE)
            if count == AGAIN:
                return
            if count <= 0:
                self.upstream_lost(LOST)
                return
            interim = exchange.interim
            verdict = self._read_head(upstream)
            if verdict == STALE:
                exchange.answered = 0.0
                self.upstream_lost(LOST)
                return
            if verdict == MORE and exchange.interim == interim:
                return  # of its head a part has come, which does not put off its time
            if verdict != MORE and verdict != FOUND:
                self._no_content(verdict)
                return
        self._push_response(verdict)

    def _read_head(self, upstream: UpstreamConnection) -> int:
        """Look for an answer in what came: a verdict of `read_response`."""
        exchange = self.exchange
        if exchange.answered == 0.0:
            exchange.answered = self.reactor.now
        exchange.date = self.reactor.date()
        return read_response(exchange, self.site.response_head, self.site.response_limits, upstream.inbuf, self.outbuf)

    def _no_content(self, verdict: int) -> None:
        """Act on an answer that has no content that goes to the client: TUNNEL, OVERRIDE or REFUSE."""
        upstream = self.upstream
        assert upstream is not None
        self.replay = None
        if verdict == TUNNEL:
            self._tunnel()
        elif verdict == OVERRIDE:
            upstream.upstream.answered(self.reactor.now)
            self._give_up(self.exchange.status, DENIED)
        else:
            upstream.upstream.failed(BAD_RESPONSE, self.reactor.now)
            self._give_up(self.site.table.failures[BAD_RESPONSE - REFUSED], BAD_RESPONSE)

    def _push_response(self, verdict: int) -> None:
        upstream = self.upstream
        exchange = self.exchange
        assert upstream is not None
        if exchange.response_started:
            self.replay = None
            if verdict != ABORT:
                verdict = exchange.pump_response(upstream.inbuf, self.outbuf)
        if verdict != ABORT:
            self._tell_if_last()
        left = self.flush()
        if left < 0:
            self._vanished()
        elif verdict == ABORT:
            upstream.upstream.failed(LOST, self.reactor.now)
            self._abort(LOST)
        elif exchange.response_done:
            self._complete(left)
        elif left:
            upstream.want(upstream.interest & ~IN)
            upstream.until(0.0)
            self.want(self.interest | OUT)
            self.until(self.site.timeouts.write)
        else:
            self._time_upstream(upstream)

    def upstream_lost(self, why: int) -> None:
        """The connection failed, or never came about: try again where that is safe, or tell the client."""
        upstream = self.upstream
        exchange = self.exchange
        if upstream is None:
            return
        if self.mode == TUNNELLING:
            self._copied(FAILED, False)
            return
        if why == LOST and upstream.opened and not upstream.used and upstream.outbuf.size() and self._hear_out(upstream):
            return
        if exchange.response_started:
            upstream.upstream.failed(why, self.reactor.now)
            self._abort(why)
            return
        now = self.reactor.now
        if why == LOST and self._may_repeat(upstream):
            self.repeated = not upstream.used  # that a kept one has ended says nothing of the request
            upstream.upstream.counters.add(upstream.upstream.counted + slots.REPEATED, 1)
            exchange.kept = False
            self._replace(self.replay or b"", True)
            return
        if why == REFUSED and upstream.upstream.barred:
            self._give_up(403, DENIED)
            return
        if why in (REFUSED, CONNECT_TIMEOUT, UNKNOWN_NAME) and self._ask_another(why):
            return
        if why == REFUSED and (self.retry_until or now - upstream.upstream.last_answer < _RETRY_IF):
            # It has just been there: it is being restarted. Nothing was sent, so any request may wait for it.
            if self.retry_until == 0.0:
                self.retry_until = now + _RETRY_FOR
            if now < self.retry_until:
                upstream.upstream.counters.add(upstream.upstream.counted + slots.RECONNECTED, 1)
                self.until(_RETRY_EVERY)
                return
        upstream.upstream.failed(why, now)
        status: int = self.site.table.failures[why - REFUSED]
        if why == UNKNOWN_NAME and exchange.plan is not None and exchange.plan.kind == CONNECT:
            status = 502  # mod_proxy_connect.c; mod_proxy_http says 500 there
        self._give_up(status, why)

    def _hear_out(self, upstream: UpstreamConnection) -> bool:
        """Leave the rest of a request to nobody, since upstream takes no more of it; tell whether there is an answer.

        Perhaps it has said why before it hung up, or was saying it already: what has arrived of that can still be read.
        """
        exchange = self.exchange
        upstream.outbuf.clear()
        if not exchange.request_done:
            exchange.keep_alive = False
            self._hold_content()
            self.until(0.0)
        exchange.reuse = False
        if exchange.response_started:
            upstream.want(0 if self.outbuf.size() else IN)
            return True
        upstream.want(IN)
        verdict = MORE
        while verdict == MORE and upstream.recv(upstream.inbuf, READ_SIZE) > 0:
            verdict = self._read_head(upstream)
        if verdict == FOUND:
            exchange.reuse = False  # whatever the answer says
            self._push_response(verdict)
        elif verdict == OVERRIDE:
            self._no_content(verdict)
        return verdict in (FOUND, OVERRIDE)

    def _may_repeat(self, upstream: UpstreamConnection) -> bool:
        """Tell whether the request can be sent on another connection, now that this one has ended."""
        exchange = self.exchange
        if self.replay is None or self.repeated or exchange.answered:
            return False
        # Where a program decides, it is httpd's: what was sent on a new connection is not sent again.
        if exchange.may_repeat() and (exchange.state is None or upstream.used):
            return True
        return upstream.untaken()

    def _ask_another(self, why: int) -> bool:
        """Send a request that has gone nowhere yet to another of several upstreams; False if there is none."""
        exchange = self.exchange
        state = exchange.state
        old = self.upstream
        balance = None if state is None else state.balance
        if state is None or balance is None or old is None:
            return False
        balance.failed(state)
        balance.ended(state, 0, 0, 0)
        if self.first is None or self.attempts >= balance.attempts:
            return False
        self.attempts += 1
        old.upstream.failed(why, self.reactor.now)
        buffer = Buffer()
        buffer.append(self.first)
        head = RequestHead()
        if head.scan(buffer, self.site.limits) != FOUND:
            return False
        plan = self.site.table.resolve(head, None, self.peer)
        made = self.site.table.state
        lender = plan.upstream
        if plan.kind != FORWARD or made is None or not isinstance(lender, Upstream):
            return False
        content = old.outbuf.copy()[self.head_size :]
        if plan.keeps_fields:
            made.snapshot()
        exchange.plan = plan
        exchange.state = made
        old.borrower = None
        self.upstream = new = lender.lend(self, True, lender.server_name)
        old.close()
        write_request(exchange, head, new.outbuf)
        self.head_size = new.outbuf.size()
        new.outbuf.append(content)
        self.retry_until = 0.0
        self.replay = None
        new.open()
        return True

    def _replace(self, request: bytes, at_once: bool) -> None:
        """Exchange the upstream connection for a new one that is to carry `request`."""
        old = self.upstream
        assert old is not None
        old.borrower = None
        self.upstream = new = old.upstream.lend(self, True, old.server_name)
        old.close()
        new.outbuf.append(request)
        if at_once:
            new.open()

    def _reconnect(self) -> None:
        upstream = self.upstream
        assert upstream is not None
        self._replace(upstream.outbuf.copy(), True)

    def upstream_timeout(self) -> None:
        """Upstream did not answer in time, or fell silent in the middle."""
        if self.mode == TUNNELLING:
            self.exchange.ended = IDLE
            self._finished()
            self.close()
            return
        if self.upstream is not None:
            self.upstream.upstream.failed(RESPONSE_TIMEOUT, self.reactor.now)
        if self.exchange.response_started:
            self._abort(RESPONSE_TIMEOUT)
        else:
            self._give_up(self.site.table.failures[RESPONSE_TIMEOUT - REFUSED], RESPONSE_TIMEOUT)

    def _complete(self, left: int) -> None:
        """The response is written, but for `left` octets that still lie in `outbuf`."""
        exchange = self.exchange
        upstream = self.upstream
        self.upstream = None
        self.replay = None
        if upstream is not None:
            upstream.upstream.answered(self.reactor.now)
            if exchange.reuse and exchange.request_done:
                upstream.upstream.take_back(upstream)
            else:
                upstream.borrower = None
                upstream.close()
        self._finished()
        self._after_answer(left)
