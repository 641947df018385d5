"""Answers of our own: which page stands for a status, or which request is sent in its place, and how it is written.

Knows what a plan says of errors, in words (`page`) and in lines. Must not know connections: whoever has one writes the octets,
or sends the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine import edits, fields, page, template
from perijove.engine.buffer import Buffer
from perijove.engine.const import ELSEWHERE, FORWARD, FOUND, INSIDE, PAGED, REFUSED, RESPONSE_TIMEOUT, TEXT
from perijove.engine.head import RequestHead
from perijove.engine.response import content_lines, page_fields

if TYPE_CHECKING:
    from perijove.engine.exchange import Exchange
    from perijove.engine.plan import Plan
    from perijove.engine.site import Site
    from perijove.engine.texts import Text

_FRAMING: Final = (b"content-length", b"transfer-encoding")
_CONTENT_TYPE: Final = fields.mask(fields.CONTENT_TYPE)
_OF_CONTENT: Final = fields.HOP_BY_HOP | fields.mask(fields.EXPECT, fields.CONTENT_TYPE, fields.CONTENT_ENCODING)
_ALLOWS: Final = b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
_ONLY_READ: Final = b"Allow: GET, HEAD\r\n"
_MOST_REDIRECTS: Final = 10  # inside, from one page of an error to the next (LimitInternalRecursion)
NO_STORE: Final = b"Cache-Control: no-store\r\n"


class Reply:
    """A status with its content, or, if there is `ask`, a request whose answer is given in its place.

    The exchange has begun with `ask` already: it is only to be sent.
    """

    __slots__ = ("ask", "body", "fields", "kind", "phrase", "status")

    def __init__(self, status: int, kind: bytes = b"", body: bytes = b"", fields: bytes = b"", phrase: bytes = b"") -> None:
        """Take lines of `fields` as they are written; the content's type, its length and what connections need is added."""
        self.status = status
        self.kind = kind
        self.body = body
        self.fields = fields
        self.phrase = phrase
        self.ask: RequestHead | None = None


def refusal(site: Site, exchange: Exchange, accept: bytes, status: int, why: int, wait: int) -> Reply:
    """Return what says that a request is not served.

    Args:
        site: where it came in.
        exchange: of the request.
        accept: the request's Accept.
        status: that says so.
        why: a number of `page`, where a status has more than one reason; or 0.
        wait: seconds after which the client may try again, where that makes sense.
    """
    if site.table.bare:
        reply = _plain(site, exchange, accept, status, 0)
        assert reply is not None
        return reply
    plan = exchange.plan
    if exchange.inside:  # the page of an error could not be had
        status = exchange.instead
    elif plan is not None:
        planned = _planned(site, exchange, plan, status)
        if planned is not None:
            return planned
    kind, body = page.error(status, accept, template.request_id(exchange), why)
    lines = NO_STORE
    if status == 405:
        lines += _ONLY_READ if why == page.READ_ONLY else _ALLOWS
    elif status in (429, 502, 503, 504):
        lines += b"Retry-After: %d\r\n" % wait
    return Reply(status, kind, body, lines)


def _planned(site: Site, exchange: Exchange, plan: Plan, status: int) -> Reply | None:
    """Return what a plan has for a status; None if it leaves that to us."""
    if plan.terse and exchange.upgrade:
        return Reply(status)
    if status in plan.pages:
        written = plan.pages[status][1]
        assert isinstance(written, bytes)
        return Reply(status, b"text/html", written)
    asked = plan.error_pages
    if asked is None or status not in PAGED:
        return None
    url = b"%b%d?url=%b" % (asked.map_to, status, template.quoted(exchange.path))
    head = _scanned(site, url, b"Host: %b\r\n" % asked.authority)
    if head is None:
        return None
    target, path = exchange.target, exchange.path
    _begin_inside(exchange, head, asked)
    exchange.target, exchange.path = target, path
    exchange.instead = status
    return _asking(status, head)


