"""A response's head as it goes to the client: an upstream's, and the fields of answers of our own.

Knows plans, and how fields are mapped, edited and framed. Must not know what becomes of content, sockets, time or pools.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from perijove.engine import edits, fields, page, ranges
from perijove.engine.const import CHUNKED, FOUND, MORE, OVERRIDE, REFUSE, STALE, TUNNEL, UNTIL_CLOSE
from perijove.engine.framing import Chunked
from perijove.engine.head import content_length
from perijove.engine.template import add_edits, map_cookie, map_refresh, map_url

if TYPE_CHECKING:
    from perijove.engine.buffer import Buffer
    from perijove.engine.exchange import Exchange
    from perijove.engine.head import Limits, ResponseHead
    from perijove.engine.plan import Plan
    from perijove.engine.ranges import Part

_PARTED: Final = 8192  # octets of content of which parts are made: httpd has no more at hand at once (ProxyIOBufferSize)
# Interim responses that one request may bring; floods of them end in 502. WebDAV servers send a 102 every few seconds
# (RFC 2518 §10.1), for as long as a request takes.
_INTERIM: Final = 100
_SIZE: Final = (b"\0", b"")  # stands for the size of a response among its fields
# With these httpd ends the connection (ap_status_drops_connection, include/httpd.h), an upstream's as well as its own.
_ENDS: Final = frozenset({400, 408, 411, 413, 414, 500, 501, 503})
_no_names: Final[frozenset[bytes]] = frozenset()
_VARY: Final = fields.VARY
_WARNING: Final = fields.WARNING
_SET_COOKIE: Final = fields.SET_COOKIE
_TRANSFER_ENCODING: Final = fields.TRANSFER_ENCODING
_DATE_SERVER: Final = fields.mask(fields.DATE, fields.SERVER)
_COOKIES: Final = fields.mask(fields.SET_COOKIE)
_MAPPED: Final = fields.mask(fields.LOCATION, fields.CONTENT_LOCATION, fields.REFRESH, fields.SET_COOKIE)
_WARNINGS: Final = fields.mask(fields.WARNING)
# Framing is computed, never copied nor set.
_ALWAYS_OURS: Final = fields.mask(fields.CONTENT_LENGTH, fields.TRANSFER_ENCODING, fields.CONNECTION, fields.UPGRADE)
_warning: Final = re.compile(rb'(?:\A|,)[ \t]*([0-9]{3} [^ \t,]+ "(?:[^"\\]|\\.)*"(?: "([^"]*)")?)[ \t]*(?=,|\Z)').finditer


def read_response(exchange: Exchange, head: ResponseHead, limits: Limits, source: Buffer, out: Buffer) -> int:
    """Look for the response's head, and write it to the client, edited and framed.

    Returns: MORE; FOUND when it is written and content may follow; TUNNEL; OVERRIDE; STALE; or REFUSE.
    """
    plan = exchange.plan
    assert plan is not None
    while True:
        verdict = head.scan(source, limits, exchange.method == b"HEAD")
        if verdict == MORE:
            return MORE
        if verdict != FOUND:
            return REFUSE
        if head.status >= 200:
            return _read_final(exchange, head, source, out)
        if head.status == 101:
            return _switch(exchange, head, source, out)
        exchange.interim += 1
        if exchange.interim > _INTERIM:
            return REFUSE
        if exchange.minor == 1 and (head.status != 100 or exchange.expect):
            head.write(out, plan.response_drop, plan.response_names, b"")
            if head.status == 100:
                exchange.expect = False  # one is enough
        source.drop(head.size)


def _switch(exchange: Exchange, head: ResponseHead, source: Buffer, out: Buffer) -> int:
    """Write a 101, if it was asked for: TUNNEL, or REFUSE."""
    plan = exchange.plan
    assert plan is not None
    if not exchange.upgrade or not head.upgrade:
        return REFUSE
    tail = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    if plan.edited:
        _write_switching(exchange, head, out, tail)
    else:
        _write_head(exchange, head, out, b"", tail)
    source.drop(head.size)
    exchange.response_done = True
    return TUNNEL


def _read_final(exchange: Exchange, head: ResponseHead, source: Buffer, out: Buffer) -> int:
    """Decide how the client is told of the end of a final response, and write its head: FOUND, OVERRIDE or STALE."""
    plan = exchange.plan
    assert plan is not None
    if head.status == 408 and exchange.kept and not head.keep_alive and not exchange.interim:
        return STALE  # nothing had come for too long: it was said before the request arrived (RFC 9110 §15.5.9)
    if plan.overridden and head.status in plan.overridden:
        exchange.status = head.status
        if head.status == 401 and exchange.state is not None:  # whoever is asked for a password must learn what for
            exchange.state.status = 401
            asked = head.named(b"www-authenticate")
            exchange.state.location = asked[0] if asked else None
        return OVERRIDE
    size = b""
    tail = exchange.carried
    length = head.length
    ended = 0  # octets behind the head that are of it
    part = _part_of(exchange, head, source) if exchange.range else None
    if part is not None and part.status == 416:
        exchange.status = 416
        return OVERRIDE
    if exchange.instead:  # it is the page of an error, which stays one
        head.status = exchange.instead
        head.reason = page.reason(exchange.instead)
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
    elif length == 0 and exchange.instead:
        size = b"Content-Length: 0\r\n"
    elif length >= 0:
        if head.declared >= 0 and head.status != 204:
            size = content_length(head.declared)
        elif plan.edited and exchange.method == b"HEAD" and exchange.minor == 1 and head.has(_TRANSFER_ENCODING):
            tail += b"Transfer-Encoding: chunked\r\n"  # as GET would have it (RFC 9112 §6.1)
    elif exchange.silent:
        pass
    elif exchange.minor == 1:
        exchange.chunk_out = True
        tail += b"Transfer-Encoding: chunked\r\n"
    else:
        exchange.keep_alive = False  # RFC 9112 §6.3: an HTTP/1.0 client learns the end by the close
    exchange.response_left = length
    exchange.decoder = None
    if length == CHUNKED:
        exchange.decoder = Chunked()
        exchange.decoder.passes = plan.passes_trailers
    exchange.response_done = length == 0
    if plan.edited and head.status in _ENDS:
        exchange.keep_alive = False
    if not exchange.request_done:
        exchange.keep_alive = False  # nobody knows whether the rest of the content still comes
    exchange.reuse = head.keep_alive and length != UNTIL_CLOSE and not plan.once
    if exchange.silent and not exchange.response_done:
        exchange.response_done = True
        exchange.reuse = False  # content is still to come on it, which nobody is told
    if not exchange.keep_alive:
        tail += b"Connection: close\r\n"
    elif exchange.minor == 0:
        tail += b"Connection: keep-alive\r\n"
    exchange.part = part
    _write_head(exchange, head, out, size, tail)
    source.drop(head.size + ended)
    if part is not None:
        exchange.status = 206
        exchange.sent = len(part.content)
        exchange.part = None
        out.append(part.content)
    return FOUND


def _part_of(exchange: Exchange, head: ResponseHead, source: Buffer) -> Part | None:
    """Return the part that is sent in place of the whole, where httpd would make one of what an upstream sent whole."""
    plan = exchange.plan
    length = head.length
    assert plan is not None
    if plan.ranges is None or head.status != 200 or exchange.instead or not 0 < length <= _PARTED:
        return None
    if source.size() < head.size + length:
        return None
    content = source.copy()[head.size : head.size + length]
    return ranges.part(exchange.range, exchange.if_range, head.items(), content, plan.ranges)


def _write_head(exchange: Exchange, head: ResponseHead, out: Buffer, size: bytes, tail: bytes) -> None:
    plan = exchange.plan
    assert plan is not None
    drop = plan.response_drop
    if (plan.maps or plan.cookies) and not head.lacks(_MAPPED, _no_names):
        for number in (fields.LOCATION, fields.CONTENT_LOCATION, fields.REFRESH, fields.SET_COOKIE):
            if head.has(number):
                lines = _mapped(exchange, head, number, plan)
                if lines:
                    drop |= 1 << number
                    tail += lines
    if plan.response_edits:
        tail = add_edits(tail, plan.response_edits, exchange, head)
    exchange.status = head.status
    exchange.response_started = True
    if plan.edited:
        _write_edited_response(exchange, head, out, drop, size, tail)
        return
    head.write(out, drop, plan.response_names, size + tail if tail else size)


def _write_edited_response(exchange: Exchange, head: ResponseHead, out: Buffer, drop: int, size: bytes, tail: bytes) -> None:
    """Write the response's head where its fields are edited one after the other."""
    plan = exchange.plan
    state = exchange.state
    assert plan is not None
    assert state is not None
    state.response = head
    recipe = plan.response_recipe
    always = plan.always_recipe
    part = exchange.part
    # Date and Server are first: basic_http_header (modules/http/http_filters.c).
    front = head.dated(exchange.date)
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
    # What is set always is in a table of its own, which is written first (err_headers_out of httpd), but read last.
    first = edits.edited([], plan.always_operations, state, lines)
    state.out = lines + first
    lines = edits.compacted(first + edits.edited(lines, plan.response_operations, state, [], first), b"vary")
    state.response = None
    lines = edits.kept(lines, _ALWAYS_OURS, _no_names)
    # basic_http_header (modules/http/http_filters.c): Date and Server are first, and there is one of each.
    server = edits.first_of(lines, b"server") or b"perijove"
    date = edits.first_of(lines, b"date") or exchange.date
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


