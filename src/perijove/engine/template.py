"""What an exchange adds to and changes in fields, after a plan.

Knows field values: forwarding fields, URLs in responses, cookies. Must not know buffers or sockets.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from perijove.engine import fields
from perijove.engine.ids import fresh
from perijove.engine.plan import (
    CLIENT_IP,
    CLIENT_PORT,
    HOSTNAME,
    LITERAL,
    METHOD,
    PATH,
    PUBLIC_HOST,
    PUBLIC_SCHEME,
    QUERY,
    REQUEST_ID,
    SEARCH,
    SERVER_PORT,
    TARGET,
    UPSTREAM,
    CookieMap,
    FieldEdit,
    Plan,
    Template,
    UrlMap,
)

if TYPE_CHECKING:
    from perijove.engine.exchange import Exchange
    from perijove.engine.head import Head, RequestHead
    from perijove.engine.peer import Peer

_port: Final = re.compile(rb":([0-9]{1,5})\Z").search
_url: Final = re.compile(rb"(?i)(https?)://([^/?#]*)")
_refresh_url: Final = re.compile(rb"(?i)\A(\s*[0-9.]+\s*[;,]\s*url\s*=\s*[\"']?)([^\"']*)(.*)\Z", re.DOTALL).match
_is_scheme: Final = re.compile(rb"(?i)(?:https?|wss?)\Z").match
_is_authority: Final = re.compile(rb"(?:[0-9A-Za-z_][0-9A-Za-z._-]*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z").match


def request_id(exchange: Exchange) -> bytes:
    """Return the exchange's id, made when it is first asked for."""
    if not exchange.request_id:
        exchange.request_id = fresh()
    return exchange.request_id


def quoted(text: bytes) -> bytes:
    """Return a text as a value of a query (RFC 3986 §3.4)."""
    return quote(text, safe="").encode()


def without_port(host: bytes) -> bytes:
    """Return a host without its port."""
    found = _port(host)
    return host[: found.start()] if found else host


def port_of(host: bytes, scheme: bytes) -> bytes:
    """Return the port that a host names, or its scheme's."""
    found = _port(host)
    return found[1] if found else b"443" if scheme == b"https" else b"80"


def fill(template: Template, exchange: Exchange) -> bytes:
    """Return a template with what it names filled in."""
    if len(template) == 1 and template[0][0] == LITERAL:
        return template[0][1]
    return b"".join([literal if kind == LITERAL else _value(kind, exchange) for kind, literal in template])


def _value(kind: int, exchange: Exchange) -> bytes:
    peer = exchange.peer
    if kind == CLIENT_IP:
        return exchange.address
    if kind == CLIENT_PORT:
        return b"%d" % peer.port
    if kind == PUBLIC_HOST:
        return exchange.host
    if kind == HOSTNAME:
        return without_port(exchange.host)
    if kind == PUBLIC_SCHEME:
        return exchange.scheme
    if kind == SERVER_PORT:
        return b"%d" % peer.server_port
    if kind == METHOD:
        return exchange.method
    if exchange.path == b"*" and kind in (TARGET, PATH):
        return b""  # it is about the server, and no part of a URL (RFC 9112 §3.3)
    if kind == TARGET:
        return exchange.path
    if kind == PATH:
        return exchange.path.split(b"?", 1)[0]
    if kind == QUERY:
        return exchange.path.partition(b"?")[2]
    if kind == SEARCH:
        _, mark, query = exchange.path.partition(b"?")
        return mark + query
    if kind == REQUEST_ID:
        return request_id(exchange)
    assert kind == UPSTREAM
    return exchange.plan.authority if exchange.plan is not None else b""


def forwarded(exchange: Exchange, head: RequestHead, plan: Plan, drop: int) -> tuple[bytes, int]:
    """Return the field lines that tell upstream of the client, and the mask of fields that stay behind.

    A peer that is not trusted is believed nothing: all such fields of its own stay behind. A trusted one's are kept,
    X-Forwarded-For is appended to, and those that are missing are added. `exchange.host` and `.scheme`
    become what the first of all clients named.
    """
    peer = exchange.peer
    own = plan.own
    known = b"" if peer.address == b"unix:" else peer.address
    if peer.trusted:
        before = head.values(fields.X_FORWARDED_FOR)
        chain = b", ".join([*before, known] if known else before)
        drop |= own & (1 << fields.X_FORWARDED_FOR)
        find_client(exchange, head)
        scheme = head.field(fields.X_SCHEME) or head.field(fields.X_FORWARDED_PROTO) or b""
        scheme = scheme.split(b",", 1)[0].strip().lower()
        if _is_scheme(scheme):
            exchange.scheme = b"https" if scheme in (b"https", b"wss") else b"http"
        host = (head.field(fields.X_FORWARDED_HOST) or b"").split(b",", 1)[0].strip()
        if _is_authority(host):
            exchange.host = host
        own &= ~_present(head, own & ~(1 << fields.X_FORWARDED_FOR))
    else:
        chain = known
        drop |= fields.OWNED
    parts: list[bytes] = []
    if own >> fields.X_FORWARDED_FOR & 1 and chain:
        parts.append(b"X-Forwarded-For: %b\r\n" % chain)
    if own >> fields.X_FORWARDED_PROTO & 1:
        parts.append(b"X-Forwarded-Proto: %b\r\n" % exchange.scheme)
    if own >> fields.X_FORWARDED_HOST & 1 and exchange.host:
        parts.append(b"X-Forwarded-Host: %b\r\n" % exchange.host)
    if own >> fields.X_FORWARDED_PORT & 1:
        parts.append(b"X-Forwarded-Port: %b\r\n" % port_of(exchange.host, exchange.scheme))
    if own >> fields.X_SCHEME & 1:
        parts.append(b"X-Scheme: %b\r\n" % exchange.scheme)
    if own >> fields.X_REAL_IP & 1 and exchange.address != b"unix:":
        parts.append(b"X-Real-IP: %b\r\n" % exchange.address)
    return b"".join(parts), drop