def _plain(site: Site, exchange: Exchange, accept: bytes, status: int, redirects: int) -> Reply | None:
    """Return a refusal where a program decides which fields that has, and perhaps which page it is.

    `redirects` is how many errors were forgotten for this one. None, after some, if there is no answer for its page either.
    """
    if exchange.plan is None:
        _read_none(site, exchange, status)
    plan = exchange.plan
    state = exchange.state
    if exchange.inside and state is not None:
        # The page of an error could not be had: the error itself is told, and no page is looked for anymore (ap_die_r).
        status = int(state.notes.get(b"redirect_status", b"%d" % status))
        plan = None
    phrase = b"" if state is None or status != state.status else state.phrase
    if REFUSED <= exchange.ended <= RESPONSE_TIMEOUT:
        phrase = site.table.phrases[exchange.ended - REFUSED]
    kind = 0
    written: bytes | Text = b""
    if plan is not None and plan.pages:
        kind, written = plan.pages.get(status if page.known(status) else 500, (0, b""))
    text = b""
    if isinstance(written, bytes):
        text = written
    elif state is not None:
        # Of a URL the status is not yet known to be an error (ap_die_r, modules/http/http_request.c).
        state.status, was = status if kind == TEXT else 0, state.status
        text = written.text(state)
        state.status = was
    if kind == INSIDE and state is not None and not exchange.inside:
        redirected = _internal_redirect(site, exchange, accept, text, status, redirects)
        if redirected is not None or redirects:
            return redirected
    location: bytes | None = None
    if state is not None:
        location = state.location if status == state.status else None
        if location is None and status in (405, 501) and plan is not None and exchange.method:
            location = plan.allow  # of what was sent on, nobody here has said what it may be asked (make_allow)
        state.status = status
        exchange.request_id = exchange.request_id or state.request_id
    lines = b"Server: perijove\r\n" + page_fields(exchange)
    if kind != ELSEWHERE:
        lines += page.said(status, location)
    if state is not None and state.content is not None and status == state.status:
        return _content(exchange, status, state.content, b"")
    if status < 300:
        return Reply(status, fields=lines)
    if kind == TEXT:
        return Reply(status, b"text/html; charset=iso-8859-1", text, lines, phrase)
    if kind == ELSEWHERE:
        status, phrase, lines = 302, b"", lines + page.said(302, text)
    content_type, body = page.error(status, accept, template.request_id(exchange), 0)
    # The text is ASCII, and so has this name, too, which is Apache's.
    return Reply(status, content_type.replace(b"utf-8", b"iso-8859-1"), body, lines, phrase)


def _read_none(site: Site, exchange: Exchange, status: int) -> None:
    """Have what is no request refused as the default host says: it is not known yet which it is for (ap_read_request)."""
    host = site.table.default
    program = None if host is None else host.program
    head = _scanned(site, b"/", b"", b"1.0")
    if program is not None and head is not None:
        exchange.state = state = program.refuse(head, exchange.peer, status)
        exchange.plan = state.plan


def _content(exchange: Exchange, status: int, content: bytes, carried: bytes) -> Reply:
    """Return a content that is no page."""
    lines = content_lines(exchange)
    kind = edits.first_of(lines, b"content-type")
    fields = b"Server: perijove\r\n" + carried + edits.joined(edits.kept(lines, _CONTENT_TYPE, frozenset()))
    if kind and not content:  # of an empty file it is told all the same
        fields += b"Content-Type: %b\r\n" % kind
    return Reply(status, kind, content, fields)