def _write_switching(exchange: Exchange, head: ResponseHead, out: Buffer, tail: bytes) -> None:
    """Write a 101: of all edits httpd makes only those that map URLs and cookies."""
    plan = exchange.plan
    state = exchange.state
    assert plan is not None
    assert state is not None
    operations = tuple([one for one in plan.response_operations if one.kind in (edits.PREFIX, edits.ATTRIBUTE)])
    lines = _with_cookies_last(edits.kept(head.items(), plan.response_drop, head.nominated))
    lines.remove(_SIZE)
    state.out = lines
    lines = edits.kept(edits.edited(lines, operations, state), _ALWAYS_OURS, _no_names)
    out.append(b"HTTP/1.1 101 %b\r\n%b%b\r\n" % (head.reason, edits.joined(lines), tail))


def page_fields(exchange: Exchange) -> bytes:
    """Return the lines that an answer of our own has besides, where fields are edited one after the other."""
    plan = exchange.plan
    if plan is None or not plan.edited or exchange.state is None:
        return b""
    state = exchange.state
    state.out = []
    lines = edits.edited([], plan.always_operations, state)
    if state.status == 200:  # it is no error
        lines += edits.edited([], plan.response_operations, state, [], lines)
    lines = edits.compacted(lines, b"vary")
    return edits.joined(edits.kept(lines, _ALWAYS_OURS | _DATE_SERVER, _no_names))