def find_client(exchange: Exchange, head: RequestHead) -> None:
    """Let `exchange.address` be what a trusted peer says that it is."""
    before = head.values(fields.X_FORWARDED_FOR)
    if before:
        exchange.address = client_of(b",".join(before), exchange.peer)


def client_of(chain: bytes, peer: Peer) -> bytes:
    """Return the client's address: the last in X-Forwarded-For that is no trusted proxy's.

    What stands before that one was said by nobody who is believed. Apache's mod_remoteip reads it so.
    """
    found = peer.address
    for one in reversed(chain.split(b",")):
        address = one.strip()
        if not address:
            break
        try:
            trusted = peer.trusts is not None and peer.trusts(address.decode("latin-1"))
        except ValueError:
            break
        found = address
        if not trusted:
            break
    return found


def _present(head: RequestHead, numbers: int) -> int:
    present = 0
    for number in range(fields.X_FORWARDED_FOR, fields.COUNT):
        if numbers >> number & 1 and head.has(number):
            present |= 1 << number
    return present


def add_edits(tail: bytes, edits: tuple[FieldEdit, ...], exchange: Exchange, head: Head) -> bytes:
    """Return `tail` with the lines that `edits` add."""
    for edit in edits:
        if edit.if_absent and head.named(edit.name.lower()):
            continue
        value = fill(edit.value, exchange)
        if b"\r" not in value and b"\n" not in value:
            tail += b"%b: %b\r\n" % (edit.name, value)
    return tail


def map_url(value: bytes, maps: tuple[UrlMap, ...], exchange: Exchange) -> bytes:
    """Return a URL of the upstream as the public knows it; one that is not the upstream's stays as it is.

    The first map whose prefix fits counts. Scheme and authority are compared without case, the path with it.
    """
    for one in maps:
        upstream = fill(one.upstream, exchange)
        found = _url.match(upstream)
        if found:
            size = found.end()
            if value[:size].lower() != upstream[:size].lower():
                continue
            if value[size : size + 1] not in (b"", b"/", b"?", b"#"):
                continue
            rest = value[size:] or b"/"
            if under(rest, upstream[size:]):
                return fill(one.public, exchange) + rest[len(upstream) - size :]
        elif value.startswith(b"/") and not value.startswith(b"//") and under(value, upstream):
            return fill(one.public, exchange) + value[len(upstream) :]
    return value


def under(path: bytes, prefix: bytes) -> bool:
    """Tell whether a path, with what follows it in a URL, lies under a prefix by whole segments."""
    if not path.startswith(prefix):
        return False
    return prefix.endswith(b"/") or path[len(prefix) : len(prefix) + 1] in (b"", b"/", b"?", b"#")


def map_refresh(value: bytes, maps: tuple[UrlMap, ...], exchange: Exchange) -> bytes:
    """Return a Refresh value (`5; url=…`) with its URL mapped."""
    found = _refresh_url(value)
    if not found:
        return value
    return found[1] + map_url(found[2], maps, exchange) + found[3]


def map_cookie(value: bytes, maps: tuple[CookieMap, ...], exchange: Exchange) -> bytes:
    """Return a Set-Cookie value with Path, Domain and Secure as `maps` have them (RFC 6265 §4.1)."""
    https = exchange.scheme == b"https"
    for one in maps:
        attributes = value.split(b";")
        secure = False
        for at in range(1, len(attributes)):
            name, equals, text = attributes[at].partition(b"=")
            key = name.strip().lower()
            text = text.strip()
            if key == b"secure":
                secure = True
            elif key == b"path" and one.path_from is not None and one.path_to is not None and equals:
                if text.startswith(b"/") and under(text, one.path_from):
                    attributes[at] = b" Path=" + one.path_to + text[len(one.path_from) :]
                elif text + b"/" == one.path_from:
                    attributes[at] = b" Path=" + (one.path_to.rstrip(b"/") or b"/")
            elif (
                key == b"domain"
                and one.domain_from is not None
                and equals
                and text.lstrip(b".").lower() == one.domain_from.lower()
            ):
                attributes[at] = b" Domain=" + one.domain_to if one.domain_to else b""
        if one.secure is True and https and not secure:
            attributes.append(b" Secure")
        elif one.secure is False and not https and secure:
            attributes = [part for part in attributes if part.strip().lower() != b"secure"]
        value = b";".join(part for at, part in enumerate(attributes) if at == 0 or part)
    return value
