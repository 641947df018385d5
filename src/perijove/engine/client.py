"""A client's connection: its requests one after the other, each with an upstream connection, or a tunnel at the end.

Knows when to read, write, wait, give up, try again and close. Must not know what is in a message (`exchange`, `head`) or how
connections are pooled (`upstream`). What arrives out of turn stays in the kernel: reading stops while a buffer waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine import fields, files, page, replies, slots, template
from perijove.engine.admission import Admission
from perijove.engine.arrival import Arrival
from perijove.engine.buffer import Buffer
from perijove.engine.const import (
    ABORT,
    ACTIVE,
    AGAIN,
    ANNOUNCED,
    BAD_RESPONSE,
    CHUNKED,
    CLIENT_GONE,
    CLIENT_TIMEOUT,
    CLOSING,
    CONNECT,
    CONNECT_TIMEOUT,
    CUT,
    DENIED,
    DONE,
    ENDED,
    FAILED,
    FILE,
    FORWARD,
    FOUND,
    HANDSHAKE,
    HEAD,
    IDLE,
    IN,
    LINGER,
    LOST,
    MORE,
    NO_BODY,
    OPEN,
    OUT,
    OVERRIDE,
    READ_SIZE,
    REFUSE,
    REFUSED,
    RESPOND,
    RESPONSE_TIMEOUT,
    STALE,
    TUNNEL,
    TUNNELLING,
    UNKNOWN_NAME,
)
from perijove.engine.exchange import IDEMPOTENT
from perijove.engine.head import RequestHead
from perijove.engine.reactor import Endpoint, Reactor
from perijove.engine.replies import Reply
from perijove.engine.slots import FIRST_ROUTE
from perijove.engine.tunnel import copied, drained, half_close, join, relay
from perijove.engine.upstream import Upstream, UpstreamConnection

if TYPE_CHECKING:
    from perijove.engine.limiter import Limiter
    from perijove.engine.peer import Peer
    from perijove.engine.plan import Plan
    from perijove.engine.site import Site

_ACCEPT: Final = fields.ACCEPT
_PIPELINED: Final = 65536  # octets of further requests that are taken in while one is served
_LINGER_MOST: Final = 1 << 20
_RETRY_FOR: Final = 2.0  # seconds for which a refused connection is tried again …
_RETRY_IF: Final = 10.0  # … if the upstream has answered within these
_RETRY_EVERY: Final = 0.1


class Client(Arrival):
    """One connection."""

    __slots__ = (
        "accept",
        "agent",
        "attempts",
        "buffered",
        "client_ended",
        "first",
        "head_begun",
        "head_size",
        "referer",
        "repeated",
        "replay",
        "requests",
        "retry_until",
        "tunnelled",
        "upstream",
        "upstream_ended",
    )

    def __init__(self, reactor: Reactor, site: Site, peer: Peer) -> None:
        super().__init__(reactor, site, peer)
        self.upstream: UpstreamConnection | None = None
        self.head_begun = False  # a request head has begun to come in
        self.buffered = False  # a request may be complete in `inbuf` already
        self.replay: bytes | None = None  # the whole request, while it could be sent a second time
        self.repeated = False  # it was, after a new connection had failed
        self.first: bytes | None = None  # the request's head as it came, while another upstream may be asked
        self.head_size = 0  # of that head as it was written
        self.attempts = 0  # others that were asked
        self.requests = 0  # of this connection, where they are counted
        self.retry_until = 0.0
        self.client_ended = False
        self.upstream_ended = False
        self.accept = b""
        self.referer = b""
        self.agent = b""
        self.tunnelled = 0.0  # when a tunnel began

    def arrived(self) -> None:
        """Read the first request."""
        self._read()

    def spoke_plainly(self) -> None:
        """Refuse a request that came in place of a handshake."""
        self.exchange.forget(self.reactor.now)
        self.refuse(400, page.PLAIN_HTTP)

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
        if (mask & IN and self.interest & IN and not self.closed) or (self.tls_wants and not self.closed):
            self._read()

    def on_lost(self) -> None:
        """The client is gone."""
        self._vanished()

    def on_copied(self, count: int, rest: Buffer) -> None:
        """Something went to the upstream, without a word or because of the end."""
        if self.upstream is not None:
            self._copied(copied(self, self.upstream, count, rest), True)

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
            self.want(self.interest & ~IN)
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
            self.want(self.interest & ~IN)
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
        if exchange.request_done:
            upstream.until(upstream.upstream.timeouts.response)
        elif left:
            self.want(self.interest & ~IN)
            self.until(0.0)  # it is upstream that is waited for
            upstream.until(upstream.upstream.timeouts.response)

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

    def _drain(self) -> None:
        """Write what lies ready for the client, and go on with what waited for that."""
        if self.mode == TUNNELLING:
            assert self.upstream is not None
            verdict = drained(self, self.upstream, self.upstream_ended)
            if verdict != OPEN:
                self._copied(verdict, False)
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
            self.until(0.0 if self.exchange.request_done else self.site.timeouts.body)
            if self.upstream is not None and self.upstream.opened:
                self.upstream.want(self.upstream.interest | IN)
                self.upstream.until(self._stream_timeout())
                if self.upstream.tls is not None:
                    self.reactor.again(self.upstream)
        elif self.mode == HEAD:
            self._await_request()
        elif self.mode == CLOSING:
            self._written()

    def _stream_timeout(self) -> float:
        assert self.upstream is not None
        timeouts = self.upstream.upstream.timeouts
        return timeouts.stream if self.exchange.response_started else timeouts.response

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
        exchange.write_request(head, upstream.outbuf)
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
                self.want(self.interest & ~IN)
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

    # ------------------------------------------------------------------ events of the upstream connection

    def upstream_opened(self) -> None:
        """The connection stands: now it has to answer, and takes the rest of the content."""
        upstream = self.upstream
        assert upstream is not None
        plan = self.exchange.plan
        if plan is not None and plan.kind == CONNECT:
            self._connected()
            return
        upstream.until(upstream.upstream.timeouts.response)
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

    def upstream_copied(self, count: int, rest: Buffer) -> None:
        """Something went to the client, without a word or because of the end."""
        if self.upstream is not None:
            self._copied(copied(self.upstream, self, count, rest), False)

    def upstream_drained(self) -> None:
        """Upstream has taken all that lay ready."""
        if self.mode == TUNNELLING:
            assert self.upstream is not None
            verdict = drained(self.upstream, self, self.client_ended)
            if verdict != OPEN:
                self._copied(verdict, True)
        elif not self.exchange.request_done:
            self._await_content()
            if self.inbuf.size():
                self._push_content()

    def _await_content(self) -> None:
        self.until(self.site.timeouts.body)
        self.want(self.interest | IN)
        if self.tls is not None:
            self.reactor.again(self)

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
            if exchange.answered == 0.0:
                exchange.answered = self.reactor.now
            exchange.date = self.reactor.date()
            verdict = exchange.read_response(self.site.response_head, self.site.response_limits, upstream.inbuf, self.outbuf)
            if verdict == STALE:
                exchange.answered = 0.0
                self.upstream_lost(LOST)
                return
            if verdict != MORE:
                self.replay = None
            if verdict == TUNNEL:
                self._tunnel()
                return
            if verdict == OVERRIDE:
                upstream.upstream.answered(self.reactor.now)
                self._give_up(exchange.status, DENIED)
                return
            if verdict == REFUSE:
                upstream.upstream.failed(BAD_RESPONSE, self.reactor.now)
                self._give_up(self.site.table.failures[BAD_RESPONSE - REFUSED], BAD_RESPONSE)
                return
        self._push_response(verdict)

    def _push_response(self, verdict: int) -> None:
        upstream = self.upstream
        exchange = self.exchange
        assert upstream is not None
        if exchange.response_started and verdict != ABORT:
            verdict = exchange.pump_response(upstream.inbuf, self.outbuf)
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
            upstream.until(self._stream_timeout())

    def upstream_lost(self, why: int) -> None:
        """The connection failed, or never came about: try again where that is safe, or tell the client."""
        upstream = self.upstream
        exchange = self.exchange
        if upstream is None:
            return
        if self.mode == TUNNELLING:
            self._copied(FAILED, False)
            return
        if why == LOST and upstream.opened and not upstream.used and upstream.outbuf.size():
            # It takes no more of the request; perhaps it has said why before it hung up.
            upstream.outbuf.clear()
            if not exchange.request_done:
                exchange.keep_alive = False
            if upstream.recv(upstream.inbuf, READ_SIZE) > 0:
                exchange.answered = self.reactor.now
                exchange.date = self.reactor.date()
                verdict = exchange.read_response(
                    self.site.response_head, self.site.response_limits, upstream.inbuf, self.outbuf
                )
                if verdict == FOUND:
                    exchange.reuse = False
                    self._push_response(verdict)
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
        balance.ended(state, 0, 0)
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
        exchange.write_request(head, new.outbuf)
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

    # ------------------------------------------------------------------ ends

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

    def _after_answer(self, left: int) -> None:
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

    def _finished(self) -> None:
        exchange = self.exchange
        plan = exchange.plan
        if self.mode == TUNNELLING:
            self._untold()
        route = FIRST_ROUTE if plan is None else plan.counted
        now = self.reactor.now
        self.site.counters.finish(route, exchange.status, exchange.received, exchange.sent, now, now - exchange.begun)
        if 101 < exchange.status < 300 and exchange.asked:
            self._touch()
        if exchange.upgrade and exchange.status != 101:
            self.site.counters.add(slots.UPGRADES_REFUSED, 1)
        state = exchange.state
        if state is not None and state.balance is not None:
            state.balance.ended(state, self.head_size + exchange.received, exchange.sent)
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
        left = self.flush()
        if left < 0:
            exchange.ended = CLIENT_GONE
        self._finished()
        if left < 0:
            self.close()
            return
        self._after_answer(left)

    # ------------------------------------------------------------------ the end of the process

    def drain(self) -> None:
        """Let the exchange that is going on be the last."""
        if not self.exchange.response_started:
            self.exchange.keep_alive = False

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

    # ------------------------------------------------------------------ tunnel

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
        join(self, upstream)
        self.want(IN | OUT if self.outbuf.size() else IN)
        upstream.want(IN | OUT if upstream.outbuf.size() else IN)
        if self.tls is not None:
            self.reactor.again(self)
        if upstream.tls is not None:
            self.reactor.again(upstream)
        if self.outbuf.size():
            self._drain()

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
            to: UpstreamConnection | Client
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
        self._touch()
        return True
