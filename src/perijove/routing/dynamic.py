"""Plans of routes that come and go: one pattern for all of them, and what of it each route changes.

Knows both gateway and engine. Must not know who tells of routes, nor sockets: whoever serves finds the upstream of a target.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from perijove.engine import const, fields
from perijove.engine import plan as plans
from perijove.engine.routes import Dynamic, Routes, Target
from perijove.engine.target import normal
from perijove.gateway.model import TcpAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perijove.engine.upstream import Upstream
    from perijove.gateway.model import Address, Routing

_UNIX: Final = ("http+unix", "unix+http")
_SUN_PATH: Final = 107  # octets (unix(7))
_PORTS: Final = {"http": 80, "https": 443}
# As `Host` has it: no octet in it can end a line, or mean something in a URL.
_is_authority: Final = re.compile(rb"(?:[0-9A-Za-z_][0-9A-Za-z._-]*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z").match
_PAGE: Final = re.compile(r"([45][0-9]{2}|error)\.html\Z").match
# Of the answer that is the page of an error only this is passed on, as configurable-http-proxy does.
_OF_PAGES: Final = fields.mask(fields.CONTENT_TYPE, fields.CONTENT_ENCODING, fields.DATE)


class BadTarget(ValueError):
    """A URL that no route can lead to; the text says why."""


@dataclass(frozen=True, slots=True)
class Url:
    """Where a route leads."""

    scheme: str  # http or https
    address: Address
    path: str

    @property
    def authority(self) -> bytes:
        """What Host says if the client's is not kept."""
        if isinstance(self.address, UnixAddress):
            return b"localhost"
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        return (host if self.address.port == _PORTS[self.scheme] else f"{host}:{self.address.port}").encode("idna")


def url_of(text: str) -> Url:
    """Return what a target's URL says: `http[s]://HOST[:PORT][/PATH]`, or `http+unix://%2FPATH%2FOF%2FSOCKET`.

    Raises:
        BadTarget: it is none of these.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadTarget(f"`{text}` is no URL: {error}") from None
    path = "" if parts.path == "/" else parts.path
    if parts.query or parts.fragment:
        raise BadTarget(f"`{text}` has more than a path: a target is where requests go, each with a query of its own")
    if any(not 0x21 <= ord(octet) < 0x7F for octet in path):
        raise BadTarget(f"`{text}` has a path that cannot stand in a request")
    if parts.scheme in _UNIX and parts.netloc:
        socket = unquote(parts.netloc)
        if "\0" in socket or len(socket.encode("utf-8", "surrogatepass")) > _SUN_PATH:
            raise BadTarget(f"`{text}` names no socket: a path has at most {_SUN_PATH} octets, and no NUL")
        return Url("http", UnixAddress(socket), path)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BadTarget(f"`{text}` is no target: http://HOST:PORT, https://… and http+unix://%2FPATH are")
    found = Url(parts.scheme, TcpAddress(parts.hostname, _PORTS[parts.scheme] if port is None else port), path)
    try:
        named = _is_authority(found.authority) and port != 0
    except UnicodeError:  # of a label that is empty, or too long (RFC 1035 §2.3.4)
        named = None
    if not named:
        raise BadTarget(f"`{text}` names no host that there could be")
    return found


Find = Callable[[Url, Target | None], "Upstream"]


class Destinations:
    """Makes, for tables, what leads to the routes of a gateway."""

    def __init__(self, routing: Routing, routes: Routes, find: Find, pages: Mapping[str, bytes]) -> None:
        """Describe them.

        Args:
            routing: how routes lead on.
            routes: what there is.
            find: the upstream of a URL, for a route or, with None, for pages of errors.
            pages: what the files of `error_pages` hold, by path.
        """
        self._routing = routing
        self._routes = routes
        self._find = find
        self._pages = {found[1]: text for path, text in pages.items() if (found := _PAGE(path.rpartition("/")[2]))}

    def dynamic(self, pattern: plans.Plan, bad: plans.Plan) -> Dynamic:
        """Return what a table leads to routes by; `pattern` has what is the same for all of them."""
        routing = self._routing
        pattern = pattern.copy()  # the plan that leads here is not led to: nothing is left of both when they are given up
        pattern.terse = True
        pattern.preserve_host = routing.preserve_host
        if not routing.tells:
            pattern.own = 0
        for status in const.PAGED if self._pages else ():
            text = self._pages.get(str(status)) or self._pages.get("error")
            if text is not None:
                pattern.pages[status] = const.TEXT, text
        if routing.error_target is not None:
            pattern.error_pages = self._asked(routing.error_target, pattern)
        missing = pattern.copy()
        missing.kind, missing.status = const.REJECT, 404
        made = Dynamic(self._routes, pattern, missing, bad, self._plan, routing.by_host)
        self._routes.users.append(made)
        return made

    def _asked(self, url: str, pattern: plans.Plan) -> plans.Plan:
        """Return the plan by which pages of errors are asked for."""
        to = url_of(url)
        made = plans.Plan(const.FORWARD, pattern.timeouts)
        made.upstream, made.authority = self._find(to, None), to.authority
        made.preserve_host = False
        made.own = 0
        made.map_to = (to.path.rstrip("/") + "/").encode()
        made.response_drop = ((1 << fields.COUNT) - 1) & ~_OF_PAGES
        made.counted = pattern.counted
        return made

    def _plan(self, pattern: plans.Plan, target: Target) -> plans.Plan:
        """Return the plan of a route."""
        routing = self._routing
        url = url_of(target.url)
        made = pattern.copy()
        made.kind = const.FORWARD
        made.upstream, made.authority = self._find(url, target), url.authority
        made.activity = target.activity
        prefix = target.prefix
        if routing.by_host:
            _, slash, rest = prefix[1:].partition(b"/")
            prefix = slash + rest
        made.mount = normal(prefix) or b"/"
        base = url.path.rstrip("/").encode() if routing.keeps_base else b""
        if prefix and not routing.keeps_prefix:
            made.map_from, made.map_to = prefix, base
        elif base:
            made.map_from, made.map_to = b"/", base + b"/"
        return made
