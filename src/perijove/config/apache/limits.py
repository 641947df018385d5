"""How large requests may be, and how long is waited.

Sources: server/core.c and include/httpd.h (DEFAULT_LIMIT_*), ap_set_keepalive (modules/http/http_protocol.c). Knows what servers and
hosts say of it. Must not know where requests go, but that some go nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from perijove.config.apache import reasons
from perijove.config.apache.flow import Flow, Label
from perijove.gateway.conditions import All, Compares, Comparison, Not, NotEmpty
from perijove.gateway.model import Limits, Timeouts
from perijove.gateway.rules import Refuse, Then
from perijove.gateway.templates import Fact, RequestField

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perijove.config.apache.host import Host
    from perijove.config.apache.scope import Levels, Scope

NOWHERE: Final = Not(NotEmpty((Fact.DESTINATION,)))
TIMEOUT: Final = 60.0  # core's Timeout, unless it says otherwise
_EMPTY_LINES: Final = 10  # before a request (DEFAULT_LIMIT_BLANK_LINES, server/protocol.c)
_MOST_FIELDS: Final = 1000  # of a head, where httpd is told that there is no limit
_LARGEST_HEAD: Final = 1 << 17  # octets


def limits(scopes: Sequence[Scope]) -> Limits:
    """Return what a head may have: the first of scopes that says something of it has its way."""

    def said(name: str, default: int) -> int:
        return next((_count(one.said[name][0]) for one in scopes if name in one.said), default)

    # DEFAULT_LIMIT_REQUEST_LINE, _FIELDSIZE, _FIELDS; a line's method and version count with its target.
    line, field, fields = said("limitrequestline", 8190), said("limitrequestfieldsize", 8190), said("limitrequestfields", 100)
    most = fields or _MOST_FIELDS
    header = min(line + most * (field + 2), _LARGEST_HEAD)
    clear = all(option(one.said.get("httpprotocoloptions", ()), "strict", "unsafe") for one in scopes)
    return Limits(request_line=line, field=field, fields=most, header=header, empty_lines=_EMPTY_LINES, clear_hosts=clear)


def contents(flow: Flow, host: Host) -> None:
    """LimitRequestBody: bound the contents of requests that go nowhere (default_handler); those that are proxied have no limit."""
    done = Label()
    for scope in reversed(host.merged):
        if "limitrequestbody" in scope.said:
            most = int(scope.said["limitrequestbody"][0])
            more = Compares((RequestField(b"content-length"),), Comparison.NUMBERS_MORE, (b"%d" % most,))
            if most:
                flow.add(All((host.when(scope), NOWHERE, more)), Refuse(413, reasons.TOO_LARGE), Then.STOP, scope.origin)
            flow.go(done, host.when(scope), scope.origin)
    flow.place(done)


def option(words: Sequence[str], one: str, other: str) -> bool:
    """Tell whether the last of two words that HttpProtocolOptions has is the first of them, as it is where none is said."""
    return next((word == one for word in reversed(words) if word in (one, other)), True)


def timeouts(server: Scope) -> Timeouts:
    """Return how long the server waits."""
    timeout = server.said.get("timeout", TIMEOUT)
    return Timeouts(
        # mod_reqtimeout's own defaults, but for the handshake, which it does not bound by itself.
        header=server.said.get("reqtimeout-header", 20.0),
        handshake=server.said.get("reqtimeout-handshake") or Timeouts().handshake,
        body=timeout,
        connect=timeout,
        response=timeout,
        stream=timeout,
        write=timeout,
        keepalive=float(server.said.get("keepalivetimeout", 5)),
        tunnel=max(timeout, server.said.get("proxytimeout", 0.0)),
    )


def per_connection(levels: Levels) -> int:
    """KeepAlive and MaxKeepAliveRequests. Where nothing is said, there is no limit: httpd's 100 is for its own sake."""
    if levels.said("keepalive", ("on",))[0].lower() == "off":
        return 1
    most = _count(levels.said("maxkeepaliverequests", ("0",))[0])
    return most + 1 if most else 0  # it counts those after which the connection was kept


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
