"""A request's head as it goes upstream.

Knows plans, and how fields are dropped, edited and framed. Must not know what becomes of the request, sockets, time or pools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine import edits, fields
from perijove.engine.const import CHUNKED, NO_BODY
from perijove.engine.head import content_length
from perijove.engine.target import past
from perijove.engine.template import add_edits, forwarded

if TYPE_CHECKING:
    from perijove.engine.buffer import Buffer
    from perijove.engine.exchange import Exchange
    from perijove.engine.head import RequestHead
    from perijove.engine.recipe import Recipe

_no_names: Final[frozenset[bytes]] = frozenset()
_CONTENT_LENGTH: Final = fields.CONTENT_LENGTH
_UPGRADE: Final = fields.UPGRADE
_RANGE: Final = fields.RANGE
_HOST: Final = fields.mask(fields.HOST)
_OWNED: Final = fields.OWNED
# Framing is computed, never copied nor set.
_ALWAYS_OURS: Final = fields.mask(fields.CONTENT_LENGTH, fields.TRANSFER_ENCODING, fields.CONNECTION, fields.UPGRADE)


def write_request(exchange: Exchange, head: RequestHead, out: Buffer) -> None:
    """Write the head for upstream; `begin` has been called with the same head."""
    plan = exchange.plan
    assert plan is not None
    exchange.asked = True
    if plan.edited:
        _write_edited(exchange, head, out)
        return
    peer = exchange.peer
    drop = plan.drop
    target = head.path
    if plan.map_from:
        path, mark, query = target.partition(b"?")
        path = plan.map_to + past(path, plan.map_from)
        target = (path if path.startswith(b"/") else b"/" + path) + mark + query
    # A trusted peer that says nothing of a client is one itself.
    if plan.varies or (peer.trusted and not head.lacks(_OWNED, _no_names)):
        tail, drop = forwarded(exchange, head, plan, drop)
        tail = add_edits(tail, plan.edits, exchange, head)
    elif peer.plan is plan and peer.host == exchange.host:
        tail = peer.tail
        drop |= _OWNED  # as `forwarded` says of a peer that is not trusted
    else:
        tail, drop = forwarded(exchange, head, plan, drop)
        tail = add_edits(tail, plan.edits, exchange, head)
        peer.plan = plan
        peer.host = exchange.host
        peer.tail = tail
    if not plan.sets_host and (not plan.preserve_host or head.absolute or not head.host):
        drop |= _HOST
        tail = b"Host: %b\r\n" % (head.host if plan.preserve_host and head.host else plan.authority) + tail
    if head.length == CHUNKED:
        tail += b"Transfer-Encoding: chunked\r\n"
    elif head.length > 0 or head.has(_CONTENT_LENGTH):
        tail += content_length(head.length)
    if exchange.upgrade:
        tail += b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    head.write(out, target, drop, plan.drop_names, tail)


def _write_edited(exchange: Exchange, head: RequestHead, out: Buffer) -> None:
    """Write the head for upstream where its fields are edited one after the other."""
    plan = exchange.plan
    state = exchange.state
    assert plan is not None
    assert state is not None
    exchange.address = state.address
    recipe = plan.request_recipe
    if (
        recipe is not None
        and state.lines is None  # nothing was edited before the request was decided on
        and not head.nominated
        and not head.doubled()
        and head.lacks(recipe.absent, recipe.absent_names)
    ):
        _write_by_recipe(exchange, recipe, head, out)
        return
    state.snapshot()
    # What a client nominates is gone before anything is edited: it cannot take away what we add (RFC 9110 §7.6.1).
    if head.nominated:
        state.lines = edits.kept(state.lines or [], 0, head.nominated)
    asked = plan.upgrade
    if exchange.upgrade and asked == b"*":
        asked = edits.first_of(state.lines or [], b"upgrade")
    edits.edit_request(plan.request_operations, state)
    lines = state.lines or []
    if exchange.upgrade and not edits.first_of(lines, b"upgrade"):
        exchange.upgrade = False  # an edit has taken it away
    if plan.ranges is not None:
        exchange.range = edits.first_of(lines, b"range")
        exchange.if_range = edits.first_of(lines, b"if-range")
    host = plan.authority
    if plan.preserve_host:
        host = edits.first_of(lines, b"host") or state.hostname() or plan.own_name or host
    tail = _framed(exchange, head, asked)
    if state.request_id:
        exchange.request_id = state.request_id
    first = b"%b %b %b\r\nHost: %b\r\n" % (exchange.method, state.target, plan.version, host)
    # Whatever was edited, framing and Host are written once, and by us.
    lines = edits.kept(lines, plan.drop | _ALWAYS_OURS | _HOST, _no_names)
    out.append(b"".join((first, edits.joined(lines), tail, b"\r\n")))


def _write_by_recipe(exchange: Exchange, recipe: Recipe, head: RequestHead, out: Buffer) -> None:
    """Write the same head as `_write_edited`, without taking it apart."""
    plan = exchange.plan
    state = exchange.state
    peer = exchange.peer
    assert plan is not None
    assert state is not None
    if peer.plan is not plan or peer.host != exchange.host:
        host = plan.authority
        if plan.preserve_host:
            host = exchange.host or plan.own_name or host
        peer.plan = plan
        peer.host = exchange.host
        peer.front = b"Host: " + host + b"\r\n"
        if recipe.steady:
            peer.tail = recipe.text(state)
            peer.whole = peer.tail + plan.persistence
    if head.has(_RANGE) and plan.ranges is not None and not recipe.drop >> _RANGE & 1:
        exchange.range = head.field(_RANGE) or b""
        if b"if-range" not in recipe.drop_names:
            exchange.if_range = b", ".join(head.named(b"if-range"))
    if not exchange.upgrade and head.length == NO_BODY and not head.has(_CONTENT_LENGTH):
        tail = peer.whole if recipe.steady else recipe.text(state) + plan.persistence
    else:
        asked = plan.upgrade
        if exchange.upgrade and asked == b"*":
            asked = head.field(_UPGRADE) or b""
        tail = (peer.tail if recipe.steady else recipe.text(state)) + _framed(exchange, head, asked)
    if state.request_id:
        exchange.request_id = state.request_id
    drop = plan.drop | _ALWAYS_OURS | _HOST | recipe.drop
    head.write(out, state.target, drop, recipe.drop_names, tail, peer.front)
    if not plan.keeps_fields:
        state.head = None  # others are scanned into it


def _framed(exchange: Exchange, head: RequestHead, asked: bytes) -> bytes:
    """Return the lines that frame the content, and those that ask for a WebSocket."""
    lines = b""
    length = exchange.length
    if length == CHUNKED:
        lines = b"Transfer-Encoding: chunked\r\n"
    elif length > 0 or head.length == CHUNKED or head.has(_CONTENT_LENGTH):
        lines = content_length(length)
    if exchange.upgrade:
        lines += b"Connection: Upgrade\r\nUpgrade: %b\r\n" % asked
    elif exchange.plan is not None:
        lines += exchange.plan.persistence
    return lines
