"""One request and its final response, between two pairs of buffers: what is known of them, and their content.

Knows framing and plans. Must not know how heads are written (`request`, `response`), sockets, time or pools: it reads from a
buffer, writes to a buffer, and answers with a verdict. A client connection has one and uses it for one request after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine import fields
from perijove.engine.buffer import Buffer
from perijove.engine.const import ABORT, BROKEN, CHUNKED, DONE, FOUND, MORE, NO_BODY, REFUSE, UNTIL_CLOSE
from perijove.engine.framing import Chunked
from perijove.engine.peer import Peer

if TYPE_CHECKING:
    from perijove.engine.head import RequestHead
    from perijove.engine.plan import Plan
    from perijove.engine.ranges import Part
    from perijove.engine.state import State

_GATHERED: Final = 16384  # octets of chunked content that are sent with a Content-Length if they have come
# RFC 9110 §9.2.2; with TRACE left out, which is refused anyway.
IDEMPOTENT: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))
_UPGRADE: Final = fields.UPGRADE


def _asks(head: RequestHead) -> bool:
    """Tell whether Upgrade alone asks for a WebSocket, whatever Connection and the method say (mod_proxy_http's `upgrade`)."""
    if head.minor == 0 or not head.has(_UPGRADE):
        return False
    tokens = (head.field(_UPGRADE) or b"").lower().split(b",")
    return b"websocket" in [token.strip(b" \t") for token in tokens]


class Exchange:
    """The state of one request and its response. `begin` starts it anew."""

    __slots__ = (
        "address",
        "answered",
        "asked",
        "begun",
        "carried",
        "chunk_out",
        "date",
        "decoder",
        "ended",
        "expect",
        "gathered",
        "host",
        "if_range",
        "inside",
        "instead",
        "interim",
        "keep_alive",
        "kept",
        "length",
        "method",
        "minor",
        "part",
        "path",
        "peer",
        "persistent",
        "plan",
        "range",
        "received",
        "request_decoder",
        "request_done",
        "request_id",
        "request_left",
        "response_done",
        "response_left",
        "response_started",
        "reuse",
        "scheme",
        "sent",
        "silent",
        "state",
        "status",
        "target",
        "upgrade",
    )

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.plan: Plan | None = None
        self.method = b""
        self.target = b""
        self.path = b""
        self.host = b""
        self.begun = 0.0  # on the reactor's clock; whoever runs the exchange sets it
        self.address = peer.address  # of the client: behind trusted peers not the peer's
        self.scheme = peer.scheme
        self.minor = 1
        self.date = b""  # of a response that has none (RFC 9110 §6.6.1), set by whoever knows the time
        self.persistent = False  # as the client has it
        self.kept = False  # it went out on a connection that had carried another; whoever runs the exchange sets it
        self.keep_alive = False
        self.upgrade = False
        self.expect = False
        self.request_left = 0
        self.request_done = True
        self.request_decoder: Chunked | None = None
        self.length = NO_BODY  # of the request's content as it goes upstream: octets, or CHUNKED
        self.gathered = 0  # octets of chunked content that were taken whole
        self.response_left = 0
        self.response_started = False  # its head has been written to the client
        self.response_done = True
        self.decoder: Chunked | None = None
        self.chunk_out = False
        self.reuse = False  # the upstream connection is clean for another request
        self.status = 0
        self.interim = 0
        self.received = 0  # octets of content from the client, of requests
        self.sent = 0  # octets of content to the client
        self.request_id = b""
        self.state: State | None = None  # what a program has found out about the request
        self.asked = False  # the request was written for an upstream
        # Of the page of an error: that another server was asked for it; the status that it stands for, unless it may say its
        # own; what else the error says; that the client has asked by HEAD, though the page is not.
        self.inside = False
        self.instead = 0
        self.carried = b""
        self.silent = False
        self.range = self.if_range = b""  # what is asked for, where parts may be made
        self.part: Part | None = None  # that is sent in place of the whole
        self.answered = 0.0  # when the first octet of an answer came, and why it ended; whoever runs the exchange sets them
        self.ended = DONE

    def forget(self, now: float) -> None:
        """Begin with a request of which nothing is known yet, and perhaps never will be."""
        self._renew()
        self.plan = None
        self.method = b""
        self.target = b""
        self.path = b""
        self.host = b""
        self.begun = now
        self.minor = 1
        self.keep_alive = False
        self.persistent = False
        self.request_done = True

    def _renew(self) -> None:
        """Forget the request before, and its answer, as far as the log would tell of them."""
        self.state = None
        self.address = self.peer.address
        self.scheme = self.peer.scheme
        self.response_started = False
        self.status = 0
        self.received = 0
        self.sent = 0
        self.request_id = b""
        self.asked = False
        self.inside = False
        self.instead = 0
        self.carried = b""
        self.range = self.if_range = b""
        self.silent = False
        self.answered = 0.0
        self.ended = DONE

    def lighten(self) -> None:
        """Let go of what only messages need: octets are copied from now on, perhaps for days."""
        self.carried = self.range = self.if_range = b""
        self.decoder = self.request_decoder = None
        if self.state is not None and self.state.balance is None:
            self.state = None

    def begin(self, head: RequestHead, plan: Plan) -> None:
        """Start an exchange with a scanned head and what was decided for it."""
        self._renew()
        self.plan = plan
        self.method = head.method
        self.target = head.target
        self.path = head.path
        self.host = head.host
        self.minor = head.minor
        self.keep_alive = head.keep_alive
        self.persistent = head.keep_alive
        self.kept = False
        self.upgrade = head.upgrade and plan.upgrade != b""
        if plan.edited and plan.upgrade and not head.upgrade:
            self.upgrade = _asks(head)
        self.expect = head.expect
        self.request_left = head.length
        self.request_done = head.length == NO_BODY
        self.request_decoder = Chunked() if head.length == CHUNKED else None
        self.length = head.length  # as it goes upstream
        self.response_left = 0
        self.response_done = False
        self.decoder = None
        self.chunk_out = False
        self.reuse = False
        self.interim = 0

    def gather(self, head: RequestHead, source: Buffer) -> bytes | None:
        """Return chunked content that has come whole already, behind its head, and take it: its length can be said then.

        That is what httpd does with content of up to 16 KiB (spool_reqbody_cl, modules/proxy/mod_proxy_http.c), which it waits
        for. Trailers are not sent on with it, as there.
        """
        size = source.size() - head.size
        if size > _GATHERED:
            return None
        raw, content = Buffer(), Buffer()
        raw.append(source.copy()[head.size :])
        decoder = Chunked()
        if decoder.pump(raw, content, False) != FOUND:
            return None
        self.length = self.received = decoder.count
        self.request_decoder = None
        self.request_done = True
        self.gathered = size - raw.size()
        return content.copy()

    def pump_request(self, source: Buffer, out: Buffer) -> int:
        """Move content from the client on: MORE, FOUND when it is complete, or REFUSE when it is broken."""
        if self.request_done:
            return FOUND
        if self.request_decoder is not None:
            before = self.request_decoder.count
            verdict = self.request_decoder.pump(source, out, True)
            self.received += self.request_decoder.count - before
            if verdict == BROKEN:
                return REFUSE
            if verdict == FOUND:
                self.request_done = True
            return verdict
        size = min(source.size(), self.request_left)
        if size:
            source.move(out, size)
            self.took(size)
        return FOUND if self.request_done else MORE

    def took(self, size: int) -> None:
        """Count `size` octets of content as moved on (by whoever moved them)."""
        self.request_left -= size
        self.received += size
        if self.request_left == 0:
            self.request_done = True

    def pump_response(self, source: Buffer, out: Buffer) -> int:
        """Move content from upstream to the client: MORE, FOUND when it is complete, or ABORT when it is broken."""
        if self.response_done:
            return FOUND
        if self.decoder is not None:
            before = self.decoder.count
            verdict = self.decoder.pump(source, out, self.chunk_out)
            self.sent += self.decoder.count - before
            if verdict == BROKEN:
                return ABORT
            if verdict == FOUND:
                self.response_done = True
            return verdict
        size = source.size()
        if self.response_left == UNTIL_CLOSE:
            if size and self.chunk_out:
                out.append(b"%x\r\n" % size)
                source.move(out, size)
                out.append(b"\r\n")
            elif size:
                source.move(out, size)
            self.sent += size
            return MORE
        size = min(size, self.response_left)
        if size:
            source.move(out, size)
            self.gave(size)
        return FOUND if self.response_done else MORE

    def gave(self, size: int) -> None:
        """Count `size` octets of a response of known length as moved on (by whoever moved them)."""
        self.response_left -= size
        self.sent += size
        if self.response_left == 0:
            self.response_done = True

    def end_response(self, out: Buffer) -> int:
        """Act on the upstream's end of stream: FOUND if that completes the response, else ABORT or REFUSE."""
        if not self.response_started:
            return REFUSE
        if self.response_left != UNTIL_CLOSE:
            return ABORT
        if self.chunk_out:
            out.append(b"0\r\n\r\n")
        self.response_done = True
        self.reuse = False
        return FOUND

    def may_repeat(self) -> bool:
        """Tell whether the request may be sent a second time if nothing of an answer came (RFC 9110 §9.2.2)."""
        return self.request_done and self.method in IDEMPOTENT
