"""One request and its final response, between two pairs of buffers.

Knows heads, framing and plans. Must not know sockets, time or pools: it reads from a buffer, writes to a buffer, and
answers with a verdict. A client connection has one and uses it for one request after the other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.engine import edits, fields, page, ranges
from perijove.engine.buffer import Buffer
from perijove.engine.const import (
    ABORT,
    BROKEN,
    CHUNKED,
    DONE,
    FOUND,
    MORE,
    NO_BODY,
    OVERRIDE,
    REFUSE,
    STALE,
    TUNNEL,
    UNTIL_CLOSE,
)
from perijove.engine.framing import Chunked
from perijove.engine.head import content_length
from perijove.engine.peer import Peer
from perijove.engine.target import past
from perijove.engine.template import add_edits, forwarded, map_cookie, map_refresh, map_url

if TYPE_CHECKING:
    from perijove.engine.head import Limits, RequestHead, ResponseHead
    from perijove.engine.plan import Plan
    from perijove.engine.ranges import Part
    from perijove.engine.recipe import Recipe
    from perijove.engine.state import State

_GATHERED: Final = 16384  # octets of chunked content that are sent with a Content-Length if they have come
_PARTED: Final = 8192  # octets of content of which parts are made: httpd has no more at hand at once (ProxyIOBufferSize)
# Interim responses that one request may bring; floods of them end in 502. WebDAV servers send a 102 every few seconds
# (RFC 2518 §10.1), for as long as a request takes.
_INTERIM: Final = 100
# RFC 9110 §9.2.2; with TRACE left out, which is refused anyway.
IDEMPOTENT: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))
_no_names: Final[frozenset[bytes]] = frozenset()


_CONTENT_LENGTH: Final = fields.CONTENT_LENGTH
_UPGRADE: Final = fields.UPGRADE
_VARY: Final = fields.VARY
_WARNING: Final = fields.WARNING
_warning: Final = re.compile(rb'(?:\A|,)[ \t]*([0-9]{3} [^ \t,]+ "(?:[^"\\]|\\.)*"(?: "([^"]*)")?)[ \t]*(?=,|\Z)').finditer
_RANGE: Final = fields.RANGE
_SET_COOKIE: Final = fields.SET_COOKIE
_TRANSFER_ENCODING: Final = fields.TRANSFER_ENCODING
# Framing is computed, never copied nor set.
_HOST: Final = fields.mask(fields.HOST)
_OWNED: Final = fields.OWNED
_DATE_SERVER: Final = fields.mask(fields.DATE, fields.SERVER)
_COOKIES: Final = fields.mask(fields.SET_COOKIE)
_MAPPED: Final = fields.mask(fields.LOCATION, fields.CONTENT_LOCATION, fields.REFRESH, fields.SET_COOKIE)
_WARNINGS: Final = fields.mask(fields.WARNING)
_ALWAYS_OURS: Final = fields.mask(fields.CONTENT_LENGTH, fields.TRANSFER_ENCODING, fields.CONNECTION, fields.UPGRADE)


def _asks(head: RequestHead) -> bool:
    """Tell whether Upgrade alone asks for a WebSocket, whatever Connection and the method say (mod_proxy_http's `upgrade`)."""
    if head.minor == 0 or not head.has(_UPGRADE):
        return False
    tokens = (head.field(_UPGRADE) or b"").lower().split(b",")
    return b"websocket" in [token.strip(b" \t") for token in tokens]


_SIZE: Final = (b"\0", b"")  # stands for the size of a response among its fields
# With these httpd ends the connection (ap_status_drops_connection, include/httpd.h), an upstream's as well as its own.
_ENDS: Final = frozenset({400, 408, 411, 413, 414, 500, 501, 503})


def _warnings(head: ResponseHead) -> list[tuple[bytes, bytes]]:
    """Return what is kept of Warning: what is one, and whose date, if any, is the response's (ap_proxy_clean_warnings)."""
    found = []
    for value in head.values(_WARNING):
        for one in _warning(value):
            said, now = ranges.date(one[2] or None), ranges.date(head.field(fields.DATE))
            if said is None or said == now:
                found.append((b"Warning", one[1]))
    return found


def _with_cookies_last(lines: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return lines of an upstream with the size behind them, and cookies behind that (ap_proxy_http_process_response)."""
    cookies = [line for line in lines if line[0].lower() == b"set-cookie"]
    others = [line for line in lines if line[0].lower() != b"set-cookie"] if cookies else lines
    return [*others, _SIZE, *cookies]


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

    def write_request(self, head: RequestHead, out: Buffer) -> None:
        """Write the head for upstream; `begin` has been called with the same head."""
        plan = self.plan
        assert plan is not None
        self.asked = True
        if plan.edited:
            self._write_edited(head, out)
            return
        peer = self.peer
        drop = plan.drop
        target = head.path
        if plan.map_from:
            path, mark, query = target.partition(b"?")
            path = plan.map_to + past(path, plan.map_from)
            target = (path if path.startswith(b"/") else b"/" + path) + mark + query
        # A trusted peer that says nothing of a client is one itself.
        if plan.varies or (peer.trusted and not head.lacks(_OWNED, _no_names)):
            tail, drop = forwarded(self, head, plan, drop)
            tail = add_edits(tail, plan.edits, self, head)
        elif peer.plan is plan and peer.host == self.host:
            tail = peer.tail
            drop |= _OWNED  # as `forwarded` says of a peer that is not trusted
        else:
            tail, drop = forwarded(self, head, plan, drop)
            tail = add_edits(tail, plan.edits, self, head)
            peer.plan = plan
            peer.host = self.host
            peer.tail = tail
        if not plan.sets_host and (not plan.preserve_host or head.absolute or not head.host):
            drop |= _HOST
            tail = b"Host: %b\r\n" % (head.host if plan.preserve_host and head.host else plan.authority) + tail
        if head.length == CHUNKED:
            tail += b"Transfer-Encoding: chunked\r\n"
        elif head.length > 0 or head.has(_CONTENT_LENGTH):
            tail += content_length(head.length)
        if self.upgrade:
            tail += b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        head.write(out, target, drop, plan.drop_names, tail)

    def _write_edited(self, head: RequestHead, out: Buffer) -> None:
        """Write the head for upstream where its fields are edited one after the other."""
        plan = self.plan
        state = self.state
        assert plan is not None
        assert state is not None
        self.address = state.address
        recipe = plan.request_recipe
        if (
            recipe is not None
            and state.lines is None  # nothing was edited before the request was decided on
            and not head.nominated
            and not head.doubled()
            and head.lacks(recipe.absent, recipe.absent_names)
        ):
            self._write_by_recipe(recipe, head, out)
            return
        state.snapshot()
        # What a client nominates is gone before anything is edited: it cannot take away what we add (RFC 9110 §7.6.1).
        if head.nominated:
            state.lines = edits.kept(state.lines or [], 0, head.nominated)
        asked = plan.upgrade
        if self.upgrade and asked == b"*":
            asked = edits.first_of(state.lines or [], b"upgrade")
        edits.edit_request(plan.request_operations, state)
        lines = state.lines or []
        if self.upgrade and not edits.first_of(lines, b"upgrade"):
            self.upgrade = False  # an edit has taken it away
        if plan.ranges is not None:
            self.range = edits.first_of(lines, b"range")
            self.if_range = edits.first_of(lines, b"if-range")
        host = plan.authority
        if plan.preserve_host:
            host = edits.first_of(lines, b"host") or state.hostname() or plan.own_name or host
        tail = self._framed(head, asked)
        if state.request_id:
            self.request_id = state.request_id
        first = b"%b %b %b\r\nHost: %b\r\n" % (self.method, state.target, plan.version, host)
        # Whatever was edited, framing and Host are written once, and by us.
        lines = edits.kept(lines, plan.drop | _ALWAYS_OURS | _HOST, _no_names)
        out.append(b"".join((first, edits.joined(lines), tail, b"\r\n")))

    def _write_by_recipe(self, recipe: Recipe, head: RequestHead, out: Buffer) -> None:
        """Write the same head as `_write_edited`, without taking it apart."""
        plan = self.plan
        state = self.state
        peer = self.peer
        assert plan is not None
        assert state is not None
        if peer.plan is not plan or peer.host != self.host:
            host = plan.authority
            if plan.preserve_host:
                host = self.host or plan.own_name or host
            peer.plan = plan
            peer.host = self.host
            peer.front = b"Host: " + host + b"\r\n"
            if recipe.steady:
                peer.tail = recipe.text(state)
                peer.whole = peer.tail + plan.persistence
        if head.has(_RANGE) and plan.ranges is not None and not recipe.drop >> _RANGE & 1:
            self.range = head.field(_RANGE) or b""
            if b"if-range" not in recipe.drop_names:
                self.if_range = b", ".join(head.named(b"if-range"))
        if not self.upgrade and head.length == NO_BODY and not head.has(_CONTENT_LENGTH):
            tail = peer.whole if recipe.steady else recipe.text(state) + plan.persistence
        else:
            asked = plan.upgrade
            if self.upgrade and asked == b"*":
                asked = head.field(_UPGRADE) or b""
            tail = (peer.tail if recipe.steady else recipe.text(state)) + self._framed(head, asked)
        if state.request_id:
            self.request_id = state.request_id
        drop = plan.drop | _ALWAYS_OURS | _HOST | recipe.drop
        head.write(out, state.target, drop, recipe.drop_names, tail, peer.front)
        if not plan.keeps_fields:
            state.head = None  # others are scanned into it

    def _framed(self, head: RequestHead, asked: bytes) -> bytes:
        """Return the lines that frame the content, and those that ask for a WebSocket."""
        lines = b""
        length = self.length
        if length == CHUNKED:
            lines = b"Transfer-Encoding: chunked\r\n"
        elif length > 0 or head.length == CHUNKED or head.has(_CONTENT_LENGTH):
            lines = content_length(length)
        if self.upgrade:
            lines += b"Connection: Upgrade\r\nUpgrade: %b\r\n" % asked
        elif self.plan is not None:
            lines += self.plan.persistence
        return lines

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

    def read_response(self, head: ResponseHead, limits: Limits, source: Buffer, out: Buffer) -> int:
        """Look for the response's head, and write it to the client, edited and framed.

        Returns: MORE; FOUND when it is written and content may follow; TUNNEL; OVERRIDE; STALE; or REFUSE.
        """
        plan = self.plan
        assert plan is not None
        while True:
            verdict = head.scan(source, limits, self.method == b"HEAD")
            if verdict == MORE:
                return MORE
            if verdict != FOUND:
                return REFUSE
            if head.status >= 200:
                break
            if head.status == 101:
                if not self.upgrade or not head.upgrade:
                    return REFUSE  # nobody asked for it
                tail = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
                if plan.edited:
                    self._write_switching(head, out, tail)
                else:
                    self._write_head(head, out, b"", tail)
                source.drop(head.size)
                self.response_done = True
                return TUNNEL
            self.interim += 1
            if self.interim > _INTERIM:
                return REFUSE
            if self.minor == 1 and (head.status != 100 or self.expect):
                head.write(out, plan.response_drop, plan.response_names, b"")
                if head.status == 100:
                    self.expect = False  # one is enough
            source.drop(head.size)
        if head.status == 408 and self.kept and not head.keep_alive and not self.interim:
            return STALE  # nothing had come for too long: it was said before the request arrived (RFC 9110 §15.5.9)
        if plan.overridden and head.status in plan.overridden:
            self.status = head.status
            if head.status == 401 and self.state is not None:  # whoever is asked for a password must learn what for
                self.state.status = 401
                asked = head.named(b"www-authenticate")
                self.state.location = asked[0] if asked else None
            return OVERRIDE
        size = b""
        tail = self.carried
        length = head.length
        ended = 0  # octets behind the head that are of it
        part: Part | None = None
        if (
            self.range
            and plan.ranges is not None
            and head.status == 200
            and 0 < length <= _PARTED
            and not self.instead
            and source.size() >= head.size + length
        ):
            part = ranges.part(
                self.range, self.if_range, head.items(), source.copy()[head.size : head.size + length], plan.ranges
            )
            if part is not None and part.status == 416:
                self.status = 416
                return OVERRIDE
        if self.instead:  # it is the page of an error, which stays one
            head.status = self.instead
            head.reason = page.reason(self.instead)
        if length == CHUNKED and plan.edited and source.size() == head.size + 5 and source.copy().endswith(b"\r\n0\r\n\r\n"):
            # No content, and all of it has come: httpd says so (ap_content_length_filter, server/protocol.c).
            length = 0
            size = b"Content-Length: 0\r\n"
            ended = 5
        elif part is not None:
            ended = length
            length = 0
            size = content_length(len(part.content))
            tail += part.line
        elif length == 0 and self.instead:
            size = b"Content-Length: 0\r\n"
        elif length >= 0:
            if head.declared >= 0 and head.status != 204:
                size = content_length(head.declared)
            elif plan.edited and self.method == b"HEAD" and self.minor == 1 and head.has(_TRANSFER_ENCODING):
                tail += b"Transfer-Encoding: chunked\r\n"  # as GET would have it (RFC 9112 §6.1)
        elif self.silent:
            pass
        elif self.minor == 1:
            self.chunk_out = True
            tail += b"Transfer-Encoding: chunked\r\n"
        else:
            self.keep_alive = False  # RFC 9112 §6.3: an HTTP/1.0 client learns the end by the close
        self.response_left = length
        self.decoder = None
        if length == CHUNKED:
            self.decoder = Chunked()
            self.decoder.passes = plan.passes_trailers
        self.response_done = length == 0
        if plan.edited and head.status in _ENDS:
            self.keep_alive = False
        if not self.request_done:
            self.keep_alive = False  # nobody knows whether the rest of the content still comes
        self.reuse = head.keep_alive and length != UNTIL_CLOSE and not plan.once
        if self.silent and not self.response_done:
            self.response_done = True
            self.reuse = False  # content is still to come on it, which nobody is told
        if not self.keep_alive:
            tail += b"Connection: close\r\n"
        elif self.minor == 0:
            tail += b"Connection: keep-alive\r\n"
        self.part = part
        self._write_head(head, out, size, tail)
        source.drop(head.size + ended)
        if part is not None:
            self.status = 206
            self.sent = len(part.content)
            self.part = None
            out.append(part.content)
        return FOUND

    def _write_head(self, head: ResponseHead, out: Buffer, size: bytes, tail: bytes) -> None:
        plan = self.plan
        assert plan is not None
        drop = plan.response_drop
        if (plan.maps or plan.cookies) and not head.lacks(_MAPPED, _no_names):
            for number in (fields.LOCATION, fields.CONTENT_LOCATION, fields.REFRESH, fields.SET_COOKIE):
                if head.has(number):
                    lines = self._mapped(head, number, plan)
                    if lines:
                        drop |= 1 << number
                        tail += lines
        if plan.response_edits:
            tail = add_edits(tail, plan.response_edits, self, head)
        self.status = head.status
        self.response_started = True
        if plan.edited:
            self._write_edited_response(head, out, drop, size, tail)
            return
        head.write(out, drop, plan.response_names, size + tail if tail else size)

    def _write_edited_response(self, head: ResponseHead, out: Buffer, drop: int, size: bytes, tail: bytes) -> None:
        """Write the response's head where its fields are edited one after the other."""
        plan = self.plan
        state = self.state
        assert plan is not None
        assert state is not None
        state.response = head
        recipe = plan.response_recipe
        always = plan.always_recipe
        part = self.part
        # Date and Server are first: basic_http_header (modules/http/http_filters.c).
        front = head.dated(self.date)
        if (
            front
            and (part is None or not part.kind)
            and not head.has(_WARNING)
            and recipe is not None
            and always is not None
            and not head.nominated
            and head.lacks(recipe.absent, recipe.absent_names)
            and head.compact(_VARY)
        ):
            if always.lines:
                front += always.text(state)
            drop |= recipe.drop | _DATE_SERVER
            if head.has(_SET_COOKIE) and not drop >> _SET_COOKIE & 1:
                # Cookies come behind all else of the upstream's (ap_proxy_http_process_response).
                drop |= _COOKIES
                size += edits.joined([line for line in head.items() if line[0].lower() == b"set-cookie"])
            if recipe.lines:
                size += recipe.text(state)
            if part is not None:  # edits have seen the whole
                head.status = 206
                head.reason = b"Partial Content"
            if tail:
                size += tail
            head.write(out, drop, recipe.drop_names, size, front)
            state.response = None
            return
        lines = edits.kept(head.items(), plan.response_drop, head.nominated)
        if head.has(_WARNING) and b"warning" not in head.nominated:
            lines = [*edits.kept(lines, _WARNINGS, _no_names), *_warnings(head)]
        lines = _with_cookies_last(lines)  # what is added comes behind them
        state.out = lines
        # What is set always is in a table of its own, which is written first (Apache's err_headers_out), but read last.
        first = edits.edited([], plan.always_operations, state, lines)
        state.out = lines + first
        lines = edits.compacted(first + edits.edited(lines, plan.response_operations, state, [], first), b"vary")
        state.response = None
        lines = edits.kept(lines, _ALWAYS_OURS, _no_names)
        # basic_http_header (modules/http/http_filters.c): Date and Server are first, and there is one of each.
        server = edits.first_of(lines, b"server") or b"perijove"
        date = edits.first_of(lines, b"date") or self.date
        lines = edits.kept(lines, _DATE_SERVER, _no_names)
        lines.insert(0, (b"Server", server))
        if date:
            lines.insert(0, (b"Date", date))
        if part is not None:
            head.status = 206
            head.reason = b"Partial Content"
            if part.kind:
                lines = [(name, part.kind if name.lower() == b"content-type" else value) for name, value in lines]
                if not edits.first_of(lines, b"content-type"):
                    lines.append((b"Content-Type", part.kind))
        at = lines.index(_SIZE)
        written = edits.joined(lines[:at]) + size + edits.joined(lines[at + 1 :])
        out.append(b"HTTP/1.1 %d %b\r\n%b%b\r\n" % (head.status, head.reason, written, tail))

    def _write_switching(self, head: ResponseHead, out: Buffer, tail: bytes) -> None:
        """Write a 101: of all edits httpd makes only those that map URLs and cookies."""
        plan = self.plan
        state = self.state
        assert plan is not None
        assert state is not None
        operations = tuple([one for one in plan.response_operations if one.kind in (edits.PREFIX, edits.ATTRIBUTE)])
        lines = _with_cookies_last(edits.kept(head.items(), plan.response_drop, head.nominated))
        lines.remove(_SIZE)
        state.out = lines
        lines = edits.kept(edits.edited(lines, operations, state), _ALWAYS_OURS, _no_names)
        out.append(b"HTTP/1.1 101 %b\r\n%b%b\r\n" % (head.reason, edits.joined(lines), tail))

    def page_fields(self) -> bytes:
        """Return the lines that an answer of our own has besides, where fields are edited one after the other."""
        plan = self.plan
        if plan is None or not plan.edited or self.state is None:
            return b""
        state = self.state
        state.out = []
        lines = edits.edited([], plan.always_operations, state)
        if state.status == 200:  # it is no error
            lines += edits.edited([], plan.response_operations, state, [], lines)
        lines = edits.compacted(lines, b"vary")
        return edits.joined(edits.kept(lines, _ALWAYS_OURS | _DATE_SERVER, _no_names))

    def content_lines(self) -> list[tuple[bytes, bytes]]:
        """Return the lines of an answer of our own that is no page: those it has, edited as a response is."""
        plan = self.plan
        state = self.state
        assert plan is not None
        assert state is not None
        state.out = state.content_lines
        operations = tuple([one for one in plan.response_operations if one.kind not in (edits.PREFIX, edits.ATTRIBUTE)])
        lines = edits.edited([], plan.always_operations, state, state.content_lines)
        state.out = state.content_lines + lines
        lines = lines + edits.compacted(edits.edited(state.content_lines, operations, state, [], lines), b"vary")
        return edits.kept(lines, _ALWAYS_OURS | _DATE_SERVER, _no_names)

    def _mapped(self, head: ResponseHead, number: int, plan: Plan) -> bytes:
        """Return the lines of one kind as the public must see them, or nothing if they may stay as they are."""
        lines = b""
        changed = False
        name = fields.NAMES[number].title()
        for value in head.values(number):
            if number == fields.SET_COOKIE:
                new = map_cookie(value, plan.cookies, self)
            elif number == fields.REFRESH:
                new = map_refresh(value, plan.maps, self)
            else:
                new = map_url(value, plan.maps, self)
            changed = changed or new != value
            lines += b"%b: %b\r\n" % (name, new)
        return lines if changed else b""

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