def content_lines(exchange: Exchange) -> list[tuple[bytes, bytes]]:
    """Return the lines of an answer of our own that is no page: those it has, edited as a response is."""
    plan = exchange.plan
    state = exchange.state
    assert plan is not None
    assert state is not None
    state.out = state.content_lines
    operations = tuple([one for one in plan.response_operations if one.kind not in (edits.PREFIX, edits.ATTRIBUTE)])
    lines = edits.edited([], plan.always_operations, state, state.content_lines)
    state.out = state.content_lines + lines
    lines = lines + edits.compacted(edits.edited(state.content_lines, operations, state, [], lines), b"vary")
    return edits.kept(lines, _ALWAYS_OURS | _DATE_SERVER, _no_names)


def _mapped(exchange: Exchange, head: ResponseHead, number: int, plan: Plan) -> bytes:
    """Return the lines of one kind as the public must see them, or nothing if they may stay as they are."""
    lines = b""
    changed = False
    name = fields.NAMES[number].title()
    for value in head.values(number):
        if number == fields.SET_COOKIE:
            new = map_cookie(value, plan.cookies, exchange)
        elif number == fields.REFRESH:
            new = map_refresh(value, plan.maps, exchange)
        else:
            new = map_url(value, plan.maps, exchange)
        changed = changed or new != value
        lines += b"%b: %b\r\n" % (name, new)
    return lines if changed else b""


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
