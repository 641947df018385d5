"""What goes upstream, what becomes of a response, what is answered without an upstream.

It has the engine write the very octets. Knows exchanges and plans. Must not know rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.engine import const, files, page, template
from perijove.engine.buffer import Buffer
from perijove.engine.head import Limits, ResponseHead
from perijove.engine.request import write_request
from perijove.engine.response import page_fields, read_response
from perijove.explain.model import Answer, Line, Mapped, Sent
from perijove.explain.words import octets

if TYPE_CHECKING:
    from perijove.engine.exchange import Exchange
    from perijove.engine.head import RequestHead
    from perijove.engine.plan import Plan
    from perijove.engine.state import State
    from perijove.engine.upstream import Upstream
    from perijove.gateway.model import Gateway

_SERVER: Final = ("Server", "upstream")  # every upstream says one
_OURS: Final = frozenset(("content-length", "connection", "transfer-encoding"))  # of the response that is made up


def begun(exchange: Exchange, head: RequestHead, plan: Plan, state: State | None) -> None:
    """Begin an exchange, as a connection would."""
    exchange.begin(head, plan)
    if plan.edited:
        exchange.state = state


def sent(gateway: Gateway, exchange: Exchange, head: RequestHead, plan: Plan) -> Sent:
    """Return what goes upstream; the exchange has begun."""
    out = Buffer()
    write_request(exchange, head, out)
    line, fields = _head(out.copy())
    to: Upstream = plan.upstream  # type: ignore[assignment]
    known = gateway.upstreams.get(to.name)
    address = octets(to.authority) if known is None else str(known.address)
    return Sent(to.name, address, known is not None and known.tls is not None, line, fields)


def responses(
    exchange: Exchange, head: RequestHead, plan: Plan, state: State | None, went: Sent
) -> tuple[list[Mapped], list[Line]]:
    """Return what becomes of URLs and cookies that this upstream might send, and the fields that responses get besides."""
    to: Upstream = plan.upstream  # type: ignore[assignment]
    origin = f"{'https' if went.tls else 'http'}://{octets(to.authority)}"
    path = went.line.split(" ")[1].partition("?")[0]
    folder = path[: path.rfind("/") + 1] or "/"
    name = octets(template.without_port(to.authority))
    found: list[Mapped] = []
    added: list[Line] = []
    samples: tuple[tuple[Line, ...], ...] = (
        (
            ("Location", origin + path),
            ("Set-Cookie", f"name=value; Path={folder}"),
            ("Set-Cookie", f"name=value; Path=/; Domain={name}"),
        ),
        (("Location", path),),
    )
    for sample in samples:
        begun(exchange, head, plan, state)
        text = "".join(f"{known}: {value}\r\n" for known, value in (*sample, _SERVER))
        source, out = Buffer(), Buffer()
        source.append(f"HTTP/1.1 302 Found\r\n{text}Content-Length: 0\r\n\r\n".encode("utf-8", "surrogateescape"))
        if read_response(exchange, ResponseHead(), Limits(), source, out) != const.FOUND:
            continue
        left = list(_head(out.copy())[1])
        for known, value in sample:
            at = next((at for at, line in enumerate(left) if line[0].lower() == known.lower()), None)
            found.append(Mapped(known, value, None if at is None else left.pop(at)[1]))
        added += [line for line in left if line[0].lower() not in _OURS and line not in (*added, _SERVER)]
    order = {known: at for at, known in enumerate(dict.fromkeys(one.name for one in found))}
    return sorted(found, key=lambda one: order[one.name]), added


def answer(exchange: Exchange, head: RequestHead, plan: Plan) -> Answer:
    """Return what the client gets where nothing is forwarded; the exchange has begun."""
    state = exchange.state
    status = plan.status
    if plan.kind == const.RESPOND:
        template.forwarded(exchange, head, plan, 0)  # for the public scheme and host behind a trusted peer
        extra = template.add_edits(b"", plan.response_edits, exchange, head)
        body = template.fill(plan.body, exchange)
        kind = [("Content-Type", octets(plan.content_type))] if plan.content_type and body else []
        return Answer(status, octets(page.reason(status)), (*_lines(extra), *kind), octets(body))
    if plan.kind == const.FILE:
        if head.method not in (b"GET", b"HEAD"):
            return Answer(405, octets(page.reason(405)), (("Allow", "GET, HEAD"),), "")
        if files.read(plan.directory, head.path.split(b"?", 1)[0][len(plan.below) :]) is None:
            return Answer(404, octets(page.reason(404)), (), "")
        return Answer(200, "OK", (("Content-Type", octets(plan.content_type)), ("Cache-Control", "no-store")), "")
    if state is None:
        return Answer(status, octets(page.reason(status)), (), "")
    state.snapshot()
    extra = page_fields(exchange)
    if status == state.status:
        extra += page.said(status, state.location)
    kind_of_page, written = plan.pages.get(status, (0, b""))
    text = written if isinstance(written, bytes) else written.text(state)
    if kind_of_page == const.ELSEWHERE:
        return Answer(302, "Found", (*_lines(extra), ("Location", octets(text))), "")
    body = text if kind_of_page == const.TEXT else b"the page of " + text if kind_of_page == const.INSIDE else b""
    return Answer(status, octets(page.reason(status)), _lines(extra), octets(body))


def _head(text: bytes) -> tuple[str, tuple[Line, ...]]:
    line, _, rest = text.partition(b"\r\n")
    return octets(line), _lines(rest)


def _lines(text: bytes) -> tuple[Line, ...]:
    pairs = [line.partition(b":") for line in text.split(b"\r\n") if line]
    return tuple((octets(name), octets(value.strip(b" \t"))) for name, _, value in pairs)