def _internal_redirect(
    site: Site, exchange: Exchange, accept: bytes, target: bytes, status: int, redirects: int
) -> Reply | None:
    """Have another request answered in place of this one's error (ap_internal_redirect); None if that is an error, too."""
    if redirects == _MOST_REDIRECTS:
        return None
    state = exchange.state
    assert state is not None
    lines = edits.kept(state.came, _OF_CONTENT, frozenset())
    carried = page.said(status, state.location) if status == state.status and status in (401, 407) else b""
    if any(name.lower() in _FRAMING for name, _ in state.came):
        lines.append((b"Content-Length", b"0"))  # what it says is gone, but it said something
    head = _scanned(site, target, edits.joined(lines))
    if head is None:
        return None
    table = site.table
    # Those of a program's own begin with a zero octet, here as there.
    table.notes = {
        b"\0redirect_" + name[1:] if name[:1] == b"\0" else b"redirect_" + name: value for name, value in state.notes.items()
    }
    table.notes[b"redirect_status"] = b"%d" % status
    plan = table.resolve(head, None, exchange.peer)
    table.notes = None
    made = table.state
    if made is not None and made.content is not None and made.status == 200:
        exchange.inside = True
        exchange.plan = plan
        exchange.state = made
        made.status = status
        return _content(exchange, status, made.content, carried)
    if made is not None and made.anew:
        made.snapshot()
        first = exchange.plan, exchange.state
        exchange.plan, exchange.state = plan, made
        reply = _plain(site, exchange, accept, made.status, redirects + 1)
        if reply is None:
            exchange.plan, exchange.state = first
        return reply
    if plan.kind != FORWARD or made is None:
        return None
    _begin_inside(exchange, head, plan)
    exchange.state = made
    exchange.carried = carried
    # Else the page says its own status (ap_proxy_http_process_response, mod_proxy_http.c).
    if plan.overridden and not exchange.silent:
        exchange.instead = status
    return _asking(status, head)


def _scanned(site: Site, target: bytes, lines: bytes, version: bytes = b"1.1") -> RequestHead | None:
    """Return the head of a request that we make ourselves; None if that would be none."""
    buffer = Buffer()
    buffer.append(b"GET %b HTTP/%b\r\n%b\r\n" % (target, version, lines))
    head = RequestHead()
    return head if head.scan(buffer, site.limits) == FOUND else None


def _begin_inside(exchange: Exchange, head: RequestHead, plan: Plan) -> None:
    """Begin with a request for the page of the error of what the exchange was about; the client's is to be answered."""
    silent = exchange.method == b"HEAD"
    begun, minor, keep_alive, done = exchange.begun, exchange.minor, exchange.keep_alive, exchange.request_done
    exchange.begin(head, plan)
    exchange.begun = begun
    exchange.minor = minor
    exchange.keep_alive = keep_alive and done
    exchange.inside = True
    exchange.silent = silent


def _asking(status: int, head: RequestHead) -> Reply:
    reply = Reply(status)
    reply.ask = head
    return reply


def written(reply: Reply, exchange: Exchange, date: bytes, bare: bool) -> bytes:
    """Return a reply's octets, `date` being its Date; `bare`: the reasons and the order of lines are httpd's."""
    status, body, kind = reply.status, reply.body, reply.kind
    phrase = reply.phrase or (page.reason_of_httpd(status) if bare else page.reason(status))
    lines = [b"HTTP/1.1 %d %b\r\n" % (status, phrase), b"Date: ", date, b"\r\n", reply.fields]
    if kind and body and not bare:
        lines.append(b"Content-Type: %b\r\n" % kind)
    if status not in (204, 304):
        lines.append(b"Content-Length: %d\r\n" % len(body))
    if not exchange.keep_alive:
        lines.append(b"Connection: close\r\n")
    elif exchange.minor == 0:
        lines.append(b"Connection: keep-alive\r\n")
    if kind and body and bare:  # of httpd's own answers it is the last (ap_http_header_filter)
        lines.append(b"Content-Type: %b\r\n" % kind)
    lines.append(b"\r\n")
    if exchange.method != b"HEAD" and not exchange.silent:
        lines.append(body)
        exchange.sent = len(body)
    return b"".join(lines)
